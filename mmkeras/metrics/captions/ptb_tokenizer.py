from __future__ import annotations

import re
from collections.abc import Sequence

from mmkeras.metrics.captions.ptb_rules import ptb_rules
from mmkeras.metrics.captions.ptb_shadow import PTB_SYMBOLS, ptb_shadow

# What COCO's evaluation leaves out. The brackets never match, as they come in small
# letters, and so count as words.
_PUNCTUATION = frozenset(
    ["''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-"]
    + [".", "?", "!", ",", ":", "-", "--", "...", ";"]
)
# Tokenised alike whatever stands around them.
_FREE = re.compile(
    r"[A-Za-z0-9]+[,;:!?]?|[A-Za-z]{2,}\.|[.,]"
    r"|[A-Za-z]+(?:-[A-Za-z]+)+[.,;:!?]?|[A-Za-z]{2,}(?:'s|n't)[.,;:!?]?"
)
_NUMBER_BEFORE = re.compile(r"(?i:art|ca|figs?|nos?|op|pp|prop)\.")
# What may be one token with spaces in it.
_SPACED = re.compile(r"\. \.|\d[)\u00a0 ]*[ \u00a0]\d")
_BLANK = " \t\u00a0"
_CHUNK = re.compile(f"[^{_BLANK}]+")
_BREAKS = re.compile("[\n\r\x0b\x0c]")
_MOST_CHUNKS = 1 << 18


class PTBTokenizer:
    """Penn Treebank tokenisation as COCO's evaluation of captions has it.

    It gives the words that `pycocoevalcap` gets from Stanford CoreNLP 3.4.1
    (`PTBTokenizer -preserveLines -lowerCase`, less the punctuation), without Java.
    `docs/metrics.md` tells what was compared.

    Captions are read one after another as lines of one file: whether "T." at the end of
    a caption keeps its full stop depends on how the next one starts.

    Example:
        ```python
        tokenizer = mmkeras.metrics.PTBTokenizer()
        tokenizer(["A dog's toy, isn't it?"])  # ["a dog 's toy is n't it"]
        ```

    Reference:
        - [Chen et al., 2015](https://arxiv.org/abs/1504.00325)
    """

    def __init__(self):
        self._chunks: dict[str, str] = {}

    def __call__(self, captions: Sequence[str]) -> list[str]:
        """Tokenises captions.

        Args:
            captions: sequence of strings.

        Returns:
            List of strings: the words of each, in small letters, with a space between.
        """
        lines = [_BREAKS.sub(" ", caption) for caption in captions]
        chunks = self._chunks
        tokenised = []
        for index, line in enumerate(lines):
            try:
                if _SPACED.search(line):
                    words = self._line(lines, index)
                else:
                    words = [chunks[chunk] for chunk in line.split()]
            except KeyError:
                words = self._line(lines, index)
            tokenised.append(" ".join(filter(None, words)).rstrip())
        return tokenised

    def _line(self, lines: list[str], index: int) -> list[str]:
        line = lines[index]
        text = line + _following(lines, index)
        shadow = ptb_shadow(text)
        spaced = _SPACED.search(line) is not None
        words, position = [], 0
        for chunk in _CHUNK.finditer(line):
            if chunk.start() < position:
                continue
            known = None if spaced else self._chunk(chunk.group())
            if known is not None:
                words.append(known)
                continue
            position = chunk.start()
            while position < len(line) and line[position] not in _BLANK:
                token, position = _token(text, shadow, position)
                words.append(token)
        return words

    def _chunk(self, chunk: str) -> str | None:
        """The words of a chunk, or `None` if they depend on what is around it."""
        known = self._chunks.get(chunk)
        if known is None and _FREE.fullmatch(chunk) and not _NUMBER_BEFORE.match(chunk):
            words, position = [], 0
            while position < len(chunk):
                token, position = _token(chunk, chunk, position)
                words.append(token)
            known = " ".join(filter(None, words))
            if len(self._chunks) < _MOST_CHUNKS:
                self._chunks[chunk] = known
        return known


def _following(lines: list[str], index: int) -> str:
    """The line break after a line, and the next line that is not blank."""
    for after in range(index + 1, len(lines)):
        if lines[after].strip():
            return "\n" + lines[after]
    return "\n" if index + 1 < len(lines) else ""


def _token(text: str, shadow: str, position: int) -> tuple[str, int]:
    """The token at a position, empty if it is left out, and where it ends."""
    best, finish, longest = None, None, 0
    for rule in ptb_rules().get(_kind(shadow[position]), ()):
        match = rule.pattern.match(shadow, position)
        if match and match.end() - position > longest:
            best, finish, longest = match, rule.finish, match.end() - position
    if best is None:
        return _symbol(text[position], shadow[position]), position + 1
    token = text[position : best.end(1)]
    token = finish(token) if finish else token
    if "\u00ad" in token:
        token = token.replace("\u00ad", "") or "-"
    token = token.lower()
    return ("" if token in _PUNCTUATION else token), best.end(1)


def _kind(character: str) -> str:
    if not character.isascii():
        return {"٣": "5", "\u0301": "é"}.get(character, character)
    if character.isdigit():
        return "5"
    return "A" if character.isalpha() else character


def _symbol(character: str, shadow: str) -> str:
    left_out = shadow < " " or shadow in "\x7f‐٫" or shadow > "\uffff"
    token = "" if left_out else PTB_SYMBOLS.get(character, character).lower()
    return "" if token in _PUNCTUATION else token
