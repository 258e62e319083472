from __future__ import annotations

import re
from collections.abc import Sequence

from mmkeras.metrics.captions.ptb_characters import PTB_SYMBOLS, ptb_shadow
from mmkeras.metrics.captions.ptb_rules import ptb_rules

# Tokens that COCO's evaluation drops. The brackets never match, as tokens are in lower
# case, and so count as words.
_PUNCTUATION = frozenset(
    ["''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-"]
    + [".", "?", "!", ",", ":", "-", "--", "...", ";"]
)
# Tokenized the same way in any context.
_FREE = re.compile(
    r"[A-Za-z0-9]+[,;:!?]?|[A-Za-z]{2,}\.|[.,]"
    r"|[A-Za-z]+(?:-[A-Za-z]+)+[.,;:!?]?|[A-Za-z]{2,}(?:'s|n't)[.,;:!?]?"
)
_NUMBER_BEFORE = re.compile(r"(?i:art|ca|figs?|nos?|op|pp|prop)\.")
# Possibly one token with spaces in it.
_SPACED = re.compile(r"\. \.|\d[)\u00a0 ]*[ \u00a0]\d")
_BLANK = " \t\u00a0"
_CHUNK = re.compile(f"[^{_BLANK}]+")
_BREAKS = re.compile("[\n\r\x0b\x0c]")
_MAX_CHUNKS = 1 << 18


class PTBTokenizer:
    """Penn Treebank tokenizer of COCO's evaluation of captions.

    It returns the tokens that `pycocoevalcap` gets from Stanford CoreNLP 3.4.1
    (`PTBTokenizer -preserveLines -lowerCase`, without punctuation), without Java.
    `docs/metrics.md` describes the comparison.

    Captions are lines of one text: whether "T." at the end of a caption keeps its full
    stop depends on the beginning of the next one.

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
        """Tokenizes captions.

        Args:
            captions: sequence of strings.

        Returns:
            List of strings, tokens in lower case, separated by spaces.
        """
        lines = [_BREAKS.sub(" ", caption) for caption in captions]
        chunks = self._chunks
        tokenized = []
        for index, line in enumerate(lines):
            try:
                if _SPACED.search(line):
                    words = self._line(lines, index)
                else:
                    words = [chunks[chunk] for chunk in line.split()]
            except KeyError:
                words = self._line(lines, index)
            tokenized.append(" ".join(filter(None, words)).rstrip())
        return tokenized

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
        """The tokens of a chunk, or `None` if they depend on the context."""
        known = self._chunks.get(chunk)
        if known is None and _FREE.fullmatch(chunk) and not _NUMBER_BEFORE.match(chunk):
            words, position = [], 0
            while position < len(chunk):
                token, position = _token(chunk, chunk, position)
                words.append(token)
            known = " ".join(filter(None, words))
            if len(self._chunks) < _MAX_CHUNKS:
                self._chunks[chunk] = known
        return known


def _following(lines: list[str], index: int) -> str:
    """The line break after a line, and the next line that is not empty."""
    for after in range(index + 1, len(lines)):
        if lines[after].strip():
            return "\n" + lines[after]
    return "\n" if index + 1 < len(lines) else ""


def _token(text: str, shadow: str, position: int) -> tuple[str, int]:
    """The token at a position, empty if it is dropped, and its end."""
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
    dropped = shadow < " " or shadow in "\x7f‐٫" or shadow > "\uffff"
    token = "" if dropped else PTB_SYMBOLS.get(character, character).lower()
    return "" if token in _PUNCTUATION else token
