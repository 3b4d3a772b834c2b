"""The floor: Parquet to CSV by pyarrow, one PUT for each 100 MB, poll, and the three result files parsed and counted.

Run as `python columnar_load.py URL ROWS.parquet`. No value becomes one of Python's, no row is told from another,
nothing is checked or kept.
"""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

KEY = "Contact_Sync_Key__c"
JOBS = "/services/data/v62.0/jobs/ingest"
FILE_BYTES = 100_000_000
JSON = {"Content-Type": "application/json", "Authorization": "Bearer token"}


def main(url: str, path: Path) -> None:
    """Load all rows."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    counts = {"successfulResults": 0, "failedResults": 0, "unprocessedrecords": 0}
    for file in files(path):
        document = {"object": "Contact", "operation": "upsert", "externalIdFieldName": KEY, "lineEnding": "LF"}
        job = asked(connection, "POST", JOBS, json.dumps(document))["id"]
        with file:
            size = file.seek(0, 2)
            file.seek(0)
            headers = {"Content-Type": "text/csv", "Content-Length": str(size), "Authorization": "Bearer token"}
            connection.request("PUT", f"{JOBS}/{job}/batches", body=file, headers=headers)
            connection.getresponse().read()
        asked(connection, "PATCH", f"{JOBS}/{job}", json.dumps({"state": "UploadComplete"}))
        while asked(connection, "GET", f"{JOBS}/{job}", None)["state"] != "JobComplete":
            pass
        for kind in counts:
            counts[kind] += result_rows(connection, f"{JOBS}/{job}/{kind}")
    print(counts)


def files(path: Path) -> Iterator[IO[bytes]]:
    """CSV files of at most 100 MB."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- its reader closes it
    for batch in pq.ParquetFile(path).iter_batches(50_000):
        if file.tell() > FILE_BYTES - 10_000_000:
            yield file
            file = tempfile.TemporaryFile()  # noqa: SIM115 -- its reader closes it
        options = pa_csv.WriteOptions(include_header=file.tell() == 0, quoting_style="all_valid")
        pa_csv.write_csv(pa.Table.from_batches([batch]), file, options)
    yield file


def asked(connection: http.client.HTTPConnection, method: str, path: str, body: str | None) -> dict:
    """The JSON of a reply."""
    connection.request(method, path, body=body, headers=JSON)
    return json.loads(connection.getresponse().read())


def result_rows(connection: http.client.HTTPConnection, path: str) -> int:
    """How many rows a result file has."""
    connection.request("GET", path, headers=JSON)
    options = pa_csv.ConvertOptions(include_columns=[KEY])
    parse = pa_csv.ParseOptions(newlines_in_values=True)
    with tempfile.TemporaryFile() as file:
        reply = connection.getresponse()
        while part := reply.read(1 << 18):
            file.write(part)
        file.seek(0)
        return pa_csv.read_csv(file, parse_options=parse, convert_options=options).num_rows


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
