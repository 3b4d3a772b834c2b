"""The freshness promises, as one table by group, mapped over all assets at once."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from contact_sync.catalog import Catalog
from contact_sync.settings import Settings

_AFTER_BRONZE = {
    "silver": timedelta(minutes=5),
    "identity": timedelta(minutes=5),
    "gold": timedelta(minutes=10),
    "activation": timedelta(minutes=15),
}
"""How much later than the slowest bronze object each later layer may be."""
_SEEDS = {"country", "legal_form", "nickname", "picklist_value", "sla_target", "state"}
_RECONCILIATION = timedelta(hours=26)


def with_promises(defs: dg.Definitions, catalog: Catalog, settings: Settings) -> dg.Definitions:
    """Give every asset its promise; a layer's promise is that of the slowest object plus its own share."""
    override = timedelta(seconds=settings.freshness_seconds) if settings.freshness_seconds else None
    bronze = {item.name: override or timedelta(minutes=item.freshness_minutes) for item in catalog.objects.values()}
    slowest = max(bronze.values(), default=timedelta(minutes=30))

    def promised(spec: dg.AssetSpec) -> dg.AssetSpec:
        window = _window(spec, bronze, slowest)
        if window is None:
            return spec
        policy = dg.FreshnessPolicy.time_window(fail_window=max(window, timedelta(minutes=2)))
        return spec.replace_attributes(freshness_policy=policy)

    return defs.permissive_map_resolved_asset_specs(func=promised, selection=None)


def _window(spec: dg.AssetSpec, bronze: dict[str, timedelta], slowest: timedelta) -> timedelta | None:
    layer, name = spec.key.path[0], spec.key.path[-1]
    if name in _SEEDS:
        return None
    if layer == "bronze":
        return bronze.get(name)
    if name == "reconciliation":
        return _RECONCILIATION
    return slowest + _AFTER_BRONZE[layer] if layer in _AFTER_BRONZE else None
