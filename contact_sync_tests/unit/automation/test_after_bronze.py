"""A refresh takes what comes from the bronze that it reads, and what an earlier one left behind."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from contact_sync.automation.after_bronze import AfterBronze

DEAL, PERSON = (dg.AssetKey(["bronze", name]) for name in ("deal", "person"))
KEYS = [
    dg.AssetKey(name.split("/")) for name in ("silver/kind", "silver/deal", "silver/person", "gold/deal", "gold/person")
]
KIND, SILVER_DEAL, SILVER_PERSON, GOLD_DEAL, GOLD_PERSON = KEYS
LEFT_OUT = dg.AssetKey("proof")


def asset(key: dg.AssetKey, *parents: dg.AssetKey) -> dg.AssetsDefinition:
    """An asset that reads others."""

    @dg.asset(key=key, deps=parents)
    def made() -> None:
        pass

    return made


@dg.multi_asset(
    specs=[dg.AssetSpec(GOLD_DEAL, deps=[SILVER_DEAL]), dg.AssetSpec(GOLD_PERSON, deps=[SILVER_PERSON])],
    can_subset=True,
)
def gold() -> Iterator[dg.MaterializeResult[None]]:
    """Assets of which a run may take any."""
    yield from ()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An event log in which everything was made once, bronze first."""
    with dg.DagsterInstance.ephemeral() as made:
        for key in (DEAL, PERSON, *KEYS):
            made.report_runless_asset_event(dg.AssetMaterialization(key))
        yield made


@pytest.fixture
def after_bronze() -> AfterBronze:
    """Two objects, and a seed that deals read."""
    silver = [asset(KIND), asset(SILVER_DEAL, DEAL, KIND), asset(SILVER_PERSON, PERSON)]
    return AfterBronze.of([*silver, gold, asset(LEFT_OUT, GOLD_DEAL)], left_out=LEFT_OUT)


def test_what_comes_from_what_is_read_is_taken_with_its_seeds(
    after_bronze: AfterBronze, instance: dg.DagsterInstance
) -> None:
    """Nothing else, and for nothing read nothing."""
    assert [SILVER_PERSON, GOLD_PERSON] == after_bronze.behind(instance, [PERSON])
    assert {KIND, SILVER_DEAL, GOLD_DEAL} == set(after_bronze.behind(instance, [DEAL]))
    assert set(KEYS) == set(after_bronze.everything) == set(after_bronze.behind(instance, [DEAL, PERSON]))
    assert [] == after_bronze.behind(instance, [])


def test_what_a_run_left_undone_is_taken_until_it_is_made(
    after_bronze: AfterBronze, instance: dg.DagsterInstance
) -> None:
    """A run that ended after silver, or read bronze only, leaves assets older than their bronze."""
    for key, left in ((DEAL, {KIND, SILVER_DEAL, GOLD_DEAL}), (SILVER_DEAL, {GOLD_DEAL}), (GOLD_DEAL, set())):
        instance.report_runless_asset_event(dg.AssetMaterialization(key))
        assert left == set(after_bronze.behind(instance, []))
        assert left | {SILVER_PERSON, GOLD_PERSON} == set(after_bronze.behind(instance, [PERSON]))


def test_what_was_never_made_is_taken_once_its_bronze_was_read(after_bronze: AfterBronze) -> None:
    """Whoever read it."""
    with dg.DagsterInstance.ephemeral() as instance:
        assert [] == after_bronze.behind(instance, [])
        instance.report_runless_asset_event(dg.AssetMaterialization(PERSON))
        assert [SILVER_PERSON, GOLD_PERSON] == after_bronze.behind(instance, [])


def test_what_is_made_together_is_taken_together(instance: dg.DagsterInstance) -> None:
    """All or none of the assets of a step that makes no selection."""

    @dg.multi_asset(specs=[dg.AssetSpec(SILVER_DEAL, deps=[DEAL]), dg.AssetSpec(SILVER_PERSON, deps=[PERSON])])
    def links() -> Iterator[dg.MaterializeResult[None]]:
        yield from ()

    together = AfterBronze.of([links, gold], left_out=LEFT_OUT)

    assert {SILVER_DEAL, SILVER_PERSON, GOLD_PERSON} == set(together.behind(instance, [PERSON]))
