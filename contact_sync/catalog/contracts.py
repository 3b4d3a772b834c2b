"""Contracts: what the silver table of an object must hold, one YAML per object in the catalog's `contracts/`.

Belongs here: what such a file may say, and reading it. Does not belong here: measuring tables (quality/).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contact_sync.catalog.yaml_files import line_of, read_mapping, validated
from contact_sync.errors import CatalogError

CONTRACTS: Final = "contracts"
_EXAMPLE: Final = "See docs/data_quality.md."
_KEYS: Final = frozenset({"rows_at_least", "optional_fields", "drift", "columns"})
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
Bound: TypeAlias = int | float | date | Literal["tomorrow"]


class Severity(StrEnum):
    """What a broken rule means: the check fails as an error, or warns."""

    ERROR = "error"
    WARN = "warn"


class RuleKind(StrEnum):
    """The kinds of rules, named as in the YAML."""

    REQUIRED = "required"
    UNIQUE = "unique"
    PATTERN = "pattern"
    LENGTH = "length"
    ONE_OF = "one_of"
    BETWEEN = "between"
    NULL_SHARE_BELOW = "null_share_below"
    ROWS_AT_LEAST = "rows_at_least"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a contract. argument: the value in the YAML; tolerance: the share of rows that may break it."""

    kind: RuleKind
    argument: Any
    column: str = ""
    severity: Severity = Severity.ERROR
    tolerance: float = 0.0

    def __str__(self) -> str:
        """`length 1 to 80`, as a person would say it."""
        if self.kind in {RuleKind.REQUIRED, RuleKind.UNIQUE}:
            said = self.kind.value
        elif self.kind in {RuleKind.LENGTH, RuleKind.BETWEEN}:
            said = f"{self.kind.value} {self.argument[0]} to {self.argument[1]}"
        elif self.kind is RuleKind.ONE_OF:
            said = f"one of {', '.join(self.argument)}"
        else:
            said = f"{self.kind.value} {self.argument}".replace("_", " ")
        return f"{said}, up to {self.tolerance:.2%} of the rows aside" if self.tolerance else said


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnRules(_Value):
    """Rules of one column that share a severity and a tolerance; only `required` and `null_share_below` mind nulls."""

    required: Literal[True] | None = None
    unique: Literal[True] | None = None
    pattern: str | None = None
    length: tuple[int, int] | None = None
    one_of: tuple[str, ...] | None = Field(default=None, min_length=1)
    between: tuple[Bound, Bound] | None = None
    null_share_below: float | None = Field(default=None, gt=0, le=1)
    severity: Severity = Severity.ERROR
    tolerance: float = Field(default=0, ge=0, lt=1)

    @field_validator("pattern")
    @classmethod
    def _pattern_means_the_same_everywhere(cls, pattern: str | None) -> str | None:
        """Warehouses differ in what a backslash and `(?` mean, so that neither can be used."""
        if pattern is not None:
            _refuse_backslash("pattern", pattern)
            if "(?" in pattern:
                message = "pattern: (?...) does not mean the same in every warehouse"
                raise ValueError(message)
            try:
                re.compile(pattern)
            except re.error as error:
                message = f"pattern: not a regular expression ({error})"
                raise ValueError(message) from None
        return pattern

    @field_validator("one_of")
    @classmethod
    def _values_mean_the_same_everywhere(cls, values: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for value in values or ():
            _refuse_backslash("one_of", value)
        return values

    @field_validator("length", "between")
    @classmethod
    def _bounds_are_in_order(cls, bounds: tuple[Any, Any] | None) -> tuple[Any, Any] | None:
        if bounds is None or (bounds[1] == "tomorrow" and isinstance(bounds[0], date)):
            return bounds
        if "tomorrow" in bounds or isinstance(bounds[0], date) is not isinstance(bounds[1], date):
            message = "both bounds must be numbers, or dates; only the second may be `tomorrow`"
            raise ValueError(message)
        if bounds[0] > bounds[1]:
            message = "the first bound must not be greater than the second"
            raise ValueError(message)
        return bounds

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not list(self.rules("")):
            message = "expected at least one rule"
            raise ValueError(message)
        return self

    def rules(self, column: str) -> Iterator[Rule]:
        """The rules, one by one."""
        for kind in RuleKind:
            argument = getattr(self, kind.value, None)
            if argument is not None:
                yield Rule(
                    kind=kind, argument=argument, column=column, severity=self.severity, tolerance=self.tolerance
                )


class DriftRules(_Value):
    """How far figures may move before a warning.

    threshold: robust deviations from the median of the days before; days: how many days must be known before anything
    is compared; ignore: columns that may change as they like.
    """

    threshold: float = Field(default=3.5, gt=0)
    days: int = Field(default=7, ge=3)
    ignore: tuple[str, ...] = ()


class Contract(_Value):
    """What one object promises. optional_fields: fields of the source that may go without holding the object back."""

    rows_at_least: int | None = Field(default=None, ge=1)
    optional_fields: tuple[str, ...] = ()
    drift: DriftRules = DriftRules()
    columns: dict[str, tuple[ColumnRules, ...]] = {}

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, in the order of the file."""
        columns = tuple(rule for name, parts in self.columns.items() for part in parts for rule in part.rules(name))
        if self.rows_at_least is None:
            return columns
        return (Rule(kind=RuleKind.ROWS_AT_LEAST, argument=self.rows_at_least), *columns)


def load_contracts(directory: Path, objects: Collection[str]) -> dict[str, Contract]:
    """Object -> its contract, from `contracts/<object>.yaml`; CatalogError naming file and line of what is wrong."""
    contracts = {}
    for path in sorted((directory / CONTRACTS).glob("*.yaml")):
        if path.stem not in objects:
            raise CatalogError(
                f"{path}: the catalog has no object {path.stem}.", remedy="Name the file <source>__<object>.yaml."
            )
        contracts[path.stem] = _contract(path)
    return contracts


def _contract(path: Path) -> Contract:
    content = read_mapping(path)
    unknown = sorted(str(key) for key in set(content) - _KEYS)
    if unknown:
        raise CatalogError(f"{path}:{line_of(path, unknown[:1])}: unknown key {unknown[0]}.", remedy=_EXAMPLE)
    listed = content.get("columns") or {}
    if not isinstance(listed, dict):
        raise CatalogError(f"{path}:{line_of(path, ('columns',))}: columns must be a mapping.", remedy=_EXAMPLE)
    columns = {name: _column_rules(path, name, value) for name, value in listed.items()}
    return validated(path, (), Contract, {**content, "columns": columns})


def _column_rules(path: Path, name: str, value: object) -> tuple[ColumnRules, ...]:
    """The rules of a column: one mapping, or a list of them, each with a severity of its own."""
    place = ("columns", name)
    if not _NAME.fullmatch(str(name)):
        raise CatalogError(f"{path}:{line_of(path, place)}: {name} is no column of silver.", remedy=_EXAMPLE)
    parts = value if isinstance(value, list) else [value]
    found = []
    for index, part in enumerate(parts):
        if not isinstance(part, dict):
            raise CatalogError(
                f"{path}:{line_of(path, place)}: the rules of {name} must be a mapping.", remedy=_EXAMPLE
            )
        found.append(validated(path, (*place, index), ColumnRules, part))
    return tuple(found)


def _refuse_backslash(name: str, text: str) -> None:
    if "\\" in text:
        message = f"{name}: a backslash does not mean the same in every warehouse; write [.] and [0-9]"
        raise ValueError(message)
