"""Demos that do not disturb each other: one for each home, and only one."""

from __future__ import annotations

from pathlib import Path

import pytest

from contact_sync_tests.browser.demo_process import STOP_SECONDS, start_demo

pytestmark = pytest.mark.timeout(480)


@pytest.mark.deep
def test_two_demos_side_by_side(repository: Path, tmp_path: Path) -> None:
    """Two demos in two homes at the same time both succeed: no port, file or database is shared."""
    demos = [start_demo(repository, tmp_path / name, "--no-ui") for name in ("one", "two")]
    try:
        codes = [demo.process.wait(180) for demo in demos]

        assert [0, 0] == codes, [demo.text for demo in demos]
    finally:
        for demo in demos:
            demo.kill_family()


def test_a_second_demo_in_one_home_is_refused(repository: Path, tmp_path: Path) -> None:
    """A demo that is started where one is running ends at once, says so, and leaves the first alone."""
    first = start_demo(repository, tmp_path / "home", "--no-ui")
    try:
        first.printed(r"(simulated systems are running)")
        second = start_demo(repository, tmp_path / "home", "--no-ui", output=tmp_path / "second.log")

        assert 1 == second.process.wait(STOP_SECONDS)
        assert "A demo is already running in" in second.text
        assert "CONTACT_SYNC_HOME" in second.text
        assert first.process.poll() is None
    finally:
        first.kill_family()
