"""Identity: the link tables that give every live record its person or company key. Wiring only."""

from collections.abc import Iterator

import dagster as dg

from contact_sync.assets.failures import clear_failures
from contact_sync.assets.models import POOL
from contact_sync.catalog import Entity
from contact_sync.pipeline import steps
from contact_sync.pipeline.installation import Installation

GROUP = "identity"
_OWNER = "team:data-stewards"


def identity_assets(entities: tuple[Entity, ...]) -> dg.AssetsDefinition:
    """`identity/person_link` and `identity/company_link`, resolved together."""
    specs = {entity.name: _spec(entity) for entity in entities}

    @dg.multi_asset(specs=list(specs.values()), name="identity_links", pool=POOL)
    def identity_links(installation: dg.ResourceParam[Installation]) -> Iterator[dg.MaterializeResult[None]]:
        with clear_failures():
            resolutions = steps.resolve_identities(installation)
        for resolution in resolutions:
            yield dg.MaterializeResult(
                asset_key=specs[resolution.entity].key,
                metadata={
                    "dagster/row_count": resolution.records,
                    "keys": resolution.keys,
                    "largest_cluster": resolution.largest,
                    **{f"event_{kind}": count for kind, count in resolution.events.items()},
                },
            )

    return identity_links


def _spec(entity: Entity) -> dg.AssetSpec:
    subject = entity.key.removesuffix("_key")
    columns = [
        dg.TableColumn("record_key", "text", description="The record: object/instance/id."),
        dg.TableColumn(entity.key, "text", description=f"The {subject}'s persistent key."),
    ]
    return dg.AssetSpec(
        dg.AssetKey([GROUP, f"{subject}_link"]),
        group_name=GROUP,
        owners=[_OWNER],
        kinds={"python", "duckdb"},
        description=f"Which {subject} each record is: connected by shared match keys, named by the identity ledger.",
        deps=[dg.AssetKey(["silver", entity.records]), dg.AssetKey([GROUP, f"{subject}_match_key"])],
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)},
    )
