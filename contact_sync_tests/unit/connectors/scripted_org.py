"""An org whose every reply is scripted by the test, and a time that passes only when somebody sleeps."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from contact_sync.connectors.base import Page, Window
from contact_sync.connectors.retry import Clock

DATA = "/services/data/v62.0"
URL = "http://org.test"

END = datetime(2026, 11, 20, 12, tzinfo=UTC)
SINCE = Window(start=END - timedelta(hours=1), end=END)
EVERYTHING = Window(start=None, end=END)
RESULTS = "GET /jobs/query/750A/results"

Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class Org:
    """Answers each `METHOD /path` by a function, after the failures that a test has put before it."""

    answers: dict[str, Answer] = field(default_factory=dict)
    failures: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    requests: list[httpx.Request] = field(default_factory=list)
    logins: int = 0
    ended_tokens: set[str] = field(default_factory=set)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Reply as scripted; sessions that have ended are refused before anything else."""
        request.read()
        self.requests.append(request)
        return unread(self._reply(request))

    def _reply(self, request: httpx.Request) -> httpx.Response:
        name = f"{request.method} {request.url.path}"
        if self.failures[name]:
            return self.failures[name].pop(0)(request)
        if request.url.path == "/services/oauth2/token":
            self.logins += 1
            return httpx.Response(200, json={"access_token": f"token-{self.logins}", "instance_url": URL})
        if request.headers["Authorization"].removeprefix("Bearer ") in self.ended_tokens:
            return problem(401, "INVALID_SESSION_ID")
        return self.answers[name](request)

    def on(self, name: str, answer: Answer | httpx.Response | dict[str, Any]) -> None:
        """Answer `METHOD /path` (below the data path) by a function, or by the same JSON each time."""
        method, path = name.split(" ")
        if isinstance(answer, dict):
            document = json.dumps(answer).encode()
            self.answers[f"{method} {DATA}{path}"] = lambda _: httpx.Response(200, content=document)
        else:
            self.answers[f"{method} {DATA}{path}"] = answer

    def fail(self, name: str, *answers: Answer) -> None:
        """Answer the next requests for `METHOD /path` by these, one each."""
        method, path = name.split(" ")
        self.failures[f"{method} {path if path.startswith('/services') else DATA + path}"].extend(answers)

    def count(self, name: str) -> int:
        """How many requests for `METHOD /path` have arrived."""
        method, path = name.split(" ")
        return sum(request.method == method and request.url.path == DATA + path for request in self.requests)

    def describe(self, object_name: str, **types: str) -> None:
        """Give an object these fields."""
        fields = [{"name": name, "type": kind, "label": name} for name, kind in types.items()]
        self.on(f"GET /sobjects/{object_name}/describe", {"fields": fields})

    def query_job(self, pages: Sequence[bytes], counts: Sequence[int], *, total: int | None = None) -> None:
        """Offer one query job, `750A`, whose pages hold (or pretend to hold) `counts` rows."""

        def results(request: httpx.Request) -> httpx.Response:
            page = int(request.url.params.get("locator", "0"))
            following = str(page + 1) if page + 1 < len(pages) else "null"
            headers = {"Sforce-NumberOfRecords": str(counts[page]), "Sforce-Locator": following}
            return httpx.Response(200, content=pages[page], headers={**headers, "Content-Type": "text/csv"})

        processed = sum(counts) if total is None else total
        self.on("GET /queryAll", {"totalSize": 2_001, "done": False, "nextRecordsUrl": "/x", "records": []})
        self.on("POST /jobs/query", {"id": "750A", "state": "UploadComplete"})
        self.on("GET /jobs/query/750A", {"state": "JobComplete", "numberRecordsProcessed": processed})
        self.on("GET /jobs/query/750A/results", results)


def unread(response: httpx.Response) -> httpx.Response:
    """The same reply as it comes off a wire: its body still to be read."""
    if not response.is_stream_consumed:
        return response
    return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(response.content))


def problem(status: int, code: str, message: str = "about Jane Roe") -> httpx.Response:
    """An error as the REST API sends it, with a value of a record in its message."""
    return httpx.Response(status, json=[{"errorCode": code, "message": message}])


def csv_bytes(rows: Sequence[Sequence[str | None]]) -> bytes:
    """CSV as Bulk API 2.0 sends it: every cell quoted, LF line ends."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@dataclass
class FakeTime:
    """A clock that only moves when somebody sleeps, and remembers for how long."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.slept.append(seconds)
        self.seconds += seconds

    def clock(self) -> Clock:
        """This time as the clock of a connector; its random number is always the largest."""
        return Clock(now=lambda: self.seconds, sleep=self.sleep, random=lambda: 1.0)


def page_of(*ids: str) -> bytes:
    """A result page that holds these records."""
    at = "2026-11-20T11:30:00.000Z"
    return csv_bytes([("Id", "Name", "SystemModstamp"), *((id_, f"name {id_}", at) for id_ in ids)])


def ids_of(pages: list[Page]) -> list[str]:
    """The record ids of some pages, in order."""
    return [id_ for page in pages for id_ in page.rows["Id"].to_pylist()]


def records(*ids: str) -> list[dict[str, object]]:
    """Records of a REST reply."""
    return [
        {
            "attributes": {"type": "Contact", "url": "/x"},
            "Id": id_,
            "Name": None,
            "SystemModstamp": "2026-11-20T11:30:00.000+0000",
        }
        for id_ in ids
    ]
