"""What is wanted of each instance, and that nothing an instance answers keeps the others from being examined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from contact_sync.catalog import Catalog, CatalogObject, load_catalog
from contact_sync.connectors.base import Field, Health
from contact_sync.connectors.examination import Finding, Need, note
from contact_sync.errors import AuthenticationError, TransformError, UnknownObjectError
from contact_sync.identity.assign import derived_key
from contact_sync.identity.tables import KEY_LENGTH
from contact_sync.pipeline.doctor import examine, needs
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import Settings

READ = {"salesforce__contact": {"_instance": "varchar", "Email": "varchar"}}


@dataclass
class Plain:
    """A source that can only be asked for fields; `missing` are objects that it does not know."""

    health: Health | None = field(default_factory=lambda: Health(identity="1", description="here"))
    missing: frozenset[str] = frozenset()
    is_closed: bool = False

    def check(self) -> Health:
        """Say who is there."""
        if self.health is None:
            raise AuthenticationError("The login was refused.", remedy="Check the secret.")
        return self.health

    def fields(self, item: CatalogObject) -> tuple[Field, ...]:
        """No fields."""
        if item.object in self.missing:
            raise UnknownObjectError(f"There is no {item.object}.", remedy="Correct the catalog.")
        return ()

    def close(self) -> None:
        """Remember it."""
        self.is_closed = True


@dataclass
class Telling(Plain):
    """A source that examines itself: it finds one thing about each object that is written."""

    asked: list[Need] = field(default_factory=list)

    def examine(self, needs: Sequence[Need]) -> tuple[Finding, ...]:
        """A note about each."""
        self.asked += needs
        return tuple(note(need.item.object, "It is written.", "None.") for need in needs if need.entity)


@dataclass(frozen=True)
class Simple(Installation):
    """An installation with the shipped catalog and these sources by instance."""

    sources: Mapping[str, Any] = field(default_factory=dict)
    dbt: Any = field(default_factory=lambda: SimpleNamespace(bronze_columns=lambda: READ))

    def open_source(self, _item: CatalogObject, instance: str) -> Any:
        """The source."""
        return self.sources[instance]


def installation(tmp_path: Path, sources: Mapping[str, Any], **more: Any) -> Simple:
    """An installation whose Salesforce instances are these."""
    org = {"url": "http://org.test", "kind": "simulator", "client_id": "key", "client_secret": "secret"}
    return Simple(Settings(home=tmp_path, salesforce=dict.fromkeys(sources, org)), sources=sources, **more)


@pytest.fixture(scope="module")
def catalog(repository: Path) -> Catalog:
    """The shipped catalog."""
    return load_catalog(repository / "contact_sync" / "catalog")


def test_an_instance_is_asked_for_what_is_read_from_it_and_written_to_it(catalog: Catalog) -> None:
    """Every object of the source, with the fields that silver reads; golden entities only where they are written."""
    core = {need.item.name: need for need in needs(catalog, "salesforce", "core", READ)}
    emea = {need.item.name: need for need in needs(catalog, "salesforce", "emea", READ)}

    assert {one.name for one in catalog.of_source("salesforce")} == set(core) == set(emea)
    assert {"Email"} == core["salesforce__contact"].fields
    assert {"salesforce__contact", "salesforce__account"} == {name for name, need in core.items() if need.entity}
    assert [] == [name for name, need in emea.items() if need.entity]


def test_keys_have_the_length_that_external_ids_are_asked_for() -> None:
    """A key is as long as `doctor` says."""
    assert {KEY_LENGTH} == {len(derived_key("salesforce/core/003x", prefix)) for prefix in ("per_", "com_")}


def test_instances_are_examined_each_on_its_own(tmp_path: Path) -> None:
    """One refuses the login, one lacks an object, one tells of itself; all are told, and all are closed."""
    sources = {"core": Telling(), "emea": Plain(health=None), "apac": Plain(missing=frozenset({"Case"}))}

    found = {one.instance: one for one in examine(installation(tmp_path, sources))}

    assert {"core": True, "emea": False, "apac": False} == {name: one.is_ok for name, one in found.items()}
    assert ["Contact", "Account"] == [one.subject for one in found["core"].findings]
    assert [("emea", "The login was refused.", "Check the secret.")] == [
        (one.subject, one.message, one.remedy) for one in found["emea"].findings
    ]
    assert [("Case", "There is no Case.")] == [(one.subject, one.message) for one in found["apac"].findings]
    assert 8 == len(sources["core"].asked)
    assert {True} == {source.is_closed for source in sources.values()}


def test_a_target_that_is_not_configured_is_a_problem(tmp_path: Path) -> None:
    """golden.yaml writes to `core`; without settings for it, `doctor` says so once."""
    found = examine(installation(tmp_path, {"emea": Plain()}))

    assert [("emea", True), ("core", False)] == [(one.instance, one.is_ok) for one in found]
    assert ["golden.yaml writes to this instance, and it is not configured."] == [
        one.message for one in found[-1].findings
    ]


@pytest.mark.parametrize(("left", "expected"), [(None, []), (100, []), (99, ["note"]), (0, ["problem"])])
def test_few_batches_are_told_where_something_is_written(tmp_path: Path, left: int | None, expected: list[str]) -> None:
    """An org that is only read needs none, and one that does not tell is left alone."""
    health = Health(identity="1", description="here", remaining_batches=left)
    sources = {"core": Plain(health=health), "emea": Plain(health=health)}

    found = {one.instance: one for one in examine(installation(tmp_path, sources))}

    assert expected == [one.severity.value for one in found["core"].findings]
    assert () == found["emea"].findings


def test_models_that_cannot_be_read_keep_no_instance_from_being_examined(tmp_path: Path) -> None:
    """The project's own error is one finding; the org is examined without knowing what silver reads."""

    def broken() -> dict[str, dict[str, str]]:
        raise TransformError("The model x is broken.", remedy="Repair it.")

    core = Telling()
    found = examine(installation(tmp_path, {"core": core}, dbt=SimpleNamespace(bronze_columns=broken)))

    assert [("core", True), ("project", False)] == [(one.instance, one.is_ok) for one in found]
    assert {frozenset()} == {need.fields for need in core.asked}
