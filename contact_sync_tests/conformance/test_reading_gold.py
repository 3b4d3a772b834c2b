"""Gold is read while the warehouse is held: by the command line, and by others as docs/reading_gold.md shows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from contact_sync.lake.published import publish
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import load_settings

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONTACTS = pa.table(
    {
        "person_key": ["per_1", "per_2", "per_3"],
        "email": ["ann@adams.example", "bob@brown.example", None],
        "country": ["Norway", "Norway", "Chile"],
        "has_opted_out_of_email": [False, True, False],
        "company_key": ["com_1", "com_1", None],
        "updated_at": pa.array([NOON] * 3, pa.timestamp("us", "UTC")),
    }
)
ACCOUNTS = pa.table({"company_key": ["com_1"], "name": ["Acme"], "credit_limit": ["500.00"]})
SUMMARY = {"plan_id": "plan_1", "created_at": NOON.isoformat(), "rows": 0, "counts": []}


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An installation with published tables below a directory, its warehouse held by a writer."""
    monkeypatch.setenv("CONTACT_SYNC_HOME", str(tmp_path / ".contact_sync"))
    with closing(Installation(load_settings())) as installation:
        publish(installation.location, "gold", "contact", CONTACTS)
        publish(installation.location, "gold", "account", ACCOUNTS)
        publish(installation.location, "activation", "plan", pa.table({"plan_id": pa.array([], pa.string())}))
        summary = pa.table({"plan_id": ["plan_1"], "summary": [json.dumps(SUMMARY)]})
        publish(installation.location, "activation", "plan_summary", summary)
        with installation.warehouse.session("test") as session:
            session.execute("create table gold.half_written as select 1 as number")
            yield installation


def snippet(repository: Path, title: str) -> str:
    """The program below a title of the page, as it is written."""
    page = (repository / "docs" / "reading_gold.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {title}$.*?^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def run(program: str, python: Path, directory: Path) -> str:
    """What a program prints, run in a directory; it must not wait for the warehouse."""
    done = subprocess.run(
        [python, "-c", program], cwd=directory, capture_output=True, text=True, check=False, timeout=60
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_the_command_line_reads_without_the_warehouse(held: Installation, tmp_path: Path) -> None:
    """Another process shows the current plan while a writer is in the middle of a transaction."""
    program = "from contact_sync.cli.start import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", program, "status", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 0 == done.returncode, done.stderr
    assert "plan_1" == json.loads(done.stdout)["plan"]["plan_id"]


def test_pandas_reads_gold_as_the_documentation_shows(held: Installation, tmp_path: Path, repository: Path) -> None:
    """The program of the page, as it is written, while the warehouse is held."""
    printed = run(snippet(repository, "pandas"), Path(sys.executable), tmp_path)

    assert [["Acme", "2"], ["NaN", "1"]] == [line.split() for line in printed.splitlines()[1:3]]


def test_polars_reads_gold_as_the_documentation_shows(
    held: Installation, tmp_path: Path, repository: Path, client: Callable[[str], Path]
) -> None:
    """The same in an environment that has polars and deltalake only."""
    printed = run(snippet(repository, "polars"), client("polars") / "bin" / "python", tmp_path)

    assert re.search(r"Norway\s+┆ 1", printed), printed
    assert "Chile" not in printed
