"""What a refresh takes besides bronze: what comes from bronze that it reads, or that was read since it was made.

An object that has news leaves most of the graph as it is; each asset and check that a run names costs milliseconds, and
there are hundreds. Level-triggered as the sensors are: what an earlier run left undone is older than its bronze, and
therefore taken. Does not belong here: when a refresh starts (sensors.py), and what in it is unchanged (silver_work.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import dagster as dg

Keys = frozenset[dg.AssetKey]


@dataclass(frozen=True, kw_only=True)
class AfterBronze:
    """The assets that a refresh may take besides bronze.

    origins: asset -> the bronze assets that it comes from, directly or through others.
    seeds: asset -> what it reads itself that comes from no bronze.
    made_together: assets of which a run takes all or none.
    """

    origins: Mapping[dg.AssetKey, Keys]
    seeds: Mapping[dg.AssetKey, Keys]
    made_together: tuple[Keys, ...] = ()

    @classmethod
    def of(cls, assets: Iterable[dg.AssetsDefinition], *, left_out: dg.AssetKey) -> AfterBronze:
        """All of these assets but one."""
        definitions = list(assets)
        parents = {key: frozenset(one.asset_deps[key]) for one in definitions for key in one.keys if key != left_out}

        @cache
        def origins(key: dg.AssetKey) -> Keys:
            if key not in parents:
                return frozenset({key})
            return frozenset[dg.AssetKey]().union(*map(origins, parents[key]))

        found = {key: origins(key) for key in parents}
        return cls(
            origins=found,
            seeds={
                key: frozenset(parent for parent in read if parent in found and not found[parent])
                for key, read in parents.items()
            },
            made_together=tuple(frozenset(one.keys) for one in definitions if not one.can_subset),
        )

    @property
    def everything(self) -> list[dg.AssetKey]:
        """All of them."""
        return list(self.origins)

    def behind(self, instance: dg.DagsterInstance, read: Collection[dg.AssetKey]) -> list[dg.AssetKey]:
        """What is older than the bronze it comes from once these bronze assets have been read, and what that needs."""
        bronze = frozenset[dg.AssetKey]().union(*self.origins.values())
        made = _last_made(instance, bronze | self.origins.keys())
        chosen = {
            key
            for key, origins in self.origins.items()
            if not origins.isdisjoint(read) or any(made[one] > made[key] for one in origins)
        }
        chosen.update(*(self.seeds[key] for key in chosen))
        chosen.update(*(keys for keys in self.made_together if not keys.isdisjoint(chosen)))
        return [key for key in self.origins if key in chosen]


def _last_made(instance: dg.DagsterInstance, keys: Collection[dg.AssetKey]) -> dict[dg.AssetKey, int]:
    """Asset -> the place of its newest materialization in the event log, 0 if there is none; from one query."""
    made = dict.fromkeys(keys, 0)
    for record in instance.get_asset_records(list(keys)):
        newest = record.asset_entry.last_materialization_record
        if newest is not None:
            made[record.asset_entry.asset_key] = newest.storage_id
    return made
