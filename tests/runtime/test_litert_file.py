import json
import pathlib
import zipfile

import numpy as np
import pytest

from mmkeras.runtime import Answer, Caption, LiteRTCaptioner, LiteRTFile, LiteRTVisualQA
from mmkeras.runtime.join_pieces import join_pieces

ROOT = pathlib.Path(__file__).parents[2]
IMAGE = ROOT / "docs" / "scene.png"
CAPTIONER = (
    ROOT / "saved_models" / "emoji_scenes_captioner" / "litert" / "dynamic_int8.tflite"
)
VQA = ROOT / "saved_models" / "emoji_scenes_vqa" / "litert" / "dynamic_int8.tflite"
QUESTION = "what colour is the background?"


def with_description(folder, **changes) -> pathlib.Path:
    """A copy of the captioner whose description has other values."""
    path = folder / "changed.tflite"
    path.write_bytes(CAPTIONER.read_bytes())
    with zipfile.ZipFile(path) as archive:
        description = json.loads(archive.read("mmkeras.json"))
    changed = json.dumps({**description, **changes})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("mmkeras.json", changed)
    return path


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        (2, "Update mmkeras: pip install --upgrade mmkeras"),
        (0, "Export it again: mmkeras export PRESET --to .*changed.tflite --overwrite"),
        (None, "Export it again: mmkeras export PRESET"),
    ],
)
def test_files_of_other_formats_are_refused(tmp_path, version, remedy):
    path = with_description(tmp_path, format=version)
    message = rf"has format {version}, this version of mmkeras reads format 1\. "
    with pytest.raises(ValueError, match=message + remedy):
        LiteRTFile(path)


def test_files_of_other_tasks_are_refused(tmp_path):
    with pytest.raises(ValueError, match="task VisualQA, not ImageCaptioner. Load it "):
        LiteRTCaptioner(VQA)
    with pytest.raises(ValueError, match="not VisualQA or GenerativeVisualQA. Load it"):
        LiteRTVisualQA(CAPTIONER)
    path = with_description(tmp_path, task="ImageTagger")
    with pytest.raises(ValueError, match="task ImageTagger, .* Run: mmkeras predict"):
        LiteRTCaptioner(path)


def test_corrupted_and_foreign_files_are_refused(tmp_path):
    content = CAPTIONER.read_bytes()
    truncated = tmp_path / "truncated.tflite"
    truncated.write_bytes(content[: len(content) // 2])
    message = "truncated.tflite was not written by mmkeras, or is corrupted"
    with pytest.raises(ValueError, match=message):
        LiteRTFile(truncated)
    foreign = tmp_path / "foreign.tflite"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("labels.txt", "cat")
    with pytest.raises(ValueError, match="has no mmkeras.json"):
        LiteRTFile(foreign)
    with pytest.raises(FileNotFoundError, match="none.tflite does not exist"):
        LiteRTFile(tmp_path / "none.tflite")


@pytest.mark.parametrize("num_threads", [0, 1.5, "2"])
def test_wrong_num_threads(num_threads):
    with pytest.raises(ValueError, match="`num_threads` must be an integer of at"):
        LiteRTFile(CAPTIONER, num_threads)


def test_captions_have_scores():
    caption = LiteRTCaptioner(CAPTIONER, np.int64(1)).caption(IMAGE)
    assert type(caption) is Caption and caption == "two apples."
    # The log-probability of the shipped file; 8-bit products differ between CPUs.
    assert caption.score == pytest.approx(-1.45, abs=0.1)
    assert caption.tokens is None


def test_answers_have_probabilities():
    vqa = LiteRTVisualQA(VQA)
    answer = vqa.answer(IMAGE, QUESTION)
    assert type(answer) is Answer
    several = vqa.answer(IMAGE, QUESTION, num_sequences=3)
    assert several[0] == answer and several[0].score == answer.score
    assert vqa.answer(IMAGE, QUESTION, num_sequences=1) == answer
    scores = [one.score for one in several]
    assert scores == sorted(scores, reverse=True) and 0.9 < sum(scores) <= 1.001


@pytest.mark.parametrize("number", [0, 4, 1.5])
def test_wrong_num_sequences(number):
    with pytest.raises(ValueError, match="`num_sequences` must be an integer of at le"):
        LiteRTVisualQA(VQA).answer(IMAGE, QUESTION, num_sequences=number)


def test_blank_question():
    with pytest.raises(ValueError, match="`question` is blank. Received: question=' '"):
        LiteRTVisualQA(VQA).answer(IMAGE, " ")


def test_pieces_are_joined_by_hand():
    vocabulary = ["[PAD]", "a", "cat", "##s", ",", "##"]
    ids, joins = np.array([[1, 2, 3, 4, 5, 0, 2], [1, 0, 1, 1, 0, 0, 0]])
    # A lone "##" is a piece, not the prefix of one; padding ends the text.
    assert join_pieces(ids, joins, vocabulary) == "a cats, ##"
