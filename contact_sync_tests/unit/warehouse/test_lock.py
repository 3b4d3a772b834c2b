"""One process at a time, and the others are told who it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contact_sync.errors import WarehouseError
from contact_sync.warehouse.lock import exclusive

_HOLD = """
import sys, pathlib
from contact_sync.warehouse.lock import exclusive
with exclusive(pathlib.Path(sys.argv[1]), purpose="gold"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_who_holds_it_is_named(tmp_path: Path) -> None:
    """Process and purpose, what is guarded, and what to do; once it is free, it can be held."""
    path = tmp_path / "deep" / "w.lock"
    told: list[str] = []
    with exclusive(path, purpose="dbt silver"):
        with (
            pytest.raises(WarehouseError) as error,
            exclusive(path, purpose="plan", what="The target core", wait_seconds=0.1, on_wait=told.append),
        ):
            pytest.fail("two at a time")
        assert [f"process {os.getpid()}: dbt silver" in text for text in told] == [True]
    for part in ("The target core is in use by", str(os.getpid()), "dbt silver"):
        assert part in str(error.value)
    with exclusive(path, purpose="plan", wait_seconds=0):
        assert path.exists()


def test_it_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    """A killed holder leaves nothing to clean up."""
    path = tmp_path / "w.lock"
    command = [sys.executable, "-c", _HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert "held\n" == holder.stdout.readline()
        with (
            pytest.raises(WarehouseError, match=f"process {holder.pid}: gold"),
            exclusive(path, purpose="plan", wait_seconds=0),
        ):
            pytest.fail("two at a time")
        holder.kill()
        holder.wait()
        with exclusive(path, purpose="plan", wait_seconds=5):
            assert path.exists()


def test_an_error_inside_frees_it(tmp_path: Path) -> None:
    """Whatever happens inside, the next one gets in."""
    path = tmp_path / "w.lock"
    with pytest.raises(ValueError, match="inside"), exclusive(path, purpose="plan"):
        raise ValueError("inside")
    with exclusive(path, purpose="plan", wait_seconds=0):
        assert path.exists()
