"""A steward accepts consent of somebody known; the models get the decisions that hold, under today's person keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from contact_sync.cli.main import app
from contact_sync.errors import ConsentError
from contact_sync.identity.assign import Assignment, assign
from contact_sync.pipeline.consent import accept_consent, withdraw_consent, write_consent_decisions
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import load_settings

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
RECORD = "salesforce__contact/core/1"


@pytest.fixture
def installation() -> Iterator[Installation]:
    """One whose ledger knows two persons of one record each."""
    made = Installation(load_settings(), now=lambda: NOON)
    resolve(made, {RECORD: 1, "erp__contact/main/1": 2})
    yield made
    made.close()


def resolve(installation: Installation, clusters: dict[str, int]) -> Assignment:
    """Give these clusters their keys."""
    ledger = installation.identities
    table = pa.table({"record_key": list(clusters), "cluster": list(clusters.values())})
    made = assign(table, ledger.members("contact").read_all(), ledger.keys("contact").read_all(), prefix="per_")
    ledger.record("contact", made)
    return made


def key_of(installation: Installation, record: str) -> str:
    """The person key of a record."""
    return str(installation.identities.current_key("contact", record))


def written(installation: Installation) -> list[tuple[str, str]]:
    """(person_key, channel) as the models read them."""
    with installation.warehouse.session("test") as session:
        write_consent_decisions(session, installation, number=1)
        rows = session.query("select person_key, channel from pipeline.consent_decision order by decision_id")
        return [(str(row["person_key"]), str(row["channel"])) for row in rows.to_pylist()]


def accept(installation: Installation, subject_key: str, *, channel: str = "email", steward: str = "Ann") -> int:
    """Accept consent; the decision's number."""
    decision = accept_consent(installation, subject_key=subject_key, channel=channel, steward=steward, note="form")
    return decision.decision_id


def test_a_decision_follows_its_person(installation: Installation) -> None:
    """Given for a record or a person key, also for one that was superseded since; withdrawn ones are left out."""
    one, other = key_of(installation, RECORD), key_of(installation, "erp__contact/main/1")
    accept(installation, RECORD)
    accept(installation, other, channel="phone")
    withdrawn = accept(installation, one, channel="phone")
    withdraw_consent(installation, withdrawn)

    assert [(one, "email"), (other, "phone")] == written(installation)

    resolve(installation, {RECORD: 1, "erp__contact/main/1": 1})
    joined = key_of(installation, RECORD)
    assert [(joined, "email"), (joined, "phone")] == written(installation)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channel": "fax"}, "There is no channel fax. Channels: email, phone."),
        ({"steward": " "}, "A decision needs the name of the steward"),
        ({"subject_key": "per_unknown"}, "No person or record per_unknown is known."),
    ],
)
def test_a_decision_about_nobody_or_by_nobody_is_refused(
    installation: Installation, change: dict[str, str], message: str
) -> None:
    """Nothing is noted, and the message says what to give instead."""
    arguments = {"subject_key": RECORD, "channel": "email", "steward": "Ann", "note": ""} | change

    with pytest.raises(ConsentError, match=message):
        accept_consent(installation, **arguments)
    assert [] == installation.consents.decisions()


def test_a_decision_that_does_not_hold_cannot_be_withdrawn(installation: Installation) -> None:
    """The message says where to look."""
    with pytest.raises(ConsentError, match=r"There is no decision 7 that holds\. See `contact-sync consent list`"):
        withdraw_consent(installation, 7)


def test_stewards_decide_on_the_command_line(installation: Installation, tmp_path: Path) -> None:
    """Accept, list and withdraw print the decisions; a mistake ends with an error and no decision."""
    assert installation.settings.root.is_relative_to(tmp_path)
    run = CliRunner().invoke

    accepted = run(app, ["consent", "accept", RECORD, "--channel", "email", "--steward", "Ann", "--json"])
    mistaken = run(app, ["consent", "accept", RECORD, "--channel", "fax", "--steward", "Ann", "--json"])
    withdrawn = run(app, ["consent", "withdraw", "1", "--json"])
    listed = run(app, ["consent", "list", "--json"])

    assert [0, 1, 0, 0] == [accepted.exit_code, mistaken.exit_code, withdrawn.exit_code, listed.exit_code]
    assert [None] == [decision["withdrawn_at"] for decision in json.loads(accepted.stdout)]
    assert json.loads(withdrawn.stdout) == json.loads(listed.stdout)
    assert [(1, RECORD, "email", "Ann")] == [
        tuple(one[name] for name in ("decision_id", "subject_key", "channel", "steward"))
        for one in json.loads(listed.stdout)
    ]
    assert "fax" in mistaken.stdout
