"""Fields that the org fills itself from others of the record: names, numbers, closed and won flags, defaults."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from contact_sync.simulator.salesforce.decimals import stored_decimal
from contact_sync.simulator.salesforce.ids import number_of
from contact_sync.simulator.salesforce.store import Cell

STAGE_PROBABILITY: Mapping[str, int] = MappingProxyType({
    "Prospecting": 10, "Qualification": 20, "Proposal/Price Quote": 60, "Negotiation/Review": 80,
    "Closed Won": 100, "Closed Lost": 0,
})  # fmt: skip

# The fields a derived value of an object is made from: an update that touches one needs the others too.
INPUTS: Mapping[str, frozenset[str]] = MappingProxyType({
    "Account": frozenset({"FirstName", "LastName"}),
    "Contact": frozenset({"FirstName", "LastName"}),
    "Lead": frozenset({"FirstName", "LastName"}),
    "User": frozenset(),
    "Opportunity": frozenset({"StageName", "Probability"}),
    "Case": frozenset({"Status", "ClosedDate"}),
    "Task": frozenset({"Status"}),
})  # fmt: skip


def defaults(object_name: str, record_id: str) -> dict[str, Cell]:
    """What a new record holds where its maker said nothing."""
    if object_name == "Case":
        return {"Status": "New", "Priority": "Medium", "CaseNumber": case_number(record_id)}
    if object_name == "Lead":
        return {"Status": "Open - Not Contacted"}
    if object_name == "Task":
        return {"Status": "Not Started", "Priority": "Normal", "TaskSubtype": "Task"}
    return {}


def derive(object_name: str, record: Mapping[str, Cell], *, changed: frozenset[str], now: str) -> dict[str, Cell]:
    """The derived fields of a record after `changed` were set."""
    if not changed & INPUTS.get(object_name, frozenset()):
        return {}
    if object_name in ("Account", "Contact", "Lead"):
        return {"Name": full_name(record.get("FirstName"), record.get("LastName"))}
    if object_name == "Opportunity":
        return _opportunity(record, changed)
    if object_name == "Task":
        return {"IsClosed": int(record.get("Status") == "Completed")}
    is_closed = record.get("Status") == "Closed"
    return {"IsClosed": int(is_closed), "ClosedDate": (record.get("ClosedDate") or now) if is_closed else None}


def full_name(first_name: Cell, last_name: Cell) -> str:
    """First and last name, as Salesforce joins them."""
    return " ".join(str(part) for part in (first_name, last_name) if part)


def case_number(record_id: str) -> str:
    """A case number that rises with the id: eight digits."""
    return f"{1000 + number_of(record_id):08d}"


def _opportunity(record: Mapping[str, Cell], changed: frozenset[str]) -> dict[str, Cell]:
    stage = str(record.get("StageName"))
    result: dict[str, Cell] = {"IsClosed": int(stage.startswith("Closed")), "IsWon": int(stage == "Closed Won")}
    if "StageName" in changed and "Probability" not in changed:
        result["Probability"] = stored_decimal(STAGE_PROBABILITY.get(stage, 50))
    return result
