"""What an org says is left of its limits is what it counted, and is refused when nothing is left."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import BASE, Client, load


def used(client: Client) -> dict[str, int]:
    """What is used of each limit."""
    found = client.get(f"{BASE}/limits").json()
    return {name: one["Max"] - one["Remaining"] for name, one in found.items()}


def test_usage_is_told_and_limited(instance: SalesforceInstance, client: Client) -> None:
    """Every reply tells the usage; beyond the allowance requests are refused."""
    first = client.get(f"{BASE}/limits")
    instance.org.limits.api_requests = 2
    client.get(f"{BASE}/limits")
    refused = client.get(f"{BASE}/limits")

    assert "api-usage=1/100000" == first.headers["Sforce-Limit-Info"]
    assert 99_999 == first.json()["DailyApiRequests"]["Remaining"]
    assert (403, "REQUEST_LIMIT_EXCEEDED") == (refused.status_code, refused.json()[0]["errorCode"])
    assert 3 == instance.requests["limits"]


def test_what_is_used_is_counted(instance: SalesforceInstance, client: Client) -> None:
    """Jobs, batches, megabytes of results and of records, of which those in the recycle bin take none."""
    before = used(client)
    ids = load(instance, [{"LastName": "Doe", "Description": "x" * 2_000}] * 1_100)
    client.bulk_query("select Id, Description from Contact")
    client.ingest("Account", "insert", "Name\nAcme\n")
    after = used(client)
    instance.org.writer.delete("Contact", ids[:600], user_id=instance.org.user_ids["admin"])

    assert {"DailyBulkApiBatches": 1, "DailyBulkV2QueryFileStorageMB": 2, "DailyBulkV2QueryJobs": 1} == {
        name: count - before[name] for name, count in after.items() if name.startswith("DailyBulk")
    }
    assert (0, 2, 0) == (before["DataStorageMB"], after["DataStorageMB"], after["FileStorageMB"])
    assert 0 == used(client)["DataStorageMB"]


def test_usage_is_that_of_the_last_day(clocked_client: Client, moment: list[datetime]) -> None:
    """By the org's clock: a request counts for 24 hours, to the hour."""
    used(clocked_client)
    moment[0] += timedelta(hours=23)
    before = used(clocked_client)["DailyApiRequests"]
    moment[0] += timedelta(hours=1)

    assert (2, 2) == (before, used(clocked_client)["DailyApiRequests"])


def test_files_take_file_storage(tmp_path: Path) -> None:
    """As many bytes as the records of files say, in an org that has such objects."""
    instance = SalesforceInstance("core", tmp_path, clock=lambda: datetime.now(UTC), object_types=60)
    instance.start()
    try:
        with closing(Client(instance)) as client:
            before = used(client)["FileStorageMB"]
            with instance.store.writing() as connection:
                connection.execute('update "Attachment" set BodyLength = 3 * 1024 * 1024')
            count = instance.store.count("Attachment")
            after = used(client)["FileStorageMB"]
    finally:
        instance.stop()

    assert count > 0
    assert (0, 3 * count) == (before, after)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("contact, Account,Nothing", {"Contact": 2, "Account": 0}), (None, {"Contact": 2, "User": 5})],
)
def test_records_are_counted(
    instance: SalesforceInstance, client: Client, asked: str | None, expected: dict[str, int]
) -> None:
    """Without those in the recycle bin, of the objects that are asked for and exist, or of all."""
    ids = load(instance, [{"LastName": "Doe"}] * 3)
    instance.org.writer.delete("Contact", ids[:1], user_id=instance.org.user_ids["admin"])
    reply = client.get(f"{BASE}/limits/recordCount", params={"sObjects": asked} if asked else None).json()
    found = {one["name"]: one["count"] for one in reply["sObjects"]}

    assert expected == {name: count for name, count in found.items() if asked or name in expected}
