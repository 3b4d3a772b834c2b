"""A server of Snowflake's protocol, as a program: fakesnow, with large results in chunks as Snowflake has them.

fakesnow sends every result in one piece. Snowflake sends the first rows with its answer and the others as files to be
fetched, on which the memory of a client depends. Does not belong here: anything about SQL.
"""

from __future__ import annotations

import base64
import gc
import json
import os
import socket
import sys
import threading
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

import fakesnow.server
import pyarrow as pa
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_GARBAGE_THRESHOLD: Final = 200_000
"""Syntax trees are many objects and little of them garbage: looking for it as often as by default takes long."""
_chunks: dict[str, bytes] = {}


def chunked(rows_per_chunk: int) -> Callable[[Request], Awaitable[Response]]:
    """Answers as fakesnow does, but for results that are too large for one piece."""

    async def query(request: Request) -> Response:
        """The answer to a statement, in pieces if it is large."""
        answer = await fakesnow.server.query_request(request)
        content = json.loads(bytes(answer.body))
        data = content.get("data") or {}
        if data.get("rowsetBase64") and data["total"] > rows_per_chunk:
            rows = pa.ipc.open_stream(base64.b64decode(data["rowsetBase64"])).read_all()
            pieces = [rows.slice(start, rows_per_chunk) for start in range(0, rows.num_rows, rows_per_chunk)]
            data["rowsetBase64"] = base64.b64encode(_stream(pieces[0])).decode()
            data["chunks"] = [_kept(piece, str(request.base_url)) for piece in pieces[1:]]
        return JSONResponse(content, status_code=answer.status_code)

    return query


def _kept(rows: pa.Table, base_url: str) -> dict[str, object]:
    """Where a client finds a chunk."""
    name, content = uuid.uuid4().hex, _stream(rows)
    _chunks[name] = content
    size = len(content)
    return {
        "url": f"{base_url}chunk/{name}",
        "rowCount": rows.num_rows,
        "uncompressedSize": size,
        "compressedSize": size,
    }


def _stream(rows: pa.Table) -> bytes:
    """Rows as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows.combine_chunks())
    return sink.getvalue().to_pybytes()


async def chunk(request: Request) -> Response:
    """A chunk, which is fetched once."""
    return Response(_chunks.pop(request.path_params["name"]))


async def waiting_chunks(_request: Request) -> Response:
    """How many chunks have not been fetched."""
    return JSONResponse(len(_chunks))


def serve(listening: socket.socket, rows_per_chunk: int) -> None:
    """Serve until the process is ended, or the one that started it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.set_threshold(_GARBAGE_THRESHOLD)
    app = fakesnow.server.app
    app.router.routes[:0] = [
        Route("/queries/v1/query-request", chunked(rows_per_chunk), methods=["POST"]),
        Route("/chunk/{name}", chunk),
        Route("/waiting_chunks", waiting_chunks),
    ]
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


def _end_with_parent() -> None:
    """Standard input ends with the process that holds its other end."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
