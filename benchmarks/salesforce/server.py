"""A loopback server that sends rendered bodies by the Bulk API 2.0 query protocol, at next to no cost of its own.

Run as a process of its own: `python server.py DIRECTORY ROWS PAGE_ROWS [--gzip]`; prints its port. Bodies leave by
sendfile. There is one job, and every query is that job. Does not belong here: anything that a benchmark does not ask;
contact_sync/simulator/ is the simulator.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from salesforce.bodies import FIELDS, Bodies

JOB: Final = "750Hr000000000AAAA"
LISTED: Final = 5
"""Salesforce lists at most five pages in one reply of resultPages."""


class Handler(BaseHTTPRequestHandler):
    """Answers whatever API version is asked for."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    bodies: Bodies
    compresses: bool

    def do_POST(self) -> None:
        """A login, or the one job."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.endswith("/oauth2/token"):
            host = f"http://{self.headers['Host']}"
            self._json({"access_token": "token", "instance_url": host, "id": host, "token_type": "Bearer"})
        else:
            self._json({"id": JOB, "state": "UploadComplete", "operation": "queryAll", "object": "Contact"})

    def do_GET(self) -> None:
        """Describe, the job, its pages, and their addresses."""
        address = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path.endswith("/results"):
            self._page(int(asked.get("locator", "0")))
        elif address.path.endswith("/resultPages"):
            self._result_pages(address.path.removesuffix("Pages") + "s", int(asked.get("locator", "0")))
        elif address.path.endswith(f"/jobs/query/{JOB}"):
            self._json({"id": JOB, "state": "JobComplete", "numberRecordsProcessed": self.bodies.rows})
        elif address.path.rstrip("/").endswith(("/query", "/queryAll")):
            self._file(self.bodies.rest_page(0))
        elif "/query/01g" in address.path:
            self._file(self.bodies.rest_page(int(address.path.rpartition("-")[2])))
        else:
            document = self._document(address.path.rstrip("/").rpartition("/")[2])
            self._json(document, 404 if isinstance(document, list) else 200)

    def _document(self, name: str) -> object:
        """The small documents that readers ask for besides."""
        now, then = (f"{datetime.now(UTC) - timedelta(days=ago):%Y-%m-%dT%H:%M:%S.000+0000}" for ago in (0, 15))
        fields = [{"name": name, "type": kind, "label": name} for name, kind in FIELDS.items()]
        documents = {
            "describe": {"name": "Contact", "replicateable": True, "fields": fields},
            "updated": {"ids": [], "latestDateCovered": now},
            "deleted": {"deletedRecords": [], "earliestDateAvailable": then, "latestDateCovered": now},
        }
        return documents.get(name, [{"errorCode": "NOT_FOUND", "message": "not part of the benchmark"}])

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _page(self, number: int) -> None:
        is_gzip = self.compresses and "gzip" in self.headers.get("Accept-Encoding", "")
        path = self.bodies.page(number, is_gzip=is_gzip)
        following = str(number + 1) if number + 1 < self.bodies.pages else "null"
        headers = {"Sforce-NumberOfRecords": str(self.bodies.rows_of(number)), "Sforce-Locator": following}
        self._file(path, **headers, **({"Content-Encoding": "gzip"} if is_gzip else {}))

    def _file(self, path: Path, **headers: str) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json" if path.suffix == ".json" else "text/csv")
        self.send_header("Content-Length", str(path.stat().st_size))
        self.end_headers()
        self.wfile.flush()
        with path.open("rb") as file:
            self.connection.sendfile(file)

    def _result_pages(self, results: str, first: int) -> None:
        results = results.removesuffix("s") + "s"
        last = min(first + LISTED, self.bodies.pages)
        listed = [{"resultUrl": f"{results}?locator={number}"} for number in range(first, last)]
        document: dict[str, Any] = {"resultPages": listed, "done": last == self.bodies.pages}
        if last < self.bodies.pages:
            document["nextRecordsUrl"] = f"{results.removesuffix('s')}Pages?locator={last}"
        self._json(document)

    def _json(self, document: object, status: int = 200) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("rows", type=int)
    parser.add_argument("page_rows", type=int)
    parser.add_argument("--gzip", action="store_true")
    options = parser.parse_args()
    Handler.bodies = Bodies(options.directory, options.rows, options.page_rows)
    Handler.compresses = options.gzip
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
