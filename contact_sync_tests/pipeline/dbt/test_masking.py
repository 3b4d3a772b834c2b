"""Personal columns are named once, and every table of silver, identity and gold that has one gets it masked."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import sqlglot
from dbt.cli.main import dbtRunner
from sqlglot import exp

from contact_sync_tests.pipeline.dbt.conftest import invoke_dbt

if TYPE_CHECKING:
    from contact_sync_tests.pipeline.dbt.conftest import Project, Warehouse

PERSONAL_WORD = re.compile(
    r"(^|_)(names?|emails?|phones?|fax|street|city|postal|address|birth\w*|salutation|title|notes?|description|subject|"
    r"comments?|value|key)(_normalized)?$"
)
NOT_PERSONAL = {
    "object_name": "a name in the catalog",
    "stage_name": "a step of selling",
    "company_name": "companies' names in figures; account names, which may be people's, are masked as `name`",
    "company_normalized": "the same",
    "person_key": "made here",
    "company_key": "made here",
    "record_key": "an identifier",
    "source_record_key": "an identifier",
    "account_record_key": "an identifier",
    "contact_sync_key": "made here",
    "golden_key": "made here",
    "primary_record_key": "an identifier",
    "column_name": "a name in a table",
    "kind_of_value": "a kind, not the value",
}
STATEMENTS = """
{%- if execute -%}
{%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
    {%- set columns = [] -%}
    {%- for column in node.columns.values() if column.name in personal_columns() -%}
        {%- do columns.append(column.name) -%}
    {%- endfor -%}
    {%- if columns -%}
        {%- set relation = api.Relation.create(database='contacts', schema=node.schema, identifier=node.name) -%}
        {{ snowflake__mask_columns(relation, columns) }};
        {{ redshift_masking_statements(relation, columns) }}
    {%- endif -%}
{%- endfor -%}
{%- endif -%}
"""


def compiled(warehouse: Warehouse, template: str) -> str:
    """What dbt makes of a template that may look at the graph, which a manifest read from disk has to be given."""
    warehouse.project.manifest.build_flat_graph()
    runner = dbtRunner(manifest=warehouse.project.manifest)
    command = ["compile", "--no-populate-cache", "--inline", template]
    result = invoke_dbt(runner, warehouse.path, warehouse.project.artifacts, command)
    return str(result.results[0].node.compiled_code)


def models(project: Project) -> list[dict[str, Any]]:
    """Every model, as Dagster reads it."""
    nodes = json.loads(project.manifest_path.read_text(encoding="utf-8"))["nodes"].values()
    return [node for node in nodes if node["resource_type"] == "model"]


def test_every_personal_column_is_masked(warehouse: Warehouse, dbt_project: Project) -> None:
    """In Snowflake by one statement per table, in Redshift by one per column and role; and no column besides."""
    personal = set(json.loads(compiled(warehouse, "{{ tojson(personal_columns()) }}")))
    expected = {
        (f"{node['schema']}.{node['name']}", column)
        for node in models(dbt_project)
        for column in node["columns"]
        if column in personal
    }
    statements = [" ".join(one.split()) for one in compiled(warehouse, STATEMENTS).replace('"', "").split(";")]
    in_snowflake = {
        (table, column)
        for one in statements
        for table in re.findall(r"^alter table contacts\.([\w.]+) modify", one)
        for column in re.findall(r"column (\w+) set masking policy contacts\.security\.personal_text force", one)
    }
    attached = [
        re.fullmatch(r"attach masking policy (\w+) on ([\w.]+) \((\w+)\) to (public|role \w+) priority (\d+)", one)
        for one in statements
        if one.startswith("attach")
    ]

    assert {"silver.contact_record", "gold.contact", "identity.person_match_key"} <= {table for table, _ in expected}
    assert expected == in_snowflake
    assert None not in attached
    in_redshift = [found.groups() for found in attached if found is not None]
    assert expected == {(table, column) for policy, table, column, to, _ in in_redshift if to == "public"}
    assert 4 * len(expected) == len({(table, column, priority) for _, table, column, _, priority in in_redshift})
    assert all(
        isinstance(sqlglot.parse_one(one, dialect="snowflake"), exp.Command) for one in statements if "alter" in one
    )


def test_personal_columns_are_text(warehouse: Warehouse, dbt_project: Project) -> None:
    """The policies take text only."""
    personal = set(json.loads(compiled(warehouse, "{{ tojson(personal_columns()) }}")))
    kinds = {
        (node["name"], name): column["data_type"]
        for node in models(dbt_project)
        for name, column in node["columns"].items()
        if name in personal
    }

    assert {"varchar"} == set(kinds.values())


def test_no_column_that_sounds_personal_is_left_out(warehouse: Warehouse, dbt_project: Project) -> None:
    """A new text column whose name says that it may hold a person's value is personal, or listed with a reason."""
    personal = set(json.loads(compiled(warehouse, "{{ tojson(personal_columns()) }}")))
    left_out = {
        (node["name"], name)
        for node in models(dbt_project)
        for name, column in node["columns"].items()
        if column["data_type"] == "varchar" and PERSONAL_WORD.search(name) and name not in personal | set(NOT_PERSONAL)
    }

    assert set() == left_out
