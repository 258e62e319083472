from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from mmkeras.decoding.beam_search import BeamSearch
from mmkeras.decoding.decoding_options import DecodingOptions
from mmkeras.decoding.greedy_search import GreedySearch
from mmkeras.decoding.random_sampling import RandomSampling
from mmkeras.decoding.required_tokens import RequiredTokens
from mmkeras.decoding.stepwise_search import StepwiseSearch
from mmkeras.decoding.token_constraints import TokenConstraints

if TYPE_CHECKING:
    from mmkeras.preprocessing import WordPieceTokenizer


def build_search(
    options: DecodingOptions,
    tokenizer: WordPieceTokenizer,
    seed: tf.Tensor | None = None,
) -> BeamSearch | StepwiseSearch:
    """Builds the decoding strategy of options.

    Args:
        options: a `DecodingOptions`.
        tokenizer: a `WordPieceTokenizer`, for special tokens and words.
        seed: int32 scalar that replaces the seed of the options, or `None`.

    Returns:
        A `GreedySearch`, `BeamSearch` or `RandomSampling`.

    Raises:
        ValueError: if a forbidden or required word is not in the vocabulary, or a
            required one contains a forbidden one.
    """
    common = {
        "start_token_id": tokenizer.start_token_id,
        "end_token_id": tokenizer.end_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "constraints": TokenConstraints(
            tokenizer.end_token_id,
            options.min_length,
            options.no_repeat_ngram_size,
            _encode(options, "forbidden_words", tokenizer),
            options.repetition_penalty,
        ),
    }
    if options.samples:
        return RandomSampling(
            num_sequences=options.num_sequences,
            temperature=_or(options.temperature, 1.0),
            top_k=_or(options.top_k, 0),
            top_p=_or(options.top_p, 1.0),
            seed=options.seed if seed is None else seed,
            **common,
        )
    if options.num_beams == 1:
        return GreedySearch(**common)
    groups = _or(options.num_beam_groups, 1)
    return BeamSearch(
        options.num_beams,
        length_penalty=_or(options.length_penalty, 1.0),
        num_groups=groups,
        diversity_penalty=_or(options.diversity_penalty, 0.5 if groups > 1 else 0.0),
        required=_required_tokens(options, tokenizer),
        **common,
    )


def _required_tokens(options, tokenizer) -> RequiredTokens | None:
    if not options.required_words:
        return None
    required = _encode(options, "required_words", tokenizer)
    forbidden = _encode(options, "forbidden_words", tokenizer)
    for word, tokens in zip(options.required_words, required, strict=True):
        for other, banned in zip(options.forbidden_words, forbidden, strict=True):
            if _contains(tokens, banned):
                raise ValueError(
                    f"{word!r} cannot be written without {other!r}. Received: "
                    f"required_words={list(options.required_words)}, "
                    f"forbidden_words={list(options.forbidden_words)}."
                )
    return RequiredTokens(required, tokenizer.continuation_ids())


def _encode(options, name, tokenizer) -> list[list[int]]:
    """The token ids of each of the words of an option."""
    words, encoded = getattr(options, name), []
    for word in words:
        # A strategy may be built while a graph is traced; this is plain data.
        with tf.init_scope():
            tokens = tokenizer.tokenize([word]).flat_values.numpy().tolist()
        if not tokens or tokenizer.unk_token_id in tokens:
            raise ValueError(
                f"{word!r} is not in the vocabulary, so it is never written. Remove "
                f"it from `{name}`. Received: {name}={list(words)}."
            )
        encoded.append(tokens)
    return encoded


def _contains(tokens, part) -> bool:
    starts = range(len(tokens) - len(part) + 1)
    return any(tokens[i : i + len(part)] == part for i in starts)


def _or(value, default):
    return default if value is None else value
