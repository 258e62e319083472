from __future__ import annotations


def require_single(image, question) -> None:
    """Refuses what is not one question about one picture.

    Args:
        image: as `VisualQA.explain` takes it.
        question: string.

    Raises:
        ValueError: if the picture is a list or `None`, or the question no string.
    """
    if isinstance(image, (list, tuple)):
        raise ValueError(
            f"`image` must be one picture, not a list. Received: a list of {len(image)}"
            ". Explain them one by one."
        )
    if image is None:
        raise ValueError(
            "`image` must be a picture to explain an answer by. Received: image=None."
        )
    if not isinstance(question, str):
        raise ValueError(
            "`question` must be one string; explain several one by one. Received: "
            f"question={question!r:.200}."
        )
