"""REST queries: /query, /queryAll and the pages that follow."""

from __future__ import annotations

import re
from typing import Any

from contact_sync.simulator.salesforce import field_definition
from contact_sync.simulator.salesforce.allowances import MAX_PAGE
from contact_sync.simulator.salesforce.cursors import Cursor, invalid_locator
from contact_sync.simulator.salesforce.faults import Fault, malformed_query
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.soql import Column, Statement, compile_query, parse
from contact_sync.simulator.salesforce.store import Cell
from contact_sync.simulator.salesforce.values import json_value
from contact_sync.simulator.salesforce.wire import Call, Endpoint, Reply, json_reply

_MIN_PAGE = 200
_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


def query(org: Org, call: Call) -> Reply:
    """The first page of a query; deleted records only with /queryAll."""
    include_deleted = call.path["verb"].lower() == "queryall"
    text = call.query.get("q", "")
    parsed = parse(text)
    if parsed.object_name.lower() == field_definition.NAME:
        return json_reply(field_definition.field_definitions(parsed, org.store.schema))
    statement = compile_query(parsed, org.store.schema, include_deleted=include_deleted, now=org.store.clock())
    if call.query.get("columns") == "true":
        return json_reply(_columns(statement))
    if parsed.is_count:
        with org.store.reading() as connection:
            count = connection.execute(f"select count(*) from ({statement.sql})", statement.parameters).fetchone()[0]
        return json_reply({"totalSize": count, "done": True, "records": []})
    page_size = _page_size(org, call)
    with org.store.reading() as connection:
        rows = connection.execute(statement.sql, statement.parameters).fetchmany(page_size + 1)
    if len(rows) <= page_size:
        return json_reply({"totalSize": len(rows), "done": True, "records": _records(call, statement, rows)})
    cursor = org.cursors.keep(statement, page_size)
    if org.limits.rows_in_time is not None and cursor.total > max(org.limits.rows_in_time, MAX_PAGE):
        org.cursors.forget(cursor.locator)
        raise Fault(400, "QUERY_TIMEOUT", "Your query request was running for too long.")
    return _page(call, cursor, 0)


def more(org: Org, call: Call) -> Reply:
    """A later page, by the locator and position of `nextRecordsUrl`."""
    locator, _, position = call.path["locator"].partition("-")
    cursor = org.cursors.find(locator)
    if not position.isdigit() or int(position) >= cursor.total:
        raise invalid_locator()
    return _page(call, cursor, int(position))


def nested(base: str, object_name: str, columns: tuple[Column, ...], row: tuple[Cell, ...]) -> dict[str, Any]:
    """A row as a JSON record: attributes, values, and parents as records of their own."""
    record: dict[str, Any] = {"attributes": {"type": object_name}}
    for column, value in zip(columns, row, strict=True):
        target = record
        for parent in column.path[:-1]:
            target = target.setdefault(parent, {"attributes": {"type": parent}})
        target[column.field.name] = json_value(column.field, value)
    if isinstance(record.get("Id"), str):
        record["attributes"]["url"] = f"{base}/sobjects/{object_name}/{record['Id']}"
    return _without_empty_parents(record)


def _without_empty_parents(record: dict[str, Any]) -> dict[str, Any]:
    """A parent that does not exist is null, not a record of nulls."""
    for name, value in record.items():
        if name != "attributes" and isinstance(value, dict):
            inner = _without_empty_parents(value)
            is_empty = all(one in (None, False) for key, one in inner.items() if key != "attributes")
            record[name] = None if is_empty else inner
    return record


def _page(call: Call, cursor: Cursor, start: int) -> Reply:
    end = start + cursor.page_size
    page: dict[str, Any] = {"totalSize": cursor.total, "done": end >= cursor.total}
    if not page["done"]:
        page["nextRecordsUrl"] = f"{call.base}/query/{cursor.locator}-{end}"
    return json_reply({**page, "records": _records(call, cursor.statement, cursor.rows(start))})


def _records(call: Call, statement: Statement, rows: list[tuple[Cell, ...]]) -> list[dict[str, Any]]:
    return [nested(call.base, statement.object.name, statement.columns, row) for row in rows]


def _columns(statement: Statement) -> dict[str, Any]:
    """What `columns=true` answers instead of records; undocumented, as far as the Salesforce CLI reads it."""
    found: list[dict[str, Any]] = []
    for column in statement.columns:
        siblings = found
        for parent in column.path[:-1]:
            known = next((one for one in siblings if one["columnName"] == parent), None)
            if known is None:
                known = {"aggregate": False, "columnName": parent, "displayName": parent, "joinColumns": []}
                siblings.append(known)
            siblings = known["joinColumns"]
        name = column.field.name
        siblings.append(
            {
                "aggregate": False,
                "booleanType": column.field.type == "boolean",
                "columnName": name,
                "custom": name.endswith("__c"),
                "displayName": name,
                "joinColumns": [],
                "numberType": column.field.type in ("currency", "double", "int", "percent"),
            }
        )
    return {"columnMetadata": found, "entityName": statement.object.name, "keyPrefix": statement.object.key_prefix}


def _page_size(org: Org, call: Call) -> int:
    """What the client asks for; it is a maximum, and the org may send less."""
    asked = _BATCH_SIZE.search(call.headers.get("sforce-query-options", ""))
    if asked is None:
        return org.limits.query_page
    if not _MIN_PAGE <= int(asked.group(1)) <= MAX_PAGE:
        raise malformed_query(f"batchSize must be between {_MIN_PAGE} and {MAX_PAGE}")
    return min(int(asked.group(1)), org.limits.query_page)


ENDPOINTS = (
    Endpoint("query", "GET", "/{verb:query_verb}", query),
    Endpoint("query_more", "GET", "/{verb:query_verb}/{locator}", more),
)
