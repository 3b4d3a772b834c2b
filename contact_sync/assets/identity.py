"""Identity: the link tables that give every live record its person or company key. Wiring only."""

from collections.abc import Iterator

import dagster as dg

from contact_sync.assets.failures import clear_failures
from contact_sync.assets.models import POOL
from contact_sync.catalog import Entity
from contact_sync.identity.tables import subject_of
from contact_sync.pipeline import steps
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.scoring import Scoring

GROUP = "identity"
_OWNER = "team:data-stewards"
_FEW_PAIRS = "pairs_are_few"


def identity_assets(entities: tuple[Entity, ...]) -> dg.AssetsDefinition:
    """`identity/person_link`, `identity/company_link`, what has changed of each and what waits for stewards, resolved
    together.
    """
    changes = {entity.name: _change_spec(entity) for entity in entities}
    links = {entity.name: _link_spec(entity) for entity in entities}
    reviews = {entity.name: _review_spec(entity) for entity in entities}

    pairs = _pair_spec(next(entity for entity in entities if subject_of(entity) == "person"))

    @dg.multi_asset(
        specs=[pairs, *links.values(), *changes.values(), *reviews.values()],
        check_specs=[dg.AssetCheckSpec(_FEW_PAIRS, asset=pairs.key, description="No blocking rule is lost.")],
        name="identity_links",
        pool=POOL,
    )
    def identity_links(installation: dg.ResourceParam[Installation]) -> Iterator[dg.MaterializeResult[None]]:
        with clear_failures():
            scoring = steps.score_pairs(installation)
            resolutions = steps.resolve_identities(installation)
        yield _scored(scoring, pairs)
        for resolution in resolutions:
            yield dg.MaterializeResult(
                asset_key=links[resolution.entity].key,
                metadata={
                    "dagster/row_count": resolution.records,
                    "keys": resolution.keys,
                    "largest_cluster": resolution.largest,
                    "unchanged": resolution.is_unchanged,
                    "looked_at": resolution.looked_at,
                    **{f"event_{kind}": count for kind, count in resolution.events.items()},
                },
            )
            yield dg.MaterializeResult(asset_key=changes[resolution.entity].key)
            yield dg.MaterializeResult(
                asset_key=reviews[resolution.entity].key,
                metadata={
                    "dagster/row_count": resolution.candidates,
                    **{f"cut_{reason}": count for reason, count in resolution.cut.items()},
                },
            )

    return identity_links


def _scored(scoring: Scoring, pairs: dg.AssetSpec) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(
        asset_key=pairs.key,
        metadata={
            "dagster/row_count": scoring.pairs,
            "records_changed": scoring.changed,
            "records_gone": scoring.gone,
            "pairs_compared": scoring.compared,
            "is_full": scoring.is_full,
            "found_otherwise": scoring.differing,
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=_FEW_PAIRS,
                passed=not scoring.left_out,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"problems": "; ".join(scoring.left_out), **{one.rule: one.pairs for one in scoring.blocks}},
            )
        ],
    )


def _pair_spec(entity: Entity) -> dg.AssetSpec:
    columns = [
        dg.TableColumn("record_key_1", "text", description="The record whose key is first in the order of bytes."),
        dg.TableColumn("record_key_2", "text", description="The other record."),
        dg.TableColumn("rule", "text", description="What speaks for them: the model."),
        dg.TableColumn("score", "double", description="The model's probability that both are one person."),
        dg.TableColumn("evidence", "text", description="The pattern of levels that was weighed, as a number."),
    ]
    description = "Pairs that the model takes for one person, perhaps, or that contradict a rule. One row per pair."
    return _spec(entity, "pair", columns, {"python", "duckdb"}, description)


def _link_spec(entity: Entity) -> dg.AssetSpec:
    subject = subject_of(entity)
    columns = [
        dg.TableColumn("record_key", "text", description="The record: object/instance/id."),
        dg.TableColumn(entity.key, "text", description=f"The {subject}'s persistent key."),
    ]
    description = f"Which {subject} each record is: joined by rules, scores and stewards, named by the ledger."
    return _spec(entity, "link", columns, {"python", "duckdb"}, description)


def _change_spec(entity: Entity) -> dg.AssetSpec:
    subject = subject_of(entity)
    columns = [
        dg.TableColumn(entity.key, "text", description=f"The {subject}'s persistent key, also of one that is gone."),
        dg.TableColumn("changed_in", "bigint", description="The number of the resolution."),
    ]
    description = f"Which resolution touched a {subject} last: what golden records follow. One row per {subject}."
    return _spec(entity, "change", columns, {"python", "duckdb"}, description)


def _review_spec(entity: Entity) -> dg.AssetSpec:
    subject = subject_of(entity)
    columns = [
        dg.TableColumn("candidate_id", "text", description="Names the candidate to `contact-sync review`."),
        dg.TableColumn("record_key_1", "text", description="The one record of the strongest pair."),
        dg.TableColumn("record_key_2", "text", description="The other record."),
        dg.TableColumn("key_1", "text", description=f"The {subject} of the one."),
        dg.TableColumn("key_2", "text", description=f"The {subject} of the other."),
        dg.TableColumn("score", "double", description="The model's probability; null where rules alone speak for it."),
        dg.TableColumn("reason", "text", description="score: the model is not sure; otherwise the guard that objects."),
        dg.TableColumn("evidence", "text", description="JSON: [comparison, level, weight], or [rule, shared]."),
    ]
    description = f"Two of one {subject} perhaps: what stewards have to decide. One row per two keys."
    return _spec(entity, "review", columns, {"python", "deltalake"}, description)


def _spec(entity: Entity, kind: str, columns: list[dg.TableColumn], kinds: set[str], description: str) -> dg.AssetSpec:
    subject = subject_of(entity)
    return dg.AssetSpec(
        dg.AssetKey([GROUP, f"{subject}_{kind}"]),
        group_name=GROUP,
        owners=[_OWNER],
        kinds=kinds,
        description=description,
        deps=[dg.AssetKey(["silver", entity.records]), dg.AssetKey([GROUP, f"{subject}_match_key"])],
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)},
    )
