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

COMPARED: Final = {
    "first_name": "first_name_normalized",
    "last_name": "last_name_normalized",
    "name_suffix": "name_suffix",
    "any_email": "email_normalized",
    "email_is_role": "email_is_role",
    "phone": "phone_normalized",
    "mobile_phone": "mobile_phone_normalized",
    "company": "company_normalized",
    "street": "street_normalized",
    "postal_code": "postal_code_normalized",
    "city": "lower(city)",
    "job_title": "lower(job_title)",
}
"""What is compared of a person -> what silver's contact_record calls it; SQL that every engine understands."""
OF_NORMALIZED: Final = ", ".join(("record_key", *(f"{value} as {name}" for name, value in COMPARED.items())))
"""The columns that are scored, of a relation like contact_record."""


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
