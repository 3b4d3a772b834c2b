"""What waits for a steward, with the values of both sides, and taking what a steward answers.

A candidate has a version, which stands for everything a steward was shown: an answer to another version is refused.
Values of records go to whoever asked and nowhere else. Does not belong here: finding candidates (identity/review.py),
files (review_file.py) and how it is shown (cli/review.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.errors import DecisionError
from contact_sync.identity.tables import REVIEW_SCHEMA, review_table
from contact_sync.pipeline.decisions import decide, judgement
from contact_sync.pipeline.held_creates import held_creates
from contact_sync.pipeline.installation import Installation
from contact_sync.sql_text import sql_name
from contact_sync.state.decisions import Decision, Judgement, Verdict
from contact_sync.warehouse.base import Session

_MORE_FIELDS: Final = ("company_name", "account_number")
_NAMED: Final = 10
"""Refused rows that an error names."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Two persons or companies that may be one. fields: field -> what each of the two records holds.

    reason: `score`, a guard's objection (identity.guards) or `held` (a create waits). evidence: JSON. version: of all
    this together.
    """

    candidate_id: str
    version: str
    record_keys: tuple[str, str]
    keys: tuple[str, str]
    score: float | None
    reason: str
    evidence: str
    fields: dict[str, tuple[str | None, str | None]]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a steward says to a candidate of a version. `place`: where it stands, for example `row 3`."""

    place: str
    candidate_id: str
    version: str
    verdict: Verdict
    note: str = ""


def list_candidates(installation: Installation, entity: Entity, *, limit: int | None = None) -> list[Candidate]:
    """What waits for a decision and has none yet, the likeliest first.

    Raises DecisionError before the first resolution.
    """
    with installation.warehouse.session("review") as session:
        if not session.exists(review_table(entity)):
            raise DecisionError("Nothing has been resolved yet.", remedy="Run `contact-sync run` first.")
        found = session.read(review_table(entity)).select(REVIEW_SCHEMA.names).cast(REVIEW_SCHEMA)
        rows = _with_values(session, entity, pa.concat_tables([found, held_creates(session, entity, found)]))
    decided = {
        (one.record_key_1, one.record_key_2) for one in installation.decisions.decisions(entity.name) if one.is_standing
    }
    waiting = [one for one in map(_candidate, rows) if one.record_keys not in decided or one.reason == "contradiction"]
    return waiting[:limit]


def answer(installation: Installation, entity: Entity, answers: Sequence[Answer], *, steward: str) -> list[Decision]:
    """Take answers, all or none of them.

    Raises DecisionError naming those about a candidate that is not there any more, that has changed since it was
    shown, or that is answered twice, and for answers that contradict what was decided.
    """
    waiting = {one.candidate_id: one for one in list_candidates(installation, entity)}
    refused = list(_refused(answers, waiting))
    if refused:
        more = f" and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
        raise DecisionError(
            f"{len(refused)} of {len(answers)} answers are refused, and none was noted: "
            f"{'; '.join(refused[:_NAMED])}{more}.",
            remedy="Leave these without a decision, or export again and decide on what is there now.",
        )
    judgements = [_judgement(installation, entity, one, waiting[one.candidate_id], steward) for one in answers]
    return decide(installation, judgements)


def candidate_of(installation: Installation, entity: Entity, candidate_id: str) -> Candidate:
    """The candidate of an id; DecisionError if none of this id waits."""
    for one in list_candidates(installation, entity):
        if one.candidate_id == candidate_id:
            return one
    raise DecisionError(f"No candidate {candidate_id} waits for a decision.", remedy="See `contact-sync review list`.")


def _refused(answers: Sequence[Answer], waiting: dict[str, Candidate]) -> list[str]:
    """Why answers cannot be taken, each with its place."""
    found, seen = [], set()
    for one in answers:
        known = waiting.get(one.candidate_id)
        if one.candidate_id in seen:
            found.append(f"{one.place}: candidate {one.candidate_id} was answered before")
        elif known is None:
            found.append(f"{one.place}: candidate {one.candidate_id} does not wait any more")
        elif known.version != one.version:
            found.append(f"{one.place}: candidate {one.candidate_id} has changed since it was shown")
        seen.add(one.candidate_id)
    return found


def _judgement(
    installation: Installation, entity: Entity, one: Answer, candidate: Candidate, steward: str
) -> Judgement:
    return judgement(installation, entity, one.verdict, *candidate.record_keys, steward=steward, note=one.note)


def _with_values(session: Session, entity: Entity, candidates: pa.Table) -> list[dict[str, Any]]:
    """The candidates with `1 <field>` and `2 <field>` for each field of both records, the likeliest first."""
    records = f"silver.{entity.records}"
    present = session.query(f"select * from {records} where 1 = 0").column_names  # noqa: S608 -- catalog
    wanted = [field.name for field in entity.fields] + list(_MORE_FIELDS)
    fields = list(dict.fromkeys(name for name in wanted if name in {column.lower() for column in present}))
    values = ", ".join(
        f"cast(record_{side}.{sql_name(name)} as varchar) as {session.dialect.column(f'{side} {name}')}"
        for name in fields
        for side in (1, 2)
    )
    session.replace("pipeline.asked_candidate", candidates)
    return session.query(
        f"""
        select candidate.*, {values}
        from pipeline.asked_candidate as candidate
        inner join {records} as record_1 on record_1.record_key = candidate.record_key_1
        inner join {records} as record_2 on record_2.record_key = candidate.record_key_2
        order by candidate.score desc nulls last, length(candidate.evidence) desc, candidate.candidate_id
        """  # noqa: S608 -- names come from the validated catalog
    ).to_pylist()


def _candidate(row: dict[str, Any]) -> Candidate:
    version = hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest()[:12]
    names = [name.removeprefix("1 ") for name in row if name.startswith("1 ")]
    return Candidate(
        candidate_id=row["candidate_id"],
        # A letter in front: a spreadsheet takes 12e45 for a number.
        version=f"v{version}",
        record_keys=(row["record_key_1"], row["record_key_2"]),
        keys=(row["key_1"], row["key_2"]),
        score=row["score"],
        reason=row["reason"],
        evidence=row["evidence"],
        fields={name: (row[f"1 {name}"], row[f"2 {name}"]) for name in names},
    )
