"""What stewards decide about consent: accepting it for a known person, and handing the decisions to the models.

Does not belong here: the rule that the most restrictive value wins otherwise (dbt_project/models/gold/contact.sql).
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from contact_sync.errors import ConsentError
from contact_sync.identity.changes import stamp
from contact_sync.pipeline.installation import Installation
from contact_sync.state.consents import CHANNELS, ConsentDecision
from contact_sync.warehouse.base import Session

ENTITY: Final = "contact"
TABLE: Final = "pipeline.consent_decision"
_TOUCHED: Final = "pipeline.consent_person"
_TYPES: Final[dict[str, pa.DataType]] = {
    "decision_id": pa.int64(),
    "person_key": pa.string(),
    "channel": pa.string(),
    "accepted_at": pa.timestamp("us", tz="UTC"),
    "steward": pa.string(),
}


def accept_consent(
    installation: Installation, *, subject_key: str, channel: str, steward: str, note: str
) -> ConsentDecision:
    """Note that a steward accepted consent; refusals seen by now give way to it, later ones win again.

    Raises ConsentError for an unknown person or record, an unknown channel or a nameless steward.
    """
    if channel not in CHANNELS:
        raise ConsentError(f"There is no channel {channel}.", remedy=f"Channels: {', '.join(CHANNELS)}.")
    if not steward.strip():
        raise ConsentError("A decision needs the name of the steward who takes it.", remedy="Give it with --steward.")
    if installation.identities.current_key(ENTITY, subject_key) is None:
        raise ConsentError(
            f"No person or record {subject_key} is known.",
            remedy="Give a person_key of gold/contact, or a record key such as salesforce__contact/core/003....",
        )
    number = installation.consents.accept(
        subject_key=subject_key, channel=channel, steward=steward, note=note, at=installation.now()
    )
    return next(one for one in installation.consents.decisions() if one.decision_id == number)


def withdraw_consent(installation: Installation, decision_id: int) -> None:
    """Let a decision hold no longer; ConsentError if none of this number holds."""
    if not installation.consents.withdraw(decision_id, at=installation.now()):
        raise ConsentError(f"There is no decision {decision_id} that holds.", remedy="See `contact-sync consent list`.")


def write_consent_decisions(session: Session, installation: Installation, *, number: int) -> None:
    """The decisions that hold as `pipeline.consent_decision`, each with the key its person has today.

    Persons with other decisions than before are touched in the resolution of this number.
    """
    rows = [
        {
            "decision_id": one.decision_id,
            "person_key": installation.identities.current_key(ENTITY, one.subject_key),
            "channel": one.channel,
            "accepted_at": one.accepted_at,
            "steward": one.steward,
        }
        for one in installation.consents.decisions()
        if one.withdrawn_at is None
    ]
    schema = pa.schema(_TYPES)
    decisions = pa.Table.from_pylist(rows, schema=schema)
    known = session.read(TABLE).cast(schema) if session.exists(TABLE) else schema.empty_table()
    now, before = ({tuple(row.values()) for row in table.to_pylist()} for table in (decisions, known))
    touched = {str(person) for _, person, *_ in now ^ before if person is not None}
    session.replace(_TOUCHED, pa.table({"name": pa.array(sorted(touched), pa.string())}))
    entity = installation.catalog.entities[ENTITY]
    stamp(session, entity, f"select name as {entity.key} from {_TOUCHED}", number=number)  # noqa: S608 -- ours
    session.replace(TABLE, decisions)
