"""What a build of dbt's models has to do, and what follows for it from which model reads which; pure.

Does not belong here: finding that out in the warehouse (silver_work.py, gold_work.py), and building (steps.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BuildWork:
    """What a build has to do. due: selected nodes to build, unchanged: selected ones that hold all there is.

    before: what the due ones read, nobody has selected, and has to be built all the same.
    definitions: what each table that is kept between builds is filled by; rebuild: those filled by another one so far.
    changes_seen: the last change that each table has seen.
    """

    definitions: Mapping[str, str]
    rebuild: Sequence[str]
    changes_seen: Mapping[str, int]
    before: Sequence[str]
    due: Sequence[str]
    unchanged: Sequence[str]

    @property
    def nodes(self) -> list[str]:
        """All that has to be built, selected or not."""
        return [*self.before, *self.due]


def ancestors(names: Iterable[str], parents: Mapping[str, AbstractSet[str]]) -> set[str]:
    """Everything that these read, directly or through others."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        new = set(parents.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def due_of(selected: Sequence[str], quiet: Collection[str], parents: Mapping[str, AbstractSet[str]]) -> list[str]:
    """Of a selection, parents first, what has to be built: all but the quiet ones whose parents need not be, either."""
    due: list[str] = []
    for name in selected:
        if name not in quiet or not parents.get(name, set()).isdisjoint(due):
            due.append(name)
    return due


def seen_by(
    built: Iterable[str], refresh: int, before: Mapping[str, int], parents: Mapping[str, AbstractSet[str]]
) -> dict[str, int]:
    """Which refresh each of the models that were built has seen, before: those that were not.

    None has seen more than what it reads: a model that is built without its parents does not know what they will say.
    """
    made = dict.fromkeys(built, refresh)
    return {
        name: min([refresh, *(before[one] for one in ancestors([name], parents) if one in before and one not in made)])
        for name in made
    }


def views_over(due: Collection[str], views: AbstractSet[str], parents: Mapping[str, AbstractSet[str]]) -> list[str]:
    """The views that read what is built, directly or through others: PostgreSQL drops a view with its tables."""
    found: list[str] = []
    while over := sorted(view for view in views - set(found) if not parents[view].isdisjoint((*due, *found))):
        found += over
    return found
