"""Ticks of the sensors that start runs, and what they ask for. Does not belong here: what has to be asked for."""

from __future__ import annotations

import dagster as dg

from contact_sync.automation.after_bronze import AfterBronze
from contact_sync.automation.sensors import sensors
from contact_sync.pipeline.installation import Installation

GOLD = dg.AssetKey(["gold", "contact"])
"""What comes after bronze for these sensors."""


def tick(
    installation: Installation, instance: dg.DagsterInstance, name: str, cursor: str | None = None
) -> tuple[list[dg.RunRequest], str | None]:
    """What a sensor asks for, and its cursor afterwards."""
    bronze = frozenset(dg.AssetKey(["bronze", one]) for one in installation.catalog.objects)
    after_bronze = AfterBronze(origins={GOLD: bronze}, seeds={GOLD: frozenset()})
    sensor = next(one for one in sensors(installation, after_bronze) if one.name == name)
    resources = {"installation": installation}
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources) as context:
        result = sensor(context)
        after = context.cursor
    if isinstance(result, dg.SensorResult):
        return list(result.run_requests or []), after
    return ([result] if isinstance(result, dg.RunRequest) else []), after


def selected(request: dg.RunRequest) -> set[str]:
    """The bronze objects a request takes."""
    return {key.path[-1] for key in request.asset_selection or [] if key.path[0] == "bronze"}
