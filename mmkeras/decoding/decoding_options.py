from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from mmkeras.arguments import check_settings, setting

_BEAM_SEARCH_ONLY = (
    "length_penalty",
    "num_beam_groups",
    "diversity_penalty",
    "required_words",
)
_SAMPLING = ("temperature", "top_k", "top_p")
_INFINITY = float("inf")


@dataclasses.dataclass(frozen=True)
class DecodingOptions:
    """How text is decoded: by greedy search, beam search or sampling.

    Greedy search is the default. `num_beams` above 1 selects beam search;
    `temperature`, `top_k` or `top_p` selects sampling.

    The fields are the single source of the command line's decoding flags: their names,
    types, limits, defaults and help.

    Args:
        num_beams: int, number of beams; 1 for greedy search.
        num_sequences: int, number of texts per image or question, best first. Beam
            search returns at most `num_beams`. If it finds fewer distinct texts (its
            groups may find the same one), the last ones are empty, with a score of
            `-1e9`.
        length_penalty: float, length penalty of beam search; 0 disables it, larger
            values favour longer text. `None` for 1.
        num_beam_groups: int, number of diverse groups of beams, a divisor of
            `num_beams`. `None` for 1.
        diversity_penalty: float, subtracted from the log-probability of a token for
            each beam of an earlier group that chose the same token. `None` for 0.5.
        temperature: float above 0, sampling temperature. `None` for 1.
        top_k: int, number of tokens with the highest probabilities to sample from.
            `None` for all tokens.
        top_p: float in `(0, 1]`, nucleus (top-p) sampling threshold. `None` for 1.
        seed: int32, seed of sampling: the same seed and the same image give the same
            texts. `None` for a different sample at each call.
        min_length: int, minimum number of tokens.
        max_length: int, maximum number of tokens. `None` for the model's own.
        no_repeat_ngram_size: int, never repeat an n-gram of this size; 0 disables it.
        repetition_penalty: float of at least 1, penalty on tokens that the text
            already contains; 1 disables it.
        forbidden_words: string or sequence of strings, words or phrases that are never
            written, as the tokenizer encodes them. Longer words that start with the
            same tokens ("cats" encoded as "cat" and "##s") are forbidden as well;
            "cats" as a single token is not.
        required_words: string or sequence of strings, words or phrases that each text
            contains; beam search only. If the other options allow no such text, it is
            empty, with a score of `-1e9`.

    Raises:
        ValueError: if an option has the wrong type, is out of range, or contradicts
            another one.

    Example:
        ```python
        options = mmkeras.decoding.DecodingOptions(num_beams=4, length_penalty=0.8)
        captioner.generate("photo.jpg", num_beams=4, length_penalty=0.8)  # the same
        ```
    """

    num_beams: int = setting(1, "number of beams; 1 for greedy search", minimum=1)
    num_sequences: int = setting(
        1, "number of texts, best first; at most --num-beams in beam search", minimum=1
    )
    length_penalty: float | None = setting(
        None,
        "length penalty of beam search; larger values favour longer text (default: 1)",
        minimum=0,
    )
    num_beam_groups: int | None = setting(
        None, "number of diverse groups of beams (default: 1)", minimum=1
    )
    diversity_penalty: float | None = setting(
        None,
        "penalty on tokens that an earlier group of beams chose (default: 0.5)",
        minimum=0,
    )
    temperature: float | None = setting(
        None,
        "sampling temperature; below 1 for less random text (default with sampling: 1)",
        above=0,
        below=_INFINITY,
    )
    top_k: int | None = setting(
        None,
        "sample from this number of most likely tokens (default with sampling: all)",
        minimum=0,
    )
    top_p: float | None = setting(
        None,
        "nucleus (top-p) sampling threshold (default with sampling: 1)",
        above=0,
        maximum=1,
    )
    # The graph takes an int32.
    seed: int | None = setting(
        None, "seed of sampling (default: random)", minimum=-(2**31), maximum=2**31 - 1
    )
    min_length: int = setting(0, "minimum number of tokens", minimum=0)
    max_length: int | None = setting(
        None, "maximum number of tokens (default: the model's)"
    )
    no_repeat_ngram_size: int = setting(
        0, "never repeat an n-gram of this size; 0 to disable", minimum=0
    )
    repetition_penalty: float = setting(
        1.0,
        "penalty on tokens that the text already contains; 1 to disable",
        minimum=1,
        below=_INFINITY,
    )
    forbidden_words: tuple[str, ...] = setting(
        (), "word or phrase that is never written; may be repeated", flag="forbid"
    )
    required_words: tuple[str, ...] = setting(
        (),
        "word or phrase that each text contains (beam search); may be repeated",
        flag="require",
    )

    def __post_init__(self):
        for name in ("forbidden_words", "required_words"):
            # The dataclass is frozen; a single string or a list is accepted.
            object.__setattr__(self, name, _words(name, getattr(self, name)))
        check_settings(self)
        self._check_strategy()
        self._check_beams()
        if self.max_length is not None and self.min_length > self.max_length:
            raise self._conflict(
                "min_length", "max_length", "`min_length` must be at most `max_length`"
            )

    @property
    def samples(self) -> bool:
        """Whether tokens are sampled."""
        return any(getattr(self, name) is not None for name in _SAMPLING)

    def _check_strategy(self) -> None:
        if self.samples and self.num_beams > 1:
            raise self._conflict(
                self._first(_SAMPLING), "num_beams", "Sampling has no beams"
            )
        option = self._first(_BEAM_SEARCH_ONLY)
        if option and self.num_beams == 1:
            raise self._conflict(
                option,
                "num_beams",
                f"`{option}` is an option of beam search, which needs `num_beams` "
                "above 1",
            )
        if self.seed is not None and not self.samples:
            raise ValueError(
                "`seed` is an option of sampling, which needs `temperature`, `top_k` "
                f"or `top_p`. Received: seed={self.seed}."
            )
        if self.diversity_penalty is not None and (self.num_beam_groups or 1) == 1:
            raise self._conflict(
                "diversity_penalty",
                "num_beam_groups",
                "`diversity_penalty` is between groups of beams and needs "
                "`num_beam_groups` above 1",
            )

    def _check_beams(self) -> None:
        groups = self.num_beam_groups
        if groups is not None and self.num_beams % groups:
            raise ValueError(
                "`num_beam_groups` must be an integer that divides `num_beams`, which "
                f"is {self.num_beams}. Received: num_beam_groups={groups}."
            )
        if not self.samples and self.num_sequences > self.num_beams:
            raise ValueError(
                "`num_sequences` must be an integer of at least 1 and at most "
                f"`num_beams`, which is {self.num_beams}. Received: "
                f"num_sequences={self.num_sequences}."
            )

    def _first(self, names) -> str | None:
        return next((n for n in names if getattr(self, n) not in (None, ())), None)

    def _conflict(self, first, second, why) -> ValueError:
        return ValueError(
            f"{why}. Received: {first}={getattr(self, first)!r}, "
            f"{second}={getattr(self, second)!r}."
        )


def _words(name, words) -> tuple[str, ...]:
    is_single = isinstance(words, (str, bytes)) or not isinstance(words, Iterable)
    found = (words,) if is_single else tuple(words)
    if not all(isinstance(word, str) and word.strip() for word in found):
        raise ValueError(
            f"`{name}` must be a string or a list of strings, none of them blank. "
            f"Received: {name}={words!r}."
        )
    return found
