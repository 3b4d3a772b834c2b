"""What the checks of a bronze asset say of extractions whose counts differ, or whose fields have changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from contact_sync.assets.bronze_checks import COUNTED, NOTHING_HIDDEN, SCHEMA_KNOWN, check_results
from contact_sync.extraction.report import ExtractionReport
from contact_sync.state.schemas import SchemaVersion
from contact_sync_tests.unit.extraction.memory_source import NOON
from contact_sync_tests.unit.pipeline.memory_installation import MemoryInstallation

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
FIELD = {"type": "string", "length": 80, "precision": 0, "scale": 0}


@pytest.fixture
def installation(tmp_path: Path, parsed_dbt: Path) -> Iterator[MemoryInstallation]:
    """Two orgs with contacts."""
    with closing(MemoryInstallation.of(tmp_path, {"core": None, "emea": None}, "Contact")) as made:
        shutil.copytree(parsed_dbt, made.dbt.target_path)
        yield made


def report(instance: str, **values: Any) -> ExtractionReport:
    """An extraction of some rows."""
    known = {"batch_id": "b", "purpose": "refresh", "seconds": 1.0, "peak_rss_mb": 100, "watermark": NOON}
    return ExtractionReport(object_name="crm__contact", instance=instance, **{**known, **values})


def found(
    installation: MemoryInstallation, *reports: ExtractionReport
) -> dict[str | None, tuple[bool, dg.AssetCheckSeverity, dict[str, Any]]]:
    """Check -> whether it passed, how bad it is if not, and what it says."""
    item = installation.objects["crm__contact"]
    results = check_results(installation, item, dg.AssetKey(["bronze", item.name]), reports, ())
    return {
        one.check_name: (one.passed, one.severity, {name: text.value for name, text in one.metadata.items()})
        for one in results
    }


def test_rows_that_were_declared_and_not_read_are_an_error(installation: MemoryInstallation) -> None:
    """Both sides are told for each instance, whether they agree or not."""
    whole = report("core", rows_read=3, declared_rows=3)
    short = report("emea", rows_read=3, declared_rows=4)

    assert (True, ERROR, {"core": "3 of 3"}) == found(installation, whole)[COUNTED]
    assert (False, ERROR, {"core": "3 of 3", "emea": "3 of 4"}) == found(installation, whole, short)[COUNTED]


def test_a_hidden_field_is_an_error_and_a_changed_schema_a_warning(installation: MemoryInstallation) -> None:
    """The hidden field stays an error for as long as it is hidden; other changes are told by the run that sees them."""
    gone = {"Email": "hidden", "Fax": "removed"}
    installation.schemas.add(
        "crm__contact", "emea", SchemaVersion(version=1, noted_at=NOON, fields={"Id": FIELD}, gone=gone)
    )
    seen = report("emea", schema={"added": ("Nickname",), "removed": ("Fax",)})

    first, later = found(installation, seen), found(installation, report("emea"))

    assert (False, ERROR, {"emea": "Email"}) == first[NOTHING_HIDDEN] == later[NOTHING_HIDDEN]
    assert (False, WARN, {"emea": "added: Nickname; removed: Fax"}) == first[SCHEMA_KNOWN]
    assert (True, WARN, {}) == later[SCHEMA_KNOWN]
