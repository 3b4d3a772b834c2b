"""The project as a whole: it builds over nothing, its unit tests pass, Dagster reads keys and owners from it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dagster import AssetKey, AssetsDefinition
from dagster_dbt import dbt_assets

from contact_sync.catalog import load_catalog, load_contracts
from contact_sync.quality.measure import profiled
from contact_sync.quality.verdict import unmeasurable
from contact_sync_tests.pipeline.dbt.conftest import DBT_PROJECT

if TYPE_CHECKING:
    from contact_sync_tests.pipeline.dbt.conftest import Project, Warehouse

SOURCES = {
    "salesforce__contact",
    "salesforce__account",
    "salesforce__lead",
    "salesforce__opportunity",
    "salesforce__case",
    "salesforce__task",
    "salesforce__event",
    "salesforce__user",
    "erp__customer",
    "erp__contact",
    "erp__order",
    "drops__trade_show",
}
SEEDS = {"nickname", "legal_form", "country", "state", "picklist_value"}
CHANGES = {"contact_source_change", "contact_record_change", "account_source_change", "account_record_change"}
SILVER = SOURCES | SEEDS | CHANGES | {"contact_record", "account_record", "rejected_value"}
JOINING = {"person_joining_key", "company_joining_key"}
IDENTITY = JOINING | {
    f"{subject}_{table}"
    for subject in ("person", "company")
    for table in ("match_key", "common_key", "possible_match_key")
}
LINKS = {"person_link", "person_change", "company_link", "company_change"}
GOLD = {
    "contact_field",
    "contact",
    "account_field",
    "account",
    "opportunity_pipeline",
    "opportunity_pipeline_history",
    "case_resolution",
    "lead_funnel",
    "activity_360",
    "golden_key_change",
    "duplicates",
    "employment",
    "sla_target",
    "data_quality",
}
QUALITY = {"object_profile", "rule_result"}


@pytest.fixture(scope="session")
def manifest(dbt_project: Project) -> dict[str, Any]:
    """The manifest as Dagster reads it."""
    content: dict[str, Any] = json.loads(dbt_project.manifest_path.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="session")
def layer_assets(manifest: dict[str, Any]) -> AssetsDefinition:
    """All models as Dagster assets, translated without a translator class."""

    @dbt_assets(manifest=manifest, name="layers")
    def layers() -> Iterator[Any]:
        """Declared only; nothing here runs it."""
        yield from ()

    return layers


def keys(prefix: str, names: set[str]) -> set[AssetKey]:
    """Asset keys of one layer."""
    return {AssetKey([prefix, name]) for name in names}


def test_everything_builds_before_anything_was_extracted(warehouse: Warehouse) -> None:
    """Over empty bronze tables every model is built, has no rows, and every data test passes."""
    warehouse.set_window()
    first = warehouse.build("silver", "identity")
    second = warehouse.build("gold")
    assert SILVER | IDENTITY <= first
    assert GOLD | {"account_for_every_record"} <= second
    tables = warehouse.query(
        "select table_name, estimated_size from duckdb_tables() where schema_name in ('silver', 'identity', 'gold')"
    )
    built = SILVER - SEEDS - CHANGES | IDENTITY - JOINING | LINKS | GOLD - {"sla_target", "golden_key_change"} | QUALITY
    known = SEEDS | {"sla_target", "column_profile"}
    assert dict.fromkeys(built, 0) == {name: size for name, size in tables if name not in known}


def test_unit_tests_of_the_models_pass(warehouse: Warehouse) -> None:
    """The rules written beside the models (versions, normalisation, keys, survivorship) hold."""
    warehouse.set_window()
    warehouse.build("silver", "identity")
    warehouse.build("gold")
    assert {
        "the_greatest_version_wins_whenever_it_arrives",
        "every_value_has_its_exact_type",
        "a_value_that_breaks_a_rule_is_refused",
        "picklists_have_the_spelling_of_the_seed",
        "every_refused_field_is_a_row",
        "amounts_are_added_exactly_and_by_currency",
        "contact_values_are_normalized",
        "answers_of_libraries_come_first",
        "forms_hold_while_values_do",
        "a_refusal_stands_since_it_was_first_seen",
        "consent_follows_the_most_restrictive_record",
        "person_keys_are_guarded",
        "systems_say_who_lives_on_in_whom",
        "weak_keys_need_every_part",
        "each_rule_chooses_its_value",
        "an_address_comes_from_one_record",
        "the_last_build_is_remembered",
        "backlog_and_targets_count_the_hours_until_now",
        "leads_are_followed_to_the_deal",
        "activities_count_for_person_and_company",
        "everybody_has_one_current_employer",
        "several_records_in_one_instance_are_duplicates",
        "the_score_weighs_errors_and_is_compared_with_a_week_ago",
        "values_are_those_of_the_fields",
    } == warehouse.run_dbt("test", "--select", "test_type:unit")


def test_asset_keys_are_layer_and_name(layer_assets: AssetsDefinition) -> None:
    """Every model is <layer>/<name>; what dbt reads is bronze and what Python makes, and no pipeline table."""
    assert keys("silver", SILVER) | keys("identity", IDENTITY) | keys("gold", GOLD) == set(layer_assets.keys)
    read = set(layer_assets.keys_by_input_name.values()) - set(layer_assets.keys)
    assert keys("bronze", SOURCES) | keys("identity", LINKS) | keys("silver", QUALITY) == read


def test_assets_have_the_group_of_their_layer_and_an_owner(layer_assets: AssetsDefinition) -> None:
    """The group is the first part of the key; no asset is without an owner."""
    assert {key: key.path[0] for key in layer_assets.keys} == layer_assets.group_names_by_key
    assert set() == {spec.key for spec in layer_assets.specs if not spec.owners}


def test_every_data_test_is_a_check_of_one_asset(layer_assets: AssetsDefinition, manifest: dict[str, Any]) -> None:
    """No data test is invisible in Dagster."""
    tests = Counter(node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test")
    assert tests == Counter(check.name for check in layer_assets.check_specs)


def test_every_model_and_column_is_described(manifest: dict[str, Any]) -> None:
    """Each model says its grain, and each column of a model or source has a description and a type."""
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in {"model", "seed"}]
    assert [] == [node["name"] for node in nodes if "One row per " not in node["description"]]
    described = [*nodes, *manifest["sources"].values()]
    columns = [(node["name"], column) for node in described for column in node["columns"].values()]
    assert [] == [(name, column["name"]) for name, column in columns if not column["description"]]
    assert [] == [(name, column["name"]) for name, column in columns if not column["data_type"]]


def test_the_refused_values_of_every_model_are_listed(manifest: dict[str, Any]) -> None:
    """`rejected_value` reads every model of source_record, each of which says what it refused, and two more."""
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    source_records = {node["unique_id"]: node for node in models if "source_record" in node["fqn"]}
    listing = next(node for node in models if node["name"] == "rejected_value")

    normalised = {"model.contact_sync.contact_record", "model.contact_sync.account_record"}
    assert set(source_records) | normalised == set(listing["depends_on"]["nodes"])
    assert [] == [node["name"] for node in source_records.values() if "checked(" not in node["raw_code"]]


def test_models_have_an_enforced_contract(manifest: dict[str, Any]) -> None:
    """The columns and types of every table are promised and checked when it is built."""
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert [] == [node["name"] for node in models if not node["config"]["contract"]["enforced"]]


def test_every_model_promises_its_grain_by_a_test(manifest: dict[str, Any]) -> None:
    """Each table has a test of its grain over columns that it has, and each model belongs to a group with an owner."""
    models = {name: node for name, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    grains = {
        test["attached_node"]: test["test_metadata"]["kwargs"]["columns"]
        for test in tests
        if (test.get("test_metadata") or {}).get("name") == "one_row_per"
    }
    tables = {name: node for name, node in models.items() if node["config"]["materialized"] != "view"}
    assert [] == sorted(set(tables) - set(grains))
    assert [] == [name for name, node in tables.items() if not set(grains[name]) <= set(node["columns"])]
    owned = {group["name"] for group in manifest["groups"].values() if group["owner"]["email"]}
    assert {node["config"]["group"] for node in models.values()} <= owned


@pytest.mark.parametrize("entity", ["contact", "account"])
def test_whatever_a_record_is_made_of_is_followed(manifest: dict[str, Any], entity: str) -> None:
    """A change in any object that the records of an entity come from is one of theirs."""
    read = {
        name: {parent for parent in node["depends_on"]["nodes"] if "source_record" in manifest["nodes"][parent]["fqn"]}
        for name, node in manifest["nodes"].items()
        if name in {f"model.contact_sync.{entity}_record", f"model.contact_sync.{entity}_source_change"}
    }
    records, changes = (read[f"model.contact_sync.{entity}_{table}"] for table in ("record", "source_change"))
    assert records == changes
    assert all("changed_in" in manifest["nodes"][parent]["columns"] for parent in records)


def test_lineage_is_complete(manifest: dict[str, Any]) -> None:
    """Every model comes from a source, every source leads to a model, and no relation is read unseen.

    The exception are the tables of `pipeline_relation`, which its macro lists.
    """
    parents, children = manifest["parent_map"], manifest["child_map"]
    models = [name for name in manifest["nodes"] if name.startswith("model.")]
    assert [] == [name for name in models if not any(one.startswith("source.") for one in ancestors(name, parents))]
    assert [] == [name for name in manifest["sources"] if not any(one.startswith("model.") for one in children[name])]

    codes = {node["name"]: node["raw_code"] for name, node in manifest["nodes"].items() if name in models}
    ours = {name: macro["macro_sql"] for name, macro in manifest["macros"].items() if ".contact_sync." in name}
    tables = set(codes) | {source["name"] for source in manifest["sources"].values()}
    assert {} == {name: unseen for name, code in (codes | ours).items() if (unseen := undeclared(code, tables))}

    comment = (DBT_PROJECT / "macros/schema.sql").read_text(encoding="utf-8")
    listed = set(re.findall(r"^ {5}(\w+): ", comment, flags=re.MULTILINE))
    used = {name for code in (codes | ours).values() for name in re.findall(r"pipeline_relation\('(\w+)'\)", code)}
    assert used <= listed


def ancestors(name: str, parents: dict[str, list[str]]) -> set[str]:
    """Everything that a node comes from."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = set(parents.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def undeclared(code: str, tables: set[str]) -> list[str]:
    """Relations that a model or macro names itself: with a schema, or a table of ours that is no CTE of the code."""
    sql = re.sub(r"\{[{%#].*?[}%#]\}", " jinja ", code, flags=re.DOTALL)
    sql = re.sub(r"\b(?:extract|trim|substring|position)\s*\([^()]*\)", "", sql)
    steps = set(re.findall(r"(\w+) as (?:not materialized |materialized )?\(", sql))
    named = re.findall(r"\b(?:from|join)\s+([a-z_]\w*(?:\.\w+)*)", sql)
    return [name for name in named if "." in name or (name in tables and name not in steps)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("with a as (select 1) select * from a join {{ ref('contact') }} as contact on true", []),
        ("select * from silver.contact", ["silver.contact"]),
        ("with a as (select 1) select * from a join contact on true", ["contact"]),
        ("with contact as (select * from {{ ref('contact') }}) select extract(day from contact.day) from contact", []),
    ],
)
def test_a_relation_that_is_named_is_seen(code: str, expected: list[str]) -> None:
    """Only what is neither declared to dbt nor a step of the same statement is told."""
    assert expected == undeclared(code, {"contact"})


def test_every_shipped_contract_can_be_measured(manifest: dict[str, Any], repository: Path) -> None:
    """The columns that the contracts name are in the silver models, with types of which their rules can be said."""
    catalog = repository / "contact_sync" / "catalog"
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    problems = {}
    for name, contract in load_contracts(catalog, load_catalog(catalog).objects).items():
        columns = profiled({one["name"]: one["data_type"] for one in models[name]["columns"].values()})
        known = {column.name: column for column in columns}
        problems[name] = [problem for rule in contract.rules if (problem := unmeasurable(rule, known))]
    assert {name: [] for name in SOURCES} == problems
