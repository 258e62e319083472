import copy
import pickle

from mmkeras.preprocessing.unreadable import UnreadableError, checked_outputs, shorten


def test_outputs_of_unreadable_values():
    given = (["a cat", "?", "a dog"], ["1.png", "2.png", "3.png"], [b"", b"empty", b""])
    assert checked_outputs(*given, "skip") == ["a cat", None, "a dog"]
    first, error, last = checked_outputs(*given, "return")
    assert (first, last) == ("a cat", "a dog")
    assert (error.name, error.reason) == ("2.png", "empty")
    assert str(error) == "Cannot read 2.png: empty. Remove it or convert it."


def test_the_error_survives_pickling_and_copying():
    error = UnreadableError("2.png", "empty")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert isinstance(again, ValueError)
        assert (again.name, again.reason, str(again)) == ("2.png", "empty", str(error))


def test_long_lists_are_shortened():
    assert shorten(["a", "b", "c"]) == "a; b; c"
    assert shorten(["a", "b", "c", "d", "e"]) == "a; b; c; and 2 more"
