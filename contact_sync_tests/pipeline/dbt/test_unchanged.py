"""A refresh builds what has news; the rest is left as it is and told as unchanged."""

from __future__ import annotations

from contact_sync.pipeline import steps
from contact_sync.pipeline.installation import Installation
from contact_sync_tests.pipeline.dbt.published import CONTACT, NOW, publish

ACCOUNT, NICKNAME = "salesforce__account", "nickname"
SELECTION = [CONTACT, ACCOUNT, NICKNAME]


def built(installation: Installation) -> tuple[set[str], set[str], dict[str, int]]:
    """What a build made of the selection, what it left, and the rows of both."""
    report = steps.build_silver(installation, selection=SELECTION)
    made = {outcome.table.partition(".")[2] for outcome in report.outcomes if not outcome.unique_id.startswith("test")}
    return made.intersection(SELECTION), set(report.unchanged), report.row_counts


def test_what_has_no_news_is_left_as_it_is(installation: Installation) -> None:
    """Without a new batch nothing is built; a batch builds its readers; a table that is gone is made again, and so is
    what reads it.
    """
    publish(installation, NOW, {"_record_id": "1", "LastName": "Adams"})

    assert (set(SELECTION), set()) == built(installation)[:2]
    made, left, rows = built(installation)
    assert (set(), set(SELECTION)) == (made, left)
    assert 1 == rows[CONTACT]
    publish(installation, NOW, {"_record_id": "2", "LastName": "Brown"})
    made, left, rows = built(installation)
    assert ({CONTACT}, {ACCOUNT, NICKNAME}) == (made, left)
    assert 2 == rows[CONTACT]
    with installation.warehouse.session("test") as session:
        session.execute(f"drop table silver.{ACCOUNT}")
    assert ({ACCOUNT, CONTACT}, {NICKNAME}) == built(installation)[:2]
