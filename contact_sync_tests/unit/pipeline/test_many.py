"""Many extractions: within their limits, none the victim of another, and ended when the user wants to end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Checkpoint, Page, Selection
from contact_sync.errors import DefectError, SourceUnreachableError
from contact_sync.pipeline.many import Outcome, extract_many
from contact_sync_tests.unit.extraction.memory_source import NOON, MemorySource, record
from contact_sync_tests.unit.pipeline.memory_installation import MemoryInstallation

EMAIL = "jane.roe@example.com"
ONE_TOO_MANY_SECONDS = 0.3
"""How long a reading waits for one that must not come."""


@dataclass
class Crowd:
    """Counts readings that are under way together; each waits a moment for one more than is allowed."""

    allowed: int
    now: int = 0
    most: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def enter(self) -> None:
        """A reading begins."""
        with self.changed:
            self.now += 1
            self.most = max(self.most, self.now)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most > self.allowed, timeout=ONE_TOO_MANY_SECONDS)

    def leave(self) -> None:
        """A reading ends."""
        with self.changed:
            self.now -= 1


@dataclass
class CrowdedSource(MemorySource):
    """A source that tells crowds when it is read."""

    crowds: tuple[Crowd, ...] = ()

    def read(self, item: CatalogObject, selection: Selection, *, resume: Checkpoint | None = None) -> Iterator[Page]:
        """Enter, read, leave."""
        for crowd in self.crowds:
            crowd.enter()
        yield from super().read(item, selection, resume=resume)
        for crowd in self.crowds:
            crowd.leave()


@dataclass
class BrokenSource(MemorySource):
    """A source that raises something when an object is read, an exception of ours or any other."""

    broken: str = ""
    error: Exception | None = None

    def read(self, item: CatalogObject, selection: Selection, *, resume: Checkpoint | None = None) -> Iterator[Page]:
        """Read, but for the broken object."""
        if item.object == self.broken or not self.broken:
            self.reads.append((selection, resume))
            if isinstance(self.error, SourceUnreachableError):
                raise self.error
            try:
                int(EMAIL)
            except ValueError as cause:
                message = f"cannot handle {EMAIL}"
                raise RuntimeError(message) from cause
        yield from super().read(item, selection, resume=resume)


def filled(source: Any, rows: int = 5) -> Any:
    """A source with some records."""
    source.put(*(record(number, NOON - timedelta(hours=1, seconds=number)) for number in range(rows)))
    return source


def extracted(installation: MemoryInstallation, **options: Any) -> dict[tuple[str, str], Outcome]:
    """Every outcome by object and instance."""
    with closing(installation):
        outcomes = list(extract_many(installation, installation.work, **options))
    found = {(one.object_name, one.instance): one for one in outcomes}
    assert len(installation.work) == len(outcomes) == len(found)
    return found


@pytest.mark.parametrize(
    ("parallel", "parallel_per_instance", "most_over_all", "most_of_each"),
    [(3, 4, {3}, {1, 2, 3}), (8, 2, {5, 6}, {2})],
)
def test_the_limits_are_respected_and_used(
    tmp_path: Path, parallel: int, parallel_per_instance: int, most_over_all: set[int], most_of_each: set[int]
) -> None:
    """No more readings than allowed, over all and on one instance, and that many as long as there is work."""
    over_all = Crowd(allowed=parallel)
    of_instance = {name: Crowd(allowed=parallel_per_instance) for name in ("core", "emea", "apac")}
    sources = {name: filled(CrowdedSource(crowds=(crowd, over_all))) for name, crowd in of_instance.items()}
    limits = {"parallel": parallel, "parallel_per_instance": parallel_per_instance}
    installation = MemoryInstallation.of(tmp_path, sources, *"ABCD", **limits)

    assert {"read"} == {one.state for one in extracted(installation).values()}

    assert over_all.most in most_over_all
    assert {crowd.most for crowd in of_instance.values()} <= most_of_each


def test_a_defect_ends_one_extraction(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An exception that nobody foresaw is one failed object, named; the log says where, and no value of a record."""
    sources = {name: filled(BrokenSource(broken="B")) for name in ("core", "emea")}
    installation = MemoryInstallation.of(tmp_path, sources, *"ABC")

    with caplog.at_level(logging.DEBUG):
        outcomes = extracted(installation)

    broken = [key for key, one in outcomes.items() if one.state == "failed"]
    assert [("crm__b", "core"), ("crm__b", "emea")] == sorted(broken)
    assert all(
        one.report is not None and one.report.rows_new == 5 for key, one in outcomes.items() if key not in broken
    )
    error = outcomes["crm__b", "emea"].error
    assert isinstance(error, DefectError)
    assert "crm__b from emea" in str(error)
    assert "RuntimeError" in str(error)
    for told in ("crm__b from emea", "in read", "int(EMAIL)", "ValueError", "RuntimeError"):
        assert told in caplog.text
    kinds = [line for line in caplog.messages[-1].splitlines() if line in {"ValueError", "RuntimeError"}]
    assert ["ValueError", "RuntimeError"] == kinds
    assert EMAIL not in caplog.text + str(error)


def test_a_silent_instance_is_asked_once(tmp_path: Path) -> None:
    """Whoever waits for an instance that turns out not to answer is told so without asking it again."""
    silent = BrokenSource(error=SourceUnreachableError("emea does not answer."))
    installation = MemoryInstallation.of(
        tmp_path, {"core": filled(MemorySource()), "emea": silent}, *"ABCDEF", parallel=2, parallel_per_instance=1
    )

    outcomes = extracted(installation)

    assert {("core", "read"), ("emea", "failed")} == {(key[1], one.state) for key, one in outcomes.items()}
    assert 1 == len(silent.reads)


def test_whoever_stops_loses_nothing(tmp_path: Path) -> None:
    """Extractions under way end at their next page and go on there the next time; the others do not begin."""
    source = filled(MemorySource())
    pages: list[int] = []
    installation = MemoryInstallation.of(tmp_path, {"core": source}, *"ABC", parallel=1)

    stopped = extracted(installation, listener=pages.append, is_stopped=lambda: sum(pages) > 0)

    assert {"stopped"} == {one.state for one in stopped.values()}
    assert 1 == len(source.reads)
    assert not any(installation.bronze(name).exists for name in installation.objects)

    again = MemoryInstallation.of(tmp_path, {"core": source}, *"ABC", parallel=1)
    outcomes = extracted(again)

    assert {5} == {one.report.rows_new for one in outcomes.values() if one.report is not None}
    assert [True, False, False] == [one.report.is_resumed for one in outcomes.values() if one.report is not None]


def test_who_stops_listening_stops_it(tmp_path: Path) -> None:
    """A caller that takes only the first outcome leaves no thread behind, and what has not begun does not begin."""
    source = filled(MemorySource())
    installation = MemoryInstallation.of(tmp_path, {"core": source}, *"ABCDEFGH", parallel=1)

    with closing(installation):
        outcomes = extract_many(installation, installation.work)
        first = next(outcomes)
        outcomes.close()  # type: ignore[attr-defined]  # it is a generator

    assert "read" == first.state
    assert len(source.reads) < len(installation.work)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("crm-core")]
