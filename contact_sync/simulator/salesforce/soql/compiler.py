"""A parsed query to parameterised SQLite SQL over the tables of store.py; names and types are checked here.

Comparisons are two-valued as in Salesforce: a null field satisfies `!=` and `not in`, and never `=` or `<`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from contact_sync.simulator.salesforce.decimals import COLLATION, SQL_FUNCTION, decimal_text
from contact_sync.simulator.salesforce.faults import Fault, invalid_field, unknown_object
from contact_sync.simulator.salesforce.ids import canonical_id
from contact_sync.simulator.salesforce.org_schema import OrgSchema
from contact_sync.simulator.salesforce.schema import (
    DECIMAL_TYPES,
    NUMBER_TYPES,
    REFERENCE_TYPES,
    TEXT_TYPES,
    FieldSchema,
    ObjectSchema,
)
from contact_sync.simulator.salesforce.soql.dates import date_range
from contact_sync.simulator.salesforce.soql.syntax import Comparison, Condition, Junction, Not, Path, Query, Value

_MAX_PARENTS = 5


@dataclass(frozen=True, slots=True)
class Column:
    """One selected column: its path in the spelling of the schema, and its field."""

    path: Path
    field: FieldSchema

    @property
    def name(self) -> str:
        """`Account.Name`."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with its parameters, and the columns it yields in order (none for `count()`)."""

    object: ObjectSchema
    columns: tuple[Column, ...]
    sql: str
    parameters: tuple[str | float | int | None, ...]


def compile_query(query: Query, org_schema: OrgSchema, *, include_deleted: bool, now: datetime) -> Statement:
    """SQL for a query; INVALID_TYPE, INVALID_FIELD or MALFORMED_QUERY when the schema does not allow it."""
    schema = org_schema.visible(query.object_name)
    if schema is None or not schema.queryable:
        raise unknown_object(query.object_name)
    return _Compiler(org_schema, schema, now).statement(query, include_deleted=include_deleted)


class _Compiler:
    def __init__(self, org_schema: OrgSchema, schema: ObjectSchema, now: datetime) -> None:
        self._org_schema = org_schema
        self._schema = schema
        self._now = now
        self._joins: dict[Path, str] = {}
        self._aliases: dict[Path, str] = {(): "record"}
        self._parameters: list[str | float | int | None] = []

    def statement(self, query: Query, *, include_deleted: bool) -> Statement:
        resolved = [self._resolve(path) for path in query.fields]
        conditions = [] if query.where is None else [self._condition(query.where)]
        if not include_deleted and self._schema.find("IsDeleted"):
            conditions.append("record.IsDeleted = 0")
        order = [self._order(one.path, descending=one.descending, nulls_last=one.nulls_last) for one in query.order_by]
        selected = ", ".join(sql for _, sql in resolved) or "record.Id"
        parts = [f'select {selected} from "{self._schema.name}" as record', *self._joins.values()]
        if conditions:
            parts.append("where " + " and ".join(conditions))
        # Without an order Salesforce promises none; the order of ids keeps a run repeatable.
        parts.append("order by " + ", ".join([*order, "record.Id"]))
        if query.limit is not None or query.offset is not None:
            parts.append("limit ? offset ?")
            self._parameters += [-1 if query.limit is None else query.limit, query.offset or 0]
        columns = tuple(column for column, _ in resolved)
        return Statement(self._schema, columns, " ".join(parts), tuple(self._parameters))

    def _resolve(self, path: Path) -> tuple[Column, str]:
        """The column behind a path, and its SQL; joins the parents that the path goes through."""
        if len(path) > _MAX_PARENTS + 1:
            raise invalid_field(f"{'.'.join(path)}: a query can go through at most {_MAX_PARENTS} parents")
        parents, name = path[:-1], path[-1]
        schema = self._schema
        spelled: Path = ()
        for parent in parents:
            reference = schema.references.get(parent.lower())
            target = self._org_schema.visible(reference.refers_to) if reference and reference.refers_to else None
            if reference is None or target is None:
                raise invalid_field(f"Didn't understand relationship '{parent}' in field path.")
            spelled = self._join(spelled, reference, target)
            schema = target
        field = schema.find(name)
        if field is None:
            raise invalid_field(f"No such column '{name}' on entity '{schema.name}'.")
        return Column((*spelled, field.name), field), _column_sql(self._aliases[spelled], schema, field)

    def _join(self, parent: Path, reference: FieldSchema, target: ObjectSchema) -> Path:
        path = (*parent, str(reference.relationship))
        if path not in self._aliases:
            alias = f"parent_{len(self._aliases)}"
            self._joins[path] = (
                f'left join "{target.name}" as {alias} on {alias}.Id = {self._aliases[parent]}."{reference.name}"'
            )
            self._aliases[path] = alias
        return path

    def _order(self, path: Path, *, descending: bool, nulls_last: bool) -> str:
        column, sql = self._resolve(path)
        if column.field.type in ("textarea", "address"):
            raise invalid_field(f"field '{column.name}' can not be sorted in a query call")
        return f"{sql} {'desc' if descending else 'asc'} nulls {'last' if nulls_last else 'first'}"

    def _condition(self, condition: Condition) -> str:
        if isinstance(condition, Junction):
            return "(" + f" {condition.operator} ".join(self._condition(one) for one in condition.conditions) + ")"
        if isinstance(condition, Not):
            return f"not coalesce({self._condition(condition.condition)}, 0)"
        return self._comparison(condition)

    def _comparison(self, comparison: Comparison) -> str:
        column, sql = self._resolve(comparison.path)
        field = column.field
        if not field.filterable:
            raise invalid_field(f"field '{column.name}' can not be filtered in a query call")
        if comparison.operator in ("in", "not in"):
            return self._membership(field, sql, comparison)
        (value,) = comparison.values
        if value.kind == "range":
            return self._range(field, sql, comparison.operator, str(value.value))
        if comparison.operator == "like" and field.type not in TEXT_TYPES:
            raise invalid_field(f"invalid operator on {field.type} field: {field.name}")
        if comparison.operator == "like":
            self._parameters.append(_stored(field, value))
            return f"{sql} like ? escape '\\'"
        operator: str = comparison.operator
        if value.kind == "null":
            if operator not in ("=", "!="):
                raise invalid_field(f"invalid operator on null for field: {field.name}")
            return f"{sql} is {'not ' if operator == '!=' else ''}null"
        self._parameters.append(_stored(field, value))
        return f"{sql} is not ?" if operator == "!=" else f"{sql} {operator} ?"

    def _membership(self, field: FieldSchema, sql: str, comparison: Comparison) -> str:
        values = [_stored(field, value) for value in comparison.values if value.kind != "null"]
        self._parameters += values
        alternatives = [f"{sql} in ({', '.join('?' * len(values))})"] if values else []
        if any(value.kind == "null" for value in comparison.values):
            alternatives.append(f"{sql} is null")
        found = " or ".join(alternatives)
        return f"({found})" if comparison.operator == "in" else f"not coalesce({found}, 0)"

    def _range(self, field: FieldSchema, sql: str, operator: str, literal: str) -> str:
        if field.type not in ("date", "datetime"):
            raise _wrong_type(field)
        first, after = date_range(literal, self._now.date())
        suffix = "T00:00:00.000Z" if field.type == "datetime" else ""
        start, end = first.isoformat() + suffix, after.isoformat() + suffix
        bounds: Sequence[str] = {"=": (start, end), "!=": (start, end), "<": (start,), ">=": (start,)}.get(
            operator, (end,)
        )
        self._parameters += bounds
        between = f"({sql} >= ? and {sql} < ?)"
        return {
            "=": between, "!=": f"not coalesce({between}, 0)",
            "<": f"{sql} < ?", "<=": f"{sql} < ?", ">": f"{sql} >= ?", ">=": f"{sql} >= ?",
        }[operator]  # fmt: skip


def _column_sql(alias: str, schema: ObjectSchema, field: FieldSchema) -> str:
    if field.formula is not None:
        formula = "(" + field.formula.replace("{record}", alias) + ")"
        return f"{SQL_FUNCTION}{formula} collate {COLLATION}" if field.type in DECIMAL_TYPES else formula
    if field.selectable:
        return f'{alias}."{field.name}"'
    if field.type != "address":
        return "null"
    # A compound address has no column: REST shows its parts as one object.
    prefix = field.name.removesuffix("Address")
    parts = [one.name for one in schema.fields if one.compound == field.name]
    pairs = (f"'{_first_lower(part.removeprefix(prefix))}', {alias}.\"{part}\"" for part in parts)
    return f"json_object({', '.join(pairs)})"


def _first_lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _stored(field: FieldSchema, value: Value) -> str | float | int:
    """The value as the store holds it, if a literal of this kind may be compared with the field."""
    if field.type in REFERENCE_TYPES and value.kind == "string":
        record_id = canonical_id(str(value.value))
        if record_id is None:
            raise Fault(400, "INVALID_QUERY_FILTER_OPERATOR", f"{field.name}: invalid ID field: {value.value}")
        return record_id
    allowed = (
        {"string"} if field.type in TEXT_TYPES
        else {"number"} if field.type in NUMBER_TYPES
        else {field.type}
    )  # fmt: skip
    if value.kind not in allowed or value.value is None:
        raise _wrong_type(field)
    if isinstance(value.value, Decimal):
        return decimal_text(value.value) if field.type in DECIMAL_TYPES else float(value.value)
    return int(value.value) if isinstance(value.value, bool) else value.value


def _wrong_type(field: FieldSchema) -> Fault:
    expected = "dateTime" if field.type == "datetime" else field.type
    hint = "enclosed in quotes" if field.type in TEXT_TYPES else "a literal of that type, not enclosed in quotes"
    return invalid_field(
        f"value of filter criterion for field '{field.name}' must be of type {expected} and should be {hint}"
    )
