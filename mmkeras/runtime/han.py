"""Han characters, as the regular expressions of the tokenizers know them."""

from __future__ import annotations

import bisect

# The script property of RE2 in TensorFlow 2.21, first and last of each range.
_SCRIPT = (
    (0x2E80, 0x2E99),
    (0x2E9B, 0x2EF3),
    (0x2F00, 0x2FD5),
    (0x3005, 0x3005),
    (0x3007, 0x3007),
    (0x3021, 0x3029),
    (0x3038, 0x303B),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFA6D),
    (0xFA70, 0xFAD9),
    (0x16FE2, 0x16FE3),
    (0x16FF0, 0x16FF1),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B739),
    (0x2B740, 0x2B81D),
    (0x2B820, 0x2CEA1),
    (0x2CEB0, 0x2EBE0),
    (0x2F800, 0x2FA1D),
    (0x30000, 0x3134A),
    (0x31350, 0x323AF),
)
# Those of the reference of BERT, in which extension E begins at 2B920.
_BERT = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


def is_han(character: str) -> bool:
    """Whether a character is of the script Han."""
    return _is_in(_SCRIPT, character)


def is_bert_han(character: str) -> bool:
    """Whether a character stands alone in the tokenizer of BERT."""
    return _is_in(_BERT, character)


def _is_in(ranges, character) -> bool:
    place = bisect.bisect_right(ranges, (ord(character), 0x110000)) - 1
    return place >= 0 and ord(character) <= ranges[place][1]
