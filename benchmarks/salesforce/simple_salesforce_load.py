"""simple-salesforce 1.12.10 as its documentation shows it: `bulk2.Contact.upsert`, then its three result files.

Run in an environment of its own: `python simple_salesforce_load.py URL ROWS.csv`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import requests
from simple_salesforce import Salesforce
from simple_salesforce_pages import PlainHttp

KEY = "Contact_Sync_Key__c"
BATCH_ROWS = 500_000
"""It counts characters, not bytes: by itself it would make files that it then refuses to send."""


def main(url: str, path: Path) -> None:
    """Load all rows, from a CSV file, which costs it less than records do."""
    session = requests.Session()
    session.mount("https://", PlainHttp())
    salesforce = Salesforce(session_id="token", instance=url.removeprefix("http://"), session=session)
    counts = [0, 0]
    for job in salesforce.bulk2.Contact.upsert(
        csv_file=str(path), external_id_field=KEY, batch_size=BATCH_ROWS, wait=0.2
    ):
        results = salesforce.bulk2.Contact.get_all_ingest_records(job["job_id"])
        counts[0] += len(results["successfulRecords"])
        counts[1] += len(results["failedRecords"])
    print(counts)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
