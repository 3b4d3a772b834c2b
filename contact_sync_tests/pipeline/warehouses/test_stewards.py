"""What stewards see and decide is the same with everything in PostgreSQL: warehouse and operational database."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from contact_sync.pipeline.decisions import decide, judgement
from contact_sync.pipeline.review import list_candidates
from contact_sync.pipeline.why import explain
from contact_sync.simulator.postgres import PostgresServer
from contact_sync.state.decisions import Verdict
from contact_sync_tests.lake_databases import new_database
from contact_sync_tests.unit.pipeline.stewards_bench import ANN, BOBBY, EVE, StewardsBench

pytestmark = pytest.mark.postgres
ERP = "erp__contact/main/1"


def work() -> list[object]:
    """Two resolutions with decisions between them, and what is seen after each; times left out."""
    bench = StewardsBench()
    try:
        bench.records[ERP] = {"first_name": "Eva", "last_name": "Poe"}
        bench.weak_keys = [(EVE, "name", "2"), (ERP, "name", "2")]
        seen: list[object] = [bench.resolve(), *list_candidates(bench.installation, bench.entity)]
        for verdict, one, other in ((Verdict.SAME, ANN, BOBBY), (Verdict.DIFFERENT, ERP, EVE)):
            said = judgement(bench.installation, bench.entity, verdict, one, other, steward="Ann")
            decide(bench.installation, [said])
        seen += [bench.resolve(), bench.resolve(), *list_candidates(bench.installation, bench.entity)]
        found = explain(bench.installation, bench.entity, BOBBY)
        events = [(one["kind"], one["key"], one["other_key"], one["record_count"]) for one in found.events]
        return [*seen, found.key, found.records, found.evidence, found.waiting, events]
    finally:
        bench.installation.close()


def test_stewards_see_the_same_in_postgresql(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolutions, candidates with their versions, and the explanation of a person."""
    expected = work()
    with new_database(postgres) as warehouse, new_database(postgres) as state, monkeypatch.context() as patch:
        parts = urlsplit(warehouse)
        patch.setenv("CONTACT_SYNC_WAREHOUSE", warehouse.replace(f":{parts.password}@", "@", 1))
        patch.setenv("CONTACT_SYNC_WAREHOUSE_LOGIN__PASSWORD", str(parts.password))
        patch.setenv("CONTACT_SYNC_STATE", state.replace("postgresql://", "postgresql+psycopg://", 1))

        assert expected == work()
