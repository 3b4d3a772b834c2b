"""SOQL date literals (TODAY, LAST_N_DAYS:7 ...) as half-open ranges of days in UTC."""

from __future__ import annotations

from datetime import date, timedelta


def date_range(literal: str, today: date) -> tuple[date, date]:
    """First day and day after the last of an upper-case date literal; weeks start on Sunday as in Salesforce."""
    name, _, count = literal.partition(":")
    if name in _DAYS:
        start = today + timedelta(days=_DAYS[name])
        return start, start + timedelta(days=1)
    which, _, unit = name.partition("_")
    if unit in ("N_DAYS", "90_DAYS"):
        days = int(count or 90)
        # LAST_N_DAYS holds today, NEXT_N_DAYS starts tomorrow.
        first = today - timedelta(days=days) if which == "LAST" else today + timedelta(days=1)
        return first, today + timedelta(days=1 if which == "LAST" else days + 1)
    if unit.startswith("N_"):
        number, period = int(count), unit.removeprefix("N_").removesuffix("S")
        here = _period_start(period, today, 0)
        if which == "LAST":
            return _period_start(period, today, -number), here
        return _period_start(period, today, 1), _period_start(period, today, number + 1)
    shift = {"LAST": -1, "THIS": 0, "NEXT": 1}[which]
    return _period_start(unit, today, shift), _period_start(unit, today, shift + 1)


_DAYS = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}


def _period_start(period: str, today: date, shift: int) -> date:
    if period == "WEEK":
        return today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=shift)
    if period == "YEAR":
        return date(today.year + shift, 1, 1)
    months = today.year * 12 + today.month - 1 + shift
    return date(months // 12, months % 12 + 1, 1)
