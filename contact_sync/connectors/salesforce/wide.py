"""The REST lane for objects with more fields than a request's address can name: asked in groups of fields, and joined.

Each page is read group by group, in the order of ids, and taken only if all groups agree on ids and time stamps:
otherwise a record changed in between and the page is read again. Does not belong here: when this lane is taken
(router.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

import pyarrow as pa

from contact_sync.connectors.base import Checkpoint, Field, Page
from contact_sync.connectors.salesforce.rest import RestQuery, records_table
from contact_sync.connectors.salesforce.soql import STATEMENT_BYTES, Part, count_records, select, select_in_order
from contact_sync.errors import CountMismatchError, RequestRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contact_sync.catalog import CatalogObject

LANE: Final = "wide"
PAGE_ROWS: Final = 2_000
PAGE_ATTEMPTS: Final = 5


class WideQuery:
    """Reads one part of an object page by page; deleted records are included."""

    def __init__(self, query: RestQuery, *, page_rows: int = PAGE_ROWS) -> None:
        self._query = query
        self._page_rows = page_rows

    def count(self, item: CatalogObject, part: Part) -> int:
        """How many records the part has."""
        reply = self._query.first(count_records(item.object, part.conditions(item)), subject=item.object)
        return int(reply["totalSize"])

    def pages(
        self, item: CatalogObject, part: Part, fields: Sequence[Field], *, total: int, resume: Checkpoint | None = None
    ) -> Iterator[Page]:
        """The pages of a part, or those after a checkpoint; raise CountMismatchError unless `total` rows arrived."""
        after: str | None = resume["after"] if resume else None
        number, done = (resume["pages"], resume["rows"]) if resume else (0, 0)
        position = {"lane": LANE, "total": total, "columns": [field.name for field in fields]}
        groups = grouped(item, fields, part.conditions(item))
        is_last = False
        while not is_last:
            rows = self._agreed_rows(item, part, groups, after)
            number, done = number + 1, done + rows.num_rows
            is_last = done >= total or rows.num_rows == 0
            if is_last and done != total:
                message = f"{item.object} had {total:,} records to read, {done:,} arrived."
                raise CountMismatchError(message, remedy="Read the window again.")
            after = rows.column(item.key)[-1].as_py() if rows.num_rows else None
            yield Page(
                rows=rows,
                number=number,
                declared_rows=None,
                declared_total=total,
                checkpoint=None if is_last else {**position, "after": after, "pages": number, "rows": done},
                byte_count=rows.nbytes,
                origin={"_lane": LANE},
            )

    def _agreed_rows(
        self, item: CatalogObject, part: Part, groups: Sequence[Sequence[Field]], after: str | None
    ) -> pa.Table:
        for _ in range(PAGE_ATTEMPTS):
            tables = [self._rows(item, part, group, after) for group in groups]
            joined = _joined(item, tables)
            if joined is not None:
                return joined
        message = f"{item.object} changes faster than its {len(groups)} groups of fields can be read."
        raise CountMismatchError(message, remedy="Read it again when fewer records change.")

    def _rows(self, item: CatalogObject, part: Part, group: Sequence[Field], after: str | None) -> pa.Table:
        conditions = [*part.conditions(item), *([f"{item.key} > '{after}'"] if after else [])]
        names = [field.name for field in group]
        reply = self._query.first(select_in_order(item, names, conditions, limit=self._page_rows), subject=item.object)
        records: list[Any] = [record for part_reply in self._query.replies(reply, item.object) for record in part_reply]
        return records_table(records, group)


def grouped(item: CatalogObject, fields: Sequence[Field], conditions: Sequence[str]) -> list[list[Field]]:
    """Groups of fields whose statements fit an address, each with key and cursor first."""
    anchors = [field for field in fields if field.name in {item.key, item.cursor}]
    others = [field for field in fields if field not in anchors]
    names = [field.name for field in anchors]
    room = STATEMENT_BYTES - len(quote_plus(select(item, names, [*conditions, f"{item.key} > '{'x' * 18}'"]))) - 100
    groups, used = [list(anchors)], 0
    for field in others:
        size = len(quote_plus(f", {field.name}"))
        if size > room:
            message = f"{item.name}: the field {field.name} does not fit an address together with the conditions."
            raise RequestRefusedError(message, code="STATEMENT_TOO_LONG", remedy="Read fewer records at once.")
        if used + size > room:
            groups.append(list(anchors))
            used = 0
        groups[-1].append(field)
        used += size
    return groups


def _joined(item: CatalogObject, tables: Sequence[pa.Table]) -> pa.Table | None:
    """The tables side by side; None if they are not of the same versions of the same records."""
    first = tables[0]
    anchors = [name for name in (item.key, item.cursor) if name is not None and name in first.column_names]
    joined = first
    for table in tables[1:]:
        if any(not table.column(name).equals(first.column(name)) for name in anchors):
            return None
        for name in table.column_names:
            if name not in anchors:
                joined = joined.append_column(name, table.column(name))
    return joined
