"""Which pairs of records are compared at all: those that share a blocking key with few others.

A key that many records share (a surname in a city, a switchboard) would make pairs by the square of its block's size
and tell nothing; such a block is left out, and rarer keys find the same people. Pairs are counted per rule before any
is made, and a rule that makes too many is left out and named. Does not belong here: comparing (comparisons.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb

PAIRS_PER_RECORD: Final = 1.0
"""A single rule that makes more pairs than this for each record has lost its meaning in this data."""
_FEW_PAIRS: Final = 100_000


@dataclass(frozen=True)
class BlockingRule:
    """Records with an equal key are compared, where at most `largest` share it; 0: the key is only counted.

    keys: DuckDB SQL over the columns of `record`; one key space, so that a mobile number meets a number of the office.
    """

    name: str
    keys: tuple[str, ...]
    largest: int = 0


@dataclass(frozen=True, kw_only=True)
class BlockCount:
    """What a rule makes: pairs of its blocks, and how many blocks were too large. `is_used`: few enough pairs."""

    rule: str
    pairs: int
    blocks_left_out: int
    is_used: bool


_EITHER_ORDER: Final = """
    least(first_name, last_name) || '|' || greatest(first_name, last_name)
    || '|' || coalesce(postal_code, company, phone)
"""
PERSON: Final = (
    BlockingRule("email", ("email",), 20),
    BlockingRule("phone_last_name", ("phone || '|' || last_name", "mobile_phone || '|' || last_name"), 20),
    BlockingRule("phone_first_name", ("phone || '|' || first_name", "mobile_phone || '|' || first_name"), 20),
    BlockingRule("name_postal_code", ("full_name || '|' || postal_code",), 20),
    BlockingRule("name_company", ("full_name || '|' || company",), 20),
    BlockingRule("last_name_company", ("last_name || '|' || company",), 6),
    BlockingRule("first_name_company", ("first_name || '|' || company",), 6),
    BlockingRule("last_name_street", ("last_name || '|' || street",), 10),
    BlockingRule("first_name_street", ("first_name || '|' || street",), 10),
    BlockingRule("last_name_postal_code", ("last_name || '|' || first_name[1] || '|' || postal_code",), 5),
    BlockingRule("mailbox", ("case when email is not null then mailbox end",), 4),
    BlockingRule("name", ("full_name",), 6),
    BlockingRule("name_city", ("full_name || '|' || city",), 5),
    BlockingRule("names_swapped", (_EITHER_ORDER,), 10),
    BlockingRule("phone", ("phone", "mobile_phone")),
    BlockingRule("street", ("street",)),
    BlockingRule("company", ("company",)),
)
"""The rules for people; the last ones make no pairs, their counts are what comparisons of frequency need."""


def insert_keys(database: duckdb.DuckDBPyConnection, rules: tuple[BlockingRule, ...], records: str) -> None:
    """Add the keys of these records (a table like `record`) to `block_key` (rule, key, id)."""
    for number, rule in enumerate(rules):
        for place, key in enumerate(rule.keys):
            repeated = f" and hash({key}) is distinct from hash({rule.keys[0]})" if place else ""
            found = f"select {number}, hash({key}), id from {records} where ({key}) is not null{repeated}"  # noqa: S608 -- ours
            database.execute(f"insert into block_key {found}")


def find_candidates(
    database: duckdb.DuckDBPyConnection, rules: tuple[BlockingRule, ...], *, changed: str | None = None
) -> list[BlockCount]:
    """Make `candidate` (one, two: ids, one < two) of all pairs, or of those with a record of table `changed`."""
    database.execute("create or replace temp table candidate (one integer, two integer)")
    (records,) = database.sql("select count(*) from record").fetchall()[0]
    limit = max(_FEW_PAIRS, PAIRS_PER_RECORD * records)
    counts = [
        _pairs_of_rule(database, number, rule, limit, changed) for number, rule in enumerate(rules) if rule.largest
    ]
    database.execute("create or replace temp table candidate as select distinct one, two from candidate")
    return counts


def _pairs_of_rule(
    database: duckdb.DuckDBPyConnection, number: int, rule: BlockingRule, limit: float, changed: str | None
) -> BlockCount:
    database.execute(
        f"""
        create or replace temp table block as
        select key, id, count(*) over (partition by key) as size
        from block_key
        where rule = {number} {_of_keys(number, changed)}
        """  # noqa: S608 -- ours
    )
    pairs, left_out = database.sql(
        f"""
        select
            coalesce(sum((size - 1) / 2) filter (where size <= {rule.largest}), 0)::bigint,
            coalesce(sum(1.0 / size) filter (where size > {rule.largest}), 0)::bigint
        from block
        """  # noqa: S608 -- as above
    ).fetchall()[0]
    is_used = pairs <= limit
    if is_used:
        newly = f"and (one.id in (from {changed}) or two.id in (from {changed}))" if changed else ""
        database.execute(
            f"""
            insert into candidate
            with small as (select key, id from block where size between 2 and {rule.largest})
            select one.id, two.id
            from small as one
            inner join small as two on two.key = one.key and two.id > one.id {newly}
            """  # noqa: S608 -- as above
        )
    return BlockCount(rule=rule.name, pairs=pairs, blocks_left_out=left_out, is_used=is_used)


def _of_keys(number: int, ids: str | None) -> str:
    """Only keys that these records have, where they are not all."""
    if ids is None:
        return ""
    return f"and key in (select key from block_key where rule = {number} and id in (from {ids}))"  # noqa: S608 -- ours


def count_sql(rules: tuple[BlockingRule, ...], rule_name: str, more_than: int, ids: str | None) -> str:
    """How many records share a record's key of a rule, the most common of its keys: (id, record_count).

    Counts up to `more_than` are left out. ids: a table of the records that are asked for, or all.
    """
    number = [rule.name for rule in rules].index(rule_name)
    return f"""
        select block_key.id, max(common.record_count) as record_count
        from block_key
        inner join (
            select key, count(*) as record_count
            from block_key
            where rule = {number} {_of_keys(number, ids)}
            group by key
            having count(*) > {more_than}
        ) as common on common.key = block_key.key
        where block_key.rule = {number}
        group by block_key.id
    """  # noqa: S608 -- ours
