"""What names and patterns mean, and the error for what means nothing names just that."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import contact_sync
from contact_sync.catalog.lock import LockedObject, LockedSource, write_lock
from contact_sync.errors import CatalogError, ContactSyncError, SettingsError
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.work import chosen
from contact_sync.settings import SalesforceInstance, Settings


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Two orgs, no ERP and no bucket; one object that a wildcard found in `core` only."""
    catalog = tmp_path / "catalog"
    shutil.copytree(Path(contact_sync.__file__).parent / "catalog", catalog)
    with (catalog / "salesforce.yaml").open("a") as file:
        file.write('  - {object: "*"}\n')
    only_core = LockedObject(object="OnlyCore__c", key="Id", cursor="SystemModstamp", instances=("core",))
    write_lock(catalog, {"salesforce": LockedSource(objects=(only_core,))})
    org = {"url": "http://127.0.0.1:1", "client_id": "id", "client_secret": "secret"}
    orgs = {name: SalesforceInstance.model_validate(org) for name in ("core", "emea")}
    return Installation(Settings(home=tmp_path, catalog=catalog, salesforce=orgs))


def named(installation: Installation, *patterns: str, instance: str | None = None) -> set[tuple[str, str]]:
    """Objects and instances as names; each only once."""
    work = [(item.name, one) for item, one in chosen(installation, patterns, instance)]
    assert len(work) == len(set(work))
    return set(work)


@pytest.mark.parametrize(
    "patterns",
    [
        ("salesforce__contact", "salesforce__account"),
        ("salesforce__[ac]*ct", "*__account"),
        ("salesforce__account", "salesforce__?ccount", "salesforce__contac?"),
    ],
)
def test_names_and_patterns(installation: Installation, patterns: tuple[str, ...]) -> None:
    """`*`, `?` and `[` make a pattern; whatever names an object twice means it once."""
    both = {(f"salesforce__{name}", instance) for name in ("contact", "account") for instance in ("core", "emea")}

    assert both == named(installation, *patterns)
    assert {work for work in both if work[1] == "emea"} == named(installation, *patterns, instance="emea")


def test_everything_is_what_can_be_read(installation: Installation) -> None:
    """Sources without an instance are not part of everything, and an object only where it is."""
    work = named(installation, "*")

    assert {"salesforce"} == {name.split("__")[0] for name, _ in work}
    assert {"core"} == {instance for name, instance in work if name == "salesforce__only_core__c"}


@pytest.mark.parametrize(
    ("patterns", "instance", "kind", "message"),
    [
        (("salesforce__contact", "erp__contact"), None, SettingsError, "^erp has no configured instance"),
        (("*", "erp__*"), "core", SettingsError, "^erp has no instance core"),
        (("*",), "apac", SettingsError, r"^salesforce has no instance apac \(configured: core, emea\)"),
        (("salesforce__contact", "salesforce__only_core__c"), "emea", CatalogError, "^salesforce__only_core__c is not"),
        (("salesforce__only*",), "emea", CatalogError, r"only\* is not read from emea.*only_core__c: core"),
        (("salesforce__contact", "salesforce__?"), None, CatalogError, r"matches salesforce__\?\."),
        (("salesforce__contact", "salesforce__[xyz]*"), None, CatalogError, r"matches salesforce__\[xyz\]\*\."),
        (("salesforce__contact", "salesforce__nothing"), None, CatalogError, "no object salesforce__nothing"),
    ],
)
def test_what_means_nothing_is_named(
    installation: Installation, patterns: tuple[str, ...], instance: str | None, kind: type, message: str
) -> None:
    """The error names the object or pattern that is wrong, not one of those that are right."""
    with pytest.raises(ContactSyncError, match=message) as raised:
        chosen(installation, patterns, instance)

    assert kind is raised.type
