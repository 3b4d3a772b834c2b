"""Clients of other people, unmodified and in environments of their own, get from the simulated org what they expect.

So that what our own connector is tested against is Salesforce as others know it. Known bugs of a client are recorded as
what happens today, not worked around.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.conformance.conftest import HERE, PEOPLE, TEXT, Run

Find = Callable[[str], Path]


def test_simple_salesforce(org: SalesforceInstance, client: Find, run: Run) -> None:
    """Login by client credentials, REST, replication, and Bulk 2.0 in both directions."""
    home = client("simple-salesforce")
    finished = run(org, home / "bin" / "python", HERE / "drivers" / "simple_salesforce_session.py")

    assert 0 == finished.returncode, finished.stderr
    found = json.loads(finished.stdout)
    assert PEOPLE + 4 == found["iterated"]
    assert ["Made", "Once"] == found["record"]
    assert ([201, 200], "INVALID_FIELD") == (found["statuses"], found["refusal"])
    assert PEOPLE + 2 == found["updated"]
    assert "Contact_Sync_Key__c" in found["fields"]
    assert "DailyBulkV2QueryJobs" in found["limits"]
    assert (5, PEOPLE, [TEXT]) == (found["pages"], found["rows"], found["texts"])
    assert ([3, 0], [1, 1]) == (found["upserted"], found["refused"])
    assert "REQUIRED_FIELD_MISSING" in found["failed"]
    assert [["ok", "REQUIRED_FIELD_MISSING"], ["ok"], ["ok"]] == found["collections"]
    assert [[2, 0], [2, 0], [1, 0]] == found["loads"]
    assert ([["I1", None, "IT"], ["I2", "z", None]], 0) == (found["loaded"], found["left"])


def test_singer_tap(org: SalesforceInstance, client: Find, run: Run, tmp_path: Path) -> None:
    """tap-salesforce logs in by refresh token, discovers all objects and syncs one by REST, then only what is new.

    Its BULK mode needs Bulk API 1, which the simulated org does not speak.
    """
    tap = client("tap-salesforce") / "bin" / "tap-salesforce"
    config = {
        "refresh_token": org.org.sessions.approve(org.org.user_ids["integration"]),
        "client_id": org.client_id,
        "client_secret": org.client_secret,
        "start_date": "2020-01-01T00:00:00Z",
        "api_type": "REST",
        "select_fields_by_default": "true",
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    discovered = run(org, tap, "--config", "config.json", "--discover")
    assert 0 == discovered.returncode, discovered.stderr
    streams = {one["stream"]: one for one in json.loads(discovered.stdout)["streams"]}
    assert {one.name for one in org.store.schema.objects} == set(streams)
    _select(streams["Contact"])
    (tmp_path / "catalog.json").write_text(json.dumps({"streams": [streams["Contact"]]}))

    first = _messages(run(org, tap, "--config", "config.json", "--properties", "catalog.json"))
    (tmp_path / "state.json").write_text(json.dumps(first[-1]["value"]))
    user = org.org.user_ids["rep.one"]
    org.org.writer.insert("Contact", [{"LastName": "New"}], user_id=user)
    second = _messages(
        run(org, tap, "--config", "config.json", "--properties", "catalog.json", "--state", "state.json")
    )

    assert PEOPLE == Counter(one["type"] for one in first)["RECORD"]
    assert {TEXT} == {one["record"]["Description"] for one in first if one["type"] == "RECORD"}
    assert "New" in {one["record"]["LastName"] for one in second if one["type"] == "RECORD"}


def _select(stream: dict[str, Any]) -> None:
    for entry in stream["metadata"]:
        if not entry["breadcrumb"]:
            replication = {"replication-method": "INCREMENTAL", "replication-key": "SystemModstamp"}
            entry["metadata"] |= {"selected": True, **replication}


def _messages(finished: Any) -> list[dict[str, Any]]:
    assert 0 == finished.returncode, finished.stderr
    return [json.loads(line) for line in finished.stdout.splitlines()]


def test_jsforce(plain_org: SalesforceInstance, client: Find, run: Run) -> None:
    """REST over pages, describe, a Bulk 2.0 load with refused rows and a Bulk 2.0 query of one page."""
    finished = run(plain_org, *_jsforce(client), "everything")

    assert 0 == finished.returncode, finished.stderr
    found = json.loads(finished.stdout)
    assert [PEOPLE, 2_000, PEOPLE - 2_000, True] == found["pages"]
    assert "Contact_Sync_Key__c" in found["fields"]
    assert [1, 1, 0] == found["loaded"]
    assert 1 == found["onePage"]


def test_jsforce_loads(plain_org: SalesforceInstance, client: Find, run: Run) -> None:
    """Collections and Bulk 2.0 jobs insert, update, upsert and delete, and what is refused is told row by row."""
    finished = run(plain_org, *_jsforce(client), "loading")

    assert 0 == finished.returncode, finished.stderr
    found = json.loads(finished.stdout)
    missing = "REQUIRED_FIELD_MISSING"
    assert [
        ["ok", missing, "ok"],
        ["ALL_OR_NONE_OPERATION_ROLLED_BACK", missing],
        ["DUPLICATE_VALUE", "DUPLICATE_VALUE", "ok"],
        ["ok", "ok"],
        ["ok", "MALFORMED_ID"],
    ] == found["collections"]
    assert [[1, 1, 0], [1, 0, 0], [2, 0, 0], [1, 1, 0]] == found["bulk"]
    assert found["refused"].startswith(missing)
    assert [["Eva", "false"], ["Gus", "true"]] == found["created"]
    assert [["b", "Bee", "CTO"], ["E", "Eva", None], ["g", "Gus", None]] == found["records"]


def test_jsforce_crashes_on_a_second_page(plain_org: SalesforceInstance, client: Find, run: Run) -> None:
    """A known bug of jsforce (its issues 1546 and 1693): a Bulk 2.0 result of several pages ends its process."""
    finished = run(plain_org, *_jsforce(client), "manyPages")

    assert (1, True) == (finished.returncode, "ERR_STREAM_WRITE_AFTER_END" in finished.stderr)
    assert plain_org.requests["bulk_query_results"] > 1


def _jsforce(client: Find) -> tuple[Path, ...]:
    package = client("jsforce") / "node_modules" / "jsforce"
    return client("node") / "bin" / "node", HERE / "drivers" / "jsforce_session.js", package


@pytest.fixture
def salesforce_cli(plain_org: SalesforceInstance, client: Find, run: Run) -> Callable[..., Any]:
    """Runs a command of the CLI: the result of one that succeeds, the name of the error of one that is to fail."""
    program = client("salesforce-cli") / "node_modules" / "@salesforce" / "cli" / "bin" / "run.js"
    node = client("node") / "bin" / "node"
    token = plain_org.org.sessions.open(plain_org.org.user_ids["integration"])
    quiet = {"SF_DISABLE_TELEMETRY": "true", "SF_AUTOUPDATE_DISABLE": "true", "SF_SKIP_NEW_VERSION_CHECK": "true"}
    variables = {"SF_ACCESS_TOKEN": token, "SF_USE_GENERIC_UNIX_KEYCHAIN": "true", **quiet}

    def command(*words: str, fails: bool = False) -> Any:
        finished = run(plain_org, node, program, *words, "--json", variables=variables)
        assert fails == bool(finished.returncode), finished.stdout
        document = json.loads(finished.stdout)
        return document["name"] if fails else document["result"]

    return command


def _login(command: Callable[..., Any], org: SalesforceInstance) -> Any:
    return command("org", "login", "access-token", "--instance-url", org.url, "--no-prompt", "--alias", "simulated")


def test_salesforce_cli(plain_org: SalesforceInstance, salesforce_cli: Callable[..., Any], tmp_path: Path) -> None:
    """The CLI logs in by token, queries, lists and describes objects, exports and upserts in bulk."""
    command, org = salesforce_cli, ("--target-org", "simulated")
    login = _login(command, plain_org)
    found = command("data", "query", "--query", "SELECT Id, LastName, Account.Name FROM Contact", *org)
    names = command("sobject", "list", *org)
    described = command("sobject", "describe", "--sobject", "Contact", *org)
    soql = "SELECT Id, Description FROM Contact"
    command("data", "export", "bulk", "--query", soql, "--output-file", "exported.csv", "--wait", "1", *org)
    (tmp_path / "in.csv").write_text("Contact_Sync_Key__c,LastName\nk1,One\nk2,\n")
    key = ("--external-id", "Contact_Sync_Key__c")
    upsert = ("data", "upsert", "bulk", "--sobject", "Contact", "--file", "in.csv", *key, *org, "--wait", "1")
    # Of two rows the one without a name is refused, which the CLI reports as an error of its own.
    command(*upsert, fails=True)

    assert "integration@core.example" == login["username"]
    assert (PEOPLE, PEOPLE) == (found["totalSize"], len(found["records"]))
    assert [one.name for one in plain_org.store.schema.objects] == names
    assert "Contact_Sync_Key__c" in {field["name"] for field in described["fields"]}
    with (tmp_path / "exported.csv").open(encoding="utf-8", newline="") as file:
        assert Counter({TEXT: PEOPLE}) == Counter(row["Description"] for row in csv.DictReader(file))
    assert ["One"] == [one["LastName"] for one in plain_org.store.records("Contact", "Contact_Sync_Key__c = 'k1'")]


@pytest.mark.deep
def test_salesforce_cli_loads(
    plain_org: SalesforceInstance, salesforce_cli: Callable[..., Any], tmp_path: Path
) -> None:
    """It inserts, updates and deletes in bulk, and one record by REST; refused rows are an error that it names."""
    command, org = salesforce_cli, ("--target-org", "simulated")
    _login(command, plain_org)

    def load(verb: str, *rows: str, fails: bool = False) -> Any:
        (tmp_path / "in.csv").write_text("\n".join(rows) + "\n")
        words = ("data", verb, "bulk", "--sobject", "Contact", "--file", "in.csv", "--wait", "1", *org)
        return command(*words, fails=fails)

    def loaded() -> list[tuple[object, object, str]]:
        records = plain_org.store.records("Contact", "IsDeleted = 0 and LastName in ('Eve', 'Fay')")
        return [(one["LastName"], one["Title"], str(one["Id"])) for one in records]

    inserted = load("import", "LastName,Title", "Eve,x", "Fay,y")
    eve, fay = (record_id for _, _, record_id in loaded())
    load("update", "Id,Title", f"{eve},#N/A", f"{fay},z")
    command("data", "update", "record", "--sobject", "Contact", "--record-id", fay, "--values", "Title=CEO", *org)
    changed = [(name, title) for name, title, _ in loaded()]
    refused = load("update", "Id,LastName", f"{eve},#N/A", fails=True)
    load("delete", "Id", eve, fay)

    assert ("2", "0") == (str(inserted["processedRecords"]), str(inserted["failedRecords"]))
    assert [("Eve", None), ("Fay", "CEO")] == changed
    assert "FailedRecordDetailsError" == refused
    assert [] == loaded()
