"""Builds of a part, and builds that came to nothing, leave nothing that a whole build would not have left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pytest

from contact_sync.normalisation.result import Normalized
from contact_sync.pipeline import silver_work, steps
from contact_sync.pipeline.consent import write_consent_decisions
from contact_sync.pipeline.installation import Installation
from contact_sync.warehouse.definitions import remember
from contact_sync.warehouse.dialect import Dialect
from contact_sync_tests.pipeline.dbt.conftest import ACCOUNT_ID, bronze_columns
from contact_sync_tests.pipeline.dbt.published import CONTACT, NOW, publish

if TYPE_CHECKING:
    from contact_sync.normalisation.country import CountryNames
    from contact_sync.normalisation.kinds import Kind
    from contact_sync_tests.pipeline.dbt.conftest import Warehouse

PHONE = "+49 (0) 30 / 1234567 x9"
"""A number that SQL leaves to the library."""
OTHER_ACCOUNT: Final = "001000000000002AAA"
WRITTEN: Final = {
    "FirstName": ("Bob", "Ann"),
    "LastName": ("Lee", "Li"),
    "Email": ("bob@acme.com", "ann@acme.com"),
    "Phone": ("030 5550123", "030 5550124"),
    "MobilePhone": ("0170 5550123", "0170 5550124"),
    "AccountId": (ACCOUNT_ID, OTHER_ACCOUNT),
    "MailingStreet": ("Hauptstr. 5", "Hauptstr. 6"),
    "MailingState": ("Bayern", "Hessen"),
    "MailingPostalCode": ("10115", "10116"),
    "MailingCountry": ("Germany", "Austria"),
}
"""Bronze column of a contact -> a value and another one, where forms depend on it."""
RECORDS: Final = "select * from silver.contact_record order by record_key"


def link(installation: Installation, persons: dict[str, str]) -> None:
    """Say which person each contact of the core org is."""
    keys = [f"{CONTACT}/core/{record_id}" for record_id in persons]
    with installation.warehouse.session("test") as session:
        session.execute("delete from identity.person_link")
        write_consent_decisions(session, installation, number=1)
        session.append("identity.person_link", pa.table({"record_key": keys, "person_key": list(persons.values())}))


def test_golden_records_are_built_with_their_fields(installation: Installation) -> None:
    """Who builds golden contacts alone gets those of the persons there are now, and the fields they were read from."""
    publish(installation, NOW, {"_record_id": "1", "LastName": "Lee"}, {"_record_id": "2", "LastName": "Lee"})
    steps.build_silver(installation, selection=["contact_record"])
    link(installation, {"1": "first", "2": "first"})

    report = steps.build_gold(installation, selection=["contact"])

    assert {"contact": 1, "contact_field": 1} == report.row_counts
    assert {"gold.contact", "gold.contact_field"} == made(report)
    with installation.warehouse.session("test") as session:
        golden = session.query("select person_key, last_name, record_count from gold.contact").to_pylist()
    assert [{"person_key": "first", "last_name": "Lee", "record_count": 2}] == golden


def test_what_lies_between_two_models_is_built_between_them(installation: Installation) -> None:
    """Who selects records of a source and the keys of people first gets what is between, views too, in its order."""
    publish(installation, NOW, {"_record_id": "1", "LastName": "Lee", "Email": "lee@acme.com"})

    report = steps.build_silver(installation, selection=["salesforce__contact", "person_match_key"])

    between = {"silver.contact_source_change", "silver.contact_record", "silver.contact_record_change"}
    assert between < made(report)
    with installation.warehouse.session("test") as session:
        assert ["email_last_name"] == session.query("select rule from identity.person_match_key").column(0).to_pylist()


def made(report: steps.TransformReport) -> set[str]:
    """The tables and views that a build has made."""
    return {one.table for one in report.outcomes if one.unique_id.startswith("model.")}


def test_forms_of_a_release_that_failed_go_with_it(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release reads numbers otherwise and dies after the records are built: the one before it, put back, reads them
    again as it did.
    """

    def kinds_of_the_release(countries: CountryNames) -> dict[str, Kind]:
        kinds = all_kinds(countries)
        wrong = Normalized(value="+4930777", rule=None)
        return {**kinds, "phone": replace(kinds["phone"], version="newer", normalize=lambda _raw, _hint: wrong)}

    def die(*_arguments: object, **_named: object) -> None:
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


def test_forms_made_by_another_version_of_the_engine_are_not_kept(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lower case or an accent is may be another thing then; tables that only grow are left as they are."""
    with installation.warehouse.session("test") as session:
        definitions = silver_work.silver_work(session, installation, ["contact_record"]).definitions
        remember(session, definitions, seen=dict.fromkeys(definitions, 1))
        assert [] == silver_work.silver_work(session, installation, ["contact_record"]).rebuild
        monkeypatch.setattr(Dialect, "engine_version", lambda _self: "'another'")

        made_anew = silver_work.silver_work(session, installation, ["contact_record"]).rebuild
        assert set(made_anew) == installation.dbt.followers().keys()


def test_keys_that_are_built_without_their_records_follow_them_later(installation: Installation) -> None:
    """Who is built before what it reads has not seen what that will say: the keys of a record that is gone go, too."""
    ann = {"_record_id": "1", "FirstName": "Ann", "LastName": "Lee", "Email": "ann@acme.com"}
    publish(installation, NOW, ann)
    steps.build_silver(installation, selection=["person_match_key"])
    publish(installation, NOW + timedelta(days=1), {**ann, "_is_deleted": True})
    for name in (CONTACT, "person_match_key", "contact_record"):
        steps.build_silver(installation, selection=[name])
        if name == "person_match_key":
            assert key_count(installation) > 0
    steps.build_silver(installation, selection=["person_match_key"])

    assert 0 == key_count(installation)


def key_count(installation: Installation) -> int:
    """How many match keys people have."""
    with installation.warehouse.session("test") as session:
        return int(session.scalar("select count(*) from identity.person_match_key"))


def test_whatever_changes_of_a_record_its_forms_are_those_of_a_full_build(warehouse: Warehouse) -> None:
    """Each field changes in one record: those on which forms depend are all compared with the last build."""
    fields = [name for name in bronze_columns()[CONTACT] if not name.startswith("_")]
    before = {name: WRITTEN[name][0] for name in fields if name in WRITTEN}
    accounts = ({"_record_id": key, "Name": f"Company {key[-4]}"} for key in (ACCOUNT_ID, OTHER_ACCOUNT))
    warehouse.add_bronze("salesforce__account", *accounts)
    warehouse.add_bronze(CONTACT, *({"_record_id": name, **before} for name in fields))
    warehouse.set_window()
    warehouse.run_models("+contact_record")
    first = forms(warehouse)
    later = {"_sequence": 2, "_extracted_at": "2026-03-02 00:00:00+00"}
    changes = ({"_record_id": name, **before, name: WRITTEN.get(name, ("", "2026"))[1], **later} for name in fields)
    warehouse.add_bronze(CONTACT, *changes)
    warehouse.run_models(CONTACT, "contact_record")
    then, kept = forms(warehouse), warehouse.query(RECORDS)
    warehouse.run_models("contact_record", "--full-refresh")

    assert kept == warehouse.query(RECORDS)
    assert WRITTEN.keys() == {name for name in fields if first[name] != then[name]}


def forms(warehouse: Warehouse) -> dict[str, tuple[Any, ...]]:
    """Contact -> its forms."""
    by_name = "columns('.*_normalized|.*_(code|key|suffix|extension|role|fields)')"
    return {name: row for name, *row in warehouse.query(f"select record_id, {by_name} from silver.contact_record")}
