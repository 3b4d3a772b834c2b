"""An installation that waits for `contact-sync apply`: its lake holds a plan, as `contact-sync plan` leaves it.

Does not belong here: measuring.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from contact_sync.lake.published import publish, publish_file
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import Settings
from contact_sync.sync.plan import StageCount, fields_of

ENVIRONMENT: Final = {
    "CONTACT_SYNC_SALESFORCE__CORE__KIND": "simulator",
    "CONTACT_SYNC_SALESFORCE__CORE__CLIENT_ID": "key",
    "CONTACT_SYNC_SALESFORCE__CORE__CLIENT_SECRET": "secret",
}


def environment(home: Path, url: str) -> dict[str, str]:
    """What names the installation and its one org."""
    return {**ENVIRONMENT, "CONTACT_SYNC_HOME": str(home), "CONTACT_SYNC_SALESFORCE__CORE__URL": url}


def publish_plan(home: Path, plan: Path) -> None:
    """Publish creates of contacts, made when nothing of the org had been read, and parse the dbt project once."""
    installation = Installation(Settings(home=home))
    rows = pq.read_metadata(plan).num_rows
    count = StageCount(entity="contact", stage="create", planned=rows, held=0, target_records=10 * rows)
    targets = (entity.target for entity in installation.catalog.entities.values())
    summary = {
        "plan_id": "plan",
        "rows": rows,
        "counts": [asdict(count)],
        "basis": {f"{target.object}/{target.instance}": 0 for target in targets},
        "fields": fields_of(installation.catalog),
    }
    publish_file(installation.location, "activation", "plan", plan)
    columns = {"plan_id": ["plan"], "summary": [json.dumps(summary)]}
    publish(installation.location, "activation", "plan_summary", pa.table(columns))
    installation.dbt.manifest()
