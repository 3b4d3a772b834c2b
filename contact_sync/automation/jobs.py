"""The jobs: one that takes what is due from bronze to activation in one run, and one that proves agreement."""

from __future__ import annotations

import dagster as dg

from contact_sync.assets.activation import RECONCILIATION

REFRESH = "refresh"
RECONCILE = "reconcile"


def jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """All jobs."""
    everything = dg.AssetSelection.all()
    return [
        dg.define_asset_job(
            REFRESH,
            selection=everything - dg.AssetSelection.assets(RECONCILIATION),
            description="Takes what is due from bronze to the plan, and applies it if the policy says so.",
        ),
        dg.define_asset_job(
            RECONCILE,
            selection=dg.AssetSelection.assets(RECONCILIATION),
            description="Reads the target as it is and explains every difference from gold.",
        ),
    ]
