"""A disk that is full while the warehouse is built: one of our errors, nothing half-merged, and then it goes on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from contact_sync.errors import ContactSyncError, StorageError, TransformError, WarehouseError
from contact_sync.pipeline import steps
from contact_sync.pipeline.bronze import extract
from contact_sync.pipeline.installation import Installation
from contact_sync.simulator import World
from contact_sync.warehouse.windows import processed_sequences

SIZES_MB = (1, 8, 32, 256)


def test_a_full_disk_stops_the_warehouse_cleanly(
    tmp_path: Path, small_disk: Path, parsed_dbt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each size that is too small the steps end with one of our errors; at one that is enough all rows arrive."""
    with World.start(tmp_path / "world", contacts=150, accounts=30, instances=("core",), objects=False) as world:
        own = {
            "CONTACT_SYNC_WAREHOUSE": str(small_disk / "warehouse.duckdb"),
            "CONTACT_SYNC_HOME": str(tmp_path / "home"),
        }
        for name, value in (world.settings() | own).items():
            monkeypatch.setenv(name, value)
        installation = Installation.from_environment()
        for item in installation.catalog.objects.values():
            for instance in installation.instances_of(item):
                extract(installation, item.name, instance)
        shutil.copytree(parsed_dbt, installation.dbt.target_path)

        failures = [error for size in SIZES_MB if (error := attempt(installation, small_disk, size)) is not None]

        assert failures
        assert all(isinstance(error, StorageError | TransformError | WarehouseError) for error in failures)
        assert any("no space left" in str(error).lower() for error in failures), [str(error) for error in failures]
        bronze = installation.bronze("salesforce__contact")
        with installation.warehouse.session("test") as session:
            assert bronze.delta.count() == session.scalar("select count(*) from silver.salesforce__contact")
            assert bronze.sequences()["core"] == processed_sequences(session)["salesforce__contact", "core"]
            live = session.scalar("select count(*) from silver.contact_record")
            assert live == session.scalar("select sum(record_count) from gold.contact")
        installation.close()


def attempt(installation: Installation, disk: Path, size_mb: int) -> ContactSyncError | None:
    """Build everything with this much room; the error it ends with, if it does."""
    subprocess.run(["mount", "-o", f"remount,size={size_mb}m", str(disk)], check=True)
    try:
        steps.build_silver(installation)
        steps.score_pairs(installation)
        steps.resolve_identities(installation)
        steps.build_gold(installation)
    except ContactSyncError as error:
        return error
    return None
