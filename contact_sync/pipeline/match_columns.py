"""Which column of a file is what: by its name in several languages, or as the user says. Pure.

Does not belong here: reading files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from contact_sync.errors import IdentityError
from contact_sync.normalisation.country import folded

FIELDS: Final[dict[str, str]] = {
    "first_name": "firstname givenname forename first vorname prenom fname nombre",
    "last_name": "lastname surname familyname last nachname familienname nom lname apellido name fullname contactname",
    "email": "email emailaddress mail emailadresse workemail",
    "phone": "phone phonenumber telephone tel telefon businessphone workphone officephone",
    "mobile_phone": "mobile mobilephone cell cellphone handy mobil mobiletelephone",
    "job_title": "title jobtitle position role funktion",
    "company_name": "company companyname account accountname organization organisation employer firma unternehmen",
    "street": "streetnumber housenumber street address streetaddress address1 mailingstreet addressline1 strasse",
    "city": "city town suburb ort stadt ville mailingcity locality",
    "state": "state province region stateprovince mailingstate bundesland",
    "postal_code": "postalcode postcode zip zipcode plz codepostal mailingpostalcode",
    "country": "country land pays mailingcountry countryname",
    "date_of_birth": "dateofbirth dob birthdate birthday geburtsdatum",
    "national_id": "socsecid ssn socialsecuritynumber nationalid taxid",
}
"""What is compared -> the names that columns have for it, in lower case without accents and separators."""


def recognise(columns: Sequence[str], told: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Field -> the columns it is made of, in order; a field without a column is missing.

    told: field -> `column` or `column+column`, what the user says; an empty text leaves the field out. Raises
    IdentityError naming an unknown field or column, or if nothing is left to compare people by.
    """
    found = {field: _named(columns, names.split()) for field, names in FIELDS.items()}
    for field, text in told.items():
        if field not in FIELDS:
            raise IdentityError(f"--map names no field {field}.", remedy=f"Fields: {', '.join(FIELDS)}.")
        found[field] = tuple(part for part in text.split("+") if part)
        for part in found[field]:
            if part not in columns:
                raise IdentityError(
                    f"--map: the file has no column {part}.", remedy="Its first line names its columns."
                )
    known = {field: names for field, names in found.items() if names}
    if not known.keys() & {"last_name", "first_name", "email"}:
        raise IdentityError(
            "None of the file's columns holds a name or an e-mail address, as far as their names say.",
            remedy="The first line must name the columns; say what is what: --map last_name=COLUMN --map email=COLUMN.",
        )
    return known


def _named(columns: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The columns with one of these names: of a street all parts, otherwise the first in the order of names."""
    plain = {folded(column).replace(" ", ""): column for column in reversed(columns)}
    matching = [plain[name] for name in names if name in plain]
    if "streetnumber" in names:
        numbers = [column for column in matching if "number" in column.lower()]
        return (*numbers, *[column for column in matching if column not in numbers][:1])
    return tuple(matching[:1])
