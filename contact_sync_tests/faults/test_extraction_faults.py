"""An extraction that dies anywhere, is overtaken, or races: after one more run bronze is what it should be."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contact_sync.errors import RequestRefusedError, SourceUnreachableError, StaleCommitError
from contact_sync.extraction import batch as batch_module
from contact_sync.extraction.select import REFRESH
from contact_sync.lake.delta import DeltaBronzeTable
from contact_sync.lake.stage import DeltaStage
from contact_sync.state import batches
from contact_sync.state.batches import Batch, BatchLedger
from contact_sync_tests.faults.effects import Effects, Killed
from contact_sync_tests.unit.extraction.memory_source import NOON, Bench, MemorySource, record

PAGES = 3
EFFECTS = ["open", *["write", "add_page"] * PAGES, "still_held", "publish", "finish"]
ONE_PAGE = ["open", "write", "add_page", "still_held", "publish", "finish"]


def source() -> MemorySource:
    """Six records in three pages."""
    made = MemorySource(page_rows=2)
    made.put(*(record(number, NOON - timedelta(minutes=number + 1), Name=f"n{number}") for number in range(6)))
    return made


def watch(effects: Effects, patch: pytest.MonkeyPatch) -> None:
    """Count everything an extraction does outside its own memory."""
    for name in ("open", "add_page", "still_held", "finish"):
        effects.watch(BatchLedger, name, patch)
    effects.watch(DeltaStage, "write", patch)
    effects.watch(DeltaBronzeTable, "publish", patch)


def kill(bench: Bench, crm: MemorySource, fatal: int, *, is_after: bool = False, instance: str = "core") -> None:
    """Let an extraction die at its effect number `fatal`."""
    with pytest.MonkeyPatch.context() as patch:
        watch(Effects(fatal=fatal, is_after=is_after), patch)
        with pytest.raises(Killed):
            bench.run(crm, instance=instance)


@pytest.fixture(scope="module")
def faultless(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Bronze after a run without a fault."""
    with closing(Bench(tmp_path_factory.mktemp("faultless"))) as bench:
        bench.run(source())
        return bench.rows()


def test_the_effects_are_all_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extraction has exactly these effects in this order; the loop below tries each."""
    effects = Effects()
    watch(effects, monkeypatch)
    with closing(Bench(tmp_path)) as bench:
        bench.run(source())

    assert EFFECTS == effects.names


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fatal", range(1, len(EFFECTS) + 1))
def test_killed_anywhere_one_more_run_repairs(
    tmp_path: Path, faultless: list[dict[str, Any]], fatal: int, is_after: bool
) -> None:
    """Killed before or after the Nth effect: nothing half is visible, and a rerun gives the faultless bronze."""
    crm = source()
    with closing(Bench(tmp_path)) as bench:
        kill(bench, crm, fatal, is_after=is_after)
        assert bench.rows() in ([], faultless)
        interrupted = bench.states()
        batches = {row["_batch_id"] for row in bench.rows("_batch_id")}

        report = bench.run(crm)

        assert faultless == bench.rows()
        assert ("open" in interrupted, "open" not in bench.states()) == (report.is_resumed, True)
        # What was published is not published again, and what was staged is not read again.
        assert not batches or batches == {row["_batch_id"] for row in bench.rows("_batch_id")}


def test_a_resumed_batch_continues_after_its_last_page(tmp_path: Path, faultless: list[dict[str, Any]]) -> None:
    """Killed after two pages: the same batch id goes on with the third page, and reads nothing twice."""
    crm = source()
    with closing(Bench(tmp_path)) as bench:
        kill(bench, crm, EFFECTS.index("still_held") - 1)
        window, _ = crm.reads[0]
        bench.later(hours=1)
        first = bench.ledger.take_over("crm__contact", "core", REFRESH)

        bench.run(crm)

        assert [4, None] == [resume and resume["rows"] for _, resume in crm.reads[1:]]
        assert first is not None
        assert (window, {first.batch_id}) == (crm.reads[1][0], {row["_batch_id"] for row in bench.rows("_batch_id")})
        assert {"published", "empty"} == set(bench.states())
        assert faultless == bench.rows()
        assert NOON - timedelta(minutes=1) == bench.ledger.reading("crm__contact", "core").newest_version_at


@pytest.mark.parametrize("is_far_behind", [False, True])
def test_a_zombie_cannot_publish(tmp_path: Path, faultless: list[dict[str, Any]], is_far_behind: bool) -> None:
    """A run whose batch was published by a successor, and perhaps the next one too, changes nothing and says so."""
    crm = source()
    with closing(Bench(tmp_path)) as bench:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BatchLedger, "still_held", lambda *_: None)
            real = DeltaBronzeTable.publish

            def overtaken(table: DeltaBronzeTable, *arguments: Any) -> None:
                """The successor does the whole work while the zombie sleeps."""
                patch.setattr(DeltaBronzeTable, "publish", real)
                with closing(Bench(tmp_path, now=NOON + timedelta(minutes=1))) as successor:
                    successor.run(crm)
                    if is_far_behind:
                        crm.put(record("new", NOON))
                        assert 1 == successor.run(crm).rows_new
                real(table, *arguments)

            patch.setattr(DeltaBronzeTable, "publish", overtaken)
            with pytest.raises(StaleCommitError):
                bench.run(crm)

        assert faultless == [row for row in bench.rows() if row["_record_id"] != "new"]
        assert "open" not in bench.states()
        bench.table.maintain()
        assert len(faultless) + is_far_behind == len(bench.rows())


def test_a_zombie_stages_no_page(tmp_path: Path, faultless: list[dict[str, Any]]) -> None:
    """A run that is taken over while it reads stops at its next page."""
    crm = source()
    with closing(Bench(tmp_path)) as bench:
        with pytest.MonkeyPatch.context() as patch:
            real = DeltaStage.write

            def overtaken(*arguments: Any, **options: Any) -> Any:
                bench.ledger.take_over("crm__contact", "core", REFRESH)
                return real(*arguments, **options)

            patch.setattr(DeltaStage, "write", overtaken)
            with pytest.raises(StaleCommitError, match="taken over"):
                bench.run(crm)
        assert [] == bench.rows()

        bench.run(crm)
        assert faultless == bench.rows()


def test_a_failing_zombie_leaves_its_successor_alone(tmp_path: Path, faultless: list[dict[str, Any]]) -> None:
    """A run that is taken over and then refused does not abandon the batch, which is not its own any more."""
    crm = source()

    class Overtaken(MemorySource):
        """A source during whose reading a successor comes."""

        def read(self, *arguments: Any, **options: Any) -> Any:
            yield next(super().read(*arguments, **options))
            assert bench.ledger.take_over("crm__contact", "core", REFRESH) is not None
            raise RequestRefusedError("no")

    with closing(Bench(tmp_path)) as bench:
        with pytest.raises(StaleCommitError):
            bench.run(Overtaken(records=crm.records))
        assert ["open"] == bench.states()

        assert bench.run(crm).is_resumed
        assert faultless == bench.rows()


def test_an_unreachable_source_is_continued(tmp_path: Path, faultless: list[dict[str, Any]]) -> None:
    """A source that goes away after each page costs nothing but time: every run gets one page further."""

    class Flaky(MemorySource):
        """A source that answers once and is gone."""

        def read(self, *arguments: Any, **options: Any) -> Any:
            for number, page in enumerate(super().read(*arguments, **options)):
                if number == 1:
                    raise SourceUnreachableError("gone")
                yield page

    crm = Flaky(records=source().records)
    with closing(Bench(tmp_path)) as bench:
        for _ in range(PAGES - 1):
            with pytest.raises(SourceUnreachableError):
                bench.run(crm)
        with pytest.raises(SourceUnreachableError):
            bench.run(crm)  # its own window, after it has finished the interrupted batch

        assert faultless == bench.rows()


def test_two_racing_batches(tmp_path: Path, faultless: list[dict[str, Any]]) -> None:
    """Two runs that both read the same window: one publishes, the other has a StaleCommitError, and nothing is lost."""
    crm = source()
    with closing(Bench(tmp_path)) as bench:
        with pytest.MonkeyPatch.context() as patch:
            real = DeltaBronzeTable.publish

            def raced(table: DeltaBronzeTable, *arguments: Any) -> None:
                """Another run, which began before this one's batch was known, is quicker."""
                patch.setattr(DeltaBronzeTable, "publish", real)
                rival = Bench(tmp_path)
                patch.setattr(BatchLedger, "take_over", lambda *_: None)
                rival.run(crm)
                real(table, *arguments)

            patch.setattr(DeltaBronzeTable, "publish", raced)
            with pytest.raises(StaleCommitError, match="another run published sequence 1"):
                bench.run(crm)
        assert faultless == bench.rows()
        crm.put(record("new", NOON))
        bench.later(minutes=1)

        assert 1 == bench.run(crm).rows_new
        assert 7 == len(bench.rows())
        assert "open" not in bench.states()


def test_commits_at_the_same_moment(tmp_path: Path) -> None:
    """Two tables on the same snapshot commit: another instance decides anew and is published, the same one is stale."""
    crm = source()
    crm.page_rows = 100
    with closing(Bench(tmp_path)) as bench:
        bench.run(crm)
        staged = []
        for instance in ("core", "emea"):
            crm.put(record("new", NOON))
            bench.later(minutes=1)
            kill(bench, crm, ONE_PAGE.index("publish") + 1, instance=instance)
            staged.append(bench.ledger.take_over("crm__contact", instance, REFRESH))
        tables = [bench.table, bench.table]
        for table in tables:
            patch_refresh(table)

        outcomes = [publish(bench, table, batch) for table, batch in zip(tables, staged, strict=True)]

        assert ["published", "published"] == outcomes
        assert 7 + 7 == len(bench.rows())
        bench.run(crm, instance="emea")
        assert 14 == len(bench.rows())


def patch_refresh(table: DeltaBronzeTable) -> None:
    """Keep a table at the snapshot it has, as if the other's commit fell between its check and its own commit."""
    table._create_or_evolve = lambda _columns: table.delta  # type: ignore[method-assign]


def publish(bench: Bench, table: DeltaBronzeTable, batch: Any) -> str:
    """Publish what was staged of a batch."""
    files = batch_module.staged_rows(bench.ledger.pages(batch.batch_id))
    try:
        table.publish(batch.instance, batch.batch_id, batch.sequence, files)
    except StaleCommitError:
        return "stale"
    return "published"


def test_publishing_again_replaces_only_its_own_files(tmp_path: Path) -> None:
    """The same batch id published again with other files: those of other batches stay, its own old ones go."""
    crm = source()
    crm.page_rows = 100
    with closing(Bench(tmp_path)) as bench:
        bench.run(crm)
        crm.put(record("a", NOON), record("b", NOON))
        bench.later(minutes=1)
        kill(bench, crm, ONE_PAGE.index("publish") + 1, is_after=True)
        batch = bench.ledger.take_over("crm__contact", "core", REFRESH)
        assert batch is not None
        files = batch_module.staged_rows(bench.ledger.pages(batch.batch_id))
        uris = set(bench.table.delta.file_uris())
        copy = replace(files[0], path=files[0].path.replace(".parquet", "-again.parquet"))
        root = tmp_path / "lake/bronze/crm__contact"
        (root / copy.path).write_bytes((root / files[0].path).read_bytes())

        bench.table.publish("core", batch.batch_id, batch.sequence, [copy])

        assert 8 == len(bench.rows())
        assert {f"{root}/{files[0].path}"} == uris - set(bench.table.delta.file_uris())


def test_taking_over_is_exclusive(tmp_path: Path) -> None:
    """Two runs that find the same open batch at the same moment do not both hold it."""
    with closing(Bench(tmp_path)) as bench:
        kill(bench, source(), 2)

        with pytest.MonkeyPatch.context() as patch, closing(Bench(tmp_path)) as rival:
            real = batches._batch

            def found_by_both(row: Any) -> Batch:
                """A rival takes the batch over after this run has found it."""
                patch.setattr(batches, "_batch", real)
                assert rival.ledger.take_over("crm__contact", "core", REFRESH) is not None
                return real(row)

            patch.setattr(batches, "_batch", found_by_both)
            with pytest.raises(StaleCommitError, match="taken over"):
                bench.ledger.take_over("crm__contact", "core", REFRESH)
