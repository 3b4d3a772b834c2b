"""Which tables are filled anew: those whose model, macro, seed or parent is not what it was when they were filled."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from contact_sync.warehouse.definitions import definitions

DEAL, FIRM, SEED, CAST, TEXT = "model.p.deal", "model.p.firm", "seed.p.value", "macro.p.cast", "macro.p.text"
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
            "fqn": ["p", "silver", "source_record", "deal"],
            "raw_code": "select",
            "depends_on": {"nodes": [SEED, FIRM, "source.p.bronze.deal"], "macros": [CAST]},
        },
        FIRM: {
            "name": "firm",
            "resource_type": "model",
            "fqn": ["p", "silver", "source_record", "firm"],
            "raw_code": "select",
            "depends_on": {"nodes": [], "macros": []},
        },
        SEED: {
            "name": "value",
            "resource_type": "seed",
            "fqn": ["p", "value"],
            "checksum": {"checksum": "1"},
            "config": {"column_types": {}},
        },
        "model.p.gold": {"name": "gold", "resource_type": "model", "fqn": ["p", "gold", "gold"]},
    },
}
CHANGES = [
    ((("nodes", DEAL, "raw_code"), "other"), {"deal"}),
    ((("nodes", FIRM, "raw_code"), "other"), {"deal", "firm"}),
    ((("nodes", SEED, "checksum"), {"checksum": "2"}), {"deal", "value"}),
    ((("nodes", SEED, "config"), {"column_types": {"code": "varchar"}}), {"deal", "value"}),
    ((("macros", TEXT, "macro_sql"), "other"), {"deal"}),
]


@pytest.mark.parametrize(("change", "affected"), CHANGES)
def test_a_change_reaches_the_models_that_read_it(change: tuple[tuple[str, ...], Any], affected: set[str]) -> None:
    """Code, macros called by macros, seeds and parents count; models that are built whole do not."""
    (*path, last), value = change
    changed = copy.deepcopy(MANIFEST)
    place = changed
    for key in path:
        place = place[key]
    place[last] = value

    before, after = definitions(MANIFEST), definitions(changed)

    assert {"deal", "firm", "value"} == set(before)
    assert affected == {name for name in before if before[name] != after[name]}
