"""Which tables are filled anew: those whose model, macro, seed or parent is not what it was when they were filled."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from contact_sync.warehouse.definitions import definitions

DEAL, FIRM, SEED, CAST, TEXT = "model.p.deal", "model.p.firm", "seed.p.value", "macro.p.cast", "macro.p.text"
RECORD = "model.p.record"
MANIFEST: dict[str, Any] = {
    "metadata": {"project_name": "p"},
    "macros": {
        CAST: {"macro_sql": "cast", "depends_on": {"macros": [TEXT, "macro.dbt.other"]}},
        TEXT: {"macro_sql": "trim", "depends_on": {"macros": [CAST]}},
    },
    "nodes": {
        DEAL: {
            "name": "deal",
            "resource_type": "model",
            "config": {"materialized": "incremental"},
            "fqn": ["p", "silver", "source_record", "deal"],
            "raw_code": "select",
            "depends_on": {"nodes": [SEED, FIRM, "source.p.bronze.deal"], "macros": [CAST]},
        },
        FIRM: {
            "name": "firm",
            "resource_type": "model",
            "config": {"materialized": "incremental"},
            "fqn": ["p", "silver", "source_record", "firm"],
            "raw_code": "select",
            "depends_on": {"nodes": [], "macros": []},
        },
        SEED: {
            "name": "value",
            "resource_type": "seed",
            "fqn": ["p", "value"],
            "original_file_path": "value.csv",
            "config": {"column_types": {}},
        },
        RECORD: {
            "name": "record",
            "resource_type": "model",
            "fqn": ["p", "silver", "record"],
            "config": {"materialized": "incremental", "meta": {"changes": "change"}},
            "raw_code": "select",
            "depends_on": {"nodes": [FIRM], "macros": []},
        },
        "model.p.gold": {
            "name": "gold",
            "resource_type": "model",
            "fqn": ["p", "gold", "gold"],
            "config": {"materialized": "table"},
            "depends_on": {"nodes": [RECORD], "macros": [TEXT]},
        },
    },
}
CHANGES = [
    ((("nodes", DEAL, "raw_code"), "other"), {"deal"}),
    ((("nodes", FIRM, "raw_code"), "other"), {"deal", "firm", "record"}),
    ((("nodes", RECORD, "raw_code"), "other"), {"record"}),
    ((("nodes", SEED, "config"), {"column_types": {"code": "varchar"}}), {"deal", "value"}),
    ((("macros", TEXT, "macro_sql"), "other"), {"deal"}),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the file of the seed."""
    (tmp_path / "value.csv").write_text("code\n1\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("change", "affected"), CHANGES)
def test_a_change_reaches_the_models_that_read_it(
    project: Path, change: tuple[tuple[str, ...], Any], affected: set[str]
) -> None:
    """Code, macros called by macros, seeds and parents count; models that are built of nothing earlier do not."""
    (*path, last), value = change
    changed = copy.deepcopy(MANIFEST)
    place = changed
    for key in path:
        place = place[key]
    place[last] = value

    before, after = (definitions(manifest, project, is_masked=False) for manifest in (MANIFEST, changed))

    assert {"deal", "firm", "record", "value"} == set(before)
    assert affected == {name for name in before if before[name] != after[name]}


def test_a_seeds_file_and_masking_are_part_of_the_definition(project: Path) -> None:
    """A line more in the file reaches the seed and its readers; masking that is switched on reaches every table."""
    before = definitions(MANIFEST, project, is_masked=False)
    masked = definitions(MANIFEST, project, is_masked=True)
    (project / "value.csv").write_text("code\n1\n2\n", encoding="utf-8")
    after = definitions(MANIFEST, project, is_masked=False)

    assert {"deal", "value"} == {name for name in before if before[name] != after[name]}
    assert set(before) == {name for name in before if before[name] != masked[name]}
