"""`contact-sync demo`: a page where the whole graph is there and nothing has failed, and nothing left when it ends.

The tests share one demo; conftest.py puts the one that ends it behind the others.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from contact_sync_tests.browser.demo_process import RunningDemo, processes_of, still_running, wait_until

ASSETS_PER_GROUP = {"bronze": 12, "silver": 27, "identity": 15, "gold": 14, "activation": 3}
GROUPS = "[class*=CollapsedGroupNode_collapsedGroupNodeContainer]"
ASSETS = "[class*=AssetNode_assetNodeContainer]"
GREEN = "[style*=background-green]"
RED = "svg [style*=-red]"
GRAPH_PICTURE = Path("docs") / "images" / "asset_graph.png"

ASSETS_QUERY = "{assetNodes {groupName assetKey {path} assetMaterializations(limit: 1) {runId}}}"
RUNS_QUERY = "{runsOrError {... on Runs {results {status}}}}"
UNDER_WAY = {"QUEUED", "NOT_STARTED", "STARTING", "STARTED"}

pytestmark = [pytest.mark.browser, pytest.mark.timeout(480)]


def ask(demo: RunningDemo, query: str) -> dict[str, Any]:
    """What the UI's own interface answers."""
    answer = httpx.post(f"{demo.url}/graphql", json={"query": query}, timeout=30).raise_for_status().json()
    assert "errors" not in answer, answer
    return answer["data"]


def run_states(demo: RunningDemo) -> set[str]:
    """The states in which the demo's runs are."""
    return {run["status"] for run in ask(demo, RUNS_QUERY)["runsOrError"]["results"]}


def hide_navigation(page: Page) -> None:
    """Give the graph the place of the list of assets beside it, if it is shown; the UI remembers that."""
    shown = page.get_by_text("Hide navigation")
    page.locator("button:has([aria-label=panel_show_right])").last.click()
    if shown.is_visible():
        shown.click()


def test_a_taken_port_is_no_error(demo: RunningDemo, taken_port: int) -> None:
    """A demo whose port is in use serves its UI on another one, and prints the real address."""
    port = urlsplit(demo.url).port

    assert taken_port != port
    assert httpx.get(f"{demo.url}/server_info", timeout=30).is_success


def test_every_asset_is_materialized(demo: RunningDemo) -> None:
    """Each asset of each of the five groups has been made at least once, and no run has failed."""
    nodes = ask(demo, ASSETS_QUERY)["assetNodes"]
    per_group = {group: sum(node["groupName"] == group for node in nodes) for group in ASSETS_PER_GROUP}

    assert ASSETS_PER_GROUP == per_group
    assert [] == ["/".join(node["assetKey"]["path"]) for node in nodes if not node["assetMaterializations"]]
    assert "FAILURE" not in run_states(demo)


def test_the_graph_shows_all_groups_and_no_failure(
    demo: RunningDemo, page: Page, repository: Path, wants_screenshots: bool
) -> None:
    """The asset graph shows the five groups, bronze with its assets; every asset of each is green, and nothing red."""
    httpx.post(f"{demo.control}/pause", json={}, timeout=30).raise_for_status()
    wait_until(lambda: not run_states(demo) & UNDER_WAY, seconds=60, what="the runs under way to end")

    page.goto(f"{demo.url}/asset-groups?expanded={quote('global@global:bronze', safe='')}")
    expect(page.locator(ASSETS)).to_have_count(ASSETS_PER_GROUP["bronze"], timeout=60_000)
    hide_navigation(page)
    expect(page.locator(f"{ASSETS} {GREEN}")).to_have_count(ASSETS_PER_GROUP["bronze"], timeout=30_000)
    for group in ASSETS_PER_GROUP.keys() - {"bronze"}:
        states = page.locator(GROUPS).filter(has_text=group).locator("[class*=BaseTag]")
        expect(states).to_have_count(1, timeout=30_000)
        expect(states).to_have_text(str(ASSETS_PER_GROUP[group]))
        expect(states.and_(page.locator(GREEN))).to_have_count(1)
    expect(page.locator(RED)).to_have_count(0)

    if wants_screenshots:
        page.wait_for_load_state("networkidle")
        page.screenshot(path=repository / GRAPH_PICTURE)


def test_gold_contact_explains_itself(demo: RunningDemo, page: Page) -> None:
    """The page of gold/contact shows its description, a described column, its row count and its owner."""
    page.goto(f"{demo.url}/assets/gold/contact")

    expect(page.get_by_text("The golden record of each person").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text("The record that last_name came from.")).to_be_visible()
    expect(page.get_by_text("Row count")).to_be_visible()
    rows = re.search(r"Row count\s+([\d,]+)", page.inner_text("body"))
    assert rows is not None
    assert 400 < int(rows.group(1).replace(",", "")) < 500
    expect(page.get_by_text("revenue-operations").first).to_be_visible()


def test_interrupting_leaves_nothing_behind(demo: RunningDemo) -> None:
    """Ctrl-C ends the demo with exit code 0, and every process it has started, directly or not, is gone."""
    family = demo.family()
    home = demo.output.with_suffix("")

    assert 0 == demo.interrupt(), demo.text
    # Some notice the end of their parent by a closed pipe, which takes them a moment.
    wait_until(lambda: not still_running(family), seconds=5, what="the demo's processes to end")
    assert [] == processes_of(home)
