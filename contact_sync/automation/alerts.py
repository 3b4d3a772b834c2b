"""Tells people: a failed run, a late object, a broken contract; each once, in the log and to a webhook.

A late object also fails its asset check `on_time`, and passes it again when it has caught up. Does not belong here:
what counts as late (pipeline/lateness.py).
"""

import logging
from typing import Final

import dagster as dg
import httpx

from contact_sync.assets.bronze_checks import ON_TIME
from contact_sync.automation.sensors import is_branch
from contact_sync.lake.published import is_published, read_published
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.lateness import Lateness, lateness
from contact_sync.settings import Alert
from contact_sync.state.alerts import AlertLedger

LATE: Final = "late"
BROKEN: Final = "contract"
_TIMEOUT_SECONDS: Final = 5.0


def alert_sensors(installation: Installation) -> list[dg.SensorDefinition]:
    """The sensors that tell people; a branch deployment has them stopped."""
    status = dg.DefaultSensorStatus.STOPPED if is_branch(installation) else dg.DefaultSensorStatus.RUNNING
    return [_run_failure_sensor(status), _lateness_sensor(status), _contract_sensor(status)]


def send(alert: Alert, log: logging.Logger, *, title: str, text: str) -> None:
    """Log an alert and post it to the webhook; a webhook that does not answer is logged, never an error."""
    log.error("ALERT %s: %s", title, text)
    if alert.webhook_url is None:
        return
    try:
        body = {"title": title, "text": text}
        httpx.post(alert.webhook_url.get_secret_value(), json=body, timeout=_TIMEOUT_SECONDS).raise_for_status()
    except httpx.HTTPError as error:
        log.warning("The alert webhook did not take the alert (%s).", type(error).__name__)


def _run_failure_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="run_failed",
        default_status=status,
        description="Tells of each failed run.",
    )
    def run_failed(context: dg.RunFailureSensorContext, installation: dg.ResourceParam[Installation]) -> None:
        run = context.dagster_run
        problems = [
            event.step_failure_data.error.message
            for event in context.get_step_failure_events()
            if event.step_failure_data.error is not None
        ]
        text = "; ".join(problem.strip() for problem in problems) or context.failure_event.message or "no message"
        send(
            installation.settings.alert, context.log, title=f"run {run.run_id[:8]} of {run.job_name} failed", text=text
        )

    return run_failed


def _lateness_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    @dg.sensor(
        name="late_objects",
        default_status=status,
        minimum_interval_seconds=15,
        description="Fails the check of each object that is later than promised, and tells of it once.",
    )
    def late_objects(
        context: dg.SensorEvaluationContext, installation: dg.ResourceParam[Installation]
    ) -> dg.SkipReason:
        entries = [entry for entry in lateness(installation) if entry.age is not None]
        late = {_subject(entry): entry for entry in entries if entry.is_late}
        raised, ended = AlertLedger(installation.state).update(LATE, set(late))
        for subject in sorted(raised):
            send(installation.settings.alert, context.log, title=f"{subject} is late", text=_text(late[subject]))
        for name in sorted({subject.split("/")[0] for subject in raised | ended}):
            _report(context.instance, name, [entry for entry in late.values() if entry.object_name == name])
        return dg.SkipReason(f"{len(late)} objects are late.")

    return late_objects


def _contract_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    @dg.sensor(
        name="broken_contracts",
        default_status=status,
        minimum_interval_seconds=30,
        description="Tells once of each object that breaks a rule of severity error, or whose schema holds it back.",
    )
    def broken_contracts(
        context: dg.SensorEvaluationContext, installation: dg.ResourceParam[Installation]
    ) -> dg.SkipReason:
        broken = _broken(installation)
        raised, _ = AlertLedger(installation.state).update(BROKEN, set(broken))
        for name in sorted(raised):
            send(installation.settings.alert, context.log, title=f"{name} breaks its contract", text=broken[name])
        return dg.SkipReason(f"{len(broken)} objects break their contract.")

    return broken_contracts


def _broken(installation: Installation) -> dict[str, str]:
    """Object -> the broken rules of its instances, of those that break one of severity error."""
    if not is_published(installation.location, "gold", "data_quality"):
        return {}
    found: dict[str, list[str]] = {}
    for row in read_published(installation.location, "gold", "data_quality").to_pylist():
        if row["error_count"]:
            found.setdefault(row["object_name"], []).append(f"{row['instance']}: {row['failing_rules']}")
    return {name: f"{'; '.join(sorted(parts))}. See `contact-sync quality`." for name, parts in found.items()}


def _subject(entry: Lateness) -> str:
    return f"{entry.object_name}/{entry.instance}"


def _text(entry: Lateness) -> str:
    minutes = entry.age.total_seconds() / 60 if entry.age else 0
    return (
        f"Instance {entry.instance} was last read {minutes:.1f} minutes ago, promised are "
        f"{entry.promise.total_seconds() / 60:.1f}. Look at its last run, and at `contact-sync doctor`."
    )


def _report(instance: dg.DagsterInstance, name: str, late: list[Lateness]) -> None:
    """Write the check's new state without a run."""
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(["bronze", name]),
            check_name=ON_TIME,
            passed=not late,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"late_instances": ", ".join(entry.instance for entry in late) or "none"},
        )
    )
