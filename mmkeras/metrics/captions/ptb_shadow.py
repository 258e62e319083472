from __future__ import annotations

import functools

from mmkeras.metrics.captions import ptb_characters

# How single characters are written in the treebank.
PTB_SYMBOLS = {
    **{"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-"},
    **{"{": "-lcb-", "}": "-rcb-", '"': "''", "…": "...", "\x85": "..."},
    **{"£": "#", "¢": "cents", "¼": "1/4", "½": "1/2", "¾": "3/4"},
    **{"⅓": "1/3", "⅔": "2/3"},
    **dict.fromkeys("\x80¤\u20a0€", "$"),
    **dict.fromkeys("\x91‘‛‹", "`"),
    **dict.fromkeys("\x92’›", "'"),
    **dict.fromkeys("\x93«“", "``"),
    **dict.fromkeys("\x94»”", "''"),
    **dict.fromkeys("\x96\x97–—―", "--"),
}
# As they are spelt, by the character that stands for all of them.
_SPELLINGS = {
    "’": "\x92",
    "‘": "\x91‛",
    "“": "\x93«",
    "”": "\x94»",
    "‐": "\u058a\u2011",
    "٫": "\u066c",
    "²": "\u00b3\u00b9\u2070\u2074\u2075\u2076\u2077\u2078\u2079",
    "₂": "\u2080\u2081\u2083\u2084\u2085\u2086\u2087\u2088\u2089",
    "„": "‚‟",
}
_KEPT = "’‘“”‹›‐٫²₂„⁄\u00a0\u00ad"


def ptb_shadow(text: str) -> str:
    """The text with each character beyond ASCII replaced by one of its kind.

    Args:
        text: string.

    Returns:
        A string of the same length: "é" for letters, "٣" for digits, "\\u0301" for
        marks that join a word, "\\x7f" for what the tokenizer leaves out, "¡" for what
        stands alone, and quotes, hyphens and indices as one of their spellings.
    """
    return text if text.isascii() else text.translate(_table())


@functools.cache
def _table() -> dict[int, str]:
    table = dict.fromkeys(range(0x80, 0x10000), "¡")
    for ranges, kind in (
        (ptb_characters.LETTERS, "é"),
        (ptb_characters.DIGITS, "٣"),
        (ptb_characters.MARKS, "\u0301"),
        (ptb_characters.GONE, "\x7f"),
    ):
        for first, last in map(_ends, ranges.split()):
            table.update(dict.fromkeys(range(first, last + 1), kind))
    for kind, spellings in _SPELLINGS.items():
        table.update(dict.fromkeys(map(ord, spellings), kind))
    table.update({ord(character): character for character in _KEPT})
    return table


def _ends(characters: str) -> tuple[int, int]:
    first, _, last = characters.partition("-")
    return int(first, 16), int(last or first, 16)
