"""Scores pairs of records of people in a DuckDB database of its own, whatever engine the records come from.

`record` has the normalised values, `block_key` the keys they are found by, `pair` what was found. A score is weighed
once for each distinct pattern of levels; only the comparing itself is done for every pair. Does not belong here: where
records come from, and what follows from a score.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from contact_sync.identity import blocking
from contact_sync.identity.blocking import BlockCount
from contact_sync.identity.comparisons import NO_RULE, pattern_sql, shared_rules
from contact_sync.identity.model import MatchModel
from contact_sync.identity.people import COMPARED

COLUMNS: Final = ("record_key", *COMPARED)
"""What is read of a record, normalised: text but for `email_is_role`; all but `record_key` may be null."""
_COUNTS: Final = {
    "name_count": ("name", 2),
    "email_count": ("email", 4),
    "phone_count": ("phone", 3),
    "street_count": ("street", 8),
    "company_count": ("company", 16),
}
"""Frequency -> the rule whose keys are counted, and up to which count the comparisons make no difference."""
_TABLES: Final = """
create table if not exists record (
    id integer, record_key varchar, first_name varchar, last_name varchar, name_suffix varchar, any_email varchar,
    email varchar, mailbox varchar, domain varchar, phone varchar, mobile_phone varchar, company varchar,
    street varchar, postal_code varchar, city varchar, job_title varchar, full_name varchar
);
create table if not exists block_key (rule utinyint, key ubigint, id integer);
create table if not exists pair (one integer, two integer, pattern bigint, score double)
"""
_RECORDS: Final = """
insert into record
select
    cast({first_id} + row_number() over () - 1 as integer) as id,
    record_key, first_name, last_name, coalesce(name_suffix, '') as name_suffix, any_email,
    case when not email_is_role then any_email end as email, split_part(any_email, '@', 1) as mailbox,
    split_part(any_email, '@', 2) as domain, phone, mobile_phone, company, street, postal_code, city, job_title,
    first_name || ' ' || last_name || ' ' || coalesce(name_suffix, '') as full_name
from {source}
"""
_FORGET: Final = """
create or replace temp table outdated as
    select id from record where record_key in (select record_key from {source} union all select record_key from {gone});
delete from pair where one in (from outdated) or two in (from outdated);
delete from block_key where id in (from outdated);
delete from record where id in (from outdated)
"""


@dataclass(frozen=True, kw_only=True)
class ScoringReport:
    """records: how many are known. compared: pairs that were. kept: pairs with a score worth keeping."""

    records: int
    compared: int
    kept: int
    blocks: list[BlockCount]


def scoring_version(model: MatchModel) -> str:
    """Stands for everything that a store of records, keys and scores depends on, the engine's hashes included."""
    parts = (model.fingerprint, blocking.PERSON, _TABLES, _RECORDS, _COUNTS, duckdb.__version__)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def prepare(database: duckdb.DuckDBPyConnection) -> None:
    """Make the tables where there are none."""
    for statement in _TABLES.split(";"):
        database.execute(statement)


def score_all(database: duckdb.DuckDBPyConnection, model: MatchModel, source: str) -> ScoringReport:
    """Score the pairs of all records of a relation with COLUMNS, instead of whatever the database held."""
    for table in ("record", "block_key", "pair"):
        database.execute(f"drop table if exists {table}")
    prepare(database)
    _add_records(database, source)
    blocks = blocking.find_candidates(database, blocking.PERSON)
    return _score(database, model, blocks)


def score_changes(database: duckdb.DuckDBPyConnection, model: MatchModel, source: str, gone: str) -> ScoringReport:
    """Score the pairs that new and changed records (COLUMNS) make, with each other and with all that are known.

    gone: a relation with the record_key of records that are no more. Scores among the others stay as they are, though
    the frequencies of what they share have changed a little: a full run now and then makes up for it.
    """
    for statement in _FORGET.format(source=source, gone=gone).split(";"):
        database.execute(statement)
    fresh = _add_records(database, source)
    database.execute(f"create or replace temp table changed as select id from {fresh}")  # noqa: S608 -- ours
    blocks = blocking.find_candidates(database, blocking.PERSON, changed="changed")
    database.execute(
        "create or replace temp table involved as select one as id from candidate union select two from candidate"
    )
    return _score(database, model, blocks, involved="involved")


def _add_records(database: duckdb.DuckDBPyConnection, source: str) -> str:
    """Take records in; returns the relation of those that are new."""
    (first_id,) = database.sql("select coalesce(max(id) + 1, 0) from record").fetchall()[0]
    database.execute(_RECORDS.format(source=source, first_id=first_id))
    fresh = f"(from record where id >= {first_id})"
    blocking.insert_keys(database, blocking.PERSON, fresh)
    return fresh


def _score(
    database: duckdb.DuckDBPyConnection, model: MatchModel, blocks: list[BlockCount], *, involved: str | None = None
) -> ScoringReport:
    """Compare the candidates; keep what is worth a review, and what contradicts a rule."""
    counts = "".join(
        f" left join ({blocking.count_sql(blocking.PERSON, rule, most, involved)}) as {name} on {name}.id = record.id"
        for name, (rule, most) in _COUNTS.items()
    )
    columns = ", ".join(f"coalesce({name}.record_count, 0) as {name}" for name in _COUNTS)
    only = f"where record.id in (from {involved})" if involved else ""
    database.execute(f"create or replace temp table compared as select record.*, {columns} from record{counts} {only}")  # noqa: S608 -- ours
    database.execute(
        f"""
        create or replace temp table scored as
        select candidate.one, candidate.two, {pattern_sql(model.comparisons)} as pattern
        from candidate
        inner join compared as one on one.id = candidate.one
        inner join compared as two on two.id = candidate.two
        """  # noqa: S608 -- ours
    )
    patterns = database.sql("select distinct pattern from scored").fetchnumpy()["pattern"]
    weighed = pa.table(
        {
            "pattern": pa.array(patterns),
            "score": pa.array(model.probability(patterns)),
            "is_ruled": pa.array(shared_rules(patterns) != NO_RULE),
        }
    )
    database.register("weighed", weighed)
    database.execute(
        f"""
        insert into pair
        select scored.one, scored.two, scored.pattern, weighed.score
        from scored
        inner join weighed on weighed.pattern = scored.pattern
        where weighed.score >= {model.review} or weighed.is_ruled
        """  # noqa: S608 -- as above
    )
    database.unregister("weighed")
    records, compared, kept = database.sql(
        "select (select count(*) from record), (select count(*) from scored), (select count(*) from pair)"
    ).fetchall()[0]
    return ScoringReport(records=records, compared=compared, kept=kept, blocks=blocks)
