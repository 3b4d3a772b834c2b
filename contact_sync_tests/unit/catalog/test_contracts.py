"""Contracts are read whole or refused, with file and line of what is wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from contact_sync.catalog import RuleKind, Severity, load_catalog, load_contracts
from contact_sync.errors import CatalogError

CONTRACT = """\
rows_at_least: 3
optional_fields: [Fax]
drift: {threshold: 5, days: 10}
columns:
  last_name: {required: true, length: [1, 80]}
  email:
    - {pattern: "[^@]+@[^@]+", tolerance: 0.01}
    - {null_share_below: 0.5, severity: warn}
  created_at: {between: [1999-01-01, tomorrow]}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A catalog's directory with one contract."""
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "crm__contact.yaml").write_text(CONTRACT, encoding="utf-8")
    return tmp_path


def test_each_rule_has_its_own_severity_and_tolerance(directory: Path) -> None:
    """A column has one mapping of rules or several; a mapping's severity and tolerance hold for its rules."""
    contract = load_contracts(directory, {"crm__contact"})["crm__contact"]

    assert [
        (RuleKind.ROWS_AT_LEAST, "", 3, Severity.ERROR, 0),
        (RuleKind.REQUIRED, "last_name", True, Severity.ERROR, 0),
        (RuleKind.LENGTH, "last_name", (1, 80), Severity.ERROR, 0),
        (RuleKind.PATTERN, "email", "[^@]+@[^@]+", Severity.ERROR, 0.01),
        (RuleKind.NULL_SHARE_BELOW, "email", 0.5, Severity.WARN, 0),
        (RuleKind.BETWEEN, "created_at", (date(1999, 1, 1), "tomorrow"), Severity.ERROR, 0),
    ] == [(rule.kind, rule.column, rule.argument, rule.severity, rule.tolerance) for rule in contract.rules]
    assert (("Fax",), 5, 10) == (contract.optional_fields, contract.drift.threshold, contract.drift.days)
    assert "pattern [^@]+@[^@]+, up to 1.00% of the rows aside" == str(contract.rules[3])


def test_the_shipped_contracts(repository: Path) -> None:
    """Every object of the shipped catalog has a contract with rules."""
    directory = repository / "contact_sync" / "catalog"
    objects = load_catalog(directory).objects
    contracts = load_contracts(directory, objects)

    assert set(objects) == set(contracts)
    assert [] == [name for name, contract in contracts.items() if len(contract.rules) < 5]


def test_a_catalog_without_contracts_has_none(tmp_path: Path) -> None:
    """No object needs a contract."""
    assert {} == load_contracts(tmp_path, {"crm__contact"})


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("length: [1, 80]", "length: [80, 1]", ":5: length: Value error, the first bound must not be greater"),
        ("length: [1, 80]", "lenght: [1, 80]", ":5: lenght: Extra inputs"),
        ("required: true, length: [1, 80]", "severity: warn", ":5: Value error, expected at least one rule"),
        ("required: true", "required: false", ":5: required: Input should be True"),
        ("{required: true, length: [1, 80]}", "required", ":5: the rules of last_name must be a mapping"),
        ("last_name", "LastName", ":5: LastName is no column of silver"),
        ("[^@]+@[^@]+", "[^@]+@(?i)x", ":7: pattern: Value error, pattern: (?...) does not mean the same"),
        ("[^@]+@[^@]+", "([^@]+", ":7: pattern: Value error, pattern: not a regular expression"),
        ('"[^@]+@[^@]+"', r'"[^@]+@\\w+"', ":7: pattern: Value error, pattern: a backslash does not mean the same"),
        ("severity: warn", "severity: shout", ":8: severity: Input should be 'error' or 'warn'"),
        ("null_share_below: 0.5", "null_share_below: 1.5", ":8: null_share_below: Input should be less than or equal"),
        ("[1999-01-01, tomorrow]", "[5, tomorrow]", ":9: between: Value error, both bounds must be numbers, or dates"),
        (
            "[1999-01-01, tomorrow]",
            "[1999-01-01, 5]",
            ":9: between: Value error, both bounds must be numbers, or dates",
        ),
        ("rows_at_least: 3", "rows_at_most: 3", ":1: unknown key rows_at_most"),
        ("threshold: 5", "threshold: -5", ":1: drift.threshold: Input should be greater than 0"),
        ("rows_at_least: 3", "rows_at_least: [", ":3:1: not valid YAML"),
        (CONTRACT, "columns: [email]\n", ":1: columns must be a mapping"),
    ],
)
def test_mistakes_are_named_by_file_and_line(directory: Path, old: str, new: str, expected: str) -> None:
    """Each mistake is a CatalogError that names the file and the line."""
    assert old in CONTRACT
    path = directory / "contracts" / "crm__contact.yaml"
    path.write_text(CONTRACT.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(CatalogError) as failure:
        load_contracts(directory, {"crm__contact"})

    assert f"{path}{expected}" in str(failure.value)


def test_a_contract_is_of_an_object_of_the_catalog(directory: Path) -> None:
    """A file that is named for nothing in the catalog is refused: its rules would never be looked at."""
    with pytest.raises(CatalogError, match=r"crm__contact\.yaml: the catalog has no object crm__contact"):
        load_contracts(directory, {"crm__lead"})
