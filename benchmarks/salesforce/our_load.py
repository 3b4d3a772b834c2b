"""Applies a plan of creates as `contact-sync apply` does, from a Parquet file of plan rows: ledger, checks and all.

Run by `as_command.py`.
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contact_sync.catalog import load_catalog
from contact_sync.connectors.salesforce import SalesforceTarget
from contact_sync.lake.published import spooled
from contact_sync.settings import SalesforceInstance, Settings
from contact_sync.state.database import StateDatabase
from contact_sync.state.writes import WriteLedger
from contact_sync.sync.apply import Applier
from contact_sync.sync.plan import StageCount
from contact_sync.sync.planned_rows import columns_to_apply


def main(url: str, plan: Path, state: Path) -> None:
    """Apply all rows."""
    instance = SalesforceInstance.model_validate(
        {"url": url, "kind": "simulator", "client_id": "key", "client_secret": "secret"}
    )
    catalog = load_catalog(Settings().catalog_path)
    with (
        closing(SalesforceTarget("core", instance)) as target,
        closing(StateDatabase(f"sqlite:///{state}")) as database,
    ):
        applier = Applier(
            target=target,
            instance="core",
            ledger=WriteLedger(database),
            entities=catalog.entities,
            objects=catalog.objects,
        )
        rows = pq.read_metadata(plan).num_rows
        count = StageCount(entity="contact", stage="create", planned=rows, held=0, target_records=0)
        columns = columns_to_apply(catalog.entities, [count])
        report = applier.apply((pa.Table.from_batches([batch]) for batch in spooled(plan, columns)), "plan")
    print(json.dumps({stage.stage: [stage.planned, stage.written, stage.refused] for stage in report.stages}))
