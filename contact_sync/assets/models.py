"""Silver, identity keys and gold: dbt's models as assets, run in process; each test is an asset check.

dagster-dbt translates dbt's events; only how dbt is started is ours. Does not belong here: SQL, or the pointers.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from google.protobuf.json_format import MessageToDict

from contact_sync.errors import ContactSyncError
from contact_sync.pipeline import steps
from contact_sync.pipeline.gold_work import GOLD
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.steps import TransformReport
from contact_sync.warehouse.transform import EventListener

POOL = "warehouse"
_REFUSED = "no_value_refused"
_LINES = 100
_RESULTS = {"LogModelResult", "LogTestResult", "LogSeedResult", "NodeFinished"}


class _Translator(DagsterDbtTranslator):
    """dagster-dbt's translation, with descriptions as they are written: the SQL is in the repository."""

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The model's own description."""
        return str(dbt_resource_props["description"])


class Build(Protocol):
    """A step that builds selected models, such as steps.build_silver."""

    def __call__(
        self, installation: Installation, *, selection: Sequence[str], listener: EventListener
    ) -> TransformReport:
        """Build and report."""


def silver_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Silver models and the identity models that only need silver."""
    return _models("silver_models", steps.SILVER, steps.build_silver, manifest)


def gold_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Gold models, which read the keys that identity resolution gave."""
    return _models("gold_models", GOLD, steps.build_gold, manifest)


def _models(name: str, groups: Sequence[str], build: Build, manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    @dbt_assets(manifest=manifest, select=" ".join(groups), name=name, pool=POOL, dagster_dbt_translator=_Translator())
    def models(context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]) -> Iterator[Any]:
        yield from _run(context, installation, manifest, build)

    return models


def _run(
    context: dg.AssetExecutionContext, installation: Installation, manifest: Mapping[str, Any], build: Build
) -> Iterator[Any]:
    """Build the selected models; what succeeded is reported even when something else failed.

    Of what had to be built with them, unasked, Dagster hears nothing.
    """
    events: list[dict[str, Any]] = []
    selection = [key.path[-1] for key in sorted(context.selected_asset_keys)]
    asked_for = {context.assets_def.get_output_name_for_asset_key(key) for key in context.selected_asset_keys}
    report, problem = None, None
    try:
        report = build(installation, selection=selection, listener=lambda event: _keep(events, event))
    except ContactSyncError as error:
        problem = str(error)
    yield from _unchanged(context, report)
    for event in events:
        message = DbtCoreCliEventMessage(raw_event=event, event_history_metadata={})
        for translated in message.to_default_asset_events(
            manifest=manifest, dagster_dbt_translator=_Translator(), context=context
        ):
            if not isinstance(translated, dg.Output) or translated.output_name in asked_for:
                yield _with_refused(_with_figures(translated, event, report), report)
    if problem is not None:
        raise dg.Failure(description=problem, allow_retries=False)


def _keep(events: list[dict[str, Any]], event: Any) -> None:
    """Keep the finished nodes' events in the shape dbt's JSON log has."""
    if event.info.name in _RESULTS:
        events.append(MessageToDict(event, preserving_proto_field_name=True))


def _unchanged(
    context: dg.AssetExecutionContext, report: TransformReport | None
) -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
    """What was left as it is is up to date as well, and its checks still pass: without that it would not have been
    remembered as built. It comes first, because nothing that it reads was built.
    """
    if report is None:
        return
    keys = {key.path[-1]: key for key in context.selected_asset_keys}
    for name in report.unchanged:
        yield dg.Output(
            None,
            output_name=context.assets_def.get_output_name_for_asset_key(keys[name]),
            metadata={**_row_count(report, name), "unchanged": True},
        )
    for check in sorted(context.selected_asset_check_keys):
        if check.asset_key.path[-1] in report.unchanged:
            yield dg.AssetCheckResult(
                passed=True, asset_key=check.asset_key, check_name=check.name, metadata={"unchanged": True}
            )


def _row_count(report: TransformReport, name: str) -> dict[str, int]:
    """A view has none: counting would make all that it shows."""
    return {"dagster/row_count": report.row_counts[name]} if name in report.row_counts else {}


def _with_figures(translated: Any, event: Mapping[str, Any], report: TransformReport | None) -> Any:
    """An output with the rows of its model and what else was counted."""
    name = event["data"]["node_info"]["unique_id"].split(".")[-1]
    if report is None or name not in report.row_counts or not isinstance(translated, dg.Output):
        return translated
    figures = {"dagster/row_count": report.row_counts[name], **report.figures.get(name, {})}
    return translated.with_metadata({**translated.metadata, **figures})


def _with_refused(translated: Any, report: TransformReport | None) -> Any:
    """The check of refused values with a line per object, field and rule."""
    if not isinstance(translated, dg.AssetCheckResult) or translated.check_name != _REFUSED or report is None:
        return translated
    lines = [dg.TableRecord(dict(count)) for count in report.refused[:_LINES]]
    figures: dict[str, Any] = {"values": sum(count["value_count"] for count in report.refused)}
    if lines:
        figures["by_field"] = dg.MetadataValue.table(lines)
    return translated.with_metadata({**translated.metadata, **figures})
