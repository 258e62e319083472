import re

import numpy as np
import pytest

from mmkeras.metrics import clip_score

IMAGES = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
# cosines: 3/5 = 0.6, 1, and -1, which counts as 0
CAPTIONS = np.array([[3.0, 4.0], [0.0, 5.0], [-1.0, 0.0]])


def test_scores_by_hand():
    scores = clip_score(IMAGES, CAPTIONS)
    np.testing.assert_allclose(scores["per_caption"], [1.5, 2.5, 0.0])
    assert scores["CLIPScore"] == pytest.approx(4 / 3)


def test_with_references():
    # best cosines: (3, 4) with (0, 1): 0.8; (0, 5) with (3, 4): 0.8; 1 with itself
    references = [[[0, 1], [-1, 0]], [[3, 4]], [[-1, 0]]]
    scores = clip_score(IMAGES, CAPTIONS, references)
    # harmonic means: 2*1.5*0.8/2.3, 2*2.5*0.8/3.3, and 0 of 0 and 1
    expected = [2.4 / 2.3, 4 / 3.3, 0]
    np.testing.assert_allclose(scores["per_caption_with_references"], expected)
    assert scores["RefCLIPScore"] == pytest.approx(np.mean(expected))


@pytest.mark.parametrize(
    ("images", "captions", "references", "message"),
    [
        (IMAGES[:2], CAPTIONS, None, "(2, 2) and (3, 2)"),
        (IMAGES[0], CAPTIONS, None, "`image_embeddings` must be"),
        (IMAGES, np.full((3, 2), np.nan), None, "in row 0"),
        (IMAGES[:0], CAPTIONS[:0], None, "at least one row"),
        (IMAGES, CAPTIONS, [[[1, 0]]], "for each of 3 captions. Received: 1"),
        (IMAGES, CAPTIONS, [[[1, 0]], [[1, 0, 0]], [[1, 0]]], "embeddings[1]"),
    ],
)
def test_shapes_that_do_not_match(images, captions, references, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        clip_score(images, captions, references)
