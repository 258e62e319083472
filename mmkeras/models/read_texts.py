from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mmkeras.decoding import DecodingResult
from mmkeras.runtime.caption import Caption

if TYPE_CHECKING:
    from mmkeras.preprocessing import WordPieceTokenizer


def read_texts(
    result: DecodingResult,
    tokenizer: WordPieceTokenizer,
    cls: type[Caption],
    num_sequences: int = 1,
) -> Iterator[Caption | list[Caption]]:
    """The texts of a decoding result, row by row.

    Args:
        result: a `DecodingResult`.
        tokenizer: the tokenizer of the text.
        cls: `Caption` or a subclass.
        num_sequences: int, number of texts of a row.

    Yields:
        For each row a text with its score and the log-probabilities of its tokens, or
        with `num_sequences` above 1 a list of texts, best first.
    """
    pad = tokenizer.pad_token_id
    columns = (result.token_ids, result.scores.numpy(), result.token_scores.numpy())
    for ids, scores, token_scores in zip(*columns, strict=True):
        texts = tokenizer.detokenize(ids[:num_sequences]).numpy()
        rows = zip(texts, scores, ids.numpy(), token_scores, strict=False)
        found = [
            cls(
                text.decode("utf-8"),
                float(score),
                tuple(
                    (tokenizer.id_to_token(int(token)), float(gain))
                    for token, gain in zip(tokens, gains, strict=True)
                    if token != pad
                ),
            )
            for text, score, tokens, gains in rows
        ]
        yield found[0] if num_sequences == 1 else found
