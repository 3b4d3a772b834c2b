"""The ingest protocol as both loaders by hand speak it. Does not belong here: making files and reading results."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import IO, Any
from urllib.parse import urlsplit

KEY = "Contact_Sync_Key__c"
RESULTS = ("successfulResults", "failedResults", "unprocessedrecords")
_JOBS = "/services/data/v62.0/jobs/ingest"
_JSON = {"Content-Type": "application/json", "Authorization": "Bearer token"}

Count = Callable[[dict[str, Callable[[], http.client.HTTPResponse]]], Counter[str]]
"""Counts the rows of a job from its result files: name -> what fetches it."""


def load(url: str, files: Iterable[IO[bytes]], count: Count) -> None:
    """One job for each file, which is closed; prints how many rows the results have."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    counts: Counter[str] = Counter()
    for file in files:
        document = {"object": "Contact", "operation": "upsert", "externalIdFieldName": KEY, "lineEnding": "LF"}
        path = f"{_JOBS}/{_asked(connection, 'POST', _JOBS, document)['id']}"
        with file:
            size = file.seek(0, 2)
            file.seek(0)
            headers = {"Content-Type": "text/csv", "Content-Length": str(size), "Authorization": "Bearer token"}
            connection.request("PUT", f"{path}/batches", body=file, headers=headers)
            connection.getresponse().read()
        _asked(connection, "PATCH", path, {"state": "UploadComplete"})
        while _asked(connection, "GET", path, None)["state"] != "JobComplete":
            pass
        counts += count({name: _fetch(connection, f"{path}/{name}") for name in RESULTS})
    print({name: counts[name] for name in RESULTS})


def _fetch(connection: http.client.HTTPConnection, path: str) -> Callable[[], http.client.HTTPResponse]:
    def fetch() -> http.client.HTTPResponse:
        connection.request("GET", path, headers=_JSON)
        return connection.getresponse()

    return fetch


def _asked(connection: http.client.HTTPConnection, method: str, path: str, document: object) -> dict[str, Any]:
    """The JSON of a reply."""
    connection.request(method, path, body=json.dumps(document) if document else None, headers=_JSON)
    found: dict[str, Any] = json.loads(connection.getresponse().read())
    return found
