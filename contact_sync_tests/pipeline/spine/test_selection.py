"""Whoever materializes some assets gets these, whatever has to be built with them."""

from __future__ import annotations

import dagster as dg

from contact_sync_tests.pipeline.spine.conftest import MakeInstallation, run_job


def test_what_was_built_unasked_is_not_told(make_installation: MakeInstallation, instance: dg.DagsterInstance) -> None:
    """Before the first refresh two models need what lies between them; Dagster has asked for two, and hears of two."""
    asked = ["silver/salesforce__contact", "identity/person_match_key"]
    installation = make_installation()

    result = run_job(installation, instance, assets=asked)

    assert result.success
    told = [event.asset_key for event in result.get_asset_materialization_events() if event.asset_key]
    assert sorted(asked) == sorted(key.to_user_string() for key in told)
    with installation.warehouse.session("test") as session:
        assert session.exists("silver.contact_record")
