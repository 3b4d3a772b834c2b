"""One org over HTTP: logging in (again), time-outs, repeating what may be repeated, and errors in our own terms.

Bodies are kept as they came off the wire and unpacked by whoever reads them, so that a cut gzip stream is noticed.
Does not belong here: what is asked of Salesforce, and what replies mean.
"""

from __future__ import annotations

import gzip
import io
import json
import ssl
import tempfile
import threading
import zlib
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, partial
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, Final

import httpcore
import httpx

from contact_sync.connectors.retry import Clock, Retry, TransientError
from contact_sync.connectors.salesforce.auth import TOKEN_PATH, Session, credentials_of, session_of, setting_list
from contact_sync.connectors.salesforce.faults import code_of, is_transient, refusal
from contact_sync.connectors.salesforce.usage import RequestBudget
from contact_sync.errors import AuthenticationError, SourceError, SourceUnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contact_sync.settings import SalesforceInstance

API_VERSION: Final = "v62.0"
DATA_PATH: Final = f"/services/data/{API_VERSION}"
CLIENT_HEADERS: Final = {"Sforce-Call-Options": "client=contact_sync"}
"""By them the org's logs and change events (`changeOrigin`) tell our requests from those of others."""
TIMEOUTS: Final = httpx.Timeout(connect=10.0, read=60.0, write=60.0, pool=10.0)
REQUEST_DEADLINE_SECONDS: Final = 600.0
PART_BYTES: Final = 256 * 1024
"""As much is read or sent at a time: with the 64 kB of httpcore and httpx a transfer in clear text takes half as much
CPU time again. TLS gives at most 16 kB at a time in any case.
"""

httpcore.HTTP11Connection.READ_NUM_BYTES = PART_BYTES


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request before it is authorised; `path` starts with a slash, `subject` names it in error messages.

    is_repeatable: whether sending it twice does no harm.
    """

    method: str
    path: str
    subject: str
    is_repeatable: bool
    parameters: Mapping[str, str] | None = None
    document: object = None
    content: IO[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Download:
    """A reply: its headers, and its body as it came off the wire, rewound."""

    headers: httpx.Headers
    body: IO[bytes]
    byte_count: int
    status: int = HTTPStatus.OK

    @property
    def is_gzip(self) -> bool:
        """Whether the body has to be unpacked."""
        return str(self.headers.get("Content-Encoding", "")).lower() == "gzip"

    def content(self) -> bytes:
        """The whole body, unpacked; raise EOFError, OSError or zlib.error if it is cut or broken."""
        raw = self.body.read()
        return gzip.decompress(raw) if self.is_gzip and raw else raw


class SalesforceClient:
    """Sends requests to one org; safe to share between threads."""

    def __init__(
        self,
        instance_name: str,
        settings: SalesforceInstance,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
        request_deadline_seconds: float = REQUEST_DEADLINE_SECONDS,
    ) -> None:
        self.instance_name = instance_name
        self.clock = clock or Clock()
        self._settings = settings
        self._credentials = credentials_of(settings)
        self._retry = Retry(clock=self.clock)
        self._deadline_seconds = request_deadline_seconds
        self._http = httpx.Client(
            transport=transport,
            verify=_trusted_authorities(),
            timeout=TIMEOUTS,
            headers={
                "Accept-Encoding": "gzip",
                "User-Agent": "contact_sync",
                **CLIENT_HEADERS,
            },
        )
        self._session: Session | None = None
        self._login = threading.Lock()
        self._budget = RequestBudget(instance_name, settings.api_share)
        self._clock_ahead = timedelta()

    def close(self) -> None:
        """Give connections back."""
        self._http.close()

    def time(self) -> datetime:
        """The time on the org's clock, as its last reply said; full seconds, never ahead of it."""
        return datetime.now(UTC) + self._clock_ahead

    @property
    def remaining_requests(self) -> int | None:
        """Requests left of 24 hours, as the last reply said; None if none has."""
        return self._budget.remaining

    def user_id(self) -> str:
        """The id of the user that requests come from; empty if the login did not tell it."""
        return self._retry.run(lambda: self._session_after(None)).user_id

    def get(
        self, path: str, *, subject: str, parameters: Mapping[str, str] | None = None, keep_numbers: bool = False
    ) -> Any:
        """The JSON document at a path; `keep_numbers` leaves numbers as the text they were sent as."""
        request = Request(method="GET", path=path, subject=subject, parameters=parameters, is_repeatable=True)
        return self.ask(request, keep_numbers=keep_numbers)

    def ask(self, request: Request, *, keep_numbers: bool = False) -> Any:
        """Send a request and return the JSON document of the reply, None if it is empty."""
        return self.look(request, keep_numbers=keep_numbers)[1]

    def look(self, request: Request, *, keep_numbers: bool = False) -> tuple[int, Any]:
        """Send a request and return status (200 to 304) and document of the reply."""

        def attempt() -> tuple[int, object]:
            download = self._authorized(request, io.BytesIO())
            try:
                return download.status, _document(download.content(), keep_numbers=keep_numbers)
            except (ValueError, EOFError, OSError, zlib.error) as error:
                raise self._interrupted(request, f"the reply is damaged ({type(error).__name__})") from None

        return self._retry.run(attempt)

    def download(
        self, path: str, *, subject: str, parameters: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Download:
        """Fetch a body of any size into a temporary file, which the caller closes."""
        request = Request(
            method="GET",
            path=path,
            subject=subject,
            parameters=parameters,
            headers=headers or {},
            is_repeatable=True,
        )

        def attempt() -> Download:
            file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
            try:
                return self._authorized(request, file)
            except BaseException:
                file.close()
                raise

        return self._retry.run(attempt)

    def _authorized(self, request: Request, body: IO[bytes]) -> Download:
        """Send a request; if the session has ended, log in again and send it once more: a 401 had no effect."""
        self._budget.check()
        session = self._session_after(None)
        try:
            return self._send(request, session, body)
        except _SessionEndedError:
            session = self._session_after(session)
        try:
            return self._send(request, session, body)
        except _SessionEndedError:
            message = f"Salesforce instance {self.instance_name} refuses a session it has just granted."
            remedy = "Check the integration user's session and IP range policies in the org."
            raise AuthenticationError(message, remedy=remedy) from None

    def _session_after(self, ended: Session | None) -> Session:
        """The session to use once `ended` does not work any more; threads that lose it together log in once."""
        with self._login:
            if self._session is None or self._session is ended:
                self._session = self._log_in()
            return self._session

    def _log_in(self) -> Session:
        names = setting_list(self.instance_name, self._credentials)
        form = self._credentials.token_request()
        request = self._http.build_request("POST", self._settings.url + TOKEN_PATH, data=dict(form))
        about = Request(method="POST", path=TOKEN_PATH, subject="the login", is_repeatable=True)
        download = self._exchange(request, about, io.BytesIO(), refused_login=names)
        try:
            reply = _document(download.content(), keep_numbers=False)
        except (ValueError, EOFError, OSError, zlib.error):
            reply = None
        return session_of(reply, self._settings)

    def _send(self, request: Request, session: Session, body: IO[bytes]) -> Download:
        if not request.path.startswith("/"):
            raise refusal(instance_name=self.instance_name, subject=request.subject, code="FOREIGN_ADDRESS")
        built = self._http.build_request(
            request.method,
            session.url + request.path,
            params=request.parameters,
            json=request.document,
            content=None if request.content is None else _parts(request.content),
            headers={**request.headers, "Authorization": f"Bearer {session.access_token}"},
        )
        return self._exchange(built, request, body)

    def _exchange(
        self, built: httpx.Request, request: Request, body: IO[bytes], *, refused_login: str | None = None
    ) -> Download:
        """Send once and copy the body; failures become TransientError, _SessionEndedError or a SourceError."""
        deadline = self.clock.now() + self._deadline_seconds
        body.seek(0)
        body.truncate()
        try:
            with closing(self._http.send(built, stream=True)) as response:
                # The time is that of the headers: a body may take long to arrive.
                self._note_time(response.headers)
                self._copy(response, body, deadline, request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            # Nothing was sent, so even what must not happen twice may be repeated.
            raise TransientError(self._unreachable(type(error).__name__)) from None
        except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError) as error:
            raise self._interrupted(request, type(error).__name__) from None
        self._budget.note(response.headers)
        byte_count = body.tell()
        body.seek(0)
        download = Download(headers=response.headers, body=body, byte_count=byte_count, status=response.status_code)
        if not response.is_success and response.status_code != HTTPStatus.NOT_MODIFIED:
            self._raise_refused(response.status_code, download, request, refused_login)
        return download

    def _note_time(self, headers: httpx.Headers) -> None:
        """Take in the time of a reply, which its header gives in full seconds."""
        if "Date" in headers:
            # A date that cannot be read, or without a zone, says nothing; the last one still holds.
            with suppress(ValueError, TypeError):
                self._clock_ahead = parsedate_to_datetime(headers["Date"]) - datetime.now(UTC)

    def _copy(self, response: httpx.Response, body: IO[bytes], deadline: float, request: Request) -> None:
        for chunk in response.iter_raw():
            body.write(chunk)
            if self.clock.now() > deadline:
                raise self._interrupted(request, f"no complete answer within {self._deadline_seconds:.0f} seconds")

    def _raise_refused(self, status: int, download: Download, request: Request, refused_login: str | None) -> None:
        if is_transient(status):
            raise self._interrupted(request, f"it answered {status}")
        try:
            code = code_of(status, download.content())
        except (EOFError, OSError, zlib.error):
            code = f"HTTP_{status}"
        if refused_login is not None:
            message = f"Salesforce instance {self.instance_name} refused the login: {code}."
            raise AuthenticationError(message, remedy=f"Check {refused_login}.")
        if status == HTTPStatus.UNAUTHORIZED:
            raise _SessionEndedError
        raise refusal(instance_name=self.instance_name, subject=request.subject, code=code)

    def _interrupted(self, request: Request, reason: str) -> TransientError | SourceError:
        """What to raise when it is unknown whether the request had an effect."""
        error = self._unreachable(reason)
        return TransientError(error) if request.is_repeatable else error

    def _unreachable(self, reason: str) -> SourceUnreachableError:
        message = f"Salesforce instance {self.instance_name} at {self._settings.url} cannot be reached: {reason}."
        return SourceUnreachableError(message, remedy="Check the URL, the network and the status of the org.")


class _SessionEndedError(Exception):
    """The org does not know the session (any more)."""


@cache
def _trusted_authorities() -> ssl.SSLContext:
    """Whom clients trust by https, and that they speak HTTP/1.1. A renewed file of authorities is for the next process.

    Read once: it takes as long as the rest of an extraction with nothing new.
    """
    context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    # httpcore says so again before each connection, while another thread may be about to greet a server with it.
    context.set_alpn_protocols = lambda _: None  # type: ignore[method-assign, assignment]
    return context


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    """A file from its start, in larger parts than httpx takes."""
    file.seek(0)
    return iter(partial(file.read, PART_BYTES), b"")


def _document(content: bytes, *, keep_numbers: bool) -> object:
    if not content:
        return None
    if keep_numbers:
        return json.loads(content, parse_float=str, parse_int=str)
    return json.loads(content)
