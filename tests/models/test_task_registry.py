import dataclasses
import importlib.metadata
import subprocess
import sys
import types

import pytest

from mmkeras.models import CaptionerRun, ImageRun, Run, register_task, registry
from mmkeras.models.registry import spec_of_class, spec_of_run, task_specs

pytestmark = pytest.mark.fast

SPEC = dataclasses.replace(
    task_specs()["captioner"],
    name="tagger",
    task="my_plugin.tagger:ImageTagger",
    run="mmkeras.models.image_run:ImageRun",
)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))


def install(monkeypatch, value):
    """An entry point of a plugin."""
    entry = importlib.metadata.EntryPoint("tagger", value, "mmkeras.tasks")
    monkeypatch.setattr(
        importlib.metadata,
        "entry_points",
        lambda group: [entry] if group == "mmkeras.tasks" else [],
    )


def test_built_in_tasks():
    assert [spec.class_name for spec in task_specs().values()] == [
        "ImageCaptioner",
        "VisualQA",
        "GenerativeVisualQA",
    ]
    for spec in task_specs().values():
        task = spec.load_task()
        assert task.spec is spec and task.__name__ == spec.class_name
        assert callable(getattr(task, spec.verb))
        assert set(spec.tiny) <= set(spec.load_run().names())


def test_a_decorator_registers_a_task():
    class ImageTagger:
        pass

    assert register_task(SPEC)(ImageTagger) is ImageTagger
    assert ImageTagger.spec is SPEC is task_specs()["tagger"]
    assert spec_of_class("ImageTagger") is SPEC
    # Modules may be imported twice.
    register_task(SPEC)
    other = dataclasses.replace(SPEC, task="other:ImageTagger")
    with pytest.raises(ValueError, match="'tagger' is registered already.*my_plugin"):
        register_task(other)


def test_an_entry_point_registers_a_task(monkeypatch):
    monkeypatch.setitem(sys.modules, "my_plugin", types.SimpleNamespace(SPEC=SPEC))
    install(monkeypatch, "my_plugin:SPEC")
    assert list(task_specs())[-1] == "tagger"
    assert spec_of_class("ImageTagger") == SPEC


def test_a_broken_plugin_is_named(monkeypatch):
    install(monkeypatch, "no_such_plugin.spec:SPEC")
    message = "tagger = no_such_plugin.spec:SPEC, which cannot be loaded.*uninstall"
    with pytest.raises(ImportError, match=message):
        task_specs()


def test_the_spec_of_a_class_and_of_a_run():
    assert spec_of_class("VisualQA").name == "vqa"
    assert spec_of_class("Unknown") is None
    assert spec_of_run(CaptionerRun(data="a", output="b")).name == "captioner"
    # Runs of subclasses are those of other tasks.
    for run in (Run, ImageRun):
        with pytest.raises(ValueError, match=f"runs of the class {run.__name__}"):
            spec_of_run(run(data="a", output="b"))


def test_specs_and_runs_import_neither_keras_nor_tensorflow():
    code = """
import sys
from mmkeras.models import task_specs
for spec in task_specs().values():
    spec.load_run(), spec.load_options(), spec.load_export_options()
assert not {"tensorflow", "keras", "keras_hub"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
