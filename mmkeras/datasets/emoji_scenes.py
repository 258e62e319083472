"""A generated dataset of scenes with captions and questions."""

from __future__ import annotations

import dataclasses
import io

import tensorflow_datasets as tfds

from mmkeras.datasets.concepts import concepts_named
from mmkeras.datasets.scene_language import captions, questions
from mmkeras.datasets.scene_renderer import SceneRenderer
from mmkeras.datasets.scene_sampler import SceneSampler

_DESCRIPTION = """
Generated images, not photographs: 1 to 4 OpenMoji drawings (or plain shapes) on a
coloured background, with true captions and question-answer pairs generated from the
scene. `train`, `validation` and `test` have the same pairs of objects; every image of
`test_unseen_pairs` shows a pair of objects that does not occur in training.
"""

_SPLITS = {
    "train": 30_000,
    "validation": 1_000,
    "test": 1_000,
    "test_unseen_pairs": 1_000,
}


@dataclasses.dataclass
class EmojiScenesConfig(tfds.core.BuilderConfig):
    """One variant of `emoji_scenes`.

    Args:
        concepts: string, `"small"`, `"large"` or `"shapes"`.
        language: string, `"en"` or `"zh"`.
        image_size: int, side of the square images in pixels.
        train_scenes: int, number of scenes in the split `train`.
        test_scenes: int, number of scenes in each of the other splits.
        seed: int.
    """

    concepts: str = "small"
    language: str = "en"
    image_size: int = 96
    train_scenes: int = _SPLITS["train"]
    test_scenes: int = _SPLITS["test"]
    seed: int = 0


def _config(name: str, **kwargs) -> EmojiScenesConfig:
    return EmojiScenesConfig(
        name=name, version=tfds.core.Version("1.0.0"), description=name, **kwargs
    )


class EmojiScenes(tfds.core.GeneratorBasedBuilder):
    """Scenes composed of drawings, with captions, questions and the true scene.

    Every sample is a dict of `image` (PNG), `image_id`, `captions`, `question`
    and `answer` (each a list of strings) and `scene` (JSON, read by
    `mmkeras.datasets.Scene.from_json`).

    Example:
        ```python
        train, test = mmkeras.data.load(
            "emoji_scenes/small", split=("train", "test_unseen_pairs"))
        ```
    """

    # Other sizes are built with a custom config:
    # EmojiScenes(config=EmojiScenesConfig(name="tiny", train_scenes=100, ...)).
    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        _config("small"),
        _config("small_zh", language="zh"),
        _config("large", concepts="large", image_size=224, train_scenes=10_000),
        _config(
            "large_zh",
            concepts="large",
            image_size=224,
            language="zh",
            train_scenes=10_000,
        ),
        _config("small_shapes", concepts="shapes"),
        _config("small_shapes_zh", concepts="shapes", language="zh"),
    ]

    def _info(self) -> tfds.core.DatasetInfo:
        strings = tfds.features.Sequence(tfds.features.Text())
        side = self.builder_config.image_size
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(side, side, 3), encoding_format="png"
                    ),
                    "image_id": tfds.features.Text(),
                    "captions": strings,
                    "question": strings,
                    "answer": strings,
                    "scene": tfds.features.Text(),
                }
            ),
            homepage="https://openmoji.org",
            license="Images: OpenMoji, CC BY-SA 4.0",
        )

    def _split_generators(self, dl_manager):
        sizes = dict.fromkeys(_SPLITS, self.builder_config.test_scenes)
        sizes["train"] = self.builder_config.train_scenes
        return {
            split: self._generate_examples(split, size) for split, size in sizes.items()
        }

    def _generate_examples(self, split: str, size: int):
        config = self.builder_config
        ids = [concept.id for concept in concepts_named(config.concepts)]
        renderer = SceneRenderer(config.image_size)
        sampler = SceneSampler(config.concepts, ids, split == "test_unseen_pairs")
        for index in range(size):
            seed = f"{config.seed}/{split}/{index}"
            yield index, _example(seed, sampler, renderer, config.language)


def _example(seed: str, sampler: SceneSampler, renderer: SceneRenderer, language: str):
    scene = sampler.sample(seed)
    image = io.BytesIO()
    renderer.render(scene).save(image, "PNG", compress_level=1)
    image.seek(0)
    pairs = questions(scene, language, seed)
    return {
        "image": image,
        "image_id": seed,
        "captions": captions(scene, language, seed),
        "question": [question for question, _ in pairs],
        "answer": [answer for _, answer in pairs],
        "scene": scene.to_json(),
    }
