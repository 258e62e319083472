import io
import os
import pathlib

import pytest
import tensorflow as tf

from mmkeras.datasets import SceneRenderer, SceneSampler, concepts_named
from mmkeras.datasets.scene_language import captions, questions
from mmkeras.models import Task
from tests.presets import Presets

SIDE = 32

# Two devices, since most faults of strategies of tf.distribute show on several only.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
# Rewriting graphs takes a third of the tests' time, and gains nothing for a few rows.
# Commands, those of the README among them, run in other processes, with it.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def tiny_rows(number: int, language: str = "en") -> list[dict]:
    """Scenes of a few shapes, small enough to learn in seconds.

    They have the inputs and targets of all tasks; `tags` are the words for the shapes.
    """
    # "circle" of "red circle".
    names = {c.id: c.singular.split()[-1] for c in concepts_named("shapes")[:6]}
    sampler = SceneSampler("shapes", list(names))
    renderer = SceneRenderer(SIDE)
    rows = []
    for index in range(number):
        scene = sampler.sample(str(index))
        image = io.BytesIO()
        renderer.render(scene).save(image, "PNG")
        asked = questions(scene, language, str(index))
        rows.append(
            {
                "image": image.getvalue(),
                "image_id": str(index),
                "captions": captions(scene, language, str(index)),
                "question": [question for question, _ in asked],
                "answer": [answer for _, answer in asked],
                "tags": sorted({names[one] for one in scene.counts()}),
                "scene": scene.to_json(),
            }
        )
    return rows


def to_dataset(rows: list[dict]) -> tf.data.Dataset:
    """An unbatched dataset of samples, as the sources of `mmkeras.data` return it."""
    spec = {
        name: tf.TensorSpec([None] if isinstance(value, list) else [], tf.string)
        for name, value in rows[0].items()
    }
    dataset = tf.data.Dataset.from_generator(lambda: rows, output_signature=spec)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(rows)))
    # They take up to five seconds for each iterator, and gain nothing for a few rows.
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    return dataset.with_options(options)


@pytest.fixture(scope="session")
def scenes() -> list[dict]:
    return tiny_rows(64)


@pytest.fixture(scope="session")
def dataset(scenes) -> tf.data.Dataset:
    return to_dataset(scenes)


@pytest.fixture(scope="session")
def images(scenes) -> list[bytes]:
    return [row["image"] for row in scenes]


@pytest.fixture(scope="session")
def presets(tmp_path_factory, dataset) -> Presets:
    """Tiny trained tasks, so that no test trains one only to have it."""
    folder = tmp_path_factory.getbasetemp()
    # Each process of pytest-xdist has a folder inside of the one they share.
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    return Presets(folder / "presets", dataset)


@pytest.fixture(scope="session")
def captioner(presets) -> Task:
    """A trained `ImageCaptioner`. Tests that change it take `presets.load`."""
    return presets.load("captioner")


@pytest.fixture(scope="session")
def vqa(presets) -> Task:
    """A trained `VisualQA`. Tests that change it take `presets.load`."""
    return presets.load("vqa")


@pytest.fixture(scope="session")
def generative_vqa(presets) -> Task:
    """A trained `GenerativeVisualQA`. Tests that change it take `presets.load`."""
    return presets.load("generative-vqa")


# Folders and files whose tests train, convert or export models, or run commands in
# other processes. A test there that does none of this can be marked `fast`.
LONG = {
    "apps",
    "cli",
    "conformance",
    "examples",
    "export",
    "keras2",
    "models",
    "serving",
    "training",
    "test_mobile_doc.py",
    "test_old_models_doc.py",
    "test_readme.py",
}


# Files whose tests share nothing, and run in several processes; those of others stay
# together.
SPREAD = {"test_readme.py"}


# Before pytest-xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
# Before pytest-xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]):
    """Mark the tests of `make test-fast`, group and order all of them.

    Every test outside of `LONG` that is not `slow` is `fast`. The README's tests come
    first, since they take longest.
    """
    tests = pathlib.Path(__file__).parent
    for item in items:
        if item.path.name not in SPREAD:
            name = str(item.path.relative_to(tests))
            item.add_marker(pytest.mark.xdist_group(name))
        place = item.path.relative_to(tests).parts[0]
        if place not in LONG and item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.fast)
    items.sort(key=lambda item: item.path.name != "test_readme.py")
