"""Entry point of the `contact-sync` command. Does not belong here: any verb."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable
from typing import Final, TypeVar

Loaded = TypeVar("Loaded")
_OF_LIBRARIES: Final = {
    "MIMALLOC_ARENA_EAGER_COMMIT": "0",
    "MIMALLOC_PURGE_DELAY": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
"""Libraries read these when they are loaded: pyarrow's allocator takes memory only as it is used (25 MB less) and gives
it back at once (15 MB less), numpy starts no threads for linear algebra, and pydantic does not go through all installed
packages for plugins."""


def run() -> None:
    """Load the verbs and do what the command line says."""
    loaded(_application)()


def loaded(load: Callable[[], Loaded]) -> Loaded:
    """What `load` returns, which imports libraries that stay to the end; benchmarks start as the command does."""
    for name, value in _OF_LIBRARIES.items():
        os.environ.setdefault(name, value)
    # httpx then does without its own command line, which imports rich, pygments and 50 more modules.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # as the import system documents it
    # What modules are made of stays to the end: looking for garbage in it, now or later, takes a fifth of the start.
    gc.disable()
    found = load()
    gc.freeze()
    atexit.register(_let_go)
    gc.enable()
    return found


def _let_go() -> None:
    """Let all be collected at the end if DuckDB would complain otherwise; it takes as long as a third of a start."""
    if "duckdb" in sys.modules:
        gc.unfreeze()


def _application() -> Callable[[], None]:
    from contact_sync.cli.main import app  # noqa: PLC0415 -- see above

    return app
