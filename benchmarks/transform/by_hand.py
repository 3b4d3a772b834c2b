"""The reference: what somebody would write in DuckDB for this one table, with no windows, pointers or other engines.

Run as `python by_hand.py DATABASE AFTER FILES...`: all rows of a sequence greater than AFTER are merged into `contact`.
The grain is checked as our model checks it.
"""

from __future__ import annotations

import sys

import duckdb
from spent import told

MEMORY = "1500MB"
TEXT = {
    "Salutation": "salutation",
    "FirstName": "first_name",
    "LastName": "last_name",
    "Email": "email",
    "Phone": "phone",
    "MobilePhone": "mobile_phone",
    "Title": "job_title",
    "LeadSource": "lead_source",
    "MailingStreet": "street",
    "MailingCity": "city",
    "MailingState": "state",
    "MailingPostalCode": "postal_code",
    "MailingCountry": "country",
    "Description": "description",
}


def main(database: str, after: int, files: list[str]) -> None:
    """Dedupe, type, merge, check."""
    connection = duckdb.connect(database, config={"memory_limit": MEMORY, "threads": 2})
    connection.execute("set TimeZone = 'UTC'")
    texts = ", ".join(
        f"""nullif(trim(nfc_normalize("{field}"), e' \\t\\r\\n'), '') as {column}""" for field, column in TEXT.items()
    )
    incoming = f"""
        select
            _instance as instance, _record_id as record_id, "AccountId" as account_id, {texts},
            try_cast("HasOptedOutOfEmail" as boolean) as has_opted_out_of_email,
            try_cast("CreatedDate" as timestamptz) as created_at,
            try_cast("LastModifiedDate" as timestamptz) as modified_at,
            _version_at as version_at, _is_deleted as is_deleted, _extracted_at as extracted_at, _batch_id as batch_id
        from read_parquet({files}, hive_partitioning = true, hive_types = {{'_instance': varchar, '_month': varchar}})
        where _sequence > {after}
        qualify row_number() over (
            partition by _instance, _record_id order by _version_at desc, _is_deleted desc, _extracted_at desc
        ) = 1
    """
    if after:
        connection.execute(f"create temp table incoming as {incoming}")
        connection.execute(
            """
            merge into contact as known using incoming
            on known.instance = incoming.instance and known.record_id = incoming.record_id
            when matched and incoming.version_at > known.version_at then update
            when not matched then insert
            """
        )
    else:
        connection.execute(f"create table contact as {incoming}")
    doubled = "select count(*) from (select 1 from contact group by instance, record_id having count(*) > 1)"
    if connection.execute(doubled).fetchall() != [(0,)]:
        sys.exit("a record is there twice")


if __name__ == "__main__":
    with told():
        main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
