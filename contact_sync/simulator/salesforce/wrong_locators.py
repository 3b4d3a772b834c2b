"""Replies that say wrongly where their result goes on: query pages, result pages, and lists of result pages.

It knows what locators of this org look like, which a client must not. Does not belong here: when that happens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contact_sync.simulator.salesforce.troubles import Locator
from contact_sync.simulator.salesforce.wire import Reply

_HEADER = "Sforce-Locator"
_NO_LOCATOR = "null"
_NOWHERE = "MTAwfffffff"
_BULK = re.compile(r"(?<=MTAw)[0-9a-f]+")
_REST = re.compile(r"(?<=-)\d+$")


def misled(reply: Reply, locator: Locator) -> Reply:
    """The reply with a wrong locator; one that says nowhere that it goes on only can name a page that is not there."""
    if _HEADER in reply.headers:
        rows = int(reply.headers["Sforce-NumberOfRecords"])
        return replace(reply, headers={**reply.headers, _HEADER: _bulk(reply.headers[_HEADER], locator, rows)})
    document = json.loads(reply.body) if reply.body.startswith(b"{") else {}
    if document.get("resultPages"):
        return replace(reply, body=json.dumps(_listing(document, locator)).encode())
    if "totalSize" in document:
        return replace(reply, body=json.dumps(_query_page(document, locator)).encode())
    return reply


def _bulk(right: str, locator: Locator, rows: int) -> str:
    if locator is Locator.UNKNOWN:
        return _NOWHERE
    if right == _NO_LOCATOR or locator is Locator.MISSING:
        return _NO_LOCATOR
    return _moved(right, -rows if locator is Locator.REPEATED else 1)


def _listing(document: Mapping[str, Any], locator: Locator) -> dict[str, Any]:
    """Of listed pages the last one is wrong, or left out."""
    *others, last = [page["resultUrl"] for page in document["resultPages"]]
    wrong = {
        Locator.REPEATED: [others[0] if others else last],
        Locator.SKIPPING: [_moved(last, 1)],
        Locator.UNKNOWN: [_BULK.sub(_BULK.findall(_NOWHERE)[0], last)],
        Locator.MISSING: [],
    }[locator]
    return {**document, "resultPages": [{"resultUrl": url} for url in [*others, *wrong]]}


def _query_page(document: Mapping[str, Any], locator: Locator) -> dict[str, Any]:
    following = document.get("nextRecordsUrl")
    if following is None:
        return dict(document)
    if locator is Locator.MISSING:
        return {name: value for name, value in document.items() if name != "nextRecordsUrl"} | {"done": True}
    if locator is Locator.UNKNOWN:
        return {**document, "nextRecordsUrl": _REST.sub(str(document["totalSize"]), following)}
    rows = -len(document["records"]) if locator is Locator.REPEATED else 1
    return {**document, "nextRecordsUrl": _moved(following, rows)}


def _moved(address: str, rows: int) -> str:
    """A locator or an address with one, so many rows further on."""
    if _BULK.search(address):
        return _BULK.sub(lambda position: f"{int(position[0], 16) + rows:x}", address)
    return _REST.sub(lambda position: str(int(position[0]) + rows), address)
