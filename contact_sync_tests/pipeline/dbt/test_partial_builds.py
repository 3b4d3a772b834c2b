"""Builds of a part, and builds that came to nothing, leave nothing that a whole build would not have left."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from contact_sync.normalisation.result import Normalized
from contact_sync.pipeline import silver_work, steps
from contact_sync.pipeline.consent import write_consent_decisions
from contact_sync.pipeline.installation import Installation
from contact_sync_tests.pipeline.dbt.published import CONTACT, NOW, publish

if TYPE_CHECKING:
    from contact_sync.normalisation.country import CountryNames
    from contact_sync.normalisation.kinds import Kind

PHONE = "+49 (0) 30 / 1234567 x9"
"""A number that SQL leaves to the library."""


def link(installation: Installation, persons: dict[str, str]) -> None:
    """Say which person each contact of the core org is."""
    keys = [f"{CONTACT}/core/{record_id}" for record_id in persons]
    with installation.warehouse.session("test") as session:
        session.execute("delete from identity.person_link")
        write_consent_decisions(session, installation)
        session.append("identity.person_link", pa.table({"record_key": keys, "person_key": list(persons.values())}))


def test_golden_records_are_built_with_their_fields(installation: Installation) -> None:
    """Persons that were joined since the last build of their fields have the values that win now, without being asked
    for them.
    """
    publish(installation, NOW, {"_record_id": "1", "LastName": "Lee"}, {"_record_id": "2", "LastName": "Lee"})
    steps.build_silver(installation, selection=["contact_record"])
    link(installation, {"1": "first", "2": "second"})
    steps.build_gold(installation, selection=["contact"])
    link(installation, {"1": "first", "2": "first"})

    report = steps.build_gold(installation, selection=["contact"])

    assert {"contact": 1, "contact_field": 1} == report.row_counts
    assert {"gold.contact"} == {one.table for one in report.outcomes if one.unique_id.startswith("model.")}
    with installation.warehouse.session("test") as session:
        golden = session.query("select person_key, last_name, record_count from gold.contact").to_pylist()
    assert [{"person_key": "first", "last_name": "Lee", "record_count": 2}] == golden


def test_forms_of_a_release_that_failed_go_with_it(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release reads numbers otherwise and dies after the records are built: the one before it, put back, reads them
    again as it did.
    """

    def kinds_of_the_release(countries: CountryNames) -> dict[str, Kind]:
        kinds = all_kinds(countries)
        wrong = Normalized(value="+4930777", rule=None)
        return {**kinds, "phone": replace(kinds["phone"], version="newer", normalize=lambda _raw, _hint: wrong)}

    def die(*_arguments: object) -> None:
        raise InterruptedError

    all_kinds = silver_work.all_kinds
    publish(installation, NOW, {"_record_id": "1", "LastName": "Lee", "Phone": PHONE})
    before = built_phones(installation)
    with monkeypatch.context() as release:
        release.setattr(silver_work, "all_kinds", kinds_of_the_release)
        release.setattr(steps, "remember", die)
        with pytest.raises(InterruptedError):
            built_phones(installation)

    assert ["+4930777"] == phones(installation)
    assert before == built_phones(installation) == ["+49301234567"]


def built_phones(installation: Installation) -> list[str]:
    """The numbers of a build of people's records."""
    steps.build_silver(installation, selection=["contact_record"])
    return phones(installation)


def phones(installation: Installation) -> list[str]:
    """The numbers there are, as they are compared."""
    with installation.warehouse.session("test") as session:
        return session.query("select phone_normalized from silver.contact_record").column(0).to_pylist()
