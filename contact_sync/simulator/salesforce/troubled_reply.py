"""Sends replies that go wrong: refused, damaged, reset, stalled; what goes wrong is data in troubles.py."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import socket
import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from contact_sync.simulator.salesforce import exact_json
from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.troubles import Locator, Trouble, Wire
from contact_sync.simulator.salesforce.wire import Reply, json_reply
from contact_sync.simulator.salesforce.wrong_locators import misled

CONNECTION = "contact_sync.connection"
"""Where a scope holds its Connection."""
_LONGEST_STALL_SECONDS = 60.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def refusal(trouble: Trouble) -> Reply:
    """The reply that refuses a request."""
    if trouble.code is None:
        return Reply(trouble.status)
    fault = Fault(trouble.status, trouble.code, "The request was disturbed on purpose")
    return json_reply(fault.body, fault.status)


def damaged(reply: Reply, trouble: Trouble) -> Reply:
    """A reply with what the trouble does to its content; framing stays right."""
    if trouble.locator is not Locator.RIGHT:
        reply = misled(reply, trouble.locator)
    headers = dict(reply.headers)
    body = reply.body
    if trouble.cut_rows:
        body = _without_last_row(body, headers)
    if trouble.bad_gzip:
        body, headers["Content-Encoding"] = gzip.compress(b"damaged")[:-5], "gzip"
    if trouble.no_charset:
        headers["Content-Type"] = headers.get("Content-Type", "").partition(";")[0]
    return replace(reply, body=body, headers=headers)


def _without_last_row(body: bytes, headers: Mapping[str, str]) -> bytes:
    """A page of CSV or of records that lacks its last row, while its count stays."""
    is_packed = headers.get("Content-Encoding") == "gzip"
    content = gzip.decompress(body) if is_packed else body
    if headers.get("Content-Type", "").startswith("text/csv"):
        rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows[:-1] if len(rows) > 1 else rows)
        content = text.getvalue().encode()
    elif content.startswith(b"{"):
        document: dict[str, Any] = exact_json.loads(content)
        # Only what a reply counts can be missed: a query says how many records there are, getDeleted does not.
        if document.get("records") and "totalSize" in document:
            document["records"] = document["records"][:-1]
        content = exact_json.dumps(document)
    return gzip.compress(content) if is_packed else content


class TroubledResponse(Response):
    """A response that is sent in a way that goes wrong."""

    def __init__(self, content: bytes, status_code: int, headers: Mapping[str, str], wire: Wire) -> None:
        super().__init__(content, status_code, headers)
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        connection: Connection = scope[CONNECTION]
        if self._wire is Wire.STALL:
            await _wait_for_client(receive)
        if self._wire is Wire.RESET_IN_HEADERS:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
        elif self._wire in {Wire.RESET_IN_BODY, Wire.CLOSED_IN_BODY}:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            half = bytes(self.body)[: len(self.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
        elif self._wire is Wire.RESET_AFTER:
            await super().__call__(scope, receive, send)
        # What was sent leaves the buffer before the connection breaks.
        await asyncio.sleep(0.02)
        connection.end(is_reset=self._wire is not Wire.CLOSED_IN_BODY)
        await asyncio.sleep(0.02)


class Connection:
    """The connection behind a server's own `send`, for what a server does not do."""

    def __init__(self, send: Send) -> None:
        self._transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]  # uvicorn's cycle, which ASGI hides

    def send(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self._transport.write(raw)

    def end(self, *, is_reset: bool) -> None:
        """Break it, with a reset or as if all had been sent; a client may have left before."""
        if is_reset and not self._transport.is_closing():
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()


async def _wait_for_client(receive: Receive) -> None:
    """Until the client has given up, or for as long as a test could be patient."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(gone(), _LONGEST_STALL_SECONDS)
    except TimeoutError:
        return
