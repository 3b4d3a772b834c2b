"""What stewards decide about who is who: two records, persons or companies are the same, or they are different.

A decision holds from the next resolution on, and for every later one, also in a warehouse made anew. Does not belong
here: what there is to decide (review.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from contact_sync.catalog import Entity
from contact_sync.errors import DecisionError
from contact_sync.identity.contradiction import contradicted
from contact_sync.identity.tables import subject_of
from contact_sync.pipeline.installation import Installation
from contact_sync.state.decisions import Decision, Judgement, Verdict


def entity_of(installation: Installation, subject: str) -> Entity:
    """The entity whose keys name a subject: `contact` for `person`; DecisionError naming the known ones."""
    subjects = {subject_of(entity): entity for entity in installation.catalog.entities.values()}
    if subject not in subjects:
        raise DecisionError(f"There are no keys of a {subject}.", remedy=f"Known: {', '.join(sorted(subjects))}.")
    return subjects[subject]


def judgement(
    installation: Installation,
    entity: Entity,
    verdict: Verdict,
    one: str,
    other: str,
    *,
    steward: str,
    note: str = "",
) -> Judgement:
    """What a steward says about two records or keys; a key stands for the record it was derived from.

    Raises DecisionError for an unknown record or key, a nameless steward, or twice the same record.
    """
    if not steward.strip():
        raise DecisionError("A decision needs the name of the steward who takes it.", remedy="Give it with --steward.")
    lesser, greater = sorted(_record(installation, entity, name) for name in (one, other))
    if lesser == greater:
        raise DecisionError(f"{one} and {other} are one record.", remedy="Name two records, or two keys in use.")
    return Judgement(
        entity=entity.name,
        verdict=verdict,
        record_key_1=lesser,
        record_key_2=greater,
        steward=steward.strip(),
        note=note.strip(),
    )


def decide(installation: Installation, judgements: Sequence[Judgement]) -> list[Decision]:
    """Note judgements, all or none of them.

    Raises DecisionError where one contradicts a decision that holds, or another one of them.
    """
    standing: dict[str, list[Judgement]] = {}
    for new in judgements:
        known = standing.setdefault(new.entity, [*_standing(installation, new.entity)])
        if against := contradicted(known, new):
            raise DecisionError(
                f"{new.record_key_1} and {new.record_key_2} cannot be {new.verdict.value}: {_named(against)}. "
                "Nothing was noted.",
                remedy="Withdraw what is wrong with `contact-sync review withdraw NUMBER`.",
            )
        known.append(new)
    numbers = set(installation.decisions.note(judgements, at=installation.now()))
    return [one for one in installation.decisions.decisions() if one.decision_id in numbers]


def withdraw(installation: Installation, decision_id: int) -> Decision:
    """Let a decision hold no longer; DecisionError if none of this number holds."""
    if not installation.decisions.withdraw(decision_id, at=installation.now()):
        raise DecisionError(
            f"There is no decision {decision_id} that holds.", remedy="See `contact-sync review decisions`."
        )
    return next(one for one in installation.decisions.decisions() if one.decision_id == decision_id)


def _standing(installation: Installation, entity: str) -> list[Decision]:
    return [one for one in installation.decisions.decisions(entity) if one.is_standing]


def _record(installation: Installation, entity: Entity, name: str) -> str:
    """A record's key as it is, or the record that stands for a key."""
    current = installation.identities.current_key(entity.name, name)
    if current is None:
        raise DecisionError(
            f"No record or {subject_of(entity)} {name} is known.",
            remedy=f"Give a {entity.key} of gold/{entity.name}, or a record key such as {entity.trust[0]}/main/1.",
        )
    if "/" in name:
        return name
    anchor = installation.identities.anchor(entity.name, current)
    if anchor is None:
        raise DecisionError(f"{name} has no record any more.", remedy="Name a record that is live.")
    return anchor


def _named(against: Sequence[Judgement]) -> str:
    """Decisions by their numbers, and judgements that have none yet by their records."""
    names = [
        f"decision {one.decision_id}"
        if isinstance(one, Decision)
        else f"the same input says that {one.record_key_1} and {one.record_key_2} are {one.verdict.value}"
        for one in against[:5]
    ]
    return f"against {', '.join(names)}"
