"""What holds for every test: no settings and no telemetry from outside, and how hard Hypothesis looks.

Fixtures that one directory needs live in that directory's conftest.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

# dev: quick and different every time. ci: slow and reproducible; `make test-deep` asks for it.
settings.register_profile("dev", max_examples=50, deadline=timedelta(seconds=2))
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
def parsed_dbt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dbt project parsed once, to be copied into each installation that builds models."""
    from contact_sync.settings import load_settings  # noqa: PLC0415 -- unit tests do without
    from contact_sync.warehouse.transform import DbtProject  # noqa: PLC0415 -- as above

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTACT_SYNC_HOME", str(tmp_path_factory.mktemp("parsed")))
        project = DbtProject(load_settings())
        project.manifest()
        return project.target_path
