"""What measured figures mean for a contract: one result per rule and instance; pure.

Does not belong here: measuring (measure.py), or comparing with the days before (drift.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contact_sync.catalog import Contract, Rule, RuleKind, Severity
from contact_sync.quality.drift import Deviation
from contact_sync.quality.measure import Column, ColumnKind, Measurement
from contact_sync.quality.schema_break import SchemaBreak

SCHEMA: Final = "schema"
DRIFT: Final = "drift"
_KINDS: Final[Mapping[RuleKind, frozenset[ColumnKind]]] = {
    RuleKind.PATTERN: frozenset({ColumnKind.TEXT}),
    RuleKind.LENGTH: frozenset({ColumnKind.TEXT}),
    RuleKind.ONE_OF: frozenset({ColumnKind.TEXT}),
    RuleKind.BETWEEN: frozenset({ColumnKind.NUMBER, ColumnKind.TIME}),
    RuleKind.UNIQUE: frozenset({ColumnKind.TEXT, ColumnKind.NUMBER, ColumnKind.TIME}),
}
"""The columns that a rule can be about; the others are about any."""


@dataclass(frozen=True, kw_only=True)
class RuleResult:
    """What became of one rule in one instance: of `row_count` rows `failed_count` break it. problem: none if passed."""

    object_name: str
    instance: str
    rule: str
    column_name: str = ""
    expectation: str
    severity: Severity
    row_count: int
    failed_count: int
    problem: str = ""

    @property
    def is_passed(self) -> bool:
        """Whether the rule holds."""
        return not self.problem


def judged(
    object_name: str, rules: Iterable[Rule], columns: Sequence[Column], measurement: Measurement
) -> list[RuleResult]:
    """One result per rule; a rule that cannot be measured fails, whatever its severity."""
    known = {column.name: column for column in columns}
    return [_judged(object_name, rule, known, measurement) for rule in rules]


def schema_results(object_name: str, instance: str, breaks: Sequence[SchemaBreak]) -> list[RuleResult]:
    """One result per break; without any, one that passed."""
    problems = [(one.field, str(one)) for one in breaks] or [("", "")]
    return [
        RuleResult(
            object_name=object_name,
            instance=instance,
            rule=SCHEMA,
            column_name=field,
            expectation="every field that the model reads is there, with a type it can hold",
            severity=Severity.ERROR,
            row_count=0,
            failed_count=1 if problem else 0,
            problem=problem,
        )
        for field, problem in problems
    ]


def drift_result(
    object_name: str, contract: Contract, measurement: Measurement, deviations: Sequence[Deviation]
) -> RuleResult:
    """One result for all figures of an instance; it only warns."""
    return RuleResult(
        object_name=object_name,
        instance=measurement.instance,
        rule=DRIFT,
        expectation=f"figures within {contract.drift.threshold:g} robust deviations of the days before",
        severity=Severity.WARN,
        row_count=measurement.row_count,
        failed_count=len(deviations),
        problem="; ".join(str(one) for one in deviations),
    )


def unmeasurable(rule: Rule, columns: Mapping[str, Column]) -> str:
    """Why a rule cannot be measured on a table with these columns; nothing if it can."""
    if rule.kind is RuleKind.ROWS_AT_LEAST:
        return ""
    column = columns.get(rule.column)
    if column is None:
        return f"the silver model has no column {rule.column}"
    if column.kind not in _KINDS.get(rule.kind, frozenset(ColumnKind)):
        return f"{rule.column} is {column.data_type}, {rule.kind} cannot be said of it"
    if rule.kind is RuleKind.BETWEEN and isinstance(rule.argument[0], int | float) is (column.kind is ColumnKind.TIME):
        return f"{rule.column} is {column.data_type}, the bounds are not"
    return ""


def _judged(object_name: str, rule: Rule, columns: Mapping[str, Column], measurement: Measurement) -> RuleResult:
    rows = measurement.row_count
    reason = unmeasurable(rule, columns)
    broken = measurement.broken.get(rule, 0)
    if reason:
        problem = reason
    elif rule.kind is RuleKind.ROWS_AT_LEAST:
        broken = max(0, int(rule.argument) - rows)
        problem = f"{rows} rows, expected at least {rule.argument}" if broken else ""
    elif rule.kind is RuleKind.NULL_SHARE_BELOW:
        share = broken / rows if rows else 0.0
        said = f"{rule.column}: {share:.1%} null, expected below {rule.argument:.1%}"
        problem = said if share >= rule.argument else ""
    else:
        is_broken = broken > rule.tolerance * rows
        problem = f"{rule.column}: {broken} of {rows} rows break `{rule}`" if is_broken else ""
    return RuleResult(
        object_name=object_name,
        instance=measurement.instance,
        rule=rule.kind.value,
        column_name=rule.column,
        expectation=str(rule),
        severity=Severity.ERROR if reason else rule.severity,
        row_count=rows,
        failed_count=broken,
        problem=problem,
    )
