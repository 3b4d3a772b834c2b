"""An ASGI application on a free port of 127.0.0.1, in a thread, that can be unreachable for a while.

What the application does is none of its business.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time

import uvicorn
from starlette.types import ASGIApp

from contact_sync.simulator.certificates import Certificates
from contact_sync.simulator.errors import SimulatorError

_HOST = "127.0.0.1"
_PATIENCE_SECONDS = 15.0
_GRACE_SECONDS = 2.0


class _Server(uvicorn.Server):
    """Stops as soon as it is told and done; on its own uvicorn looks only ten times a second."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; from here on the server can be told to stop."""
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets=sockets)

    async def main_loop(self) -> None:
        """Serve until told to stop, and refresh the date header every second as uvicorn does."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), timeout=1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let replies that are under way be sent for a while, and cut off what is left."""
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        deadline = time.monotonic() + _GRACE_SECONDS
        while (state.connections or state.tasks) and time.monotonic() < deadline:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.005)
        for task in state.tasks:
            task.cancel()

    def tell_to_stop(self) -> None:
        """Ask for the end from another thread."""
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._told.set)


class HttpServer:
    """A server thread; `stop` and `start` again keep the port, in between connections are refused."""

    def __init__(self, app: ASGIApp, *, name: str, certificates: Certificates | None = None) -> None:
        self._app = app
        self._name = name
        self._certificates = certificates
        self._socket = _bound(0)
        self.port = int(self._socket.getsockname()[1])
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, or https with certificates."""
        return f"{'https' if self._certificates else 'http'}://{_HOST}:{self.port}"

    @property
    def is_listening(self) -> bool:
        """Whether connections are accepted."""
        return self._thread is not None

    def start(self) -> None:
        """Listen, and return when the server answers."""
        if self._thread is not None:
            return
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            date_header=False,
            lifespan="off",
            timeout_keep_alive=30,
            ssl_certfile=self._certificates.certificate if self._certificates else None,
            ssl_keyfile=self._certificates.key if self._certificates else None,
        )
        server = _Server(config)
        thread = threading.Thread(target=server.run, args=([self._socket],), name=self._name, daemon=True)
        thread.start()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise SimulatorError(f"The server {self._name} did not start on port {self.port}; start it again.")
            time.sleep(0.005)
        self._server, self._thread = server, thread

    def stop(self) -> None:
        """Refuse connections from now on; the port stays reserved."""
        self._end()
        self._socket = _bound(self.port)

    def close(self) -> None:
        """Stop for good and give the port back."""
        self._end()

    def _end(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.tell_to_stop()
            self._thread.join()
        self._server = self._thread = None
        self._socket.close()


def _bound(port: int) -> socket.socket:
    """A socket that holds a port without listening on it."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((_HOST, port))
    return bound
