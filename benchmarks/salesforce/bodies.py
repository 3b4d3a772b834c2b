"""Renders Contacts once, as the very bytes that Bulk API 2.0 sends, with a checksum of every column.

Seeded: the same number of rows gives the same bytes on every machine. Does not belong here: sending them.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

SEED: Final = 20261120
NULL: Final = 0.15
"""Which part of the cells that may be empty is."""
DELETED: Final = 0.02
REST_PAGE_ROWS: Final = 2_000
REST_ROWS: Final = 100_000
"""So many rows are rendered as JSON too."""

_FIRST = ["Anna", "Zoë", "José", "李", "Nnamdi", "Søren", "Marie-Claire", "Олег", "Fatima", "O'Neil", "NULL", "Aoi"]
_LAST = ["Müller", "García Márquez", "null", "Smith, Jr.", "Nguyễn", "Öztürk", "NA", "van der Berg", "O'Brien", "王"]
_TITLE = ["CEO", 'Head of "Growth"', "Engineer II", "VP, Sales", "Teamleiterin", "Buyer", "#N/A", "Chef de projet"]
_CITY = ["Berlin", "Saint-Étienne", "Köln", "São Paulo", "東京", "Winston-Salem", "Reykjavík", "'s-Hertogenbosch"]
_STATE = ["BE", "NRW", "Île-de-France", "NC", "SP", "TX"]
_COUNTRY = ["Germany", "France", "United States", "Brazil", "Japan", "Iceland", "Netherlands"]
_SOURCE = ["Web", "Trade Show", "Partner Referral", "Phone Inquiry", "Other"]
_WORDS = [
    *(
        "asked",
        "for a",
        "call back",
        "about",
        '"Premium",',
        "met",
        "at the",
        "fair,",
        "prefers",
        "e-mail;",
        "follow up",
    ),
    *(
        "next",
        "quarter",
        "😀",
        "budget",
        "is",
        "open\nsecond",
        "line:",
        "see",
        "attachment,",
        "then",
        "decide\u2028",
        "or",
    ),
]
_TIMES = ("Date", "Modstamp")
FIELDS: Final = {
    "Id": "id",
    "AccountId": "reference",
    "Salutation": "picklist",
    "FirstName": "string",
    "LastName": "string",
    "Title": "string",
    "Email": "email",
    "Phone": "phone",
    "MobilePhone": "phone",
    "MailingStreet": "textarea",
    "MailingCity": "string",
    "MailingState": "string",
    "MailingPostalCode": "string",
    "MailingCountry": "string",
    "LeadSource": "picklist",
    "Description": "textarea",
    "CreatedDate": "datetime",
    "LastModifiedDate": "datetime",
    "SystemModstamp": "datetime",
    "IsDeleted": "boolean",
}
"""name -> type, as describe tells it; all Contacts of this benchmark have these twenty fields."""


@dataclass(frozen=True)
class Bodies:
    """A directory of rendered pages: `page-00000.csv`, `.csv.gz`, and REST pages for those who read no CSV."""

    directory: Path
    rows: int
    page_rows: int

    @property
    def pages(self) -> int:
        """How many CSV pages there are."""
        return -(-self.rows // self.page_rows)

    def page(self, number: int, *, is_gzip: bool = False) -> Path:
        """One page of CSV."""
        return self.directory / f"page-{number:05d}.csv{'.gz' if is_gzip else ''}"

    def rows_of(self, number: int) -> int:
        """How many rows a page holds."""
        return min(self.page_rows, self.rows - number * self.page_rows)

    def checksums(self) -> dict[str, str]:
        """Column -> checksum, of the values before they became CSV."""
        found: dict[str, str] = json.loads((self.directory / "rendered.json").read_text())
        return found

    @property
    def rest_pages(self) -> int:
        """How many REST pages there are; they hold the first REST_ROWS rows only."""
        return -(-min(self.rows, REST_ROWS) // REST_PAGE_ROWS)

    def rest_page(self, number: int) -> Path:
        """One page of REST, as JSON."""
        return self.directory / f"rest-{number:05d}.json"

    def byte_count(self) -> int:
        """Bytes of all CSV pages, not compressed."""
        return sum(self.page(number).stat().st_size for number in range(self.pages))


def rendered(
    cache: Path, rows: int, page_rows: int, *, with_gzip: bool = True, of: Callable[[int, int], pa.Table] | None = None
) -> Bodies:
    """The bodies of so many rows, from the cache if they are there and whole.

    of: makes the rows of a page, from its first number and their count; of other rows than those of `table` there is
    one REST page, by which a router sees how many records there are.
    """
    made = of or table
    bodies = Bodies(cache / f"{'contacts' if of is None else of.__name__}-{rows}-{page_rows}", rows, page_rows)
    if not (bodies.directory / "rendered.json").exists():
        shutil.rmtree(bodies.directory, ignore_errors=True)
        bodies.directory.mkdir(parents=True)
        with ProcessPoolExecutor(max_workers=2) as workers:
            rest_pages = range(bodies.rest_pages if of is None else 1)
            list(workers.map(partial(_render_rest, bodies, made), rest_pages))
            render = partial(_render, bodies, made, with_gzip=with_gzip)
            parts = list(workers.map(render, range(bodies.pages)))
        total = {name: str(sum(part[name] for part in parts)) for name in FIELDS}
        (bodies.directory / "rendered.json").write_text(json.dumps(total, indent=2))
    return bodies


def checksums(database: duckdb.DuckDBPyConnection, relation: str) -> dict[str, int]:
    """Column -> sum over all rows of a hash of (Id, value); no order, but every value and the row it belongs to."""
    sums = ", ".join(f"""sum(hash("Id", "{name}", "{name}" is null)::hugeint)""" for name in FIELDS)
    (values,) = database.execute(f"select {sums} from {relation}").fetchall()
    return {name: int(value or 0) for name, value in zip(FIELDS, values, strict=True)}


def table(start: int, rows: int) -> pa.Table:
    """Contacts number `start` to `start + rows`: text as Salesforce has it, empty values null."""
    random = np.random.default_rng([SEED, start])
    number = np.arange(start, start + rows)
    first, last = pick(random, rows, _FIRST), pick(random, rows, _LAST)
    number_text = pa.array(number).cast(pa.string())
    made = random.integers(1_400_000_000, 1_700_000_000, rows)
    changed = made + random.integers(0, 60_000_000, rows)
    columns: dict[str, Any] = {
        "Id": join("003Hr00000", pc.utf8_lpad(number_text, 8, "0")),
        "AccountId": join("001Hr00000", pc.utf8_lpad(pa.array(number // 4).cast(pa.string()), 8, "0")),
        "Salutation": _some(random, pick(random, rows, ["Ms.", "Mr.", "Dr."])),
        "FirstName": first,
        "LastName": last,
        "Title": _some(random, pick(random, rows, _TITLE)),
        "Email": _some(random, join("contact.", number_text, "@example.com")),
        "Phone": _some(random, join("+49 30 ", digits(random, rows, 7))),
        "MobilePhone": _some(random, join("0170-", digits(random, rows, 8))),
        "MailingStreet": join(pick(random, rows, _LAST), "-Straße ", digits(random, rows, 2), "\r\nc/o ", first),
        "MailingCity": pick(random, rows, _CITY),
        "MailingState": _some(random, pick(random, rows, _STATE)),
        "MailingPostalCode": digits(random, rows, 5),
        "MailingCountry": pick(random, rows, _COUNTRY),
        "LeadSource": _some(random, pick(random, rows, _SOURCE)),
        "Description": _some(random, sentences(random, rows)),
        "CreatedDate": datetimes(made),
        "LastModifiedDate": datetimes(changed),
        "SystemModstamp": datetimes(changed),
        "IsDeleted": pc.if_else(pa.array(random.random(rows) < DELETED), "true", "false"),
    }
    return pa.table({name: pa.array(columns[name], pa.string()) for name in FIELDS})


def _render(bodies: Bodies, made: Callable[[int, int], pa.Table], number: int, *, with_gzip: bool) -> dict[str, int]:
    rows = made(number * bodies.page_rows, bodies.rows_of(number))
    # Salesforce quotes every cell, the empty ones too.
    filled = pa.table({name: pc.fill_null(rows[name], "") for name in rows.column_names})
    path = bodies.page(number)
    pa_csv.write_csv(filled, path, pa_csv.WriteOptions(quoting_style="all_valid"))
    if with_gzip:
        bodies.page(number, is_gzip=True).write_bytes(gzip.compress(path.read_bytes(), 6, mtime=0))
    with duckdb.connect() as database:
        database.register("rows", rows)
        return checksums(database, "rows")


def _render_rest(bodies: Bodies, made: Callable[[int, int], pa.Table], number: int) -> None:
    start = number * REST_PAGE_ROWS
    page = start // bodies.page_rows
    rows = made(page * bodies.page_rows, bodies.rows_of(page)).slice(start - page * bodies.page_rows, REST_PAGE_ROWS)
    document: dict[str, Any] = {"totalSize": bodies.rows, "done": number + 1 == bodies.rest_pages}
    if not document["done"]:
        document["nextRecordsUrl"] = f"/services/data/v62.0/query/01gHr0000000000AAA-{number + 1}"
    document["records"] = [_record(row) for row in rows.to_pylist()]
    bodies.rest_page(number).write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def _record(row: dict[str, Any]) -> dict[str, Any]:
    """A record as REST sends it: with its type and address, flags as flags, and times with an offset."""
    values = {
        name: value.replace("Z", "+0000") if name.endswith(_TIMES) and value else value for name, value in row.items()
    }
    values["IsDeleted"] = row["IsDeleted"] == "true"
    return {"attributes": {"type": "Contact", "url": f"/services/data/v62.0/sobjects/Contact/{row['Id']}"}, **values}


def pick(random: np.random.Generator, rows: int, values: list[str]) -> pa.Array:
    """Any of these values for each row."""
    return pa.array(values).take(pa.array(random.integers(0, len(values), rows)))


def _some(random: np.random.Generator, values: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(random.random(len(values)) < NULL), None, values)


def digits(random: np.random.Generator, rows: int, length: int) -> pa.Array:
    """Numbers of so many digits."""
    return pc.utf8_lpad(pa.array(random.integers(0, 10**length, rows)).cast(pa.string()), length, "0")


def sentences(random: np.random.Generator, rows: int) -> pa.Array:
    """Notes of ten words."""
    return join(*[part for _ in range(10) for part in (pick(random, rows, _WORDS), " ")][:-1])


def datetimes(seconds: np.ndarray[Any, Any]) -> pa.Array:
    """Seconds since 1970 as Salesforce writes times."""
    moments = pa.array(seconds * 1000).cast(pa.timestamp("ms"))
    return join(pc.strftime(moments, format="%Y-%m-%dT%H:%M:%S"), "Z")


def join(*parts: Any) -> pa.Array:
    """Texts one behind the other, row by row."""
    return pc.binary_join_element_wise(*parts, "")
