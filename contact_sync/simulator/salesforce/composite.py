"""Many requests in one: /composite and /composite/batch; each subrequest is answered by the handler of its route.

What a subrequest does is none of this module's business; app.py hands in how it is answered. Not part of this org:
references from one subrequest to the answer of another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from contact_sync.simulator.salesforce import exact_json
from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.store import Undo
from contact_sync.simulator.salesforce.wire import Call, Reply, json_reply

_MOST_SUBREQUESTS = 25
_MOST_QUERIES = 5
_INHERITED = frozenset({"accept", "authorization", "content-type"})
_HALTED = Fault(
    400,
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)


Dispatch = Callable[[str, str, Mapping[str, str], bytes], Reply]
"""Answers method, address, headers and body as a request of its own."""


def composite(org: Org, call: Call, dispatch: Dispatch) -> Reply:
    """Up to 25 subrequests with names, of which at most five are queries; counts as one call."""
    asked = _subrequests(call, "compositeRequest")
    if sum("/query" in str(one.get("url", "")) for one in asked) > _MOST_QUERIES:
        raise Fault(400, "LIMIT_EXCEEDED", f"A composite request can have at most {_MOST_QUERIES} query operations")
    is_all_or_none = call.json().get("allOrNone") is True
    replies = _all_or_none(org, asked, dispatch) if is_all_or_none else [_answered(one, dispatch) for one in asked]
    found = [
        {
            "body": _body(reply),
            "httpHeaders": {},
            "httpStatusCode": reply.status,
            "referenceId": one.get("referenceId"),
        }
        for one, reply in zip(asked, replies, strict=True)
    ]
    return json_reply({"compositeResponse": found})


def _all_or_none(org: Org, asked: Sequence[Mapping[str, Any]], dispatch: Dispatch) -> list[Reply]:
    """The replies to subrequests of which one that fails undoes all; collections among them become all or none too."""
    replies: list[Reply] = []
    with org.store.writing():
        for one in asked:
            replies.append(_answered(_strict(one), dispatch))
            if _has_failed(replies[-1]):
                raise Undo
    if not _has_failed(replies[-1]):
        return replies
    halted = json_reply(_HALTED.body, _HALTED.status)
    return [replies[-1] if place == len(replies) - 1 else halted for place in range(len(asked))]


def _strict(one: Mapping[str, Any]) -> Mapping[str, Any]:
    url = str(one.get("url", ""))
    if "/composite/sobjects" not in url:
        return one
    if one.get("method") == "DELETE":
        return {**one, "url": f"{url}&allOrNone=true"}
    return {**one, "body": {**(one.get("body") or {}), "allOrNone": True}}


def _has_failed(reply: Reply) -> bool:
    body = _body(reply)
    is_refused = isinstance(body, list) and any(isinstance(one, dict) and one.get("success") is False for one in body)
    return reply.status >= HTTPStatus.BAD_REQUEST or is_refused


def batch(org: Org, call: Call, dispatch: Dispatch) -> Reply:
    """Up to 25 subrequests without names; each counts as a call."""
    asked = _subrequests(call, "batchRequests")
    org.count_request("batch_subrequest", len(asked) - 1)
    replies = [_answered({**one, "url": f"/services/data/{one['url'].lstrip('/')}"}, dispatch) for one in asked]
    results = [{"statusCode": reply.status, "result": _body(reply)} for reply in replies]
    return json_reply(
        {"hasErrors": any(reply.status >= HTTPStatus.BAD_REQUEST for reply in replies), "results": results}
    )


def _subrequests(call: Call, name: str) -> list[dict[str, Any]]:
    asked = call.json().get(name)
    if not isinstance(asked, list) or not asked or len(asked) > _MOST_SUBREQUESTS:
        raise Fault(400, "LIMIT_EXCEEDED", f"{name} must hold 1 to {_MOST_SUBREQUESTS} subrequests")
    for one in asked:
        headers = {str(header).lower() for header in one.get("httpHeaders") or ()}
        if inherited := _INHERITED & headers:
            raise Fault(400, "INVALID_REQUEST", f"Subrequests inherit {', '.join(sorted(inherited))} and cannot set it")
    return asked


def _answered(one: Mapping[str, Any], dispatch: Dispatch) -> Reply:
    headers = {str(name).lower(): str(value) for name, value in (one.get("httpHeaders") or {}).items()}
    body = exact_json.dumps(one["body"]) if one.get("body") is not None else b""
    return dispatch(str(one.get("method", "GET")), str(one.get("url", "")), headers, body)


def _body(reply: Reply) -> Any:
    return exact_json.loads(reply.body) if reply.body else None
