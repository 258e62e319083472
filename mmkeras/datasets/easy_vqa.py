"""Questions about images of one plain shape, from the package easy-vqa."""

from __future__ import annotations

import importlib.util
import json
import pathlib

import tensorflow_datasets as tfds

_DESCRIPTION = """
easy-VQA: generated images of one circle, rectangle or triangle in one of eight colours,
each with questions of a few patterns about its shape, its colour, and whether a shape
or a colour is present. There are 13 answers. The constant answer "yes" is correct for
37% of the questions.
"""
_SPLITS = ("train", "test")
_SHAPES = ("circle", "rectangle", "triangle")
_YES_NO = ("yes", "no")


class EasyVqa(tfds.core.GeneratorBasedBuilder):
    """The dataset easy-VQA, with one sample for each image.

    Every sample is a dict of `image` (PNG of 64 × 64 pixels, as in the package),
    `image_id` (`"train/17"`), and of `question`, `answer` and `question_type` (lists of
    strings of equal length). `question_type` is `"yes/no"`, `"shape"` or `"color"`,
    derived from the answer. The splits are `train` (4,000 images, 38,575 questions) and
    `test` (1,000 images, 9,673 questions).

    Raises:
        ImportError: if the package `easy-vqa` is not installed.

    Example:
        ```python
        train, test = mmkeras.data.load("easy_vqa", split=("train", "test"))
        ```

    Reference:
        - [Zhou, 2019](https://victorzhou.com/blog/easy-vqa/)
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        strings = tfds.features.Sequence(tfds.features.Text())
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(64, 64, 3), encoding_format="png"
                    ),
                    "image_id": tfds.features.Text(),
                    "question": strings,
                    "answer": strings,
                    "question_type": strings,
                }
            ),
            homepage="https://github.com/vzhou842/easy-VQA",
            license="MIT",
        )

    def _split_generators(self, dl_manager):
        folder = _package_folder() / "data"
        return {split: self._generate_examples(folder, split) for split in _SPLITS}

    def _generate_examples(self, folder: pathlib.Path, split: str):
        rows = json.loads((folder / split / "questions.json").read_bytes())
        by_image: dict[int, list[tuple[str, str]]] = {}
        for question, answer, number in rows:
            by_image.setdefault(number, []).append((question, answer))
        for number, pairs in by_image.items():
            sample = {
                "image": folder / split / "images" / f"{number}.png",
                "image_id": f"{split}/{number}",
                "question": [question for question, _ in pairs],
                "answer": [answer for _, answer in pairs],
                "question_type": [_question_type(answer) for _, answer in pairs],
            }
            yield number, sample


def _package_folder() -> pathlib.Path:
    # Located without running its code.
    spec = importlib.util.find_spec("easy_vqa")
    if spec is None or spec.origin is None:
        raise ImportError(
            "The dataset easy_vqa needs the package `easy-vqa`, which is not "
            "installed: pip install 'mmkeras[easy-vqa]'"
        )
    return pathlib.Path(spec.origin).parent


def _question_type(answer: str) -> str:
    if answer in _YES_NO:
        return "yes/no"
    return "shape" if answer in _SHAPES else "color"
