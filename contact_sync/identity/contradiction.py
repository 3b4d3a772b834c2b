"""Whether what stewards decide can be true together; pure.

Does not belong here: taking decisions (pipeline/decisions.py), and what follows from them (guards.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contact_sync.state.decisions import Judgement, Verdict


def contradicted(standing: Sequence[Judgement], new: Judgement) -> list[Judgement]:
    """The standing judgements that cannot hold together with a new one; empty if it can be noted.

    Records that are the same as one another, by whatever chain, cannot be different.
    """
    sames = [one for one in standing if one.verdict is Verdict.SAME]
    if new.verdict is Verdict.DIFFERENT:
        return _chain(sames, new.record_key_1, new.record_key_2)
    joined = _groups([*sames, new])
    return [
        one
        for one in standing
        if one.verdict is Verdict.DIFFERENT
        and joined.get(one.record_key_1, one.record_key_1) == joined.get(one.record_key_2, one.record_key_2)
    ]


def _groups(sames: Iterable[Judgement]) -> dict[str, str]:
    """record -> the record that stands for all that are the same as it."""
    stands_for: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    for one in sames:
        left, right = (stands_for.setdefault(record, record) for record in (one.record_key_1, one.record_key_2))
        if left != right:
            moved = members.pop(right, [right])
            members.setdefault(left, [left]).extend(moved)
            stands_for.update(dict.fromkeys(moved, left))
    return stands_for


def _chain(sames: Sequence[Judgement], start: str, end: str) -> list[Judgement]:
    """The shortest chain of judgements by which two records are the same; empty if there is none."""
    reached: dict[str, list[Judgement]] = {start: []}
    waiting = [start]
    while waiting and end not in reached:
        record = waiting.pop(0)
        for one in sames:
            for here, there in ((one.record_key_1, one.record_key_2), (one.record_key_2, one.record_key_1)):
                if here == record and there not in reached:
                    reached[there] = [*reached[record], one]
                    waiting.append(there)
    return reached.get(end, [])
