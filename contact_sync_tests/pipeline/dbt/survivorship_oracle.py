"""Survivorship once more, in plain Python over one person at a time: what the SQL of `contact_field` has to agree with.

Written from docs/golden_record.md, not from the SQL. Does not belong here: a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class FieldRule:
    """One field of golden.yaml."""

    field: str
    rule: str
    group: str
    owner: str | None = None
    is_propagated: bool = False


@dataclass(frozen=True)
class Record:
    """A live record of a person. `trust`: rank of its source, 1 is the most trusted."""

    key: str
    source: str
    trust: int
    version_at: datetime | None
    values: Mapping[str, str]
    verified: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Golden:
    """What won for a field; without a value it was cleared, and `lost` is what was cleared."""

    value: str | None
    record: str
    rule: str
    version_at: datetime | None
    lost: str | None = None


@dataclass(frozen=True)
class _Contender:
    record: Record
    version_at: datetime | None
    values: Mapping[str, str]
    lost: Mapping[str, str]
    score: int = 0


def survivors(rules: Iterable[FieldRule], records: Iterable[Record], before: Mapping[str, Golden]) -> dict[str, Golden]:
    """field -> what wins among the records of one person, given what won in the last build."""
    known = {record.key: record for record in records}
    groups: dict[str, list[FieldRule]] = {}
    for rule in rules:
        groups.setdefault(rule.group, []).append(rule)
    golden: dict[str, Golden] = {}
    for parts in groups.values():
        golden |= _of_group(parts, known, before)
    return golden


def _of_group(parts: list[FieldRule], known: Mapping[str, Record], before: Mapping[str, Golden]) -> dict[str, Golden]:
    rule, names = parts[0], [part.field for part in parts]
    units = {
        key: {name: record.values[name] for name in names if name in record.values} for key, record in known.items()
    }
    units = {key: unit for key, unit in units.items() if unit}
    past = {name: before[name] for name in names if name in before and before[name].record in known}
    contenders = _from_the_past(rule, past, known, units)
    lost = {name: text for one in contenders for name, text in one.lost.items()}
    if lost:
        units = {key: unit for key, unit in units.items() if any(lost.get(name) != text for name, text in unit.items())}
    contenders += [
        _Contender(known[key], known[key].version_at, unit, {}, _score(rule, known[key], unit, list(units.values())))
        for key, unit in units.items()
    ]
    if not contenders:
        return {}
    winner = min(contenders, key=lambda one: _rank(rule, one))
    return {name: _golden(rule, winner, name, list(contenders)) for name in [*winner.values, *winner.lost]}


def _from_the_past(
    rule: FieldRule, past: Mapping[str, Golden], known: Mapping[str, Record], units: Mapping[str, Mapping[str, str]]
) -> list[_Contender]:
    if not past:
        return []
    first = next(iter(past.values()))
    record = known[first.record]
    if rule.rule == "fill_only":
        values = {name: one.value for name, one in past.items() if one.value is not None}
        return [_Contender(record, first.version_at, values, {}, score=1)]
    if rule.is_propagated and record.key not in units:
        lost = {name: one.value if one.value is not None else str(one.lost) for name, one in past.items()}
        cleared_at = record.version_at if first.value is not None else first.version_at
        return [_Contender(record, cleared_at, {}, lost)]
    return []


def _score(rule: FieldRule, record: Record, unit: Mapping[str, str], units: list[Mapping[str, str]]) -> int:
    if rule.rule == "longest":
        return sum(len(text) for text in unit.values())
    if rule.rule == "most_frequent":
        return units.count(unit)
    if rule.rule == "verified":
        return int(rule.field in record.verified)
    return 0


def _rank(rule: FieldRule, one: _Contender) -> tuple[object, ...]:
    score = -one.record.trust if rule.rule == "trust" else one.score
    age = -(one.version_at or LONG_AGO).timestamp()
    return one.record.source != rule.owner, -score, one.version_at is None, age, one.record.trust, one.record.key


def _golden(rule: FieldRule, winner: _Contender, name: str, contenders: list[_Contender]) -> Golden:
    value = winner.values.get(name)
    is_owned = winner.record.source == rule.owner
    if rule.rule == "union":
        peers = [one for one in contenders if (one.record.source == rule.owner) == is_owned]
        value = "; ".join(sorted({one.values[name] for one in peers}))
    return Golden(
        value, winner.record.key, "owner" if is_owned else rule.rule, winner.version_at, winner.lost.get(name)
    )
