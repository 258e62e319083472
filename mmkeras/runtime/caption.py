from __future__ import annotations


class Caption(str):
    """A caption: a string that carries its score and its tokens.

    Args:
        text: string.
        score: float, or `None` if it is unknown.
        tokens: tuple of `(token, log-probability)`, the end token included if it was
            written; or `None` if they are unknown.

    Example:
        ```python
        caption = captioner.generate("photo.jpg")
        print(caption, caption.score)
        ```
    """

    score: float | None
    tokens: tuple[tuple[str, float], ...] | None

    def __new__(
        cls,
        text: str,
        score: float | None = None,
        tokens: tuple[tuple[str, float], ...] | None = None,
    ) -> Caption:
        caption = super().__new__(cls, text)
        caption.score = score
        caption.tokens = tokens
        return caption

    @property
    def text(self) -> str:
        """The caption as a plain string."""
        return str.__str__(self)

    def __getnewargs__(self):
        return (str.__str__(self), self.score, self.tokens)


class Answer(Caption):
    """An answer: a string that carries its score and, if generated, its tokens."""
