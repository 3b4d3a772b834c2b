"""The REST lane: small readings by queryAll, as the same text that the Bulk lane brings.

Does not belong here: when this lane is taken (router.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from contact_sync import arrow_values
from contact_sync.connectors.base import Checkpoint, Field, Page
from contact_sync.connectors.salesforce.describe import DATETIME
from contact_sync.connectors.salesforce.faults import job_gone
from contact_sync.connectors.salesforce.http import DATA_PATH, SalesforceClient
from contact_sync.connectors.salesforce.trail import Trail
from contact_sync.errors import CountMismatchError, RequestRefusedError, UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

LANE: Final = "rest"
QUERY_PATH: Final = f"{DATA_PATH}/query"
QUERY_ALL_PATH: Final = f"{DATA_PATH}/queryAll"

_DATETIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{3})?(?:Z|\+0000)")


@dataclass(frozen=True, kw_only=True)
class Position:
    """How far a reading has come: pages and rows so far."""

    pages: int = 0
    rows: int = 0


class RestQuery:
    """Reads queryAll page by page; deleted records are included."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client

    def first(self, soql: str, *, subject: str) -> Mapping[str, Any]:
        """The first reply; its `totalSize` says how much there is."""
        reply: Mapping[str, Any] = self._client.get(
            QUERY_ALL_PATH, subject=subject, parameters={"q": soql}, keep_numbers=True
        )
        return reply

    def pages(
        self, reply: Mapping[str, Any], fields: Sequence[Field], *, subject: str, position: Position = Position()
    ) -> Iterator[Page]:
        """The page a reply holds and those after it; raise CountMismatchError unless all rows arrived."""
        trail = self._trail(subject)
        while True:
            page = _page(reply, fields, position)
            position = Position(pages=page.number, rows=position.rows + page.rows.num_rows)
            if page.is_last:
                self._check_count(position, int(reply["totalSize"]), subject)
                yield page
                return
            yield page
            reply = self._next(trail.onward(str(reply["nextRecordsUrl"])), subject)

    def replies(self, reply: Mapping[str, Any], subject: str) -> Iterator[Sequence[Mapping[str, Any]]]:
        """The records of a reply and of those after it, without counting."""
        trail = self._trail(subject)
        yield reply["records"]
        while not reply["done"]:
            reply = self._next(trail.onward(str(reply["nextRecordsUrl"])), subject)
            yield reply["records"]

    def resume(self, checkpoint: Checkpoint, fields: Sequence[Field], *, subject: str) -> Iterator[Page]:
        """The pages after a checkpoint of this lane."""
        position = Position(pages=checkpoint["pages"], rows=checkpoint["rows"])
        reply = self._next(str(checkpoint["next"]), subject)
        yield from self.pages(reply, fields, subject=subject, position=position)

    def _trail(self, subject: str) -> Trail:
        return Trail(instance_name=self._client.instance_name, subject=subject)

    def _next(self, path: str, subject: str) -> Mapping[str, Any]:
        try:
            reply: Mapping[str, Any] = self._client.get(path, subject=subject, keep_numbers=True)
        except UnknownObjectError:
            raise job_gone(instance_name=self._client.instance_name, subject=f"the query of {subject}") from None
        except RequestRefusedError as error:
            if error.code != "INVALID_QUERY_LOCATOR":
                raise
            raise job_gone(instance_name=self._client.instance_name, subject=f"the query of {subject}") from None
        return reply

    def _check_count(self, position: Position, total: int, subject: str) -> None:
        if position.rows != total:
            message = (
                f"Salesforce instance {self._client.instance_name} declared {total:,} rows of {subject} "
                f"and sent {position.rows:,}."
            )
            raise CountMismatchError(message, remedy="Read the window again.")


def _page(reply: Mapping[str, Any], fields: Sequence[Field], position: Position) -> Page:
    rows = records_table(reply["records"], fields)
    number = position.pages + 1
    checkpoint = None
    if not reply["done"]:
        checkpoint = {
            "lane": LANE,
            "next": reply["nextRecordsUrl"],
            "total": int(reply["totalSize"]),
            "pages": number,
            "rows": position.rows + rows.num_rows,
        }
    return Page(
        rows=rows,
        number=number,
        declared_rows=None,
        declared_total=int(reply["totalSize"]),
        checkpoint=checkpoint,
        byte_count=rows.nbytes,
        origin={"_lane": LANE},
    )


def records_table(records: Sequence[Mapping[str, Any]], fields: Sequence[Field]) -> pa.Table:
    """Records of a query reply (numbers kept as text) as the table that Bulk CSV would give, in the reply's order.

    Without records the columns are those of `fields`, which otherwise only tell the types.
    """
    if not records:
        return pa.Table.from_batches([], pa.schema([(field.name, pa.string()) for field in fields]))
    names = [name for name in records[0] if name != "attributes"]
    datetimes = {field.name for field in fields if field.type == DATETIME}
    return pa.Table.from_arrays([_column(records, name, datetimes) for name in names], names=names)


def _column(records: Sequence[Mapping[str, Any]], name: str, datetimes: Collection[str]) -> pa.StringArray:
    texts = [_text(record[name]) for record in records]
    if name in datetimes:
        texts = [text and bulk_datetime(text) for text in texts]
    return arrow_values.texts(texts)


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def bulk_datetime(text: str) -> str:
    """`2024-07-24T14:05:58.000+0000` as `2024-07-24T14:05:58.000Z`."""
    parts = _DATETIME.fullmatch(text)
    return f"{parts[1]}{parts[2] or '.000'}Z" if parts else text
