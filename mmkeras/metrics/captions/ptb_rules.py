"""The rules of Penn Treebank tokenisation, as regular expressions.

They follow the observed behaviour of Stanford's tokenizer 3.4.1, not its source. They
match text whose non-ASCII characters are replaced by their class (`ptb_shadow`): "é" is
a letter, "٣" a digit, "\u0301" a mark that is part of a word.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

from mmkeras.metrics.captions.ptb_characters import PTB_SYMBOLS

# Words that keep their full stop, in any case. All words of up to four letters and
# 300,000 of Debian's word lists were passed to the tokenizer, each before and after a
# full stop, a hyphen and an apostrophe.
_ABBREVIATIONS = """
adj adm adv al ala alex apr ariz assn assoc asst atty aug ave bancorp bhd bldg blvd
brig bros calif capt cf cie cmdr co col colo comdr conn corp cos cpl ct dak dec dept
det dr drs elec ens esq est etc ext feb fla fri ft ga gen gov govs hon inc ind insp
intl invt jan jos jr jul jun kan kans ky lieut lt ltd maj mar md messrs mich minn mlle
mme mo mon mont mr mrs ms msgr mt natl neb nev nov oct okla penn pfc ph plc pres prof
profs pvt rd rep reps rev rt sen sens sep sept seq sfc sgt spc sq sr st ste supt sys
tel tenn thu thurs treas tue tues univ va vs vt wed wis wisc wm wyo
""".split()

# Words that keep it unless in lower case.
_CAPITALISED_ABBREVIATIONS = "ark az del ill la mass miss ore pa tex wash".split()

# Words that keep it unless in upper case.
_SMALL_ABBREVIATIONS = "mfg mtg ppte ppty pte ptes pty ptys".split()

# Words that keep it before a number.
_NUMBER_ABBREVIATIONS = "art ca fig figs no nos op pp prop".split()

# Words of _ABBREVIATIONS that keep it even before a letter.
_CLOSING_ABBREVIATIONS = """
al ala apr ariz assn aug bancorp bhd bldg blvd bros calif co colo conn corp cos ct dak
dec esq est etc ext feb fla fri ga inc ind intl jan jr jul jun kan kans ky ltd mar md
mich minn mo mon mont neb nev nov oct okla penn plc rd rt sep sept seq sq sr sys tel
tenn thu thurs tue tues univ va vt wed wis wisc wyo
""".split()

# A single letter before one of them ends the sentence, and so loses its full stop.
_SENTENCE_STARTS = """
A About According Additionally After An As At But Earlier He Her Here However If In It
Last Many More Now Once One Other Our She Since So Some Such That The Their Then There
These They This We What When While Yet You
""".split()

# Words that are split into two.
_COMPOUNDS = {
    "can": "not",
    "gim": "me",
    "gon": "na",
    "got": "ta",
    "lem": "me",
    "wan": "na",
}

_FILE_ENDINGS = """
bat bmp c cgi class cpp dll doc docx exe gif gz h htm html jar java jpeg jpg mov mp3
pdf php pl png ppt ps py sql tar txt wav x xml zip
""".split()


class _Rule(NamedTuple):
    """A rule: group 1 is the token, the rest of the match is required context.

    The longest match wins; the context counts.
    """

    pattern: re.Pattern
    finish: Callable[[str], str] | None


_WORD_CHARACTER = "[A-Za-z0-9é٣]"
_IN_WORD = "(?:[A-Za-z0-9é٣\u0301\u00ad]|&[aeiouAEIOU](?i:acute|grave|uml);)"
_LETTER = f"(?:(?!\\d){_IN_WORD})"
_WORD = f"{_LETTER}{_IN_WORD}*(?:[.!?]{_LETTER}{_IN_WORD}*)*"
_SPACE = "[ \t\r\n\u00a0]"
_APOSTROPHE = "(?:['’]|&apos;)"
_ANY_QUOTE = "(?:['’‘`]|&apos;)"
_ENDING = "(?:[msd]|re|ve|ll)"
_CLITIC = f"(?:(?:'|&apos;){_ENDING}(?![A-Za-z])|’{_ENDING})"
_HYPHEN = "[-‐]"
_URL_END = '[^ \t\n\f\r"<>|.!?(){},-]'
_URL_PATH = f'(?:/[^ \t\n\f\r"<>|()\u00a0]+{_URL_END})?'
_HOST_PART = '(?:[^ \t\n\f\r"<>|.!?(){},\u00a0]+\\.)'
_MAIL_PART = '[^ \t\n\f\r"<>|(){}.\u00a0]+'

_FRENCH = f"[donlDONL]{_ANY_QUOTE}{_LETTER}{_IN_WORD}+"
_ELIDED = f"(?:[donlDONL]{_ANY_QUOTE})?{_WORD_CHARACTER}+"
_HYPHENATED = (
    f"[A-Za-z0-9][A-Za-z0-9.,]*(?:{_HYPHEN}[A-Za-z0-9]+)+",
    f"{_ELIDED}(?:{_HYPHEN}{_ELIDED})+",
    f"{_WORD_CHARACTER}+(?:[-_‐]{_WORD_CHARACTER}+)*",
)
_FIRM = "[A-Z]+(?:(?:[&+]|&amp;)[A-Z]+)+"
_NAME = "[A-Za-z][A-Za-z0-9_:.-]*"
_VALUE = "(?:\"[^\"\r\n]*\"|'[^'\r\n]*')"
_ATTRIBUTES = f"(?:[ \t\u00a0]+{_NAME}(?:={_VALUE})?)*[ \t]*/?[ \t]*"
_TAG = f"<(?:[!?][A-Za-z-][^>\r\n]*|/{_NAME}[ \t]*|{_NAME}{_ATTRIBUTES})>"


def _any_case(words: list[str]) -> str:
    return f"(?i:{'|'.join(words)})"


def _spellings(words: list[str], *change: Callable[[str], str]) -> str:
    return "|".join(spell(word) for word in words for spell in change)


def _starts() -> str:
    starts = [f"{word[0]}(?i:{word[1:]})" for word in _SENTENCE_STARTS]
    return "|".join([*starts, "M(?i:r|s)\\."])


def _hard_spaces(token: str) -> str:
    # Stanford's tokens hold no plain space.
    return token.replace(" ", "\u00a0")


def _brackets(token: str) -> str:
    return token.replace("(", "-lrb-").replace(")", "-rrb-")


def _quotes(token: str) -> str:
    plain = token.replace("&apos;", "'").replace("’", "'").replace("\x92", "'")
    return re.sub("[‘‛\x91]", "`", plain)


def _quote_marks(token: str) -> str:
    return "".join(PTB_SYMBOLS.get(mark, mark) for mark in token)


def _fixed(text: str) -> Callable[[str], str]:
    return lambda token: text


def _clitics() -> list:
    closing = "(?=[ \t\r\n\u00a0])"
    compounds = [
        ("A", f"((?i:{a})){_any_case([b])}", None) for a, b in _COMPOUNDS.items()
    ]
    return [
        *compounds,
        ("'", "('[tT])(?i:is|was)", None),
        ("A", "((?i:more))'n(?![A-Za-z0-9])", None),
        ("A", f"([A-Za-z]*[A-MO-Za-mo-z])[nN]{_ANY_QUOTE}[tT]", None),
        ("Aé&", f"((?i:{_WORD}))(?i:{_CLITIC})", None),
        ("A", f"([nN]{_ANY_QUOTE}[tT])", _quotes),
        ("'’&", f"((?i:{_CLITIC}))", _quotes),
        ("'’&", f"({_APOSTROPHE}(?i:till?|em|cause|n{_APOSTROPHE}))", None),
        ("'’", f"(’[nN]|'[nN]{closing})", None),
        ("'’&", f"({_APOSTROPHE}[2-9]0[sS])", None),
        ("'’&", f"({_APOSTROPHE}\\d\\d){closing}", None),
    ]


def _apostrophes() -> list:
    return [
        ("A", f"([dD]{_APOSTROPHE}[yY][eE])", None),
        ("A", f"((?:[djlDJL]|[oO][lL]){_APOSTROPHE})", None),
        ("A", f"([yY]{_APOSTROPHE}){_LETTER}", None),
        ("A", f"({_FRENCH})", None),
        ("A", f"([A-HJ-XZ]{_ANY_QUOTE}{_LETTER}{{2,}})", None),
        ("A", f"((?i:e'er|ev'ry|li'l|c'mon|o'o|cap{_APOSTROPHE}n))", None),
        ("Aé&", f"({_LETTER}+(?i:[aeiouy]){_ANY_QUOTE}[aeiouA-Z]{_LETTER}*)", None),
    ]


def _abbreviations() -> list:
    some = _spellings(_CAPITALISED_ABBREVIATIONS, str.capitalize, str.upper)
    some += "|" + _spellings(_SMALL_ABBREVIATIONS, str.lower, str.capitalize)
    closing = _any_case(_CLOSING_ABBREVIATIONS)
    dotted = "|".join([_WORD, *_HYPHENATED, _FRENCH, _FIRM])
    acronym = "[A-Za-z](?:\\.[A-Za-z])"
    return [
        ("A", f"({acronym}*\\.)", None),
        ("A5", f"([A-Za-z0-9][A-Za-z0-9.,]*-(?:[A-Za-z0-9]+-)*{acronym}+\\.)", None),
        ("A", "((?i:ed|ph)\\.[dD]\\.)", None),
        ("A", f"([A-Za-z])\\.{_SPACE}+(?:{_starts()}|{_TAG}){_SPACE}", None),
        ("A", f"((?:{some}|{_any_case(_ABBREVIATIONS)})\\.)", None),
        ("A", f"({_any_case(_NUMBER_ABBREVIATIONS)}\\.)[ \t\r\n]?\\d", None),
        ("Aé5&", f"((?:{dotted})\\.)[,;:]", None),
        ("Aé&", f"({_WORD})", None),
        # Of equally long matches the earlier rule wins: this one comes after words.
        ("A", f"((?:{closing}|{some})\\.)[\\s\\S]{{2}}", None),
    ]


def _words() -> list:
    part = "[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}"
    endings = _any_case(_FILE_ENDINGS)
    return [
        ("A", "((?i:anti|pro)-)", None),
        *(("Aé5", f"({pattern})", None) for pattern in _HYPHENATED),
        ("A5", f"({part}(?:\\\\?/{part}){{1,2}})", None),
        (
            "A",
            f"({_FIRM})",
            lambda token: token.replace("&amp;", "&"),
        ),
        ("A", "([cC]\\+\\+|[cCfF]#)", None),
        ("A$", "([A-Z]*\\$)", None),
        ("Aé5", f"((?:{_WORD_CHARACTER}+\\.)+{endings})(?:[!,.?\\s]|$)", None),
    ]


def _numbers() -> list:
    fraction = "\\d{1,4}\\\\?[/⁄]\\d{1,4}"
    phone = "[0-9]{3,4}[- \u00a0]?[0-9]{3,5}"
    return [
        ("5+-.,:٫\u00ad", "([+-]?(?:\\d*(?:[.,:\u00ad٫]\\d+)+|\\d+))", None),
        ("5", f"(\\d{{1,4}}[- \u00a0]{fraction})", _hard_spaces),
        ("5", f"({fraction})", None),
        ("5", "(\\d{1,2}[-/]\\d{1,2}[-/]\\d{2,4})", None),
        (
            "(",
            f"(\\([0-9]{{2,3}}\\)[ \u00a0]?{phone})",
            lambda token: _hard_spaces(_brackets(token)),
        ),
        ("5+", f"(\\+?(?:[0-9]{{2,4}}[- \u00a0]){{1,2}}{phone})", _hard_spaces),
    ]


def _addresses() -> list:
    # Excludes the characters from "," to "_", and so digits and capital letters.
    label = "(?:[^ \t\n\f\r\"`'|!(){}\u00a0$,-_]+\\.)"
    return [
        ("A", f'((?i:https?)://[^ \t\n\f\r"<>|(){{}}\u00a0]+{_URL_END})', None),
        ("A", f"((?i:www)\\.{_HOST_PART}+[a-zA-Z]{{2,4}}{_URL_PATH})", None),
        ("Aé¡#%&*+~’‘“”‹›‐٫²₂„⁄", f"({label}+(?i:com|net|org|edu){_URL_PATH})", None),
        (
            "<&A5",
            '((?:&lt;|<)?(?:mailto:)?[a-zA-Z0-9][^ \t\n\f\r"<>|()\u00a0{}]*'
            f"@(?:{_MAIL_PART}\\.)*{_MAIL_PART}(?:&gt;|>)?)",
            None,
        ),
        ("@", "(@[A-Za-z_][A-Za-z0-9_]*)", None),
        ("#", f"(#{_LETTER}+)", None),
    ]


def _entities() -> list:
    return [
        ("<", f"({_TAG})", _hard_spaces),
        ("&", "(&(?i:nbsp);)", _fixed("")),
        ("&", "(&(?i:md|mdash|ndash);)", _fixed("--")),
        ("&", "(&quot;)", _fixed("''")),
        ("&", "(&apos;)", _fixed("'")),
        ("&", "(&(?i:quot|apos);)", None),
        ("&", "(&(?i:amp);)", _fixed("&")),
        ("&", "(&(?i:lt);)", _fixed("<")),
        ("&", "(&(?i:gt);)", _fixed(">")),
        ("&", "(&(?:(?i:[htul][tlr]|lr|q[clr]|odq|cdq)|#\\d+);)", None),
    ]


def _faces() -> list:
    eye = "[-'<=>^~x]"
    mouth = "[()DPdpO\\]\\[{@|\\\\]"
    return [
        ("<>:;=", f"([<>]?[:;=][-o*']?{mouth})(?![A-Za-z0-9])", _brackets),
        ("A-'<=>^~", f"({eye}_{eye})", None),
        ("(", f"(\\({eye}[_.]?{eye}\\))", _brackets),
        ("(", "(\\(['<=>^~x]-['`<=>^~x]\\))", _brackets),
    ]


def _runs() -> list:
    return [
        ("@#*_", "(@+|#+|\\*+|_+)", None),
        ("\\", "(\\\\\\*)", None),
        ("<>'", "(<<|>>|'')", None),
        ("!?", "([!?]+)", None),
        ("-", "(-{5,})", None),
        ("-", "(-{2,4})", _fixed("--")),
        (".", "(\\.{3,5}|\\. \\. \\.(?: \\.)?)", _fixed("...")),
        ("²", "(²+)", None),
        ("₂", "(₂+)", None),
        ("`‘’“”‹›„", "([`‘’“”‹›„]{1,2})", _quote_marks),
    ]


@functools.cache
def ptb_rules() -> dict[str, tuple[_Rule, ...]]:
    """Compiles the rules, by the class of the first character of a token.

    Returns:
        Dict from "A" (an ASCII letter), "5" (a digit), "é" (another letter, a mark or a
        soft hyphen), "¡" (other non-ASCII characters) or a character to a tuple of
        rules; of equally long matches the earlier rule wins.
    """
    groups = (_clitics, _apostrophes, _abbreviations, _words, _numbers)
    groups += (_addresses, _entities, _faces, _runs)
    by_start: dict[str, list[_Rule]] = {}
    for group in groups:
        for starts, pattern, finish in group():
            rule = _Rule(re.compile(pattern), finish)
            for start in starts:
                by_start.setdefault(start, []).append(rule)
    return {start: tuple(rules) for start, rules in by_start.items()}
