"""The catalog is read whole or refused, with file and line of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from contact_sync.catalog import Mode, load_catalog
from contact_sync.catalog.model import snake_case
from contact_sync.errors import CatalogError

SOURCE = """\
source: crm
connector: salesforce
owner: team:test
defaults: {key: Id, cursor: SystemModstamp}
objects:
  - {object: Contact, description: People.}
  - {object: OpportunityLineItem, description: Lines.}
"""
GOLDEN = """\
contact:
  key: person_key
  records: contact_record
  trust: [crm__contact]
  target: {object: crm__contact, instance: core}
  fields:
    email: {rule: most_recent, target_field: Email}
    phone: {rule: trust, owner: crm__contact, target_field: Phone}
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A catalog of two files."""
    (tmp_path / "crm.yaml").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "golden.yaml").write_text(GOLDEN, encoding="utf-8")
    return tmp_path


def test_objects_and_entities(catalog: Path) -> None:
    """Defaults hold for every object; names are made of source and object; owned fields are written back."""
    loaded = load_catalog(catalog)

    assert ["crm__contact", "crm__opportunity_line_item"] == list(loaded.objects)
    assert ("Id", "SystemModstamp", Mode.INCREMENTAL) == (
        loaded.objects["crm__contact"].key,
        loaded.objects["crm__contact"].cursor,
        loaded.objects["crm__contact"].mode,
    )
    assert {"email": False, "phone": True} == {
        field.name: field.is_written_back for field in loaded.entities["contact"].fields
    }
    assert 2 == len(loaded.of_source("crm"))


def test_the_shipped_catalog(repository: Path) -> None:
    """The catalog in the package holds the objects of all three source systems."""
    loaded = load_catalog(repository / "contact_sync/catalog")

    assert {"salesforce", "erp", "drops"} == {item.source for item in loaded.objects.values()}
    assert {"contact", "account"} == set(loaded.entities)


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("crm.yaml", "{object: Contact,", "{object: [Contact,", "crm.yaml:6:"),
        ("crm.yaml", "source: crm", "source: crm\nsauce: x", "crm.yaml: expected the keys"),
        ("crm.yaml", "source: crm", "1: crm", "crm.yaml: expected the keys"),
        ("crm.yaml", "{object: Contact, description: People.}", "Contact", "crm.yaml:6: objects 0 must be a mapping"),
        ("crm.yaml", "Lines.}", "Lines., colour: red}", "crm.yaml:7: colour: Extra inputs"),
        ("crm.yaml", "object: OpportunityLineItem, ", "", "crm.yaml:7: object: Field required"),
        ("crm.yaml", ", cursor: SystemModstamp", "", "crm.yaml:6: Value error, crm__contact: an incremental object"),
        ("crm.yaml", "defaults: {key: Id, cursor: SystemModstamp}", "defaults: [Id]", "crm.yaml:4: defaults must be"),
        ("crm.yaml", SOURCE[SOURCE.index("objects:") :], "objects: Contact\n", "crm.yaml:5: objects must be a list"),
        ("crm.yaml", "OpportunityLineItem", "Contact", "crm.yaml: crm__contact is listed twice"),
        ("crm.yaml", SOURCE, "- a\n", "crm.yaml: expected a mapping at the top"),
        ("golden.yaml", "trust: [crm__contact]", "trust: [crm__lead]", "golden.yaml:2: "),
        ("golden.yaml", "owner: crm__contact", "owner: crm__lead", "crm__lead is not listed under trust"),
        ("golden.yaml", "email: {rule: most_recent, target_field: Email}", "email: most_recent", "golden.yaml:7: "),
        ("golden.yaml", "rule: trust", "rule: loudest", "golden.yaml:8: contact.phone: rule: Input should be 'trust'"),
        (
            "golden.yaml",
            "rule: trust",
            "rule: fill_only",
            "golden.yaml:8: contact.phone: Value error, an owner's value",
        ),
        ("golden.yaml", "rule: trust", "rule: union", "golden.yaml:8: contact.phone: Value error, joined values"),
        (
            "golden.yaml",
            "most_recent,",
            "union, group: name,",
            "golden.yaml:7: contact.email: Value error, a group comes",
        ),
        (
            "golden.yaml",
            "rule: trust",
            "null_policy: propagate, rule: longest",
            "golden.yaml:8: contact.phone: Value error, null_policy propagate needs the rule trust or most_recent",
        ),
        (
            "golden.yaml",
            "phone: {rule: trust,",
            "fax: {rule: trust, group: call}\n    phone: {rule: trust, group: call,",
            "contact.phone: owner must be that of fax: the fields of the group call come from one record",
        ),
        ("golden.yaml", GOLDEN, "contact: yes\n", "golden.yaml:1: contact must be a mapping"),
    ],
)
def test_mistakes_are_named_by_file_and_line(catalog: Path, file: str, old: str, new: str, expected: str) -> None:
    """Each mistake is a CatalogError that names the file, and the line where that is known."""
    path = catalog / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(CatalogError) as failure:
        load_catalog(catalog)

    assert expected in str(failure.value)
    assert str(catalog) in str(failure.value)


@pytest.mark.parametrize("content", [b"source: caf\xe9\n", b"source: \x00\n"])
def test_files_that_are_not_text(catalog: Path, content: bytes) -> None:
    """Another encoding, or bytes that are no text, are named by file."""
    (catalog / "crm.yaml").write_bytes(content)

    with pytest.raises(CatalogError, match=r"crm\.yaml is not text in UTF-8"):
        load_catalog(catalog)


def test_missing_files(catalog: Path) -> None:
    """A missing directory, and a missing golden.yaml, are named."""
    with pytest.raises(CatalogError, match="nowhere does not exist"):
        load_catalog(catalog / "nowhere")
    (catalog / "golden.yaml").unlink()
    with pytest.raises(CatalogError, match=r"golden\.yaml cannot be read"):
        load_catalog(catalog)


@pytest.mark.parametrize(
    ("name", "expected"), [("Contact", "contact"), ("OrderItem2X", "order_item2_x"), ("A__c", "a__c")]
)
def test_snake_case(name: str, expected: str) -> None:
    """Names of objects become names of tables."""
    assert expected == snake_case(name)
