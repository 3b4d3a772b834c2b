"""The kinds of values that are normalised, each with the library that takes what SQL leaves over.

Adding a kind is one entry here and `normalised_as: <kind>` at the bronze columns. Does not belong here: the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from contact_sync.normalisation.country import CountryNames
from contact_sync.normalisation.email import normalize_email, regular_emails
from contact_sync.normalisation.person_name import normalize_person_name, regular_names
from contact_sync.normalisation.phone import normalize_phone, regular_phones
from contact_sync.normalisation.result import Normalized

# Raised when a rule of ours changes an answer, so that remembered ones are made again.
_RULES: Final = 1


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of value. `version` covers the library and all that its answers depend on; hints are countries as written.

    `regular` says which values of a column SQL normalises alone.
    """

    name: str
    library: str
    version: str
    regular: Callable[[Sequence[str], Sequence[str]], list[bool]]
    normalize: Callable[[str, str], Normalized]


def all_kinds(countries: CountryNames) -> dict[str, Kind]:
    """name -> kind."""
    kinds = (
        Kind(
            name="email",
            library="email-validator",
            version=_version("email-validator"),
            regular=lambda values, _: regular_emails(values),
            normalize=lambda raw, _: normalize_email(raw),
        ),
        Kind(
            name="phone",
            library="phonenumbers",
            version=f"{_version('phonenumbers')}-{countries.fingerprint}",
            regular=lambda values, hints: regular_phones(values, countries.regions(hints)),
            normalize=lambda raw, hint: normalize_phone(raw, countries.code(hint)),
        ),
        Kind(
            name="person_name",
            library="nameparser",
            version=_version("nameparser"),
            regular=lambda values, _: regular_names(values),
            normalize=lambda raw, _: normalize_person_name(raw),
        ),
    )
    return {kind.name: kind for kind in kinds}


def _version(library: str) -> str:
    return f"{version(library)}-{_RULES}"
