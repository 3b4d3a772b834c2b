"""Any table of values, loaded into an org by either lane and extracted again: unchanged, or refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contact_sync.connectors.base import Field, Records
from contact_sync.connectors.retry import Clock
from contact_sync.connectors.salesforce import SalesforceClient, SalesforceSource, SalesforceTarget, kept
from contact_sync.connectors.target import CLEAR, Operation
from contact_sync.settings import SalesforceInstance as SalesforceSettings
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.simulator.salesforce.schema import FieldSchema
from contact_sync.state.database import REFUSED_WRITE, StateDatabase
from contact_sync.state.writes import INTENT, Lane, WriteLedger
from contact_sync.sync.lanes import Destination
from contact_sync.sync.load import Loader, Tally
from contact_sync.sync.rows import Rows
from contact_sync_tests.pipeline.bronze.org_bench import catalog_object

OBJECT, KEY = "Contact", "Contact_Sync_Key__c"
ITEM = catalog_object(OBJECT)
FIELDS = (
    FieldSchema("Text__c", "string", 255),
    FieldSchema("Long__c", "textarea", 32_000),
    FieldSchema("Phone__c", "phone", 40),
    FieldSchema("Number__c", "double", precision=18, scale=4),
    FieldSchema("Amount__c", "currency", precision=16, scale=2),
    FieldSchema("Share__c", "percent", precision=5, scale=2),
    FieldSchema("Count__c", "int"),
    FieldSchema("Day__c", "date"),
    FieldSchema("At__c", "datetime"),
    FieldSchema("Is_Active__c", "boolean"),
    FieldSchema("Kind__c", "picklist", 255, values=("New", "Open"), restricted=True),
    FieldSchema("Tags__c", "multipicklist", 4_099, values=("Red", "Blue")),
    FieldSchema("Email__c", "email", 80),
)
NASTY = [
    *(
        "NULL",
        "NA",
        "00123",
        'say "yes"',
        "a,b",
        "a\r\nb",
        "a\nb",
        "a\rb",
        "\u2028",
        "Zoë 😀",
        "=1+1",
        "#n/a",
        "#N/A ",
        " x",
    ),
    *("", "\x00", "\ufeff", "a\\nb", "'"),
]
ODD_NUMBERS = ["1.234.567", "1.2.3", "--5", "²", "١٢", f"1.{'0' * 30}1", "12345678901234567890"]
TEXTS = st.one_of(st.text(max_size=12), st.sampled_from(NASTY), st.text(min_size=256, max_size=257))
NUMBERS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=4).map(str),
    st.sampled_from(
        ["0", "-0", "1e3", "+5", ".5", "1.00", "99999999999999", "12,5", "NaN", "1_000", "0x10", *ODD_NUMBERS]
    ),
)
DAYS = st.one_of(st.dates().map(str), st.sampled_from(["2026-02-30", "20260102", "1.2.2026"]))
MOMENTS = st.one_of(
    st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)).map(datetime.isoformat),  # noqa: DTZ001 -- bound
    st.sampled_from(
        [
            "0001-01-01T00:00:00+14:00",
            "2026-01-02T03:04:05.0000001Z",
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05+05:30",
            "2026-01-02T03:04:05",
            "yesterday",
        ]
    ),
)
VALUES = {
    "Text__c": TEXTS,
    "Long__c": TEXTS,
    "Phone__c": TEXTS,
    "Number__c": NUMBERS,
    "Amount__c": NUMBERS,
    "Share__c": NUMBERS,
    "Count__c": NUMBERS,
    "Day__c": DAYS,
    "At__c": MOMENTS,
    "Is_Active__c": st.sampled_from(["true", "FALSE", "1", "0", "yes", "maybe"]),
    "Kind__c": st.sampled_from(["New", "Open", "Other"]),
    "Tags__c": st.sampled_from(["Red", "Red;Blue", "Blue;Red"]),
    "Email__c": st.sampled_from(["zoe@example.com", "no address", "ZOE@Example.com"]),
}
ROWS = st.lists(
    st.fixed_dictionaries({}, optional={name: st.one_of(values, st.just(CLEAR)) for name, values in VALUES.items()}),
    min_size=1,
    max_size=4,
)


@dataclass
class Org:
    """An org with an object that has a field of every type, and what loads into it and extracts from it."""

    instance: SalesforceInstance
    client: SalesforceClient
    target: SalesforceTarget
    source: SalesforceSource
    numbers: Iterator[int] = field(default_factory=count)

    def load(self, rows: dict[str, dict[str, str]], lane: Lane) -> tuple[Tally, dict[str, tuple[str, str]]]:
        """Upsert rows by key; what became of them, and code and message of those that were refused."""
        database = StateDatabase("sqlite://")
        names = [KEY, "LastName", *sorted({name for row in rows.values() for name in row})]
        cells = [{KEY: key, "LastName": "x", **row} for key, row in rows.items()]
        intents = [{"row_key": key, "value_hash": "x"} for key in rows]
        to = Destination(
            plan_id="plan",
            stage="create",
            instance="core",
            object_name=ITEM.name,
            target_object=OBJECT,
            operation=Operation.UPSERT,
            key=KEY,
        )
        loader = Loader(self.target, WriteLedger(database), self.client.clock)
        table = pa.Table.from_pylist(cells, pa.schema([(name, pa.string()) for name in names]))
        tally = loader.load(to, Rows(cells=table, intents=pa.Table.from_pylist(intents, INTENT)), lane)
        with database.transaction() as connection:
            refused = {row.row_key: (row.code, row.message) for row in connection.execute(REFUSED_WRITE.select())}
        database.close()
        return tally, refused

    def extracted(self, keys: list[str]) -> dict[str, dict[str, str | None]]:
        """The records with these keys as an extraction brings them."""
        holes = ", ".join("?" * len(keys))
        ids = [str(one["Id"]) for one in self.instance.store.records(OBJECT, f"{KEY} in ({holes})", tuple(keys))]
        if not ids:
            return {}
        rows = [row for page in self.source.read(ITEM, Records(keys=tuple(ids))) for row in page.rows.to_pylist()]
        return {row[KEY]: row for row in rows}


@pytest.fixture(scope="module", params=[0, 2_000], ids=["extracted by bulk", "extracted by rest"])
def org(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Org]:
    """The org."""
    home = tmp_path_factory.mktemp("org")
    instance = SalesforceInstance("core", home, clock=lambda: datetime.now(UTC))
    for one in FIELDS:
        instance.store.put_field(OBJECT, one)
    instance.start()
    values = {"url": instance.url, "client_id": instance.client_id, "client_secret": instance.client_secret}
    given_settings = SalesforceSettings.model_validate({**values, "kind": "simulator"})
    with closing(SalesforceClient("core", given_settings, clock=Clock(sleep=lambda _: None))) as client:
        target = SalesforceTarget("core", given_settings, client=client)
        source = SalesforceSource("core", given_settings, client=client, rest_rows=request.param)
        yield Org(instance, client, target, source)
    instance.stop()


@settings(max_examples=settings.default.max_examples // 2, deadline=None)
@given(rows=ROWS, again=ROWS, lane=st.sampled_from(Lane))
@example(rows=[{"Text__c": value, "Long__c": value} for value in NASTY], again=[{}], lane=Lane.BULK)
@example(rows=[{"Text__c": value, "Long__c": value} for value in NASTY], again=[{}], lane=Lane.DIRECT)
@example(rows=[{"Number__c": "1.5", "Text__c": "a"}], again=[{"Number__c": CLEAR}], lane=Lane.DIRECT)
def test_what_is_loaded_is_extracted_unchanged_or_refused_by_name(
    org: Org, rows: list[dict[str, str]], again: list[dict[str, str]], lane: Lane
) -> None:
    """Created, then changed: absent values stay, clears are empty, all others come back as they were, or the row was
    refused with its key and a reason and has changed nothing.
    """
    fields = {one.name: one for one in org.source.fields(ITEM)}
    number = next(org.numbers)
    keys = [f"key-{number}-{place}" for place in range(max(len(rows), len(again)))]
    expected: dict[str, dict[str, str | None]] = {}
    for table in (rows, again):
        sent = dict(zip(keys, table, strict=False))
        tally, refused = org.load(sent, lane)
        for key in sent.keys() - refused.keys():
            expected[key] = expected.get(key, {}) | sent[key]
        assert (len(sent) - len(refused), len(refused), 0) == (tally.written, tally.refused, tally.unprocessed)
        assert all(code and message for code, message in refused.values())

    found = org.extracted(keys)
    assert expected.keys() == found.keys()
    for key, values in expected.items():
        told = {name: form(found[key][name], fields[name]) for name in values}
        assert {name: form(value, fields[name]) for name, value in values.items()} == told


def form(value: str | None, described: Field) -> Any:
    """A value in its canonical form; a clear is nothing, and of a checkbox false."""
    if value is None or value == CLEAR:
        return "false" if described.type == "boolean" else None
    formed, wrong = kept.canonical(pa.chunked_array([[value]], pa.string()), described)
    assert [] == [reason for mask, reason in wrong if mask.to_pylist() == [True]]
    return formed.to_pylist()[0]
