"""Batches of contacts put into bronze by hand, for tests that watch what a build of silver makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from contact_sync.lake.bronze import LINEAGE
from contact_sync.pipeline.installation import Installation

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONTACT = "salesforce__contact"


def publish(
    installation: Installation, extracted_at: datetime, *records: dict[str, Any], object_name: str = CONTACT
) -> None:
    """Publish a batch of contacts, or of another object, that was extracted at a time."""
    table = installation.bronze(object_name)
    sequence = table.position("core").sequence + 1
    lineage = {"_batch_id": f"batch-{sequence}", "_sequence": sequence, "_extracted_at": extracted_at}
    own = sorted({name for one in records for name in one if not name.startswith("_")})
    schema = pa.schema([*((name, pa.string()) for name in own), *LINEAGE])
    rows = [
        {
            **lineage,
            "_version_at": extracted_at - timedelta(minutes=1),
            "_is_deleted": False,
            "_row_hash": f"{sequence}-{one['_record_id']}",
            **one,
        }
        for one in records
    ]
    stage = table.stage({"_instance": "core", "_month": f"{extracted_at:%Y-%m}"})
    page = stage.write(pa.Table.from_pylist(rows, schema=schema), file_name=f"page-{sequence}")
    table.publish("core", f"batch-{sequence}", sequence, [page])
