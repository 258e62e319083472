import dataclasses

import pytest

from mmkeras.decoding import DecodingOptions
from mmkeras.models import TaskSpec, task_specs
from mmkeras.models.image_captioner.caption_export import CaptionExport

pytestmark = pytest.mark.fast

SPEC = TaskSpec(
    name="tagger",
    summary="tag images",
    task="collections:OrderedDict",
    run="fractions:Fraction",
    verb="tag",
    inputs=("image",),
    targets=("tags",),
    output="tags",
)


def test_classes_are_loaded_by_name():
    import collections
    import fractions

    assert SPEC.class_name == "OrderedDict"
    assert SPEC.load_task() is collections.OrderedDict
    assert SPEC.load_run() is fractions.Fraction


def test_options_of_an_export_are_those_of_the_verb_by_default():
    assert SPEC.load_options() is None and SPEC.load_export_options() is None
    spec = task_specs()["captioner"]
    assert spec.load_options() is DecodingOptions
    assert spec.load_export_options() is CaptionExport
    spec = dataclasses.replace(spec, export_options=None)
    assert spec.load_export_options() is DecodingOptions


def test_a_task_without_a_runner():
    with pytest.raises(ValueError, match="OrderedDict cannot be exported to LiteRT"):
        SPEC.load_runner()


def test_example_commands():
    assert SPEC.example("p") == "mmkeras predict p IMAGE"
    assert task_specs()["captioner"].example("p") == "mmkeras caption p IMAGE"
    assert task_specs()["vqa"].example("p") == 'mmkeras ask p IMAGE "QUESTION"'
    audio = dataclasses.replace(SPEC, inputs=("audio",))
    assert audio.example("p") == "mmkeras predict p AUDIO"
