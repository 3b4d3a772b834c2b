"""Silver, identity keys and gold: dbt's models as assets, run in process; each test is an asset check.

dagster-dbt translates dbt's events; only how dbt is started is ours. Does not belong here: SQL, or the pointers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from google.protobuf.json_format import MessageToDict

from contact_sync.errors import ContactSyncError
from contact_sync.pipeline import steps
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.steps import TransformReport
from contact_sync.warehouse.transform import EventListener

POOL = "warehouse"
_RESULTS = {"LogModelResult", "LogTestResult", "LogSeedResult", "NodeFinished"}


class _Translator(DagsterDbtTranslator):
    """dagster-dbt's translation, with descriptions as they are written: the SQL is in the repository."""

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The model's own description."""
        return str(dbt_resource_props["description"])


Build = Callable[[Installation, Sequence[str], EventListener], TransformReport]


def silver_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Silver models and the identity models that only need silver."""

    @dbt_assets(
        manifest=manifest,
        select=" ".join(steps.SILVER),
        name="silver_models",
        pool=POOL,
        dagster_dbt_translator=_Translator(),
    )
    def silver_models(context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]) -> Iterator[Any]:
        yield from _run(context, installation, manifest, _build_silver)

    return silver_models


def gold_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Gold models, which read the keys that identity resolution gave."""

    @dbt_assets(
        manifest=manifest,
        select=" ".join(steps.GOLD),
        name="gold_models",
        pool=POOL,
        dagster_dbt_translator=_Translator(),
    )
    def gold_models(context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]) -> Iterator[Any]:
        yield from _run(context, installation, manifest, _build_gold)

    return gold_models


def _build_silver(installation: Installation, selection: Sequence[str], listener: EventListener) -> TransformReport:
    return steps.build_silver(installation, selection=selection, listener=listener)


def _build_gold(installation: Installation, selection: Sequence[str], listener: EventListener) -> TransformReport:
    return steps.build_gold(installation, selection=selection, listener=listener)


def _run(
    context: dg.AssetExecutionContext, installation: Installation, manifest: Mapping[str, Any], build: Build
) -> Iterator[Any]:
    """Build the selected models; what succeeded is reported even when something else failed."""
    events: list[dict[str, Any]] = []
    selection = [key.path[-1] for key in sorted(context.selected_asset_keys)]
    report, problem = None, None
    try:
        report = build(installation, selection, lambda event: _keep(events, event))
    except ContactSyncError as error:
        problem = str(error)
    row_counts = report.row_counts if report else {}
    for event in events:
        message = DbtCoreCliEventMessage(raw_event=event, event_history_metadata={})
        for translated in message.to_default_asset_events(
            manifest=manifest, dagster_dbt_translator=_Translator(), context=context
        ):
            yield _with_row_count(translated, event, row_counts)
    if problem is not None:
        raise dg.Failure(description=problem, allow_retries=False)


def _keep(events: list[dict[str, Any]], event: Any) -> None:
    """Keep the finished nodes' events in the shape dbt's JSON log has."""
    if event.info.name in _RESULTS:
        events.append(MessageToDict(event, preserving_proto_field_name=True))


def _with_row_count(translated: Any, event: Mapping[str, Any], row_counts: Mapping[str, int]) -> Any:
    if not isinstance(translated, dg.Output):
        return translated
    name = event["data"]["node_info"]["unique_id"].split(".")[-1]
    if name not in row_counts:
        return translated
    return translated.with_metadata({**translated.metadata, "dagster/row_count": row_counts[name]})
