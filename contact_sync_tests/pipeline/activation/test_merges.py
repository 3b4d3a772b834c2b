"""People merge contacts in the org, convert a lead, and merge one between plan and apply: keys follow the master."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from contact_sync.pipeline import activation
from contact_sync.pipeline.why import explain
from contact_sync.sync.apply import ApplyReport
from contact_sync_tests.pipeline.activation.first_rounds import KEY, FirstRounds
from contact_sync_tests.pipeline.activation.loop import Loop
from contact_sync_tests.pipeline.activation.test_edits import change_erp, contacts_of_one_erp_record

# One world with its neighbours, so one worker; a merge is rare, two rounds are not cheap.
pytestmark = [pytest.mark.postgres, pytest.mark.deep, pytest.mark.timeout(300)]

PHONE = "+1 212 555 0199"
ORG = "salesforce__contact/core"


@dataclass
class Merges:
    """Two contacts that agree with the ERP, loser and master, as they were and became."""

    loser: str
    master: str
    loser_erp: str
    lead: str
    keys_before: dict[str, str]
    planned: list[str]
    report: ApplyReport
    keys: dict[str, str]
    events: dict[str, int]
    next_planned: list[str]
    next_report: ApplyReport
    master_phone: str
    in_the_end: dict[str, int]


@pytest.fixture(scope="module")
def merges(loop: Loop, first: FirstRounds) -> Merges:
    """The loser gets another phone in the ERP, and is merged away after the plan that writes it was made."""
    *_, (master, _, _), (loser, loser_erp, _) = contacts_of_one_erp_record(loop)
    org = loop.world.org("core").org
    rep = org.user_ids["rep.one"]
    change_erp(loop, loser_erp, "phone", PHONE)
    planned = planned_keys(loop)
    keys_before = loop.links()
    org.writer.merge("Contact", master, loser, user_id=rep)
    (lead, account_id) = (next(iter(loop.records("Lead"))), next(iter(loop.records("Account"))))
    org.writer.convert_lead(lead, account_id=account_id, contact_id=master, user_id=rep)
    report = activation.apply(loop.installation)
    next_planned = planned_keys(loop)
    keys = loop.links()
    events = next(one.events for one in loop.resolutions if one.entity == "contact")
    next_report = activation.apply(loop.installation)
    loop.plan()
    return Merges(
        loser=f"{ORG}/{loser}",
        master=f"{ORG}/{master}",
        loser_erp=f"erp__contact/main/{loser_erp}",
        lead=f"salesforce__lead/core/{lead}",
        keys_before=keys_before,
        planned=planned,
        report=report,
        keys=keys,
        events=events,
        next_planned=next_planned,
        next_report=next_report,
        master_phone=str(loop.records("Contact")[master]["Phone"]),
        in_the_end=loop.reconcile(),
    )


def planned_keys(loop: Loop) -> list[str]:
    """The row keys of a new plan."""
    loop.plan()
    return [row["row_key"] for row in loop.writes()]


def test_the_write_to_a_merged_record_is_refused_and_goes_to_the_master(merges: Merges) -> None:
    """ENTITY_IS_DELETED between plan and apply costs nothing: the next plan writes the record that lives on."""
    loser_id, master_id = merges.loser.rpartition("/")[2], merges.master.rpartition("/")[2]

    assert [loser_id] == merges.planned
    assert {"ENTITY_IS_DELETED": 1} == dict(merges.report.stages[0].codes)
    assert [master_id] == merges.next_planned
    assert (1, 0, PHONE) == (merges.next_report.written, merges.next_report.refused, merges.master_phone)
    assert "unexplained" not in merges.in_the_end


def test_a_merged_record_brings_its_people_and_keeps_its_key(loop: Loop, merges: Merges) -> None:
    """The ERP record that was the loser's is the master's now, by one merge of keys; both keys resolve to it."""
    key = merges.keys[merges.master]
    ledger = loop.installation.identities

    assert merges.keys_before[merges.loser] != merges.keys_before[merges.master]
    assert key == merges.keys[merges.loser_erp]
    assert merges.loser not in merges.keys
    assert 1 <= merges.events["merge"]
    assert {key} == {
        ledger.current_key("contact", name)
        for name in (merges.loser, merges.lead, merges.keys_before[merges.loser], merges.keys_before[merges.master])
    }


def test_why_tells_of_the_merge_and_of_the_conversion(loop: Loop, merges: Merges) -> None:
    """Asked by the name of the record that is gone, it names the master, by the rule of the system."""
    found = explain(loop.installation, loop.installation.catalog.entities["contact"], merges.loser)
    said = {
        (row["rule"], row["record_key_1"], row["record_key_2"])
        for row in found.evidence
        if row["rule"] in ("salesforce_merge", "lead_conversion")
    }

    assert {
        ("salesforce_merge", *sorted((merges.loser, merges.master))),
        ("lead_conversion", *sorted((merges.lead, merges.master))),
    } == said
    assert {merges.loser: False, merges.master: True} == {
        row["record_key"]: row["is_live"] for row in found.records if row["record_key"] in (merges.loser, merges.master)
    }


def test_the_external_id_of_the_loser_is_nobody_elses_meanwhile(loop: Loop, merges: Merges) -> None:
    """The loser keeps its External ID in the bin, the master its own: nothing unique is written twice."""
    master = loop.records("Contact")[merges.master.rpartition("/")[2]]

    assert merges.keys_before[merges.master] == master[KEY]
