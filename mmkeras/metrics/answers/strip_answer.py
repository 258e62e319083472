from __future__ import annotations


def strip_answer(answer: str) -> str:
    """An answer in one line and without the space around it.

    Args:
        answer: string.
    """
    return answer.replace("\n", " ").replace("\t", " ").strip()
