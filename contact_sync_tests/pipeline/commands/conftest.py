"""Two orgs and the settings that lead to them, for whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contact_sync.connectors.retry import Retry
from contact_sync_tests.pipeline.commands.two_orgs import Orgs, running_orgs, settings, wildcard_catalog


@pytest.fixture
def orgs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orgs]:
    """Two orgs, the settings that lead to them, and a catalog with a wildcard."""
    monkeypatch.setattr(Retry, "delay", lambda _retry, _attempt: 0.01)
    monkeypatch.setenv("CONTACT_SYNC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CONTACT_SYNC_CATALOG", str(wildcard_catalog(tmp_path / "catalog")))
    with running_orgs(tmp_path) as made:
        for name, value in settings(made).items():
            monkeypatch.setenv(name, value)
        yield made
