"""The ERP's tables, read page by page from a real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contact_sync.connectors.base import Page, Window
from contact_sync.connectors.sql import SqlSource
from contact_sync.pipeline.installation import Installation
from contact_sync.simulator import World

pytestmark = pytest.mark.postgres

EVERYTHING = Window(start=None, end=datetime.now(UTC) + timedelta(days=1))


def erp(world: World, *, page_rows: int = 50_000, options: str = "") -> SqlSource:
    """The world's ERP as a source."""
    assert world.erp is not None
    return SqlSource("main", f"{world.erp.url}{options}", schema="erp", page_rows=page_rows)


def keys(pages: list[Page], name: str) -> list[str]:
    """One column over all pages."""
    return [key for page in pages for key in page.rows.column(name).to_pylist()]


def test_a_reading_is_continued_after_each_page(world: World, installation: Installation) -> None:
    """Whichever page was the last, what follows it is exactly the rest, in the same order, and the totals agree."""
    item = installation.object("erp__contact")
    pages = list(erp(world).read(item, EVERYTHING))
    whole = keys(pages, "contact_number")
    assert pages[-1].declared_total == len(whole) == len(set(whole)) > 2

    last = pages[-1].rows.slice(1, 1).to_pylist()[0]
    after = {"cursor": last["updated_at"], "key": last["contact_number"], "rows": 2}
    rest = list(erp(world).read(item, EVERYTHING, resume=after))

    assert whole[2:] == keys(rest, "contact_number")
    assert len(whole) == rest[-1].declared_total


def test_the_servers_notation_of_dates_does_not_matter(world: World, installation: Installation) -> None:
    """A server that writes dates the German way, in another zone, sends the same text as one that does not."""
    item = installation.object("erp__contact")
    german = erp(world, options="?options=-c%20datestyle%3DGerman%20-c%20timezone%3DAsia/Tokyo")

    expected = keys(list(erp(world).read(item, EVERYTHING)), "updated_at")

    assert expected == keys(list(german.read(item, EVERYTHING)), "updated_at")
    assert all(text.endswith("+00") and text[4] == "-" for text in expected)
