"""What simple-salesforce is asked to do; runs in its own environment and prints what it got as JSON."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from datetime import UTC, datetime, timedelta

from simple_salesforce import Salesforce, SalesforceMalformedRequest

salesforce = Salesforce(
    consumer_key=os.environ["CLIENT_ID"], consumer_secret=os.environ["CLIENT_SECRET"], domain="core.my"
)
soql = "SELECT Id, LastName, Description FROM Contact"
made = salesforce.Contact.create({"LastName": "Made"})
salesforce.Contact.update(made["id"], {"FirstName": "Once"})
record = salesforce.Contact.get(made["id"])
created, changed = (salesforce.Contact.upsert("Contact_Sync_Key__c/one", {"LastName": name}) for name in ("A", "B"))
try:
    salesforce.query("SELECT Nothing FROM Contact")
except SalesforceMalformedRequest as error:
    refusal = error.content[0]["errorCode"]
now = datetime.now(UTC)
updated = salesforce.Contact.updated(now - timedelta(days=1), now + timedelta(minutes=1))
salesforce.Contact.delete(made["id"])
salesforce.Contact.delete(salesforce.Contact.get_by_custom_id("Contact_Sync_Key__c", "one")["Id"])
pages = list(salesforce.bulk2.Contact.query(soql, wait=0))
rows = [row for page in pages for row in csv.DictReader(io.StringIO(page, newline=""))]
keyed = [{"Contact_Sync_Key__c": f"k{number}", "LastName": f"Keyed {number}"} for number in range(3)]
(upserted,) = salesforce.bulk2.Contact.upsert(records=keyed, external_id_field="Contact_Sync_Key__c", wait=0)
(refused,) = salesforce.bulk2.Contact.insert(records=[{"FirstName": "Nameless"}], wait=0)


def collection(method: str, path: str = "composite/sobjects", **body: object) -> list[str]:
    """What became of the records of a collection, which the client sends as it sends anything."""
    found = salesforce.restful(path, method=method, **body)
    return ["ok" if one["success"] else one["errors"][0]["statusCode"] for one in found]


def load(verb: str, records: list[dict[str, str | None]], **options: object) -> tuple[list[int], str]:
    """Rows sent and refused by a Bulk 2.0 job, and its successful records."""
    (done,) = getattr(salesforce.bulk2.Contact, verb)(records=records, wait=0, **options)
    counts = [done["numberRecordsTotal"], done["numberRecordsFailed"]]
    return counts, salesforce.bulk2.Contact.get_successful_records(done["job_id"])


def ids(listing: str) -> list[str]:
    """The ids in a result file, by last name."""
    return [row["sf__Id"] for row in sorted(csv.DictReader(io.StringIO(listing)), key=lambda row: row["LastName"])]


contact = {"attributes": {"type": "Contact"}}
collections = [collection("POST", json={"records": [{**contact, "LastName": "Collected"}, contact]})]
inserted, listing = load("insert", [{"LastName": "I1", "Title": "x"}, {"LastName": "I2", "Title": "y"}])
first, second = ids(listing)
cleared, _ = load("update", [{"Id": first, "Title": "#N/A"}, {"Id": second, "Title": "z"}])
collections.append(collection("PATCH", json={"records": [{**contact, "id": first, "Department": "IT"}]}))
soql_loaded = "SELECT LastName, Title, Department FROM Contact WHERE LastName IN ('I1', 'I2') ORDER BY LastName"
loaded = [[one["LastName"], one["Title"], one["Department"]] for one in salesforce.query(soql_loaded)["records"]]
deleted, _ = load("delete", [{"Id": first}])
collections.append(collection("DELETE", params={"ids": second}))
json.dump(
    {
        "collections": collections,
        "loads": [inserted, cleared, deleted],
        "loaded": loaded,
        "left": salesforce.query(soql_loaded)["totalSize"],
        "iterated": len(list(salesforce.query_all_iter(soql))),
        "record": [record["LastName"], record["FirstName"]],
        "statuses": [created, changed],
        "refusal": refusal,
        "updated": len(updated["ids"]),
        "fields": [field["name"] for field in salesforce.Contact.describe()["fields"]],
        "limits": sorted(salesforce.limits()),
        "pages": len(pages),
        "texts": sorted({row["Description"] for row in rows}),
        "rows": len(rows),
        "upserted": [upserted["numberRecordsTotal"], upserted["numberRecordsFailed"]],
        "refused": [refused["numberRecordsTotal"], refused["numberRecordsFailed"]],
        "failed": salesforce.bulk2.Contact.get_failed_records(refused["job_id"]),
    },
    sys.stdout,
)
