"""Takes the installed plugin through the commands, in one process with one training.

    python drive_tagger.py FOLDER

FOLDER has the folders of images `photos` and `test`. What the commands wrote goes to
`FOLDER/outcome.json`.
"""

import contextlib
import io
import json
import pathlib
import sys

import tensorflow as tf

from mmkeras.cli.main import main
from mmkeras.models import Task


def command(*arguments) -> str:
    """The output of a command that succeeds."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        code = main([str(argument) for argument in arguments])
    assert code == 0, output.getvalue()
    return output.getvalue()


def train(folder) -> int:
    """Trains on two replicas, and returns how many there were."""
    replicas = []
    fit = Task.fit

    def recorded(task, *args, **kwargs):
        replicas.append(task.distribute_strategy.num_replicas_in_sync)
        return fit(task, *args, **{**kwargs, "verbose": 0})

    Task.fit = recorded
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        command(
            *("train", "tagger", "--data", folder / "photos"),
            *("--output", folder / "preset", "--feature-cache", folder / "cache"),
            *("--image-size", 32, "--hidden-dim", 32, "--no-trainable-encoder"),
            *("--epochs", 6, "--batch-size", 4, "--learning-rate", 0.01),
            *("--dropout", 0, "--on-error", "skip", "--debug"),
        )
    return replicas[0]


def served(folder, images) -> dict:
    """The outputs of the SavedModel."""
    model = tf.saved_model.load(str(folder / "served" / "1"))
    outputs = model.signatures["serving_default"](image_bytes=tf.constant(images))
    return {
        "tags": [[tag.decode() for tag in row] for row in outputs["tags"].numpy()],
        "scores": outputs["scores"].numpy().tolist(),
        "error": [error.decode() for error in outputs["error"].numpy()],
    }


def drive(folder) -> dict:
    preset, test = folder / "preset", folder / "test"
    outcome = {"replicas": train(folder)}
    outcome["info"] = command("info", preset)
    outcome["evaluate"] = json.loads(command("evaluate", preset, "--data", test))
    outcome["predict"] = command("predict", preset, test / "0.png")
    files = sorted(test.glob("*.png"), key=lambda path: int(path.stem))
    command("predict", preset, *files, "--output", folder / "tags.jsonl")
    outcome["export"] = command(
        *("export", preset, "--to", folder / "served" / "1"),
        *("--to", folder / "tagger.tflite", "--threshold", 0.4),
    )
    outcome["litert"] = command(
        "predict", folder / "tagger.tflite", test / "0.png", "--json"
    )
    task = Task.from_preset(preset)
    outcome["task"] = f"{type(task).__module__}:{type(task).__name__}"
    images = [files[0].read_bytes(), b"no image", files[1].read_bytes()]
    tags = task.tag(images, threshold=0.4, on_error="skip")
    outcome["tag"] = [row and [(tag, tag.score) for tag in row] for row in tags]
    outcome["served"] = served(folder, images)
    return outcome


if __name__ == "__main__":
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    root = pathlib.Path(sys.argv[1])
    (root / "outcome.json").write_text(json.dumps(drive(root)))
