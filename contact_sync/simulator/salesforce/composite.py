"""Many requests in one: /composite and /composite/batch; each subrequest is answered by the handler of its route.

What a subrequest does is none of this module's business; app.py hands in how it is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from contact_sync.simulator.salesforce import exact_json
from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.wire import Call, Reply, json_reply

_MOST_SUBREQUESTS = 25
_MOST_QUERIES = 5

Dispatch = Callable[[str, str, Mapping[str, str], bytes], Reply]
"""Answers method, address, headers and body as a request of its own."""


def composite(org: Org, call: Call, dispatch: Dispatch) -> Reply:  # noqa: ARG001 - as every handler
    """Up to 25 subrequests with names, of which at most five are queries; counts as one call."""
    asked = _subrequests(call, "compositeRequest")
    if sum("/query" in str(one.get("url", "")) for one in asked) > _MOST_QUERIES:
        raise Fault(400, "LIMIT_EXCEEDED", f"A composite request can have at most {_MOST_QUERIES} query operations")
    found = []
    for one in asked:
        reply = _answered(one, dispatch)
        found.append(
            {
                "body": _body(reply),
                "httpHeaders": {},
                "httpStatusCode": reply.status,
                "referenceId": one.get("referenceId"),
            }
        )
    return json_reply({"compositeResponse": found})


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
    return asked


def _answered(one: Mapping[str, Any], dispatch: Dispatch) -> Reply:
    headers = {str(name).lower(): str(value) for name, value in (one.get("httpHeaders") or {}).items()}
    body = exact_json.dumps(one["body"]) if one.get("body") is not None else b""
    return dispatch(str(one.get("method", "GET")), str(one.get("url", "")), headers, body)


def _body(reply: Reply) -> Any:
    return exact_json.loads(reply.body) if reply.body else None
