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
json.dump(
    {
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
