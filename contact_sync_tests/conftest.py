"""What holds for every test: no settings and no telemetry from outside, and how hard Hypothesis looks.

Fixtures that one directory needs live in that directory's conftest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling

    from contact_sync.simulator.postgres import PostgresServer

TESTS = Path(__file__).resolve().parent
REPOSITORY = TESTS.parent
QUICK = [TESTS / "unit", TESTS / "contracts"]
WHOLE_STEPS = [
    TESTS / "unit" / "pipeline",
    TESTS / "unit" / "extraction" / "test_upkeep.py",
    TESTS / "unit" / "identity" / "test_parts.py",
    TESTS / "unit" / "identity" / "test_resolve.py",
    TESTS / "unit" / "identity" / "test_resolving_changes.py",
]
"""Unit tests that open warehouses and read clocks, which takes minutes."""
LONG = {"spine", "activation", "faults", "commands", "warehouses", "identity"}
"""Directories whose files take the longest."""
SHARED = {"activation", "warehouses"}
"""Directories whose files share one costly world."""

# dev: quick and different every time. ci: slow and reproducible; `make test-deep` asks for it.
settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile(
    "ci",
    max_examples=500,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("dev")

# Before anything is imported that reads them, and inherited by every server that a test starts: no telemetry, and none
# of the developer's own settings.
os.environ |= {"DAGSTER_DISABLE_TELEMETRY": "yes", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
for variable in [name for name in os.environ if name.startswith("CONTACT_SYNC_") or name == "DAGSTER_HOME"]:
    del os.environ[variable]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The directory of the checkout."""
    return REPOSITORY


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Put whatever a test keeps on disk by default below its own directory, not below the checkout."""
    monkeypatch.setenv("CONTACT_SYNC_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of PostgreSQL, for tests that make a database of their own in it."""
    from contact_sync_tests.lake_databases import running_server  # noqa: PLC0415 -- most tests do without a server

    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def parsed_dbt(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dbt project parsed, to be copied into each installation that builds models: parsed once for all workers and
    runs, and again when one of its files has changed.
    """
    from contact_sync.settings import load_settings  # noqa: PLC0415 -- unit tests do without
    from contact_sync.warehouse.lock import exclusive  # noqa: PLC0415 -- as above
    from contact_sync.warehouse.transform import DbtProject  # noqa: PLC0415 -- as above

    kept = pytestconfig.cache.mkdir("dbt") / _content_hash(REPOSITORY / "dbt_project", REPOSITORY / "requirements.lock")
    with exclusive(kept.parent / "parsing.lock", purpose="tests"), pytest.MonkeyPatch.context() as patch:
        if not kept.exists():
            patch.setenv("CONTACT_SYNC_HOME", str(tmp_path_factory.mktemp("parsed")))
            project = DbtProject(load_settings())
            project.manifest()
            shutil.copytree(project.target_path, kept.with_suffix(".new"), dirs_exist_ok=True)
            kept.with_suffix(".new").rename(kept)
    # Newer than every file of a checkout, as if it had just been parsed.
    for path in kept.iterdir():
        path.touch()
    return kept


def _content_hash(*paths: Path) -> str:
    """A hash of files, and of all files below directories, by name and content."""
    files = sorted(file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(REPOSITORY)} {file.stat().st_size}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is quick. The longest files come first, so that no worker is left alone with one of them at the end."""
    for item in items:
        if _is_quick(item):
            item.add_marker(pytest.mark.quick)
    items.sort(key=lambda item: not LONG.intersection(item.path.parts))


def _is_quick(item: pytest.Item) -> bool:
    """Tests of single modules without a server."""
    is_whole = any(item.path.is_relative_to(path) for path in WHOLE_STEPS)
    is_slow = any(item.get_closest_marker(name) for name in ("deep", "postgres"))
    needs_server = "postgres" in getattr(item, "fixturenames", ())
    return not (is_whole or is_slow or needs_server) and any(item.path.is_relative_to(path) for path in QUICK)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """A file runs on one worker, and so do all files of a directory that shares one costly world."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 -- runs without workers do without

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.split("::", 1)[0])
            return str(file.parent if file.parent.name in SHARED else file)

    return ByFile(config, log)
