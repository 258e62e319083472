from __future__ import annotations


class Caption(str):
    """A caption: a string that carries its score and its tokens.

    It compares, hashes, prints and serializes to JSON as the plain string; copies and
    pickles keep its score and tokens. The results of string methods such as `upper` are
    plain strings.

    Attributes:
        text: string, the caption as a plain string.
        score: float, the score of the caption, e.g. the log-probability of the text
            divided by its length penalty; `None` if it is unknown.
        tokens: tuple of pairs `(token, log-probability)`, including the end token if
            there is one; `None` if they are unknown.

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
        text: str = "",
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

    def __getnewargs__(self) -> tuple:
        # The arguments with which copies and pickles call `__new__`.
        return (self.text, self.score, self.tokens)


class Answer(Caption):
    """An answer to a question: a string that carries its score and its tokens.

    Attributes:
        text: string, the answer as a plain string.
        score: float, the probability of an answer that was chosen among known ones, or
            the score of a generated answer as for a `Caption`; `None` if it is unknown.
        tokens: tuple of pairs `(token, log-probability)` of a generated answer; `None`
            if it was chosen, or they are unknown.

    Example:
        ```python
        answer = vqa.answer("photo.jpg", "what is on the table?")
        print(f"{answer} ({answer.score:.0%})")
        ```
    """
