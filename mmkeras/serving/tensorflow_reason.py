from __future__ import annotations


def tensorflow_reason(error: Exception) -> str:
    """What went wrong, in one line, without where in the graph it was.

    Args:
        error: of TensorFlow or any other.
    """
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    # The place in the graph comes last, between double brackets.
    lines = [line.strip() for line in text.split("[[{{")[0].splitlines()]
    lines = [line for line in lines if line] or [type(error).__name__]
    # Where the node was defined comes first.
    return lines[-1] if lines[0].startswith("Graph execution error") else lines[0]
