"""What is left to SQL needs no library: on a simulated population SQL and the libraries give the same form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from contact_sync.normalisation.country import CountryNames
from contact_sync.normalisation.kinds import all_kinds
from contact_sync.simulator.population.observation import observe
from contact_sync.simulator.population.society import make_society
from contact_sync_tests.pipeline.dbt.conftest import DBT_PROJECT

if TYPE_CHECKING:
    from contact_sync_tests.pipeline.dbt.conftest import Warehouse

PEOPLE = 400


def test_sql_and_libraries_agree_on_what_is_left_to_sql(warehouse: Warehouse) -> None:
    """The regular values of both kinds, but placeholders, which only SQL knows; and most values are regular."""
    random = np.random.default_rng(26)
    seen = observe(random, make_society(random, people=PEOPLE, companies=40), np.arange(PEOPLE))
    columns = {"Phone": seen.phone, "Email": seen.email, "Country": seen.address.country}
    leads = (
        {"_record_id": str(row), **{name: column[row] for name, column in columns.items()}} for row in range(PEOPLE)
    )
    warehouse.add_bronze("salesforce__lead", *leads)
    warehouse.set_window()
    warehouse.run_dbt("build", "--select", "+contact_record", "--exclude-resource-type", "unit_test", "test")

    kinds = all_kinds(CountryNames.read(DBT_PROJECT / "seeds" / "country.csv"))
    for kind, most in (("phone", 0.8), ("email", 0.99)):
        rows = warehouse.query(
            f"select {kind}, country, {kind}_normalized from silver.contact_record"
            f" where {kind} is not null and coalesce(rejected_fields, '') not like '%{kind}|{kind}_placeholder%'"
        )
        regular = kinds[kind].regular([raw for raw, _, _ in rows], [country for _, country, _ in rows])
        left_to_sql = [row for row, is_regular in zip(rows, regular, strict=True) if is_regular]
        assert [] == [
            (raw, country, form)
            for raw, country, form in left_to_sql
            if form != kinds[kind].normalize(raw, country).value
        ]
        assert len(left_to_sql) > most * len(rows) > PEOPLE / 2
