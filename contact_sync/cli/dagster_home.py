"""The Dagster instance of an installation: its home directory and dagster.yaml, written when missing."""

from __future__ import annotations

import os
from typing import Final

from contact_sync.settings import Settings

CONFIGURATION: Final = """\
# Written by contact-sync when missing; edit it freely.
telemetry: {enabled: false}
nux: {enabled: false}
# One machine: runs start at once from a warm process. A cluster takes a queue and its own launcher instead.
run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}
run_launcher: {module: contact_sync.automation.launcher, class: WarmRunLauncher}
event_log_storage:
  module: contact_sync.automation.event_log
  class: EventLogStorage
  config: {home: {env: DAGSTER_HOME}}
concurrency:
  pools: {default_limit: 1, granularity: op}
run_monitoring:
  enabled: true
  poll_interval_seconds: 15
  start_timeout_seconds: 180
  max_runtime_seconds: 7200
  free_slots_after_run_end_seconds: 60
sensors: {use_threads: true, num_workers: 4}
retention:
  sensor: {purge_after_days: {skipped: 1, failure: 30, success: 30}}
  schedule: {purge_after_days: 90}
"""


def prepare_dagster_home(settings: Settings) -> None:
    """Make this installation's DAGSTER_HOME, and use it in this process and its children unless another is set."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    path = settings.dagster_home / "dagster.yaml"
    if not path.exists():
        path.write_text(CONFIGURATION, encoding="utf-8")
    os.environ.setdefault("DAGSTER_HOME", str(settings.dagster_home))
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")
