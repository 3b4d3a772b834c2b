"""Sending requests: sessions, repeating, and errors that say what to do and no value of a record."""

from __future__ import annotations

import gzip
import io
import ssl
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING
from unittest.mock import Mock

import httpcore
import httpx
import pytest

from contact_sync.connectors.salesforce.http import PART_BYTES, Request, SalesforceClient, _trusted_authorities
from contact_sync.errors import (
    AuthenticationError,
    QuotaExhaustedError,
    RequestRefusedError,
    SourceError,
    SourceUnreachableError,
    UnknownObjectError,
)
from contact_sync_tests.unit.connectors.scripted_org import DATA, URL, Answer, FakeTime, Org, problem, unread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contact_sync.settings import SalesforceInstance


def raising(error: Exception) -> Answer:
    """A connection that breaks."""

    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


class CutStream(httpx.SyncByteStream):
    """A body that ends before it should."""

    def __iter__(self) -> Iterator[bytes]:
        """Half a document, then the end of the connection."""
        yield b'{"a": '
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def zipped(content: bytes) -> Answer:
    """A reply said to be gzip."""
    return lambda _: httpx.Response(200, stream=httpx.ByteStream(content), headers={"Content-Encoding": "gzip"})


PASSING = {
    "500": lambda _: httpx.Response(500),
    "502": lambda _: httpx.Response(502, text="<html>"),
    "503": lambda _: problem(503, "SERVER_UNAVAILABLE"),
    "406": lambda _: httpx.Response(406),
    "420": lambda _: httpx.Response(420),
    "429": lambda _: httpx.Response(429),
    "connection refused": raising(httpx.ConnectError("refused")),
    "read time-out": raising(httpx.ReadTimeout("slow")),
    "connection reset": raising(httpx.ReadError("reset")),
    "cut body": lambda _: httpx.Response(200, stream=CutStream()),
    "cut document": lambda _: httpx.Response(200, content=b'{"a": '),
    "cut gzip": zipped(gzip.compress(b'{"a": 1}')[:-6]),
    "bad gzip": zipped(b"not gzip at all"),
}


@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING.keys())
def test_failures_that_pass_are_repeated(
    org: Org, client: SalesforceClient, fake_time: FakeTime, failure: Answer
) -> None:
    """A request that does no harm twice is repeated after each of these, with growing delays."""
    org.on("GET /limits", {"a": 1})
    org.fail("GET /limits", failure, failure)

    assert {"a": 1} == client.get(f"{DATA}/limits", subject="limits")

    assert [0.5, 1.0] == fake_time.slept


def test_a_login_for_the_id_of_the_user_is_repeated_too(org: Org, client: SalesforceClient) -> None:
    """Nothing may have been asked before; an org that does not come back is unreachable, as for any request."""
    login = "POST /services/oauth2/token"
    org.fail(login, *[PASSING["503"]] * 6)
    with pytest.raises(SourceUnreachableError):
        client.user_id()

    token = {"access_token": "token", "instance_url": URL, "id": f"{URL}/id/00D/005A"}
    org.fail(login, PASSING["503"], lambda _: httpx.Response(200, json=token))
    assert "005A" == client.user_id()


@pytest.mark.parametrize("name", ["500", "503", "429", "read time-out", "connection reset", "cut body", "cut document"])
def test_what_may_have_had_an_effect_is_not_repeated(org: Org, client: SalesforceClient, name: str) -> None:
    """A request that must not happen twice fails at once when its effect is unknown."""
    org.fail("PUT /jobs/ingest/1/batches", PASSING[name])
    request = Request(
        method="PUT",
        path=f"{DATA}/jobs/ingest/1/batches",
        subject="job 1",
        content=io.BytesIO(b"rows"),
        is_repeatable=False,
    )

    with pytest.raises(SourceUnreachableError):
        client.ask(request)

    assert 1 == org.count("PUT /jobs/ingest/1/batches")


def test_what_never_left_is_repeated(org: Org, client: SalesforceClient) -> None:
    """A refused connection cannot have had an effect, and the content is sent whole the second time."""
    org.on("PUT /jobs/ingest/1/batches", lambda _: httpx.Response(201))
    org.fail("PUT /jobs/ingest/1/batches", PASSING["connection refused"])
    path = f"{DATA}/jobs/ingest/1/batches"

    client.ask(Request(method="PUT", path=path, subject="job 1", content=io.BytesIO(b"rows"), is_repeatable=False))

    assert b"rows" == org.requests[-1].content


def test_an_ended_session_is_renewed_once_and_the_request_sent_again(org: Org, client: SalesforceClient) -> None:
    """INVALID_SESSION_ID leads to one login and the same request with the new token, content included."""
    org.on("PUT /jobs/ingest/1/batches", lambda _: httpx.Response(201))
    org.ended_tokens.add("token-1")
    path = f"{DATA}/jobs/ingest/1/batches"

    client.ask(Request(method="PUT", path=path, subject="job 1", content=io.BytesIO(b"rows"), is_repeatable=False))

    assert 2 == org.logins
    assert ("Bearer token-2", b"rows") == (org.requests[-1].headers["Authorization"], org.requests[-1].content)


def test_a_session_that_never_works_is_an_error(org: Org, client: SalesforceClient) -> None:
    """A fresh session that is refused ends the request instead of a loop of logins."""
    org.ended_tokens.update({"token-1", "token-2"})

    with pytest.raises(AuthenticationError, match="core"):
        client.get(f"{DATA}/limits", subject="limits")

    assert 2 == org.logins


def test_every_request_says_who_is_asking(org: Org, client: SalesforceClient) -> None:
    """Writes of contact_sync can be told from those of others, because each request names it."""
    org.on("GET /limits", {})

    client.get(f"{DATA}/limits", subject="limits")

    assert {"client=contact_sync"} == {request.headers["Sforce-Call-Options"] for request in org.requests}


def test_a_refused_login_names_the_settings(org: Org, client: SalesforceClient) -> None:
    """The error names instance, code and the settings to check, and none of their values."""
    answer = httpx.Response(400, json={"error": "invalid_client", "error_description": "bad secret"})
    org.fail("POST /services/oauth2/token", lambda _: answer)

    with pytest.raises(AuthenticationError) as raised:
        client.get(f"{DATA}/limits", subject="limits")

    text = str(raised.value)
    assert "core" in text
    assert "invalid_client" in text
    assert "CONTACT_SYNC_SALESFORCE__CORE__CLIENT_SECRET" in text
    assert "not-for-messages" not in text
    assert "bad secret" not in text


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "INVALIDENTITY", UnknownObjectError),
        (404, "NOT_FOUND", UnknownObjectError),
        (400, "INVALID_TYPE", UnknownObjectError),
        (400, "INVALID_FIELD", UnknownObjectError),
        (403, "REQUEST_LIMIT_EXCEEDED", QuotaExhaustedError),
        (400, "MALFORMED_QUERY", RequestRefusedError),
    ],
)
def test_refusals_keep_the_code_and_no_value(
    org: Org, client: SalesforceClient, status: int, code: str, kind: type[SourceError]
) -> None:
    """The error names instance, subject and code; the message of Salesforce, which quotes values, is left out."""
    org.on("GET /query", lambda _: problem(status, code))

    with pytest.raises(kind, match=f"core.*Contact.*{code}") as raised:
        client.get(f"{DATA}/query", subject="Contact")

    assert "Jane" not in str(raised.value)
    assert 1 == org.count("GET /query")


def test_a_code_that_is_no_code_is_left_out(org: Org, client: SalesforceClient) -> None:
    """Whatever else stands where the code should is not passed on."""
    org.on("GET /query", lambda _: problem(400, "Jane Roe, jane@example.com"))

    with pytest.raises(RequestRefusedError) as raised:
        client.get(f"{DATA}/query", subject="Contact")

    assert "HTTP_400" == raised.value.code


def test_an_unreachable_org_names_itself_and_what_to_do(client: SalesforceClient, org: Org) -> None:
    """After the last attempt the error names instance and address."""
    org.fail("POST /services/oauth2/token", *[PASSING["connection refused"]] * 6)

    with pytest.raises(SourceUnreachableError, match=r"core at http://org\.test.*Check the URL"):
        client.get(f"{DATA}/limits", subject="limits")


def test_an_endless_reply_ends_at_the_deadline(org: Org, instance: SalesforceInstance) -> None:
    """A reply that trickles in without ever timing out is given up when the total time is over."""
    time = FakeTime()

    class Trickle(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                time.seconds += 5
                yield b" "

    org.on("GET /limits", lambda _: httpx.Response(200, stream=Trickle()))
    client = SalesforceClient(
        "core",
        instance,
        transport=httpx.MockTransport(org.handle),
        clock=time.clock(),
        request_deadline_seconds=60,
    )

    with pytest.raises(SourceUnreachableError, match="60 seconds"):
        client.get(f"{DATA}/limits", subject="limits")


def test_a_token_is_never_sent_to_another_host(client: SalesforceClient) -> None:
    """Only paths of the org itself are followed, whatever a reply names as its next page."""
    with pytest.raises(RequestRefusedError, match="FOREIGN_ADDRESS"):
        client.get("https://elsewhere.test/next", subject="Contact")


def test_whom_to_trust_is_read_once(instance: SalesforceInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by each client: there is one for every extraction."""
    read = Mock(wraps=ssl.create_default_context)
    monkeypatch.setattr(ssl, "create_default_context", read)
    _trusted_authorities.cache_clear()

    for _ in range(3):
        SalesforceClient("core", instance).close()

    assert 1 == read.call_count


@pytest.fixture
def cutting_server() -> Iterator[str]:
    """A real server that declares more bytes than it sends, twice, and then sends all of them."""
    cuts = [0, 5]
    reply = b'{"a": 1}'

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._send(b'{"access_token": "t"}', cut=None)

        def do_GET(self) -> None:
            self._send(reply, cut=cuts.pop() if cuts else None)

        def _send(self, content: bytes, *, cut: int | None) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:cut])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_body_cut_on_a_real_connection_is_fetched_again(
    cutting_server: str, instance: SalesforceInstance, fake_time: FakeTime
) -> None:
    """A connection that closes before the declared length, even before the first byte, costs a repetition only."""
    settings = instance.model_copy(update={"url": cutting_server})
    client = SalesforceClient("core", settings, clock=fake_time.clock())

    assert {"a": 1} == client.get(f"{DATA}/limits", subject="limits")

    client.close()
    assert 2 == len(fake_time.slept)


def test_nothing_of_a_refusal_stays_in_the_reply_after_it(
    org: Org, client: SalesforceClient, fake_time: FakeTime
) -> None:
    """A long refusal of an ended session does not end up behind the shorter reply to the repeated request."""
    org.on("GET /limits", {"a": 1})
    org.fail("GET /limits", lambda _: problem(401, "INVALID_SESSION_ID", message="x" * 1_000))

    assert {"a": 1} == client.get(f"{DATA}/limits", subject="limits")

    assert [] == fake_time.slept


class AskedSizes(httpcore.NetworkBackend, httpcore.NetworkStream):
    """A network with one empty reply, which notes how many bytes are asked for at a time."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def connect_tcp(self, *_: object, **__: object) -> httpcore.NetworkStream:
        """The connection is the network itself."""
        return self

    def write(self, *_: object, **__: object) -> None:
        """Take a request."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The whole reply."""
        self.sizes.append(max_bytes)
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    def close(self) -> None:
        """Nothing is open."""

    def get_extra_info(self, info: str) -> None:
        """Nothing is known."""


def test_bodies_are_read_in_large_pieces() -> None:
    """As much is asked of the network at a time as we say, whatever the HTTP library's own choice is."""
    network = AskedSizes()

    with httpcore.ConnectionPool(network_backend=network) as pool:
        pool.request("GET", "http://org.invalid/")

    assert {PART_BYTES} == set(network.sizes)


def test_files_are_sent_whole_in_large_pieces_again_after_a_new_login(org: Org, instance: SalesforceInstance) -> None:
    """A session that ends with an upload costs the upload once more, from its first byte and with its length."""
    content = bytes(range(256)) * (PART_BYTES // 256) + b"the rest"
    arrived: list[tuple[list[bytes], str]] = []

    class Network(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "PUT":
                parts = [bytes(part) for part in request.stream]  # type: ignore[union-attr]  # ours is synchronous
                arrived.append((parts, request.headers["Content-Length"]))
                return unread(httpx.Response(201) if len(arrived) > 1 else problem(401, "INVALID_SESSION_ID"))
            return org.handle(request)

    with closing(SalesforceClient("core", instance, transport=Network())) as client:
        client.ask(
            Request(
                method="PUT",
                path=f"{DATA}/jobs/ingest/750/batches",
                subject="job 750",
                content=io.BytesIO(content),
                headers={"Content-Length": str(len(content))},
                is_repeatable=False,
            )
        )

    assert [([content[:PART_BYTES], b"the rest"], str(len(content)))] * 2 == arrived
