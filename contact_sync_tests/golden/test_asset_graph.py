"""The asset graph, one line per asset: what a review has to see when it changes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import dagster as dg
import pytest

from contact_sync.definitions import build_defs
from contact_sync.pipeline.installation import Installation

GOLDEN = Path(__file__).with_name("asset_graph.txt")
REWRITE = "REWRITE_GOLDEN"


def graph_lines(defs: dg.Definitions) -> list[str]:
    """`key [group] owners {kinds} checks <- dependencies`, sorted by key."""
    graph = defs.resolve_asset_graph()
    lines = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda key: key.to_user_string()):
        node = graph.get(key)
        parents = ", ".join(sorted(parent.to_user_string() for parent in node.parent_keys))
        checks = len([check for check in graph.asset_check_keys if check.asset_key == key])
        owners, kinds = ", ".join(sorted(node.owners)), ", ".join(sorted(node.kinds))
        partitions = " daily" if node.partitions_def is not None else ""
        lines.append(
            f"{key.to_user_string()} [{node.group_name}] {owners} {{{kinds}}}{partitions} {checks} checks <- {parents}"
        )
    return lines


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The graph of the shipped catalog without any source configured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTACT_SYNC_HOME", str(tmp_path_factory.mktemp("graph")))
        return graph_lines(build_defs(Installation.from_environment()))


def test_the_asset_graph_is_the_reviewed_one(lines: list[str]) -> None:
    """Every asset, its group, owners, kinds, checks and dependencies are as in the golden file."""
    if os.environ.get(REWRITE):
        GOLDEN.write_text("\n".join(lines) + "\n", encoding="utf-8")

    assert GOLDEN.read_text(encoding="utf-8").splitlines() == lines, f"run with {REWRITE}=1 and review the difference"


def test_the_graph_has_five_groups(lines: list[str]) -> None:
    """Every asset belongs to one of the five groups, and each group has assets."""
    groups = {line.split("[")[1].split("]")[0] for line in lines}

    assert {"bronze", "silver", "identity", "gold", "activation"} == groups


def test_every_asset_has_an_owner_a_description_and_at_most_three_kinds(tmp_path: Path) -> None:
    """What a person sees on a node is complete, and fits on it."""
    graph = build_defs(Installation.from_environment()).resolve_asset_graph()

    incomplete = [
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if not graph.get(key).owners or not graph.get(key).description or not 1 <= len(graph.get(key).kinds) <= 3
    ]

    assert [] == incomplete


def test_one_line_of_yaml_is_one_asset_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], repository: Path
) -> None:
    """A line added to a catalog file gives exactly one new asset, and changes no other."""
    catalog = tmp_path / "catalog"
    shutil.copytree(
        repository / "contact_sync" / "catalog", catalog, ignore=shutil.ignore_patterns("*.py", "__pycache__")
    )
    with (catalog / "salesforce.yaml").open("a", encoding="utf-8") as file:
        file.write("  - {object: CampaignMember, description: People in a campaign.}\n")
    monkeypatch.setenv("CONTACT_SYNC_CATALOG", str(catalog))

    extended = graph_lines(build_defs(Installation.from_environment()))

    assert [line for line in extended if line not in lines] == [
        "bronze/salesforce__campaign_member [bronze] team:revenue-operations {deltalake, salesforce} daily 6 checks <- "
    ]
    assert [] == [line for line in lines if line not in extended]
