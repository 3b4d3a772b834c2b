"""One small demo for the whole module, and a page of a real Chromium; skipped with a reason where there is none."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from contact_sync_tests.browser.demo_process import RunningDemo, start_demo

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SCREENSHOT = "TAKE_SCREENSHOT"
COMPACT = """localStorage.setItem('asset-node-facets', '["status"]')"""
LAST = "test_interrupting_leaves_nothing_behind"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the test that ends the shared demo behind the others of its module, in whichever order they are run."""
    place = next((place for place, item in enumerate(items) if item.name == LAST), None)
    if place is not None:
        ending = items.pop(place)
        last = max((at for at, item in enumerate(items) if item.path == ending.path), default=place - 1)
        items.insert(last + 1, ending)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine, in its own words; nothing is downloaded."""
    executable = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if executable is None:
        pytest.skip(f"no Chromium on this machine (looked for {', '.join(BROWSERS)})")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page, large enough for the whole graph; the UI shows small nodes."""
    context = browser.new_context(viewport={"width": 1900, "height": 1100})
    context.add_init_script(COMPACT)
    yield context.new_page()
    context.close()


@pytest.fixture
def wants_screenshots() -> bool:
    """Whether the pictures in docs/images are to be taken anew; all settings of ours are gone from the environment."""
    return os.environ.get(SCREENSHOT) == "1"


@pytest.fixture(scope="module")
def taken_port() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture(scope="module")
def demo(
    browser: Browser, repository: Path, tmp_path_factory: pytest.TempPathFactory, taken_port: int
) -> Iterator[RunningDemo]:
    """A running demo that was told to use the taken port and whose population hardly moves."""
    home = tmp_path_factory.mktemp("demo") / "home"
    running = start_demo(repository, home, "--port", str(taken_port), "--rate", "0.01")
    yield running
    running.kill_family()
