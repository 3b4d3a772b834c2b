"""SOQL text to tokens: lexical rules only (what a string, a name or a date looks like)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from contact_sync.simulator.salesforce.faults import malformed_query

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))
  | (?P<date>\d{4}-\d\d-\d\d)
  | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<range>(?:LAST|NEXT)_N_(?:DAYS|WEEKS|MONTHS|YEARS):\d+)
  | (?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)
  | (?P<symbol><=|>=|!=|<>|[=<>(),])
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL | re.ASCII,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind (a group name above, or `end`), its text and where it starts."""

    kind: str
    text: str
    position: int

    def is_word(self, *words: str) -> bool:
        """Whether the token is one of these keywords, in any case."""
        return self.kind == "name" and self.text.lower() in words


def tokenize(text: str) -> Iterator[Token]:
    """All tokens of a query and an `end` token; MALFORMED_QUERY at the first character that starts none."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise malformed_query(f"line 1:{position} no viable alternative at character '{text[position]}'")
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match.group(), position)
        position = match.end()
    yield Token("end", "<EOF>", position)


def unquote(text: str) -> str:
    """The value of a quoted string literal."""
    return _ESCAPE.sub(_unescape, text[1:-1])


def unquote_pattern(text: str) -> str:
    r"""The value of a `like` pattern, in which `\%`, `\_` and `\\` stay escaped so that they match literally."""
    return _ESCAPE.sub(
        lambda match: match.group() if match.group(2) in ("%", "_", "\\") else _unescape(match), text[1:-1]
    )


def _unescape(match: re.Match[str]) -> str:
    if match.group(1):
        return chr(int(match.group(1), 16))
    letter = match.group(2)
    if letter not in _ESCAPES:
        raise malformed_query(f"line 1:0 invalid string escape '\\{letter}'")
    return _ESCAPES[letter]
