"""Refresh after refresh, what follows changes is what a run over everything makes of the same bronze."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from contact_sync.identity.last_resolution import forget_resolution
from contact_sync.pipeline import steps
from contact_sync.warehouse.definitions import forget
from contact_sync_tests.pipeline.dbt.published import NOW, publish

if TYPE_CHECKING:
    from contact_sync.pipeline.installation import Installation

RECORDS: Final = 60
TABLES: Final = {
    "identity.person_link": "record_key, person_key",
    "identity.person_pair": "record_key_1, record_key_2, rule, score",
    "identity.person_review": "candidate_id, key_1, key_2, reason",
    "gold.contact": "*",
    "gold.contact_field": "*",
    "gold.duplicates": "*",
    "gold.employment": "*",
}
"""Table -> its columns."""


def contact(number: int, chance: random.Random) -> dict[str, Any]:
    """A contact as somebody may have edited it; some have the values of others."""
    person = number if chance.random() < 0.7 else chance.randrange(RECORDS)
    return {
        "_record_id": f"003000000{number:06}AAA",
        "_is_deleted": chance.random() < 0.1,
        "FirstName": ["Ann", "Bob", "Eve", "Max"][person % 4],
        "LastName": ["Adams", "Brown", "Clark", "Davis", "Evans"][person % 5],
        "Email": f"person{person}@acme.example" if chance.random() < 0.8 else None,
        "Phone": f"+1 212 555 {person:04}" if chance.random() < 0.5 else None,
        "MailingPostalCode": f"1{person % 10:04}",
        "Title": chance.choice(["Buyer", "CEO", None]),
    }


def refresh(installation: Installation) -> list[int]:
    """Silver to gold; how many records identity looked at."""
    steps.build_silver(installation)
    steps.score_pairs(installation)
    resolutions = steps.resolve_identities(installation)
    steps.build_gold(installation)
    return [one.looked_at for one in resolutions]


def found(installation: Installation) -> dict[str, list[str]]:
    """Table -> its rows."""
    with installation.warehouse.session("test") as session:
        return {
            table: sorted(map(repr, session.query(f"select {columns} from {table}").to_pylist()))
            for table, columns in TABLES.items()
        }


def test_refreshes_come_to_what_everything_comes_to(installation: Installation) -> None:
    """After some refreshes with a few edits each, a run over everything changes nothing."""
    chance = random.Random(7)
    publish(installation, NOW, *(contact(number, chance) for number in range(RECORDS)))
    first = refresh(installation)
    looked_at = []
    for day in range(1, 4):
        edited = chance.sample(range(RECORDS + 4), 5)
        publish(installation, NOW + timedelta(days=day), *(contact(number, chance) for number in edited))
        looked_at.append(refresh(installation))
    followed = found(installation)
    with installation.warehouse.session("forget") as session:
        forget_resolution(session, "contact")
        forget(session, session.query("select model from pipeline.model_definition").column(0).to_pylist())
    refresh(installation)

    assert followed == found(installation)
    assert all(0 < contacts < first[1] / 2 for _, contacts in looked_at)
