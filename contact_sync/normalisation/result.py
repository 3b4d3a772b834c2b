"""The answer of every normalising function. Does not belong here: how any kind of value is normalised."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Normalized:
    """A value in its one form, or null and the name of the rule that refused it."""

    value: str | None
    rule: str | None = None

    @property
    def is_refused(self) -> bool:
        """Whether the value means nothing."""
        return self.value is None


def refused(rule: str) -> Normalized:
    """No value, by this rule."""
    return Normalized(value=None, rule=rule)
