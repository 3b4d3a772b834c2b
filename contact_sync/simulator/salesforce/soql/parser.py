"""A recursive-descent parser for the part of SOQL that readers and writers of records use.

Not here: functions, GROUP BY, sub-queries and TYPEOF, which are refused; what names mean is compiler.py's business.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

from contact_sync.simulator.salesforce.faults import Fault, malformed_query
from contact_sync.simulator.salesforce.soql.syntax import (
    Comparison,
    Condition,
    Junction,
    Not,
    Operator,
    Ordering,
    Path,
    Query,
    Value,
)
from contact_sync.simulator.salesforce.soql.tokens import Token, tokenize, unquote, unquote_pattern

_COMPARISONS = {"=", "!=", "<>", "<", "<=", ">", ">="}
_DATE_LITERALS = re.compile(
    r"(?:TODAY|YESTERDAY|TOMORROW|(?:LAST|THIS|NEXT)_(?:WEEK|MONTH|YEAR)|(?:LAST|NEXT)_90_DAYS)"
)


def parse(text: str) -> Query:
    """Read one query; MALFORMED_QUERY names the token that did not fit."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(tokenize(text))
        self._next = 0

    def query(self) -> Query:
        self._expect_word("select")
        is_count, fields = self._select_list()
        self._expect_word("from")
        object_name = self._expect("name").text
        where = self._condition() if self._take_word("where") else None
        order_by = self._order_by() if self._take_word("order") else ()
        limit = self._row_number() if self._take_word("limit") else None
        offset = self._row_number() if self._take_word("offset") else None
        self._expect("end")
        return Query(object_name, fields, is_count, where, order_by, limit, offset)

    def _select_list(self) -> tuple[bool, tuple[Path, ...]]:
        first = self._expect("name")
        if first.is_word("count") and self._take_symbol("("):
            self._expect_symbol(")")
            return True, ()
        paths = [_path(first)]
        while self._take_symbol(","):
            paths.append(_path(self._expect("name")))
        if len({tuple(part.lower() for part in path) for path in paths}) < len(paths):
            raise Fault(400, "INVALID_FIELD", "duplicate field selected")
        return False, tuple(paths)

    def _condition(self) -> Condition:
        conditions = [self._operand()]
        joined_by: str | None = None
        while self._peek().is_word("and", "or"):
            word = self._advance()
            # Salesforce has no precedence between the two: it asks for parentheses.
            if joined_by not in (None, word.text.lower()):
                raise _unexpected(word)
            joined_by = word.text.lower()
            conditions.append(self._operand())
        if joined_by is None:
            return conditions[0]
        return Junction("and" if joined_by == "and" else "or", tuple(conditions))

    def _operand(self) -> Condition:
        if self._take_word("not"):
            return Not(self._operand())
        if self._take_symbol("("):
            condition = self._condition()
            self._expect_symbol(")")
            return condition
        return self._comparison()

    def _comparison(self) -> Comparison:
        path = _path(self._expect("name"))
        token = self._advance()
        if token.kind == "symbol" and token.text in _COMPARISONS:
            operator = "!=" if token.text == "<>" else token.text
            return Comparison(path, cast("Operator", operator), (self._value(),))
        if token.is_word("like"):
            return Comparison(path, "like", (Value("string", unquote_pattern(self._expect("string").text)),))
        if token.is_word("in"):
            return Comparison(path, "in", self._value_list())
        if token.is_word("not") and self._take_word("in"):
            return Comparison(path, "not in", self._value_list())
        raise _unexpected(token)

    def _value_list(self) -> tuple[Value, ...]:
        self._expect_symbol("(")
        values = [self._value()]
        while self._take_symbol(","):
            values.append(self._value())
        self._expect_symbol(")")
        return tuple(values)

    def _value(self) -> Value:
        token = self._advance()
        if token.kind == "string":
            return Value("string", unquote(token.text))
        if token.kind == "number":
            return Value("number", Decimal(token.text))
        if token.kind in ("date", "datetime"):
            return _temporal(token)
        if token.kind == "range" or (token.kind == "name" and _DATE_LITERALS.fullmatch(token.text.upper())):
            return Value("range", token.text.upper())
        if token.is_word("true", "false"):
            return Value("boolean", token.is_word("true"))
        if token.is_word("null"):
            return Value("null", None)
        raise _unexpected(token)

    def _order_by(self) -> tuple[Ordering, ...]:
        self._expect_word("by")
        orderings = [self._ordering()]
        while self._take_symbol(","):
            orderings.append(self._ordering())
        return tuple(orderings)

    def _ordering(self) -> Ordering:
        path = _path(self._expect("name"))
        descending = self._take_word("desc")
        if not descending:
            self._take_word("asc")
        nulls_last = False
        if self._take_word("nulls"):
            nulls_last = self._take_word("last")
            if not nulls_last:
                self._expect_word("first")
        return Ordering(path, descending, nulls_last)

    def _row_number(self) -> int:
        token = self._expect("number")
        if not token.text.isdigit():
            raise _unexpected(token)
        return int(token.text)

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _advance(self) -> Token:
        token = self._peek()
        if token.kind != "end":
            self._next += 1
        return token

    def _expect(self, kind: str) -> Token:
        if self._peek().kind != kind:
            raise _unexpected(self._peek())
        return self._advance()

    def _take_word(self, word: str) -> bool:
        found = self._peek().is_word(word)
        self._next += found
        return found

    def _expect_word(self, word: str) -> None:
        if not self._take_word(word):
            raise _unexpected(self._peek(), f"expecting '{word}'")

    def _take_symbol(self, symbol: str) -> bool:
        found = self._peek().kind == "symbol" and self._peek().text == symbol
        self._next += found
        return found

    def _expect_symbol(self, symbol: str) -> None:
        if not self._take_symbol(symbol):
            raise _unexpected(self._peek(), f"expecting '{symbol}'")


def _path(token: Token) -> Path:
    return tuple(token.text.split("."))


def _temporal(token: Token) -> Value:
    try:
        moment = datetime.fromisoformat(token.text)
    except ValueError as error:
        raise malformed_query(f"line 1:{token.position} invalid date '{token.text}'") from error
    if token.kind == "date":
        return Value("date", token.text)
    return Value("datetime", moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def _unexpected(token: Token, hint: str = "") -> Fault:
    text = f"line 1:{token.position} unexpected token: '{token.text}'"
    return malformed_query(f"{text} ({hint})" if hint else text)
