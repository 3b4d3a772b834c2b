"""Applications of any plan that die anywhere, any number of times."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_sync.state.writes import Lane, WriteLedger
from contact_sync.sync.apply import ApplyReport
from contact_sync_tests.faults.effects import Effects, Killed
from contact_sync_tests.unit.sync.memory_target import EXTERNAL_ID, ApplyBench, Write, plan_of

NUMBERS = st.sets(st.integers(0, 5), max_size=6)


@settings(max_examples=settings.default.max_examples // 2, deadline=None)
@given(
    stages=st.tuples(NUMBERS, NUMBERS, NUMBERS),
    refused=NUMBERS,
    lost=NUMBERS,
    crashes=st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=4),
    seed=st.integers(0, 9),
    lane=st.sampled_from(Lane),
)
def test_every_row_is_written_once_or_refused_whatever_dies(
    *,
    stages: tuple[set[int], set[int], set[int]],
    refused: set[int],
    lost: set[int],
    crashes: list[tuple[int, bool]],
    seed: int,
    lane: Lane,
) -> None:
    """However often an application is killed, and with rows refused and left alone: in the end every row has been
    written exactly once or refused, every create has made one record, and one more application writes nothing.
    """
    stamped, updated, created = stages
    rows: list[Write] = [("stamp", f"003{number}", {EXTERNAL_ID: f"per_{number}"}) for number in sorted(stamped)]
    rows += [("update", f"003{number}", {"Phone": "2"}) for number in sorted(updated)]
    rows += [("create", f"new_{number}", {"LastName": "Lee"}) for number in sorted(created)]
    bench = ApplyBench(seed, lane)
    try:
        bench.target.records = {f"003{number}": {} for number in range(6)}
        bench.target.refusals = {f"003{number}": "STRING_TOO_LONG" for number in refused}
        bench.target.lost = {f"new_{number}" for number in lost}
        for fatal, is_after in crashes:
            apply_and_die(bench, rows, Effects(fatal=fatal, is_after=is_after))
        bench.apply(plan_of(*rows))
        last = bench.apply(plan_of(*rows))

        assert [] == bench.ledger.unsettled()
        assert {f"plan-1/contact/{stage}/{row_key}" for stage, row_key, _ in rows} == bench.finished()
        expected = {f"003{n}": (n in stamped) + (n in updated) for n in (stamped | updated) - refused}
        expected |= {f"new-new_{number}": 1 for number in created}
        assert expected == dict(bench.target.writes)
        assert 6 + len(created) == len(bench.target.records)
        assert accounts_for_every_row(last, len(rows))
        final = bench.apply(plan_of(*rows))
        assert (0, 0) == (final.written, final.refused)
    finally:
        bench.close()


def apply_and_die(bench: ApplyBench, rows: list[Write], effects: Effects) -> None:
    """Apply until the fatal effect; a plan that has fewer effects is applied to its end."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("plan_job", "note", "settle"):
            effects.watch(WriteLedger, name, patch)
        for name in ("create_job", "send", "start", "abort", "wait", "results", "write", "find"):
            effects.watch(bench.target, name, patch)
        try:
            report = bench.apply(plan_of(*rows))
        except Killed:
            return
    assert accounts_for_every_row(report, len(rows))


def accounts_for_every_row(report: ApplyReport, count: int) -> bool:
    """Planned = written + refused + unprocessed + skipped, in each stage and over all."""
    return count == report.planned and all(
        stage.planned == stage.written + stage.refused + stage.unprocessed + stage.skipped for stage in report.stages
    )
