"""A loopback server that takes Bulk API 2.0 ingest jobs and answers with their three result files.

Run as a process of its own: `python ingest_server.py DIRECTORY`; prints its port. Every thousandth row of a job is
refused, the results come in another order than the upload. Does not belong here: anything that a benchmark does not
ask; contact_sync/simulator/ is the simulator.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import duckdb

KEY: Final = "Contact_Sync_Key__c"
FIELDS: Final = (
    KEY,
    *("FirstName", "LastName", "Email", "Phone", "MailingStreet", "MailingCity", "MailingPostalCode", "MailingCountry"),
)
REFUSED_OF: Final = 1_000
_UPLOAD: Final = "read_csv('{}', all_varchar = true, header = true, quote = '\"', escape = '\"', delim = ',')"


@dataclass
class Job:
    """A job, and how many rows it has taken up and refused once it has ended."""

    id: str
    state: str = "Open"
    processed: int = 0
    failed: int = 0
    files: dict[str, Path] = field(default_factory=dict)


class Handler(BaseHTTPRequestHandler):
    """Answers whatever API version is asked for."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    directory: Path
    jobs: dict[str, Job] = {}  # noqa: RUF012 -- of the one server
    lock = threading.Lock()

    def do_POST(self) -> None:
        """A login, or a job."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.endswith("/oauth2/token"):
            host = f"http://{self.headers['Host']}"
            identity = f"{host}/id/00D000000000001EAA/005000000000001AAA"
            self._json({"access_token": "token", "instance_url": host, "id": identity, "token_type": "Bearer"})
            return
        with self.lock:
            job = Job(f"750{len(self.jobs):015d}")
            self.jobs[job.id] = job
        self._json(self._information(job))

    def do_PUT(self) -> None:
        """The rows of a job."""
        job = self._job()
        path = self.directory / f"{job.id}.csv"
        with path.open("wb") as file:
            for part in self._body():
                file.write(part)
        job.files["upload"] = path
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PATCH(self) -> None:
        """Start a job: at once it has ended."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        job = self._job()
        self._run(job)
        self._json(self._information(job))

    def do_GET(self) -> None:
        """A job, one of its result files, describe, or the number of records."""
        path = self.path.partition("?")[0].rstrip("/")
        name = path.rpartition("/")[2].lower()
        if name in {"successfulresults", "failedresults", "unprocessedrecords"}:
            self._file(self._job().files[name])
        elif name == "describe":
            fields = [{"name": one, "type": "string", "length": 255} for one in ("Id", *FIELDS)]
            self._json({"name": "Contact", "fields": fields})
        elif name == "query":
            self._json({"totalSize": 0, "done": True, "records": []})
        else:
            self._json(self._information(self._job()))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _body(self) -> Any:
        left = int(self.headers.get("Content-Length") or 0)
        if not left and self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        while left:
            part = self.rfile.read(min(left, 1 << 20))
            left -= len(part)
            yield part

    def _run(self, job: Job) -> None:
        upload = _UPLOAD.format(job.files["upload"])
        with duckdb.connect() as database:
            database.execute(f"create table row as select row_number() over () as number, * from {upload}")
            names = ", ".join(f'"{name}"' for name in FIELDS)
            record_id = "'003' || lpad(cast(number as varchar), 15, '0') as sf__Id"
            listings = {
                "successfulresults": f"select {record_id}, 'true' as sf__Created, {names} from row "
                f"where number % {REFUSED_OF} > 0 order by hash(number)",
                "failedresults": f"select '' as sf__Id, 'STRING_TOO_LONG:too long:Email --' as sf__Error, {names} "
                f"from row where number % {REFUSED_OF} = 0",
                "unprocessedrecords": f"select {names} from row where false",
            }
            for name, query in listings.items():
                job.files[name] = self.directory / f"{job.id}-{name}.csv"
                database.execute(f"copy ({query}) to '{job.files[name]}' (header, force_quote *)")
            job.processed, job.failed = database.execute(
                f"select count(*), count(*) filter (number % {REFUSED_OF} = 0) from row"
            ).fetchone()
        job.files["upload"].unlink()
        job.state = "JobComplete"

    def _job(self) -> Job:
        parts = self.path.split("/")
        return self.jobs[parts[parts.index("ingest") + 1]]

    def _information(self, job: Job) -> dict[str, Any]:
        return {
            "id": job.id,
            "state": job.state,
            "object": "Contact",
            "operation": "upsert",
            "createdDate": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000+0000",
            "contentUrl": f"services/data/v62.0/jobs/ingest/{job.id}/batches",
            "numberRecordsProcessed": job.processed,
            "numberRecordsFailed": job.failed,
        }

    def _file(self, path: Path) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(path.stat().st_size))
        self.end_headers()
        self.wfile.flush()
        with path.open("rb") as file:
            self.connection.sendfile(file)

    def _json(self, document: object) -> None:
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Serve until ended."""
    Handler.directory = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
