"""Bronze assets as they are made from a catalog."""

from __future__ import annotations

import warnings

from contact_sync.assets.bronze import bronze_assets
from contact_sync.assets.partitions import daily_partitions
from contact_sync_tests.unit.extraction.memory_source import CONTACT


def test_users_are_not_told_what_is_beta() -> None:
    """Dagster's stages of its own features are our choice; a warning for each asset would be all that a user sees."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        (asset,) = bronze_assets((CONTACT,), daily_partitions(3))

    assert ([], ["bronze", CONTACT.name]) == (told, list(asset.key.path))
