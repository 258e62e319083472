from __future__ import annotations

import collections
import itertools
import unicodedata
import warnings
from collections.abc import Iterable, Iterator

import tensorflow as tf
from tensorflow_text.tools.wordpiece_vocab import (
    wordpiece_tokenizer_learner_lib as learner,
)

from mmkeras.arguments import whole_number
from mmkeras.preprocessing.text.special_tokens import SPECIAL_TOKENS
from mmkeras.preprocessing.text.split_words import split_words

JOINER = "##"
_MAX_WORD_LENGTH = 50
_TEXTS_PER_STEP = 4096


def learn_vocabulary(
    texts: Iterable[str] | tf.data.Dataset, vocabulary_size: int, lowercase: bool
) -> list[str]:
    """Learns a vocabulary of word pieces; `WordPieceTokenizer.learn` calls this.

    Args:
        texts: iterable of strings, or `tf.data.Dataset` of string tensors of any shape.
        vocabulary_size: int, maximum number of pieces, including the special tokens.
        lowercase: bool, whether to lowercase the texts first.

    Returns:
        list of strings, the pieces; the special tokens come first.

    Raises:
        ValueError: if the texts contain no word, or `vocabulary_size` is not larger
            than the number of special tokens.

    Reference:
        - [Fast WordPiece Tokenization](https://arxiv.org/abs/2012.15524)
    """
    # Room for a character at least.
    smallest = len(SPECIAL_TOKENS) + 1
    vocabulary_size = whole_number("vocabulary_size", vocabulary_size, smallest)
    return _learn(_count_words(texts, lowercase), vocabulary_size)


def _count_words(
    texts: Iterable[str] | tf.data.Dataset, lowercase: bool
) -> dict[str, int]:
    counts: collections.Counter = collections.Counter()
    for chunk in _chunks(texts):
        counts.update(split_words(chunk, lowercase).flat_values.numpy())
    if not counts:
        raise ValueError(
            "`texts` contains no words to learn a vocabulary from: it is empty, or all "
            "texts are blank. Check that the texts are read from the right column or "
            "key."
        )
    words = {word.decode("utf-8"): count for word, count in counts.items()}
    return dict(sorted(words.items(), key=lambda item: (-item[1], item[0])))


def _chunks(texts: Iterable[str] | tf.data.Dataset) -> Iterator[tf.Tensor]:
    if isinstance(texts, tf.data.Dataset):
        spec = texts.element_spec
        if getattr(spec, "dtype", None) != tf.string:
            raise ValueError(
                "`texts` must be a dataset of strings; map the samples to their texts "
                f"first. Received elements: {spec}."
            )
        flat = texts.map(_flatten).unbatch()
        yield from flat.batch(_TEXTS_PER_STEP)
        return
    if isinstance(texts, (str, bytes)):
        raise ValueError(
            "`texts` must be an iterable of strings, e.g. `[text]`. Received one "
            f"string: texts={texts!r}."
        )
    texts = iter(texts)
    while chunk := list(itertools.islice(texts, _TEXTS_PER_STEP)):
        for text in chunk:
            if not isinstance(text, (str, bytes)):
                raise ValueError(
                    f"`texts` must contain strings only. Received: {text!r}."
                )
        yield tf.constant(chunk, tf.string)


def _flatten(text: tf.Tensor | tf.RaggedTensor) -> tf.Tensor:
    text = text.flat_values if isinstance(text, tf.RaggedTensor) else text
    return tf.reshape(text, [-1])


def _learn(counts: dict[str, int], vocabulary_size: int) -> list[str]:
    room = vocabulary_size - len(SPECIAL_TOKENS)
    pieces = _choose_characters(counts, room)
    known = {
        word: count
        for word, count in counts.items()
        if len(word) <= _MAX_WORD_LENGTH and _can_encode(word, pieces)
    }
    _report_unknown(counts, known, vocabulary_size)
    characters = {character for word in known for character in word}
    # The learner adds a continuation (`##`) of every character. Most never occur, as a
    # Han character always starts a word, and are removed afterwards.
    unused = sum(JOINER + character not in pieces for character in characters)
    learned = learner.learn(
        known,
        vocab_size=vocabulary_size + unused,
        reserved_tokens=list(SPECIAL_TOKENS),
        lower_thresh=2,
        # The default of 1,000 would drop most of a Chinese corpus.
        max_unique_chars=len(characters),
        max_token_length=_MAX_WORD_LENGTH,
        joiner=JOINER,
    )
    longer = [
        piece
        for piece in learned[len(SPECIAL_TOKENS) :]
        if len(piece.removeprefix(JOINER)) > 1
    ]
    return [*SPECIAL_TOKENS, *sorted(pieces), *longer[: room - len(pieces)]]


def _choose_characters(counts: dict[str, int], room: int) -> set[str]:
    """The `room` most frequent characters, initial and continuing."""
    frequency: collections.Counter = collections.Counter()
    for word, count in counts.items():
        frequency[word[0]] += count
        for character in word[1:]:
            frequency[JOINER + character] += count
    ranked = sorted(frequency.items(), key=lambda item: (-item[1], item[0]))
    return {piece for piece, _ in ranked[:room]}


def _can_encode(word: str, pieces: set[str]) -> bool:
    return word[0] in pieces and all(JOINER + c in pieces for c in word[1:])


def _report_unknown(
    counts: dict[str, int], known: dict[str, int], vocabulary_size: int
) -> None:
    total = sum(counts.values())
    unknown = total - sum(known.values())
    remedy = f"Raise `vocabulary_size` (now {vocabulary_size})."
    if unknown == total:
        raise ValueError(
            "Every word of the texts would be [UNK]: the vocabulary is too small for "
            f"their characters. {remedy}"
        )
    if unknown:
        examples = [unicodedata.normalize("NFC", w) for w in counts if w not in known]
        warnings.warn(
            f"{unknown} of {total} words of the texts are [UNK] in the vocabulary, "
            f"e.g. {examples[:5]}. {remedy}",
            stacklevel=5,
        )
