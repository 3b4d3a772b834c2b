"""Builds of a part, and builds that came to nothing, leave nothing that a whole build would not have left."""

from __future__ import annotations

import pyarrow as pa

from contact_sync.pipeline import steps
from contact_sync.pipeline.consent import write_consent_decisions
from contact_sync.pipeline.installation import Installation
from contact_sync_tests.pipeline.dbt.published import CONTACT, NOW, publish


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
