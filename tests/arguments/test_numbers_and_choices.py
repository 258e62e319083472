import re

import numpy as np
import pytest

from mmkeras.arguments import check_choice, real_number, whole_number


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_whole_numbers(value):
    found = whole_number("n", value, 3, 3)
    assert found == 3 and type(found) is int


@pytest.mark.parametrize(
    ("value", "limits", "message"),
    [
        (2.0, (), "`n` must be an integer. Received: n=2.0."),
        ("3", (1,), "`n` must be an integer of at least 1. Received: n='3'."),
        (0, (1,), "`n` must be an integer of at least 1. Received: n=0."),
        (5, (1, 4), "`n` must be an integer of at least 1 and at most 4. Rec"),
        (5, (None, 4), "`n` must be an integer of at most 4. Received: n=5."),
        (None, (), "`n` must be an integer. Received: n=None."),
    ],
)
def test_bad_whole_numbers(value, limits, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        whole_number("n", value, *limits)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0)])
def test_real_numbers(value):
    found = real_number("x", value, minimum=2, maximum=2, above=1, below=3)
    assert found == 2.0 and type(found) is float


@pytest.mark.parametrize(
    ("value", "limits", "message"),
    [
        ("0.9", {}, "`x` must be a number. Received: x='0.9'."),
        ([1.0], {}, "`x` must be a number. Received: x=[1.0]."),
        (0.0, {"above": 0}, "`x` must be greater than 0. Received: x=0.0."),
        (1, {"minimum": 0, "below": 1}, "must be at least 0 and less than 1. Rec"),
        (float("nan"), {"minimum": 0}, "`x` must be at least 0. Received: x=nan."),
        (2, {"maximum": 1}, "`x` must be at most 1. Received: x=2."),
    ],
)
def test_bad_real_numbers(value, limits, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        real_number("x", value, **limits)


def test_choices():
    check_choice("on_error", "skip", ("raise", "skip"))
    message = "`c` must be 'a', 'b' or 'd'. Received: c='e'."
    with pytest.raises(ValueError, match=re.escape(message)):
        check_choice("c", "e", ["a", "b", "d"])
    with pytest.raises(ValueError, match="`c` must be 'a'. Received: c=None"):
        check_choice("c", None, ["a"])
