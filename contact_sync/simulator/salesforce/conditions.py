"""Conditions that a request makes in its headers: what has changed since a time is not read again, or not overwritten.

Source: REST API Developer Guide, "Conditional Request Headers". A time in a header has whole seconds, so that a change
in the second that is named goes unnoticed. DELETE does not support them, here as if they were not sent. Not part of
this org: entity tags, which records of Account have. The guide names no error code for what is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus

from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.store import Cell
from contact_sync.simulator.salesforce.wire import Call, Reply

_STAMP = "LastModifiedDate"


def is_known(call: Call, modified: datetime) -> bool:
    """Whether the client has what was last modified at a time; a header that cannot be read says nothing."""
    since = _moment(call.headers.get("if-modified-since"))
    return since is not None and _whole(modified) <= since


def not_modified() -> Reply:
    """The answer to a client that has it already."""
    return Reply(304)


def dated(reply: Reply, modified: datetime) -> Reply:
    """A reply that says when what it holds was last modified."""
    stamp = format_datetime(_whole(modified), usegmt=True)
    return Reply(reply.status, reply.body, {**reply.headers, "Last-Modified": stamp})


def check_unmodified(call: Call, record: Mapping[str, Cell] | None) -> None:
    """Refuse a request about a record that was modified after the time its client knows; 400 for an unreadable time."""
    header = call.headers.get("if-unmodified-since")
    if header is None:
        return
    since = _moment(header)
    if since is None:
        raise Fault(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", "If-Unmodified-Since is not a date of HTTP")
    if record is not None and _whole(datetime.fromisoformat(str(record[_STAMP]))) > since:
        raise Fault(HTTPStatus.PRECONDITION_FAILED, "PRECONDITION_FAILED", "The record has been modified since")


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _moment(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        found = parsedate_to_datetime(header)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
