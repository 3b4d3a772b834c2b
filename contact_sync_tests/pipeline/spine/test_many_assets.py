"""A catalog of hundreds of objects, found by a wildcard, is a graph that Dagster loads without asking anybody."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import dagster as dg
import pytest

from contact_sync.assets.bronze_checks import check_specs
from contact_sync.catalog.lock import LockedObject, LockedSource, write_lock
from contact_sync.definitions import build_defs
from contact_sync.pipeline.installation import Installation

TYPES = [f"Generated_{number:03}__c" for number in range(300)]
INSTANCES = ("amer", "apac", "emea")


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path, parsed_dbt: Path) -> Installation:
    """Three orgs that do not answer, and a lock that says what they have."""
    catalog = tmp_path / "catalog"
    ignored = shutil.ignore_patterns("*.py", "__pycache__")
    shutil.copytree(repository / "contact_sync" / "catalog", catalog, ignore=ignored)
    with (catalog / "salesforce.yaml").open("a", encoding="utf-8") as file:
        file.write('  - {object: "*"}\n')
    objects = [LockedObject(object=name, key="Id", cursor="SystemModstamp", instances=INSTANCES) for name in TYPES]
    write_lock(catalog, {"salesforce": LockedSource(objects=tuple(objects))})
    monkeypatch.setenv("CONTACT_SYNC_CATALOG", str(catalog))
    for instance in INSTANCES:
        for name, value in (("URL", "http://127.0.0.1:9"), ("CLIENT_ID", "id"), ("CLIENT_SECRET", "secret")):
            monkeypatch.setenv(f"CONTACT_SYNC_SALESFORCE__{instance.upper()}__{name}", value)
    installation = Installation.from_environment()
    shutil.copytree(parsed_dbt, installation.dbt.target_path)
    return installation


def test_three_hundred_object_types_load_without_a_network(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every object of the lock is an asset with its checks and its promise, and part of the refresh."""
    asked: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: asked.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *address, **_: asked.append(address))

    defs = build_defs(installation)
    dg.Definitions.validate_loadable(defs)
    graph = defs.resolve_asset_graph()

    keys = {dg.AssetKey(["bronze", f"salesforce__{name.lower()}"]) for name in TYPES}
    assert len(TYPES) == len(keys & graph.get_all_asset_keys())
    checks = {check.key for key in keys for check in check_specs(key)}
    assert checks == {check for check in graph.asset_check_keys if check.asset_key in keys}
    assert all(graph.get(key).freshness_policy is not None for key in keys)
    assert keys <= set(defs.resolve_job_def("refresh").asset_layer.executable_asset_keys)
    assert {INSTANCES} == {installation.instances_of(installation.object(key.path[-1])) for key in keys}
    assert [] == asked
