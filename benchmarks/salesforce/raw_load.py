"""The reference: a client by hand with the standard library, which knows afterwards what became of each row.

Run as `python raw_load.py URL ROWS.csv`: the file is sent in parts of 500,000 rows, and the three result files are read
by key. Nothing is checked before, and a crash forgets everything.
"""

from __future__ import annotations

import csv
import http.client
import io
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

KEY = "Contact_Sync_Key__c"
JOBS = "/services/data/v62.0/jobs/ingest"
ROWS_PER_JOB = 500_000
JSON = {"Content-Type": "application/json", "Authorization": "Bearer token"}


def main(url: str, path: Path) -> None:
    """Load all rows."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    counts = {"successfulResults": 0, "failedResults": 0, "unprocessedrecords": 0}
    for file in files(path):
        document = {"object": "Contact", "operation": "upsert", "externalIdFieldName": KEY, "lineEnding": "LF"}
        job = asked(connection, "POST", JOBS, json.dumps(document))["id"]
        with file:
            size = file.tell()
            file.seek(0)
            headers = {"Content-Type": "text/csv", "Content-Length": str(size), "Authorization": "Bearer token"}
            connection.request("PUT", f"{JOBS}/{job}/batches", body=file, headers=headers)
            connection.getresponse().read()
        asked(connection, "PATCH", f"{JOBS}/{job}", json.dumps({"state": "UploadComplete"}))
        while asked(connection, "GET", f"{JOBS}/{job}", None)["state"] != "JobComplete":
            pass
        outcomes: dict[str, str] = {}
        for kind in counts:
            outcomes |= dict.fromkeys(result_keys(connection, f"{JOBS}/{job}/{kind}"), kind)
        for kind in outcomes.values():
            counts[kind] += 1
    print(counts)


def files(path: Path) -> Iterator[IO[bytes]]:
    """Parts of the file, each with its header; no value of the benchmark has a line break."""
    with path.open("rb") as rows:
        header = rows.readline()
        while first := rows.readline():
            file = tempfile.TemporaryFile()  # noqa: SIM115 -- its reader closes it
            file.write(header + first)
            file.writelines(itertools.islice(rows, ROWS_PER_JOB - 1))
            yield file


def asked(connection: http.client.HTTPConnection, method: str, path: str, body: str | None) -> dict[str, Any]:
    """The JSON of a reply."""
    connection.request(method, path, body=body, headers=JSON)
    found: dict[str, Any] = json.loads(connection.getresponse().read())
    return found


def result_keys(connection: http.client.HTTPConnection, path: str) -> list[str]:
    """The keys of the rows of a result file, every cell of which is parsed."""
    connection.request("GET", path, headers=JSON)
    rows = csv.reader(io.TextIOWrapper(connection.getresponse(), encoding="utf-8", newline=""))
    header = next(rows)
    key = header.index(KEY)
    return [row[key] for row in rows]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
