import json
import pathlib

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from mmkeras.keras2 import TensorOperation, load_tf_keras
from tests.keras2 import old_models

L = tf_keras.layers


def pixels(side, rows=2):
    rng = np.random.default_rng(7)
    return rng.uniform(0, 255, (rows, side, side, 3)).astype("float32")


def assert_same(old, new, inputs):
    before = tf.nest.flatten(old(inputs, training=False))
    after = keras.tree.flatten(new(inputs, training=False))
    for a, b in zip(before, after, strict=True):
        a = np.asarray(a)
        assert np.ptp(a) > 0
        np.testing.assert_allclose(b, a, atol=1e-4 * np.abs(a).max())


def saved(model, folder, form) -> pathlib.Path:
    path = folder / {"h5": "old.h5", "folder": "old", "keras": "old.keras"}[form]
    model.save(path)
    return path


# Saving this model as a folder takes 15 seconds.
@pytest.mark.parametrize("form", ["h5", "keras"])
def test_file_of_an_image_model(form, tmp_path):
    old = old_models.mobilenet()
    new = load_tf_keras(saved(old, tmp_path, form))
    assert isinstance(new, keras.Model) and new.output_shape == (None, 2, 2, 1280)
    assert_same(old, new, pixels(64))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        # Rescaling, Normalization, dropout with a shape of noise, multiplied vectors
        ("EfficientNetB0", {}),
        ("ResNet50", {}),
        # Functions of TensorFlow, and slashes in names
        ("MobileNetV3Small", {"minimalistic": False}),
    ],
)
def test_models_of_keras_applications(name, settings):
    make = getattr(tf_keras.applications, name)
    old = make(input_shape=(64, 64, 3), include_top=False, weights=None, **settings)
    old_models.disturbed(old)
    assert_same(old, load_tf_keras(old), pixels(64))


TOKENS = np.array([[3, 4, 5, 6, 7], [8, 9, 0, 0, 0]])
CASES = {
    "shared and inner": (old_models.small_cnn, pixels(32)),
    "text": (old_models.text_model, TOKENS),
    "text of a fixed length": (lambda: old_models.text_model(5, False), TOKENS),
    "functions": (old_models.operations, [TOKENS, (TOKENS > 0).astype("float32")]),
    "recurrent": (
        old_models.recurrent,
        np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32"),
    ),
    "normalizing": (old_models.normalizing, pixels(8)),
}


@pytest.mark.parametrize(
    ("case", "form"),
    [
        *((case, "h5") for case in CASES),
        *((case, "folder") for case in ("shared and inner", "text", "functions")),
        ("recurrent", "keras"),
    ],
)
def test_files_of_many_layers(case, form, tmp_path):
    make, inputs = CASES[case]
    old = make()
    new = load_tf_keras(saved(old, tmp_path, form))
    assert_same(old, new, inputs)
    new.save(tmp_path / "new.keras")
    again = keras.saving.load_model(tmp_path / "new.keras")
    assert_same(old, again, inputs)


def test_it_can_be_trained():
    new = load_tf_keras(old_models.small_cnn())
    new.compile(keras.optimizers.Adam(0.01), "mse")
    inputs, targets = pixels(32), np.zeros((2, 8, 8, 6), "float32")
    losses = new.fit(inputs, targets, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_frozen_layers_stay_frozen():
    old = old_models.small_cnn()
    old.get_layer("block/depthwise").trainable = False
    old.get_layer("stem").trainable = False
    new = load_tf_keras(old)
    assert not new.get_layer("block_depthwise").trainable
    assert not new.get_layer("stem").trainable_weights
    assert len(new.trainable_weights) == len(old.trainable_weights) == 3


def in_inference_mode(**kwargs):
    x = tf_keras.Input((4, 4, 3))
    base = tf_keras.Sequential(
        [L.BatchNormalization(input_shape=(4, 4, 3)), L.Dropout(0.5)], name="base"
    )
    return old_models.disturbed(tf_keras.Model(x, base(x, **kwargs)))


def test_call_in_inference_mode_is_preserved():
    new = load_tf_keras(in_inference_mode(training=False))
    expected = np.asarray(new(pixels(4)))
    np.testing.assert_array_equal(new(pixels(4), training=True), expected)
    new.compile("sgd", "mse")
    statistics = new.get_weights()[2:]
    new.fit(pixels(4), np.ones((2, 4, 4, 3)), verbose=0)
    np.testing.assert_array_equal(new.get_weights()[2:], statistics)
    assert len(new.trainable_weights) == 2
    other = load_tf_keras(in_inference_mode())
    assert np.any(np.asarray(other(pixels(4), training=True)) != expected)


def test_weights_only_with_an_architecture(tmp_path):
    old = old_models.text_model()
    old.save_weights(tmp_path / "weights.h5")
    (tmp_path / "model.json").write_text(old.to_json(), "utf-8")
    with pytest.raises(ValueError, match="weights without a model. .*model.to_json"):
        load_tf_keras(tmp_path / "weights.h5")
    new = load_tf_keras(tmp_path / "weights.h5", architecture=tmp_path / "model.json")
    assert_same(old, new, TOKENS)
    other = old_models.text_model()
    new = load_tf_keras(tmp_path / "weights.h5", architecture=other)
    assert_same(old, new, TOKENS)


def test_unknown_image_size():
    old = old_models.mobilenet(input_shape=(None, None, 3))
    new = load_tf_keras(old, input_shape=(96, 96, 3))
    assert new.output_shape == (None, 3, 3, 1280)
    assert_same(old, new, pixels(96))
    with pytest.raises(ValueError, match=r"\(None, None, 3\).*=\(96, 96, 1\)"):
        load_tf_keras(old, input_shape=(96, 96, 1))


def test_classifier_is_cut_at_its_feature_map():
    old = old_models.mobilenet(include_top=True, classes=7)
    new = load_tf_keras(old, output_layer="out_relu")
    assert new.output_shape == (None, 2, 2, 1280)
    cut = tf_keras.Model(old.input, old.get_layer("out_relu").output)
    assert_same(cut, new, pixels(64))
    with pytest.raises(ValueError, match="must be a layer of .*predictions.*'top'"):
        load_tf_keras(old, output_layer="top")


@keras.saving.register_keras_serializable(package="test")
class Squash(keras.layers.Layer):
    def __init__(self, power=2, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def build(self, input_shape):
        self.factor = self.add_weight(shape=input_shape[-1:], name="factor")

    def call(self, x):
        return self.factor * x**self.power

    def get_config(self):
        return {**super().get_config(), "power": self.power}


class WrongSquash(Squash):
    def call(self, x):
        return self.factor * x


@pytest.mark.parametrize("form", ["h5", "folder", "keras"])
def test_custom_layer(form, tmp_path):
    old = old_models.squashing()
    path = saved(old, tmp_path, form)
    old_classes = {"Squash": old_models.Squash}
    new = load_tf_keras(path, old_classes, {"Squash": Squash})
    assert new.get_layer("squash").power == 3
    assert_same(old, new, pixels(8))
    with pytest.raises(
        ValueError, match="'squash' .Squash. cannot .* custom layer.*New"
    ):
        load_tf_keras(path, old_classes)
    with pytest.raises(ValueError, match="custom_objects={'"):
        load_tf_keras(path)


def test_the_first_layer_that_differs_is_named():
    old, wrong = old_models.squashing(), {"Squash": WrongSquash}
    with pytest.raises(ValueError, match="first layer that differs is 'squash'"):
        load_tf_keras(old, replacements=wrong)
    x = tf_keras.Input((8, 8, 3))
    outer = tf_keras.Model(x, L.ReLU()(old(L.Conv2D(3, 1)(x))))
    with pytest.raises(ValueError, match="first layer that differs is 'squash'"):
        load_tf_keras(outer, replacements=wrong)


def test_the_tolerance_is_relative_to_the_largest_value():
    x = tf_keras.Input((4,))
    old = tf_keras.Model(x, L.Activation("linear", name="same")(x))
    slightly = {"same": keras.layers.Rescaling(1.001, name="slightly")}
    with pytest.raises(ValueError, match="by 0.001 .* tolerance of 0.0001"):
        load_tf_keras(old, replacements=slightly)
    assert load_tf_keras(old, replacements=slightly, tolerance=0.002).layers


def test_outputs_that_are_not_finite():
    x = tf_keras.Input((4,))
    old = tf_keras.Model(x, tf.math.log(x * 0.0 - 1.0))
    with pytest.raises(ValueError, match="'tf.math.log' is not finite"):
        load_tf_keras(old)


def test_hard_sigmoid_is_that_of_keras_2():
    x = tf_keras.Input((3,))
    new = load_tf_keras(tf_keras.Model(x, L.Activation("hard_sigmoid")(x)))
    # 1 / 5 + 1 / 2; 2.7 / 5 + 1 / 2 is above 1, where that of Keras 3 is 0.95.
    np.testing.assert_allclose(new(np.array([[1.0, 2.7, -3.0]])), [[0.7, 1.0, 0.0]])


@pytest.mark.parametrize("form", ["h5", "folder", "keras"])
def test_code_in_a_file_is_not_executed(form, tmp_path):
    trace = tmp_path / "trace"
    path = str(trace)

    def touch(x):
        import pathlib

        pathlib.Path(path).touch()
        return x * 2.0

    x = tf_keras.Input((4,))
    old = tf_keras.Model(x, L.Lambda(lambda x: touch(x), name="doubled")(x))
    file = saved(old, tmp_path, form)
    trace.unlink()
    with pytest.raises(ValueError, match="contains Python code in the layer 'doubled'"):
        load_tf_keras(file)
    assert not trace.exists()
    with pytest.raises(ValueError, match="'doubled' .Lambda. cannot be converted"):
        load_tf_keras(old)
    new = load_tf_keras(
        old, replacements={"doubled": keras.layers.Rescaling(2.0, name="doubled")}
    )
    assert_same(old, new, np.ones((1, 4), "float32") * [[1, 2, 3, 4]])


@pytest.mark.parametrize(
    "arguments",
    [
        {"function": "4wEAAAAA", "function_type": "lambda"},
        {
            "function": "relu",
            "function_type": "function",
            "output_shape": ["4wEAAAAA", None, None],
            "output_shape_type": "lambda",
        },
        {"function": "relu", "mask": ["4wEAAAAA", None, None], "mask_type": "lambda"},
        {"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAAA"}}},
    ],
)
def test_code_in_any_argument_of_a_file_is_refused(arguments, tmp_path):
    file = saved(
        tf_keras.Sequential([tf_keras.Input((4,)), L.Lambda(tf.nn.relu, name="odd")]),
        tmp_path,
        "h5",
    )
    with h5py.File(file, "r+") as opened:
        config = json.loads(opened.attrs["model_config"])
        config["config"]["layers"][-1]["config"].update(arguments)
        opened.attrs["model_config"] = json.dumps(config)
    with pytest.raises(ValueError, match="contains Python code in the layer 'odd'"):
        load_tf_keras(file)


def test_unsupported_function():
    x = tf_keras.Input((4,))
    old = tf_keras.Model(x, tf.math.digamma(x))
    message = "'tf.math.digamma' .tf.math.digamma. cannot be converted.*not supported"
    with pytest.raises(ValueError, match=message):
        load_tf_keras(old)
    with pytest.raises(ValueError, match="'tf.io.write_file' is not supported"):
        TensorOperation("io.write_file", [["/tmp/x", {"tensor": 0}], {}])


class Subclassed(tf_keras.Model):
    def call(self, x):
        return x * 2.0


def subclassed():
    model = Subclassed()
    model(np.ones((1, 4)))
    return model


def stateful():
    x = tf_keras.Input(batch_shape=(2, 5, 4))
    return tf_keras.Model(x, L.GRU(3, stateful=True, name="keeps")(x))


def strings():
    x = tf_keras.Input((), dtype="string", name="words")
    return tf_keras.Model(x, tf.strings.length(x))


def local():
    x = tf_keras.Input((6, 2))
    return tf_keras.Model(x, L.LocallyConnected1D(2, 3, name="local")(x))


def shared_across():
    conv = L.Conv2D(3, 1, name="twice")
    x, y = tf_keras.Input((4, 4, 3)), tf_keras.Input((4, 4, 3))
    return tf_keras.Model(x, conv(tf_keras.Model(y, conv(y), name="inner")(x)))


def both_modes():
    normal, x = L.BatchNormalization(name="normal"), tf_keras.Input((4,))
    return tf_keras.Model(x, normal(normal(x, training=False)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (subclassed, "Subclassed. is not a functional or sequential model"),
        (stateful, "'keeps' .GRU. cannot be converted .* it is `stateful`"),
        (strings, "'words' is sparse, ragged or of strings"),
        (local, "'local' .LocallyConnected1D. .* has no layer LocallyConnected1D"),
        (lambda: in_inference_mode(training=True), "'base' .*`training=True`"),
        (both_modes, "'normal' .*`training=False` and without it"),
        (shared_across, "'twice' .Conv2D. is shared by the models"),
        (lambda: 7, "path of a Keras 2 model.*Received: int"),
    ],
)
def test_models_that_cannot_be_converted(make, message):
    with pytest.raises(ValueError, match=message):
        load_tf_keras(make())


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="no_such.h5"):
        load_tf_keras(tmp_path / "no_such.h5")
    (tmp_path / "text.h5").write_text("no model")
    with pytest.raises(ValueError, match="text.h5 is not an HDF5 or `.keras` file"):
        load_tf_keras(tmp_path / "text.h5")
    with pytest.raises(
        ValueError, match="is not a SavedModel: it lacks saved_model.pb"
    ):
        load_tf_keras(tmp_path)
    old = old_models.text_model()
    old.save(tmp_path / "cut.h5")
    content = (tmp_path / "cut.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="cut.h5 is corrupted"):
        load_tf_keras(tmp_path / "cut.h5")


def test_saved_model_without_layers(tmp_path):
    module = tf.Module()
    module.run = tf.function(
        lambda x: x, input_signature=[tf.TensorSpec([None, 3], tf.float32)]
    )
    tf.saved_model.save(module, str(tmp_path / "plain"))
    message = "plain was written by .*model.save.'backbone.h5'.*TFSMLayer"
    with pytest.raises(ValueError, match=message):
        load_tf_keras(tmp_path / "plain")


@pytest.mark.parametrize("name", ["new.h5", "new.keras"])
def test_file_of_keras_3_needs_no_conversion(name, tmp_path):
    x = keras.Input((4,))
    keras.Model(x, keras.layers.Dense(2)(x)).save(tmp_path / name)
    with pytest.raises(ValueError, match="saved by Keras 3.*keras.saving.load_model"):
        load_tf_keras(tmp_path / name)
