from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import tensorflow as tf

from mmkeras.arguments.real_number import real_number
from mmkeras.arguments.whole_number import whole_number
from mmkeras.decoding.beam_search import BeamSearch
from mmkeras.decoding.greedy_search import GreedySearch
from mmkeras.decoding.random_sampling import RandomSampling
from mmkeras.decoding.required_tokens import RequiredTokens
from mmkeras.decoding.stepwise_search import StepwiseSearch
from mmkeras.decoding.token_constraints import TokenConstraints

_BEAMS_ONLY = (
    "length_penalty",
    "num_beam_groups",
    "diversity_penalty",
    "required_words",
)
_SAMPLING = ("temperature", "top_k", "top_p")
_WORDS = ("forbidden_words", "required_words")
# The least and the most of each; where the options hang together, or on the model,
# more is checked elsewhere. The graph takes the seed as an int32.
_INTEGERS = {
    "num_beams": (1, None),
    "num_sequences": (None, None),
    "num_beam_groups": (None, None),
    "top_k": (0, None),
    "seed": (-(2**31), 2**31 - 1),
    "min_length": (0, None),
    "max_length": (None, None),
    "no_repeat_ngram_size": (0, None),
}
_NUMBERS = (
    "length_penalty",
    "diversity_penalty",
    "temperature",
    "top_p",
    "repetition_penalty",
)


@dataclasses.dataclass(frozen=True)
class DecodingOptions:
    """How text is decoded: greedily, by beam search or by sampling.

    Greedy search is the default. `num_beams` above 1 turns beam search on;
    `temperature`, `top_k` or `top_p` turns sampling on.

    Args:
        num_beams: int, hypotheses of beam search; 1 for none.
        num_sequences: int, texts for each picture, best first: at most `num_beams`, or
            as many as are to be drawn. Where beam search finds fewer that differ (its
            groups may find the same), the last are empty, with a score of -1e9.
        length_penalty: float, of beam search; 0 for none, larger values favour longer
            text. `None` for 1.
        num_beam_groups: int, groups of beams that are kept diverse, a divisor of
            `num_beams`. `None` for 1.
        diversity_penalty: float, what a token costs for each beam of an earlier group
            that has it too, in units of log-probability. `None` for 0.5.
        temperature: float above 0, of sampling; `None` for 1.
        top_k: int, tokens to draw from; `None` for all.
        top_p: float in `(0, 1]`, the probability of the tokens to draw from; `None`
            for 1.
        seed: int32 of the draws: the same seed and the same picture give the same
            texts; `None` for other draws at each call.
        min_length: int, the fewest tokens.
        max_length: int, the most tokens; `None` for the model's own.
        no_repeat_ngram_size: int `n`: no `n` tokens in a row are written twice; 0 for
            any.
        repetition_penalty: float of at least 1, which turns it off.
        forbidden_words: tuple of strings, words or phrases that are not written, as
            the tokenizer spells them. What goes on from such a spelling ("cats"
            written as "cat" and "##s") is forbidden with it; "cats" as a token of
            its own is another word.
        required_words: tuple of strings, words or phrases that each text has, of beam
            search. Where the other options leave no such text, it is empty, with a
            score of `-1e9`.

    Raises:
        ValueError: if two options do not go together, or a number is out of range.
    """

    num_beams: int = 1
    num_sequences: int = 1
    length_penalty: float | None = None
    num_beam_groups: int | None = None
    diversity_penalty: float | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None
    min_length: int = 0
    max_length: int | None = None
    no_repeat_ngram_size: int = 0
    repetition_penalty: float = 1.0
    forbidden_words: tuple[str, ...] = ()
    required_words: tuple[str, ...] = ()

    def __post_init__(self):
        # Frozen, and still taken as a list, which is how people write it, or as a
        # number of NumPy.
        for name in _WORDS:
            object.__setattr__(self, name, _words(name, getattr(self, name)))
        given = {name: getattr(self, name) for name in (*_INTEGERS, *_NUMBERS)}
        for name, value in given.items():
            optional = value is None and getattr(type(self), name) is None
            if not optional and name in _INTEGERS:
                value = whole_number(name, value, *_INTEGERS[name])
            elif not optional:
                value = real_number(name, value)
            object.__setattr__(self, name, value)
        self._check_pairs()
        self._check_ranges()

    @property
    def samples(self) -> bool:
        """Whether tokens are drawn."""
        return any(getattr(self, name) is not None for name in _SAMPLING)

    def _check_pairs(self) -> None:
        if self.samples and self.num_beams > 1:
            raise self._conflict(
                self._first(_SAMPLING), "num_beams", "Sampling has no beams"
            )
        beams = self._first(_BEAMS_ONLY)
        if beams and self.num_beams == 1:
            raise self._conflict(
                beams, "num_beams", f"`{beams}` is an option of beam search"
            )
        if self.seed is not None and not self.samples:
            raise ValueError(
                "`seed` goes with sampling: give `temperature`, `top_k` or `top_p`. "
                f"Received: seed={self.seed}."
            )
        if self.diversity_penalty is not None and (self.num_beam_groups or 1) == 1:
            raise self._conflict(
                "diversity_penalty",
                "num_beam_groups",
                "Diversity is between groups of beams, of which there must be several",
            )

    def _check_ranges(self) -> None:
        groups = self.num_beam_groups
        if groups is not None and (groups < 1 or self.num_beams % groups):
            raise ValueError(
                "`num_beam_groups` must be an integer that divides `num_beams`, which "
                f"is {self.num_beams}. Received: num_beam_groups={groups!r}."
            )
        most = None if self.samples else self.num_beams
        number = self.num_sequences
        if number < 1 or (most and number > most):
            raise ValueError(
                "`num_sequences` must be an integer of at least 1"
                + (f" and at most `num_beams`, which is {most}" if most else "")
                + f". Received: num_sequences={number!r}."
            )
        if self.max_length is not None and self.min_length > self.max_length:
            raise self._conflict(
                "min_length",
                "max_length",
                "`min_length` must be at most `max_length`",
            )

    def _first(self, names) -> str | None:
        return next((n for n in names if getattr(self, n) not in (None, ())), None)

    def _conflict(self, first, second, why) -> ValueError:
        return ValueError(
            f"{why}. Received: {first}={getattr(self, first)!r}, "
            f"{second}={getattr(self, second)!r}."
        )

    def search(
        self, tokenizer, seed: tf.Tensor | None = None
    ) -> BeamSearch | StepwiseSearch:
        """The strategy that these options stand for.

        Args:
            tokenizer: a `WordPieceTokenizer`, for special tokens and words.
            seed: int32 scalar in place of the seed of the options, or `None`.

        Raises:
            ValueError: if an option is out of range, a forbidden or required word is
                not in the vocabulary, or one cannot be written for another.
        """
        special = {
            "start_token_id": tokenizer.start_token_id,
            "end_token_id": tokenizer.end_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        }
        special["constraints"] = TokenConstraints(
            tokenizer.end_token_id,
            self.min_length,
            self.no_repeat_ngram_size,
            self._pieces("forbidden_words", tokenizer),
            self.repetition_penalty,
        )
        if self.samples:
            return RandomSampling(
                num_samples=self.num_sequences,
                temperature=_or(self.temperature, 1.0),
                top_k=_or(self.top_k, 0),
                top_p=_or(self.top_p, 1.0),
                seed=self.seed if seed is None else seed,
                **special,
            )
        if self.num_beams == 1:
            return GreedySearch(**special)
        groups = _or(self.num_beam_groups, 1)
        return BeamSearch(
            self.num_beams,
            length_penalty=_or(self.length_penalty, 1.0),
            num_groups=groups,
            diversity_penalty=_or(self.diversity_penalty, 0.5 if groups > 1 else 0.0),
            required=self._required(tokenizer),
            **special,
        )

    def _required(self, tokenizer) -> RequiredTokens | None:
        if not self.required_words:
            return None
        required = self._pieces("required_words", tokenizer)
        forbidden = self._pieces("forbidden_words", tokenizer)
        for word, tokens in zip(self.required_words, required, strict=True):
            for other, banned in zip(self.forbidden_words, forbidden, strict=True):
                if _contains(tokens, banned):
                    raise ValueError(
                        f"{word!r} cannot be written without {other!r}. Received: "
                        f"required_words={list(self.required_words)}, "
                        f"forbidden_words={list(self.forbidden_words)}."
                    )
        return RequiredTokens(required, tokenizer.continuation_ids())

    def _pieces(self, option, tokenizer) -> list[list[int]]:
        return [self._split(word, option, tokenizer) for word in getattr(self, option)]

    def _split(self, word, option, tokenizer) -> list[int]:
        # A strategy may be made while a graph is traced; this is plain data.
        with tf.init_scope():
            ids = tokenizer.tokenize([word]).flat_values.numpy()
        pieces = [int(i) for i in ids]
        if not pieces or tokenizer.unk_token_id in pieces:
            raise ValueError(
                f"The vocabulary has no {word!r}, so it is never written. Leave it out "
                f"of `{option}`. Received: {list(getattr(self, option))}."
            )
        return pieces


def _words(name, words) -> tuple[str, ...]:
    alone = isinstance(words, (str, bytes)) or not isinstance(words, Iterable)
    found = (words,) if alone else tuple(words)
    if not all(isinstance(word, str) and word.strip() for word in found):
        raise ValueError(
            f"`{name}` must be a string or a list of strings, none of them blank. "
            f"Received: {name}={words!r}."
        )
    return found


def _contains(tokens, part) -> bool:
    starts = range(len(tokens) - len(part) + 1)
    return any(tokens[i : i + len(part)] == part for i in starts)


def _or(value, default):
    return default if value is None else value
