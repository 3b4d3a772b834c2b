"""Contacts normalised as silver normalises them, and clusters judged by the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from contact_sync.identity.evidence import MATCH_KEY_SCHEMA
from contact_sync.identity.people import of_written
from contact_sync.warehouse.macros import load_seeds, render

_PROJECT = Path(__file__).parents[2] / "dbt_project"


def normalise(database: duckdb.DuckDBPyConnection, contacts: pa.Table) -> None:
    """Make `person` (the columns that are scored) and `truth` (record_key, person)."""
    load_seeds(database, _PROJECT, "nickname", "legal_form", "country", "state")
    database.execute(
        "create schema pipeline; create table pipeline.normalized_value "
        "(kind varchar, raw varchar, hint varchar, normalized varchar, rule varchar)"
    )
    database.register("contacts", contacts)
    database.execute(f"create table person as {render(_PROJECT, of_written('contacts'))}")
    database.execute("create table truth as select record_key, person from contacts")
    database.unregister("contacts")


def as_silver(people: pa.Table) -> pa.Table:
    """`person` in the names of silver's contact_record, without stamps."""
    names = {"any_email": "email_normalized", "city": "city", "job_title": "job_title"}
    kept = ("record_key", "name_suffix", "email_is_role")
    renamed = [name if name in kept else names.get(name, f"{name}_normalized") for name in people.column_names]
    return people.rename_columns(renamed).append_column("external_id", pa.nulls(people.num_rows, pa.string()))


def match_keys(database: duckdb.DuckDBPyConnection) -> pa.Table:
    """What the deterministic rules of identity/person_joining_key say of `person`: (record_key, rule, match_key)."""
    database.register("contact_record", as_silver(database.sql("select * from person").to_arrow_table()))
    flags = "false as is_deleted, false as is_converted"
    ids = ", ".join(
        f"cast(null as varchar) as {name}"
        for name in ("instance", "record_id", "master_record_id", "contact_sync_key", "converted_contact_id")
    )
    for name in ("salesforce__contact", "salesforce__lead"):
        database.execute(f"create view {name} as select {ids}, {flags} limit 0")
    database.execute("create schema if not exists pipeline")
    database.execute("create or replace table pipeline.refresh as select 1 as number")
    for name in ("person_match_key", "person_common_key", "person_joining_key"):
        model = (_PROJECT / "models" / "identity" / f"{name}.sql").read_text(encoding="utf-8")
        database.execute(f"create table {name} as {render(_PROJECT, model)}")
    keys: pa.Table = database.sql("select * from person_joining_key").to_arrow_table()
    return keys.cast(MATCH_KEY_SCHEMA)


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Of all pairs of records within clusters: how many are right, and how many of the true pairs are there."""

    precision: float
    recall: float
    largest: int

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def components(size: int, one: npt.NDArray[Any], two: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The cluster of each of `size` records that these edges connect."""
    edges = coo_matrix((np.ones(len(one), dtype=np.bool_), (one, two)), shape=(size, size))
    labels: npt.NDArray[Any] = connected_components(edges, directed=False)[1]
    return labels


def judge(cluster: npt.NDArray[Any], person: npt.NDArray[Any]) -> Quality:
    """Compare clusters with the truth, both by record."""
    table = pa.table({"cluster": cluster, "person": person})
    with duckdb.connect() as database:
        database.register("judged", table)
        pairs = "select coalesce(sum(n * (n - 1) / 2), 0)::double from (select count(*) as n from judged group by {})"
        found, right, true = (
            database.sql(pairs.format(by)).fetchall()[0][0] for by in ("cluster", "cluster, person", "person")
        )
        largest = database.sql("select max(n) from (select count(*) as n from judged group by cluster)").fetchall()[0][
            0
        ]
    return Quality(precision=right / max(found, 1), recall=right / max(true, 1), largest=largest)
