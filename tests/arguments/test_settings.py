import dataclasses
import re

import numpy as np
import pytest

from mmkeras.arguments import check_settings, setting, setting_types


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    data: str = setting(help="where the data are")
    epochs: int = setting(10, "number of epochs", minimum=1, maximum=99)
    rate: float | None = setting(None, "learning rate", above=0, below=1)
    size: int | None = setting(None, "side of the images", minimum=1)
    on_error: str = setting("raise", "", choices=("raise", "skip"))
    frozen: bool = setting(False)
    maybe: bool | None = setting(None)
    words: tuple[str, ...] = setting((), flag="word")

    def __post_init__(self):
        check_settings(self)


def test_types():
    assert setting_types(Settings) == {
        "data": (str, False),
        "epochs": (int, False),
        "rate": (float, True),
        "size": (int, True),
        "on_error": (str, False),
        "frozen": (bool, False),
        "maybe": (bool, True),
        "words": (tuple, False),
    }


def test_metadata():
    fields = {field.name: field for field in dataclasses.fields(Settings)}
    assert fields["epochs"].metadata["help"] == "number of epochs"
    assert fields["epochs"].metadata["maximum"] == 99
    assert fields["words"].metadata["flag"] == "word"
    assert fields["data"].default is dataclasses.MISSING


def test_numbers_of_numpy_become_those_of_python():
    found = Settings(data="a", epochs=np.int64(3), rate=np.float32(0.5), size=None)
    assert (type(found.epochs), type(found.rate)) == (int, float)
    assert (found.epochs, found.rate) == (3, 0.5)
    assert type(Settings(data="a", rate=np.int64(1) / 2).rate) is float


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data": 3}, "`data` must be a string. Received: data=3."),
        ({"data": None}, "`data` must be a string. Received: data=None."),
        ({"epochs": 0}, "`epochs` must be an integer of at least 1 and at most 99."),
        ({"epochs": True}, "`epochs` must be an integer. Received: epochs=True."),
        ({"epochs": 1.5}, "`epochs` must be an integer of"),
        ({"epochs": "3"}, "`epochs` must be an integer of"),
        ({"epochs": None}, "`epochs` must be an integer of"),
        ({"size": False}, "`size` must be an integer or None. Received: size=False."),
        (
            {"size": "96"},
            "`size` must be an integer of at least 1. Received: size=",
        ),
        ({"rate": True}, "`rate` must be a number or None. Received: rate=True."),
        ({"rate": 1.0}, "`rate` must be greater than 0 and less than 1. Received"),
        ({"rate": float("nan")}, "`rate` must be greater than 0 and less than 1."),
        ({"rate": "fast"}, "`rate` must be a number. Received: rate='fast'."),
        ({"on_error": "stop"}, "`on_error` must be 'raise' or 'skip'. Received"),
        ({"frozen": 1}, "`frozen` must be a bool. Received: frozen=1."),
        ({"maybe": "yes"}, "`maybe` must be a bool or None. Received: maybe='yes'."),
        ({"words": "one"}, "`words` must be a tuple. Received: words='one'."),
    ],
)
def test_bad_values_are_named(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Settings(**{"data": "a", **given})
