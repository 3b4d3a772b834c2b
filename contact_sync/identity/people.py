"""How rows of people become records to be scored: the SQL, with the macros that normalise silver.

Does not belong here: running it, and recognising columns of files.
"""

from __future__ import annotations

from typing import Final

WRITTEN: Final = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "mobile_phone",
    "job_title",
    "company_name",
    "street",
    "city",
    "state",
    "postal_code",
    "country",
)
"""The columns of a person as written down, all text."""

_NOT_IN_FILES: Final = {
    "object_name": "varchar",
    "instance": "varchar",
    "record_id": "varchar",
    "account_record_key": "varchar",
    "external_id": "varchar",
    "salutation": "varchar",
    "has_opted_out_of_email": "boolean",
    "do_not_call": "boolean",
    "opted_out_of_email_since": "timestamptz",
    "do_not_call_since": "timestamptz",
    "version_at": "timestamptz",
    "created_at": "timestamptz",
}

OF_NORMALIZED: Final = """
    record_key,
    first_name_normalized as first_name,
    last_name_normalized as last_name,
    name_suffix,
    email_normalized as any_email,
    email_is_role,
    phone_normalized as phone,
    mobile_phone_normalized as mobile_phone,
    company_normalized as company,
    street_normalized as street,
    postal_code_normalized as postal_code,
    lower(city) as city,
    lower(job_title) as job_title
"""
"""The columns that are scored, of a relation like silver's contact_record."""


def of_written(relation: str) -> str:
    """Records to be scored of a relation with record_key and WRITTEN: SQL with macros of the dbt project."""
    absent = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in _NOT_IN_FILES.items())
    return f"""
        with record as (
            select record_key, {", ".join(WRITTEN)}, {absent} from {relation}
        ),
        {{{{ normalized_people('record') }}}}
        select {OF_NORMALIZED} from normalized
    """  # noqa: S608 -- names are ours
