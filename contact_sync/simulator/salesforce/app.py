"""The web application of one org: routes, sessions, the usage header and error bodies put together.

Handlers are synchronous and run in threads; what they do is in the modules they come from.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from email.utils import format_datetime
from functools import partial
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from contact_sync.simulator.salesforce import (
    bulk_ingest,
    bulk_query,
    composite,
    limits,
    oauth,
    query,
    record_collections,
    record_writes,
    rest,
    troubled_reply,
)
from contact_sync.simulator.salesforce.faults import Fault, not_found
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.troubles import Trouble, Wire
from contact_sync.simulator.salesforce.wire import Call, Endpoint, Handler, Reply, json_reply

_VERSIONS = range(50, 69)
_LONGEST_ADDRESS = 16_384
_PACKED_BYTES = 1_024


class _VersionConvertor(Convertor[str]):
    regex = r"\d+\.\d"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _QueryVerbConvertor(_VersionConvertor):
    regex = "[Qq]uery(?:[Aa]ll)?"


class _Outermost:
    """Takes addresses with and without a slash at the end, and keeps what breaks the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (status := _too_long(scope)):
            await Response(status_code=status)(scope, receive, send)
            return
        if scope["type"] == "http":
            path = scope["path"].rstrip("/").replace("//", "/") or "/"
            scope = {**scope, "path": path, troubled_reply.CONNECTION: troubled_reply.Connection(send)}
        await self._app(scope, receive, send)


def _too_long(scope: Scope) -> int:
    """The status for an address, or an address with its headers, above the limit; 0 if all is well."""
    address = len(scope["raw_path"]) + len(scope["query_string"]) + 1
    if address > _LONGEST_ADDRESS:
        return 414
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return 431 if address + headers > _LONGEST_ADDRESS else 0


def create_app(org: Org) -> ASGIApp:
    """The application that answers for an org."""
    register_url_convertor("version", _VersionConvertor())
    register_url_convertor("query_verb", _QueryVerbConvertor())
    bulk = (*bulk_query.ENDPOINTS, *bulk_ingest.ENDPOINTS)
    writes = (*record_writes.ENDPOINTS, *record_collections.ENDPOINTS)
    endpoints = (*query.ENDPOINTS, *bulk, *limits.ENDPOINTS, *rest.ENDPOINTS, *writes)
    many = [
        Endpoint(name, "POST", path, _many(endpoints, handler))
        for name, path, handler in (
            ("composite", "/composite", composite.composite),
            ("composite_batch", "/composite/batch", composite.batch),
        )
    ]
    routes: list[BaseRoute] = [
        Route("/services/oauth2/token", _login(org), methods=["POST"]),
        Route("/services/oauth2/userinfo", _userinfo(org), methods=["GET", "POST"]),
        Route("/services/data", _versions(org), methods=["GET"]),
        *(_route(org, endpoint) for endpoint in (*many, *endpoints)),
        Route("/{path:path}", _nowhere(org), methods=["GET", "POST", "PATCH", "PUT", "DELETE"]),
    ]
    return _Outermost(Starlette(routes=routes))


def _many(endpoints: Sequence[Endpoint], handler: Callable[[Org, Call, composite.Dispatch], Reply]) -> Handler:
    """A handler whose subrequests are answered by these endpoints on behalf of the same user."""
    table = [(endpoint, _path_pattern(endpoint.path)) for endpoint in endpoints]

    def answer(org: Org, call: Call) -> Reply:
        def dispatch(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
            address = urlsplit(url)
            path = address.path.rstrip("/").removeprefix(call.base)
            for endpoint, pattern in table:
                found = pattern.fullmatch(path)
                if found is not None and endpoint.method == method:
                    parameters = dict(parse_qsl(address.query))
                    inner = Call(method, call.version, found.groupdict(), parameters, headers, body, call.user_id)
                    org.subrequests[endpoint.kind] += 1
                    _count_client(org, endpoint, inner)
                    trouble = org.disturbances.take_trouble(endpoint.kind)
                    if trouble is not None and trouble.is_of_the_wire:
                        trouble = None
                    return _troubled(org, trouble, partial(_handled, endpoint.handler, org, inner))
            fault = not_found()
            return json_reply(fault.body, fault.status)

        return handler(org, call, dispatch)

    return answer


def _path_pattern(path: str) -> re.Pattern[str]:
    """The pattern of a route's path: `/sobjects/{object}` or `/{verb:query_verb}`."""
    kinds = {"query_verb": _QueryVerbConvertor.regex, "path": ".*"}

    def group(match: re.Match[str]) -> str:
        return f"(?P<{match['name']}>{kinds.get(match['kind'] or '', '[^/]+')})"

    return re.compile(re.sub(r"\{(?P<name>\w+)(?::(?P<kind>\w+))?\}", group, path))


def _handled(handler: Handler, org: Org, call: Call) -> Reply:
    try:
        return handler(org, call)
    except Fault as fault:
        return json_reply(fault.body, fault.status)


def _route(org: Org, endpoint: Endpoint) -> Route:
    async def answer(request: Request) -> Response:
        org.count_request(endpoint.kind)
        trouble = org.disturbances.take_trouble(endpoint.kind)
        body = await request.body()
        reply = await run_in_threadpool(_troubled, org, trouble, lambda: _answer(org, endpoint, request, body))
        if "gzip" in request.headers.get("accept-encoding", ""):
            reply = _packed(reply)
        return _response(org, reply, trouble, usage=org.usage_header)

    return Route("/services/data/v{version:version}" + endpoint.path, answer, methods=[endpoint.method])


def _packed(reply: Reply) -> Reply:
    """A document of some size as gzip, which is how an org sends it to who accepts that."""
    if len(reply.body) < _PACKED_BYTES or "Content-Encoding" in reply.headers:
        return reply
    return replace(reply, body=gzip.compress(reply.body, 1), headers={**reply.headers, "Content-Encoding": "gzip"})


def _troubled(org: Org, trouble: Trouble | None, answer: Callable[[], Reply]) -> Reply:
    """The reply to a request, or what becomes of it when something goes wrong."""
    if trouble is None:
        return answer()
    if trouble.is_session_lost:
        org.sessions.expire()
    if trouble.is_forgetful:
        org.forget_everything()
    if trouble.is_job_failing:
        org.disturbances.fail_job("InternalServerError : The request was disturbed on purpose", after_rows=1)
    if trouble.is_unheard:
        return Reply()
    return troubled_reply.refusal(trouble) if trouble.status else troubled_reply.damaged(answer(), trouble)


def _answer(org: Org, endpoint: Endpoint, request: Request, body: bytes) -> Reply:
    try:
        user_id = org.sessions.user_of(request.headers.get("authorization", ""))
        org.check_api_limit()
        path = {name: str(value) for name, value in request.path_params.items()}
        version = path.pop("version")
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(request.method, version, path, dict(request.query_params), headers, body, user_id)
        _count_client(org, endpoint, call)
        return endpoint.handler(org, call)
    except Fault as fault:
        return json_reply(fault.body, fault.status)


def _count_client(org: Org, endpoint: Endpoint, call: Call) -> None:
    if endpoint.is_write:
        org.client_names[endpoint.kind, call.client_name] += 1


def _login(org: Org) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        org.requests["login"] += 1
        trouble = org.disturbances.take_trouble("login")
        base_url = f"{request.url.scheme}://{request.url.netloc}"
        body = await request.body()

        def token() -> Reply:
            try:
                return oauth.token(org, body=body, headers=request.headers, base_url=base_url)
            except Fault as fault:
                return json_reply(fault.body, fault.status)

        return _response(org, _troubled(org, trouble, token), trouble)

    return answer


def _userinfo(org: Org) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        base_url = f"{request.url.scheme}://{request.url.netloc}"
        try:
            reply = oauth.userinfo(org, request.headers.get("authorization", ""), base_url)
        except Fault as fault:
            reply = json_reply(fault.body, fault.status)
        return _response(org, reply)

    return answer


def _versions(org: Org) -> Callable[[Request], Awaitable[Response]]:
    """The API versions, for which no login is needed."""

    async def answer(request: Request) -> Response:  # noqa: ARG001 - the signature of an endpoint
        versions = [{"label": f"v{one}", "url": f"/services/data/v{one}.0", "version": f"{one}.0"} for one in _VERSIONS]
        return _response(org, json_reply(versions))

    return answer


def _nowhere(org: Org) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:  # noqa: ARG001 - the signature of an endpoint
        fault = not_found()
        return _response(org, json_reply(fault.body, fault.status))

    return answer


def _response(org: Org, reply: Reply, trouble: Trouble | None = None, *, usage: str | None = None) -> Response:
    headers = dict(reply.headers) | ({"Sforce-Limit-Info": usage} if usage else {})
    headers["Date"] = format_datetime(org.store.clock().astimezone(UTC), usegmt=True)
    if trouble is not None and trouble.wire is not Wire.WHOLE:
        return troubled_reply.TroubledResponse(reply.body, reply.status, headers, trouble.wire)
    return Response(reply.body, status_code=reply.status, headers=headers)
