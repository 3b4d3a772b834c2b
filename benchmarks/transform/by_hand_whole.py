"""The whole reference: all columns of our model in DuckDB SQL written by hand, and the search for values that are new.

Run as `python by_hand_whole.py DATABASE AFTER FILES...`, as by_hand.py is, which leaves out what few would write:
ids that are checked and completed, placeholders, picklists, what was refused, since when consent is refused, the keys
of the account and the owner, and the distinct values that a library has to look at.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import duckdb
from by_hand import MEMORY, TEXT
from spent import told

PICKLISTS: Final = Path(__file__).parents[2] / "dbt_project" / "seeds" / "picklist_value.csv"
IDS = {"AccountId": "account_id"}
BOOLEANS = {"HasOptedOutOfEmail": "has_opted_out_of_email"}
TIMES = {"CreatedDate": "created_at", "LastModifiedDate": "modified_at"}
VALUES = ("email", "phone", "mobile_phone")
ABSENT = {
    "master_record_id": "varchar",
    "department": "varchar",
    "do_not_call": "boolean",
    "contact_sync_key": "varchar",
    "owner_id": "varchar",
    "modified_by_id": "varchar",
    "do_not_call_since": "timestamptz",
}
"""Columns of the model for fields that these Contacts do not have."""
NOTHING = """
    ('n/a', '#n/a', 'na', 'n.a.', 'null', '(null)', '<null>', 'none', '--none--', 'nil', 'nan', 'undefined', 'unknown',
     'not provided', '[not provided]', 'not available', '-', '--', '---', '.', '?')
"""
NOBODY = """(
    select
        '' as instance, '' as record_id, false as has_opted_out_of_email, null::timestamptz as opted_out_of_email_since
)"""
MACROS = """
create macro text_of(value) as nullif(nfc_normalize(
    case when value[1] <= ' ' or value[-1] <= ' ' then trim(value, e' \\t\\r\\n') else value end
), '');
create macro five(value) as substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 32 - (
    ((try_cast('0x' || hex(value) as bigint) & 137977929760) % 511) >> 1
), 1);
create macro checksum(id) as five(substr(id, 1, 5)) || five(substr(id, 6, 5)) || five(substr(id, 11, 5));
create macro id_of(id) as case
    when regexp_full_match(id, '[A-Za-z0-9]{15}') then id || checksum(id)
    when regexp_full_match(id, '[A-Za-z0-9]{18}') and right(id, 3) = checksum(id) then id
end;
create macro told(name, rule, value) as name || '|' || rule || '|text(' || length(value) || ');';
"""


def main(database: str, after: int, files: list[str]) -> None:
    """Dedupe, type, check, merge, and look for new values."""
    connection = duckdb.connect(database, config={"memory_limit": MEMORY, "threads": 2})
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set preserve_insertion_order = false")
    if not after:
        connection.execute(MACROS)
        connection.execute("create table account (instance varchar, record_id varchar, account_number varchar)")
        connection.execute("create table owner (instance varchar, record_id varchar, username varchar)")
        connection.execute(
            f"create table salutation as select source_value, value from read_csv('{PICKLISTS}') "
            "where object_name = 'salesforce__contact' and field = 'salutation'"
        )
    batch = f"""(
        select *
        from read_parquet({files}, hive_partitioning = true, hive_types = {{'_instance': varchar, '_month': varchar}})
        where _sequence > {after}
    )"""
    connection.execute(f"create or replace temp table new_value as {new_values(batch)}")
    if after:
        connection.execute(f"create temp table incoming as {incoming(batch, known='contact')}")
        connection.execute(MERGE)
    else:
        connection.execute(f"create table contact as {incoming(batch, known=NOBODY)}")
    doubled = "select count(*) from (select 1 from contact group by instance, record_id having count(*) > 1)"
    if connection.execute(doubled).fetchall() != [(0,)]:
        sys.exit("a record is there twice")


def incoming(batch: str, *, known: str) -> str:
    """The newest version of each record, with everything that the model says of it; known: what it said before."""
    typed = ", ".join(
        [
            *(f'text_of("{field}") as {column}' for field, column in TEXT.items()),
            *(f'id_of(text_of("{field}")) as {column}, "{field}" as sent_{column}' for field, column in IDS.items()),
            *(cast(field, column, "boolean") for field, column in BOOLEANS.items()),
            *(cast(field, column, "timestamptz") for field, column in TIMES.items()),
            *(f"null::{kind} as {column}" for column, kind in ABSENT.items()),
        ]
    )
    checked = {**IDS, **BOOLEANS, **TIMES}.values()
    rules = {**dict.fromkeys(IDS.values(), "id"), **dict.fromkeys(BOOLEANS.values(), "boolean")}
    suspicious = " or ".join(f"(typed.{column} is null and sent_{column} is not null)" for column in checked)
    refused = " || ".join(
        f"case when typed.{column} is null and lower(text_of(sent_{column})) not in {NOTHING} "
        f"then told('{column}', '{rules.get(column, 'timestamp')}', text_of(sent_{column})) else '' end"
        for column in checked
    )
    unknown = "typed.salutation is not null and salutation.value is null"
    values = ", ".join(f"case when lower(typed.{one}) not in {NOTHING} then typed.{one} end as {one}" for one in VALUES)
    sent = ", ".join(f"sent_{column}" for column in checked)
    return f"""
        with latest as (
            select * from {batch}
            qualify row_number() over (
                partition by _instance, _record_id
                order by coalesce(_version_at, _extracted_at) desc, _is_deleted desc, _extracted_at desc, _row_hash desc
            ) = 1
        ),
        typed as (
            select
                _instance as instance, _record_id as record_id, {typed}, _version_at as version_at,
                coalesce(_is_deleted, false) as is_deleted, _extracted_at as extracted_at, _batch_id as batch_id
            from latest
        ),
        flagged as (
            select _instance, _record_id, _extracted_at,
                coalesce(try_cast("HasOptedOutOfEmail" as boolean), false) as flag
            from {batch}
        ),
        free as (
            select _instance, _record_id, max(_extracted_at) filter (not flag) as free_at
            from flagged group by all having bool_or(flag)
        ),
        refusal as (
            select _instance, _record_id, any_value(free_at) as free_at,
                min(_extracted_at) filter (flag and (free_at is null or _extracted_at > free_at)) as since
            from flagged inner join free using (_instance, _record_id) group by all
        )
        select
            typed.* exclude ({sent}) replace (
                coalesce(
                    salutation.value, case when lower(typed.salutation) not in {NOTHING} then typed.salutation end
                ) as salutation, {values}
            ),
            case when {suspicious} or ({unknown}) then nullif({refused} || case
                when {unknown} and lower(typed.salutation) not in {NOTHING}
                then told('salutation', 'picklist', typed.salutation) else '' end, '')
            end as rejected_fields,
            case
                when not coalesce(typed.has_opted_out_of_email, false) then null
                when known.has_opted_out_of_email and refusal.free_at is null
                then coalesce(known.opted_out_of_email_since, refusal.since)
                else refusal.since
            end as opted_out_of_email_since,
            account.account_number, owner.username as owner_username
        from typed
        left join salutation on salutation.source_value = lower(typed.salutation)
        left join refusal on refusal._instance = typed.instance and refusal._record_id = typed.record_id
        left join {known} as known on known.instance = typed.instance and known.record_id = typed.record_id
        left join account on account.instance = typed.instance and account.record_id = typed.account_id
        left join owner on owner.instance = typed.instance and owner.record_id = typed.owner_id
    """


def cast(field: str, column: str, kind: str) -> str:
    """A typed field, and beside it what was sent."""
    return f'try_cast(text_of("{field}") as {kind}) as {column}, "{field}" as sent_{column}'


MERGE = """
    merge into contact as known using incoming
    on known.instance = incoming.instance and known.record_id = incoming.record_id
    when matched and incoming.version_at > known.version_at then update
    when not matched then insert
"""


def new_values(batch: str) -> str:
    """The distinct addresses and numbers, the latter with the country they are read in."""
    return f"""
        select 'email' as kind, "Email" as raw, '' as hint from {batch} where trim("Email") <> ''
        union
        select 'phone', "Phone", coalesce("MailingCountry", '') from {batch} where trim("Phone") <> ''
        union
        select 'phone', "MobilePhone", coalesce("MailingCountry", '') from {batch} where trim("MobilePhone") <> ''
        union
        select 'name', "LastName", '' from {batch} where coalesce(trim("FirstName"), '') = '' and trim("LastName") <> ''
    """


if __name__ == "__main__":
    with told():
        main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
