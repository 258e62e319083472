from __future__ import annotations

from mmkeras.serving.serving_error import ServingError


class MemoryBudget:
    """How many bytes all unanswered requests may have together.

    Args:
        limit: int, bytes.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._taken = 0

    @property
    def taken(self) -> int:
        """Bytes that requests have now."""
        return self._taken

    def hold(self) -> _Hold:
        """A share that grows, and is given back at the end of its `with` block."""
        return _Hold(self)

    def _take(self, number):
        if self._taken + number > self._limit:
            raise ServingError.exhausted(
                f"Too many bytes wait for an answer: at most {self._limit} of all "
                "requests together. Try again later."
            )
        self._taken += number

    def _give_back(self, number):
        self._taken -= number


class _Hold:
    def __init__(self, budget):
        self._budget = budget
        self._number = 0

    def __enter__(self) -> _Hold:
        return self

    def __exit__(self, *exception) -> None:
        self._budget._give_back(self._number)

    def grow(self, number: int) -> None:
        """Takes more bytes.

        Raises:
            ServingError: `RESOURCE_EXHAUSTED` if there are no more.
        """
        self._budget._take(number)
        self._number += number
