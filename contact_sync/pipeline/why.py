"""Why a person or company is what it is: its records, what joins them, the history of its key, where values come from.

Everything is read from the warehouse and the ledgers as they are now; nothing is computed again. Values of golden
fields go to whoever asked and nowhere else. Does not belong here: how it is shown (cli/why.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contact_sync.catalog import Entity
from contact_sync.errors import DecisionError
from contact_sync.identity.evidence import CARRIED_STAMP
from contact_sync.identity.tables import review_table, subject_of
from contact_sync.pipeline.installation import Installation
from contact_sync.sql_text import sql_texts
from contact_sync.warehouse.base import Session

if TYPE_CHECKING:
    from contact_sync.identity.model import MatchModel


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """asked: what was asked for; key: the key in use that it stands for.

    records: record_key, is_live, external_id. evidence: record_key_1, record_key_2, rule, score, details (a list).
    decisions: those about its records. waiting: candidates that a steward may decide. events: what happened to its
    keys. superseded: the keys that stand for it too. fields: field, value, source_record_key, rule, version_at.
    """

    asked: str
    key: str
    records: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    events: list[dict[str, Any]]
    superseded: list[dict[str, Any]]
    fields: list[dict[str, Any]]


def explain(installation: Installation, entity: Entity, asked: str) -> Explanation:
    """Everything about the person or company of a key, a superseded key or a record key.

    Raises DecisionError if nothing of this name was ever known, or nothing was resolved yet.
    """
    ledger = installation.identities
    key = ledger.current_key(entity.name, asked)
    if key is None:
        raise DecisionError(
            f"No record or {subject_of(entity)} {asked} is known.",
            remedy=f"Give a {entity.key} of gold/{entity.name}, or a record key such as {entity.trust[0]}/main/1.",
        )
    members = ledger.members_of(entity.name, key)
    superseded = ledger.superseded_by(entity.name, key)
    with installation.warehouse.session("why") as session:
        if not session.exists(review_table(entity)):
            raise DecisionError("Nothing has been resolved in this warehouse.", remedy="Run `contact-sync run` first.")
        records = _records(session, entity, members)
        shared, model = _shared_keys(session, entity, members), installation.person_model
        evidence = [*shared, *_scored_pairs(session, entity, members, model)]
        waiting = _waiting(session, entity, key)
        fields = _fields(session, entity, key)
    return Explanation(
        asked=asked,
        key=key,
        records=records,
        evidence=sorted(evidence, key=lambda row: (row["record_key_1"], row["record_key_2"], row["rule"])),
        decisions=_decisions(installation, entity, set(members)),
        waiting=waiting,
        events=ledger.events(entity.name, [key, *(row["key"] for row in superseded)]),
        superseded=superseded,
        fields=fields,
    )


def _records(session: Session, entity: Entity, members: Sequence[str]) -> list[dict[str, Any]]:
    """All records that hold the key; those that are gone have only a name."""
    live = session.query(
        f"select record_key, external_id from silver.{entity.records} where record_key in ({_listed(members)})"  # noqa: S608 -- quoted
    ).to_pylist()
    stamps = {row["record_key"]: row["external_id"] for row in live}
    return [
        {"record_key": member, "is_live": member in stamps, "external_id": stamps.get(member)} for member in members
    ]


def _shared_keys(session: Session, entity: Entity, members: Sequence[str]) -> list[dict[str, Any]]:
    """What two of the records have in common, by rule."""
    rows = session.query(
        f"""
        select one.record_key as record_key_1, other.record_key as record_key_2, one.rule, count(*) as key_count
        from identity.{subject_of(entity)}_joining_key as one
        inner join identity.{subject_of(entity)}_joining_key as other
            on other.rule = one.rule and other.match_key = one.match_key and other.record_key > one.record_key
        where one.record_key in ({_listed(members)}) and other.record_key in ({_listed(members)})
            and one.rule <> '{CARRIED_STAMP}'
        group by one.record_key, other.record_key, one.rule
        """  # noqa: S608 -- quoted
    ).to_pylist()
    return [
        {name: row[name] for name in ("record_key_1", "record_key_2", "rule")} | {"score": None, "details": []}
        for row in rows
    ]


def _scored_pairs(session: Session, entity: Entity, members: Sequence[str], model: MatchModel) -> list[dict[str, Any]]:
    """What the model says of two of the records, with the weight of each comparison."""
    rows = session.query(
        f"""
        select record_key_1, record_key_2, rule, score, evidence
        from identity.{subject_of(entity)}_pair
        where record_key_1 in ({_listed(members)}) and record_key_2 in ({_listed(members)})
        """  # noqa: S608 -- quoted
    ).to_pylist()
    return [
        {name: value for name, value in row.items() if name != "evidence"}
        | {"details": json.loads(model.explained(row["evidence"]))}
        for row in rows
    ]


def _waiting(session: Session, entity: Entity, key: str) -> list[dict[str, Any]]:
    """With whom this one may be one."""
    found = f"select * from {review_table(entity)} where key_1 = $1 or key_2 = $2 order by score desc"  # noqa: S608 -- catalog
    return session.query(found, (key, key)).to_pylist()


def _fields(session: Session, entity: Entity, key: str) -> list[dict[str, Any]]:
    """The golden values with their sources; none before gold was built."""
    table = f"gold.{entity.name}_field"
    if not session.exists(table):
        return []
    columns = "field, value, source_record_key, rule, version_at"
    return session.query(f"select {columns} from {table} where {entity.key} = $1 order by field", (key,)).to_pylist()  # noqa: S608 -- catalog


def _decisions(installation: Installation, entity: Entity, members: set[str]) -> list[dict[str, Any]]:
    return [
        {
            "decision_id": one.decision_id,
            "verdict": one.verdict.value,
            "record_key_1": one.record_key_1,
            "record_key_2": one.record_key_2,
            "steward": one.steward,
            "note": one.note,
            "decided_at": one.decided_at,
            "withdrawn_at": one.withdrawn_at,
        }
        for one in installation.decisions.decisions(entity.name)
        if not members.isdisjoint((one.record_key_1, one.record_key_2))
    ]


def _listed(members: Sequence[str]) -> str:
    return sql_texts(members) or "null"
