"""Ctrl-C or SIGTERM while a process reads many objects: it ends soon, tells what was done, and loses nothing."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contact_sync_tests.pipeline.commands.two_orgs import Gate, Orgs, held, published, run, state_of, states

PATIENCE_SECONDS = 40
REQUESTS_BEFORE = 25
"""Enough that some objects of `core` have been read, and too few for all."""


@contextmanager
def extraction(gate: Gate, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`contact-sync extract` in a process group of its own, held at the gate."""
    command = [str(Path(sys.executable).with_name("contact-sync")), "extract", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert gate.is_reached.wait(PATIENCE_SECONDS)
            yield process
        finally:
            gate.open()
            if process.poll() is None:
                process.kill()


def interrupt(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> None:
    """Press Ctrl-C, or send another signal, and wait until the process says that it has noticed."""
    process.send_signal(number)
    assert process.stderr is not None
    said = b""
    while b"Stopping" not in said:
        assert select.select([process.stderr], [], [], PATIENCE_SECONDS)[0], "it did not notice"
        part = os.read(process.stderr.fileno(), 4096)
        assert part, said
        said += part


def assert_that_nothing_is_left_of(process: subprocess.Popen[str]) -> None:
    """No process of its group is there any more."""
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_ctrl_c_ends_at_the_next_page(orgs: Orgs) -> None:
    """What was read is published whole and told, what was not is stopped; the next run reads exactly the rest."""
    assert 0 == run("discover")[0]
    gate = Gate(orgs["core"], after=REQUESTS_BEFORE)
    with extraction(gate, "--json") as process:
        interrupt(process)
        gate.open()
        told, _ = process.communicate(timeout=PATIENCE_SECONDS)

    assert 128 + signal.SIGINT == process.returncode
    assert_that_nothing_is_left_of(process)
    outcomes = json.loads(told)
    everything, after_stop = held(orgs), published()
    assert set(everything) == {(one["object_name"], one["instance"]) for one in outcomes}
    assert {"read", "stopped"} == set(states(outcomes))
    read = {(one["object_name"], one["instance"]) for one in outcomes if state_of(one) == "read"}
    assert {work: rows if work in read else 0 for work, rows in everything.items()} == after_stop

    code, outcomes = run("extract")

    assert 0 == code, states(outcomes)
    assert sum(everything.values()) - sum(after_stop.values()) == sum(one["rows_new"] for one in outcomes)
    assert everything == published()


def test_sigterm_ends_as_ctrl_c_does(orgs: Orgs) -> None:
    """As a service manager ends it: what was read is whole, the table counts what was stopped, the next run goes on."""
    assert 0 == run("discover")[0]
    gate = Gate(orgs["core"], after=REQUESTS_BEFORE)
    with extraction(gate) as process:
        interrupt(process, signal.SIGTERM)
        gate.open()
        told, said = process.communicate(timeout=PATIENCE_SECONDS)

    assert 128 + signal.SIGTERM == process.returncode
    everything = held(orgs)
    assert all(rows in {0, everything[work]} for work, rows in published().items())
    assert f"{len(held(orgs)):,} extractions" in told
    assert "extractions stopped" in told
    assert "Problems" not in told
    assert "goes on where this one ended" in said

    assert 0 == run("extract")[0]

    assert everything == published()


def test_ctrl_c_twice_ends_at_once(orgs: Orgs) -> None:
    """An org that does not answer cannot hold the command: the second one ends it, and the next run reads the rest."""
    assert 0 == run("discover")[0]
    gate = Gate(orgs["core"], after=REQUESTS_BEFORE)
    with extraction(gate, "--json") as process:
        interrupt(process)
        process.send_signal(signal.SIGINT)
        assert -signal.SIGINT == process.wait(PATIENCE_SECONDS)
    assert_that_nothing_is_left_of(process)
    everything = held(orgs)
    assert all(rows in {0, everything[work]} for work, rows in published().items())

    assert 0 == run("extract")[0]

    assert everything == published()
