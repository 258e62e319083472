import subprocess
import sys
import warnings

import pytest

from mmkeras.cli import info
from mmkeras.cli.main import main

CAPTIONER = "saved_models/emoji_scenes_captioner"


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["train"],
        ["train", "captioner"],
        ["train", "vqa"],
        ["train", "generative-vqa"],
        ["caption"],
        ["ask"],
        ["predict"],
        ["predict", CAPTIONER],
        ["predict", "saved_models/emoji_scenes_vqa"],
        ["export", CAPTIONER],
        ["evaluate"],
        ["serve"],
    ],
    ids=" ".join,
)
def test_help_imports_no_tensorflow(command):
    code = (
        "import sys\nfrom mmkeras.cli.main import main\n"
        f"try: main({[*command, '--help']})\nexcept SystemExit: pass\n"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith("usage: mmkeras") and done.stderr == ""


def test_help_of_a_preset_has_the_options_of_its_task(capsys):
    with pytest.raises(SystemExit):
        main(["predict", CAPTIONER, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "options of captioner: --num-beams N" in shown
    assert "--top-p X nucleus (top-p) sampling threshold (above 0, at most 1;" in shown
    with pytest.raises(SystemExit) as stopped:
        main(["predict", "nowhere", "--help"])
    assert stopped.value.code == 2
    assert "The preset folder nowhere does not exist" in capsys.readouterr().err


def test_stderr_has_nothing_but_the_error(tmp_path):
    # In another process, where TensorFlow would write about the machine.
    preset = str(tmp_path / "x")
    command = [sys.executable, "-m", "mmkeras", "caption", preset, "y.png"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == (
        f"mmkeras: error: The preset folder {preset} does not exist. Give a folder "
        "that `save_to_preset()` or `mmkeras train` wrote.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["paint"], "invalid choice: 'paint'"),
        (["train", "paint"], "invalid choice: 'paint'"),
        (["train", "captioner", "--epochs", "x"], "--epochs: invalid int value: 'x'"),
        (["train", "captioner", "--on-error", "x"], "invalid choice: 'x'"),
        (["caption"], "required: preset, IMAGE. See mmkeras caption --help."),
        (["info", "x", "--nothing"], "unrecognized arguments: --nothing"),
        (
            ["predict", CAPTIONER, "x", "--nothing"],
            "unrecognized arguments of a preset of captioner: --nothing. See mmkeras "
            "predict PRESET --help.",
        ),
    ],
)
def test_bad_arguments_are_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    lines = capsys.readouterr().err.splitlines()
    assert stopped.value.code == 2 and len(lines) == 1
    assert lines[0].startswith("mmkeras: error: ") and message in lines[0]


def test_debug_raises_the_error(tmp_path):
    with pytest.raises(ValueError, match="is not a preset"):
        main(["info", str(tmp_path), "--debug"])


@pytest.mark.filterwarnings("default")
def test_warnings_are_one_line_about_flags(monkeypatch, capsys):
    def warn(args):
        warnings.warn("Too long.\nbatch_size=4 is enough.", stacklevel=1)
        return 0

    monkeypatch.setattr(info, "run", warn)
    assert main(["info", "x"]) == 0
    assert capsys.readouterr().err == (
        "mmkeras: warning: Too long. batch_size=4 is enough.\n"
    )
    assert warnings.showwarning.__module__ != "mmkeras.cli.main"


@pytest.mark.parametrize(
    ("raised", "shown"),
    [
        (ValueError("The first.\n\nThe second."), "The first. The second."),
        (
            KeyError("key"),
            "KeyError: 'key' (--debug shows the traceback)",
        ),
        (KeyboardInterrupt(), None),
    ],
)
def test_unexpected_errors_are_named(raised, shown, monkeypatch, capsys):
    def fail(args):
        raise raised

    monkeypatch.setattr(info, "run", fail)
    code = main(["info", "x"])
    error = capsys.readouterr().err
    if shown is None:
        assert (code, error) == (130, "mmkeras: interrupted\n")
    else:
        assert (code, error) == (2, f"mmkeras: error: {shown}\n")
