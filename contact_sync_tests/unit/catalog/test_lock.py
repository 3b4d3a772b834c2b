"""Wildcards stand for what the lock says, and the lock is what instances have."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import contact_sync
from contact_sync.catalog import Mode, Wildcard, load_catalog
from contact_sync.catalog.lock import LOCK, LeftOut, LockedObject, LockedSource, read_lock, write_lock
from contact_sync.connectors.base import ObjectSummary
from contact_sync.errors import CatalogError
from contact_sync.pipeline.discovery import resolve

SHIPPED = Path(contact_sync.__file__).parent / "catalog"
EVERYTHING = Wildcard(source="salesforce", pattern="*", excluded=("*History",), values={})


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The shipped catalog with a wildcard for all other objects of Salesforce."""
    for path in SHIPPED.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    with (tmp_path / "salesforce.yaml").open("a") as file:
        file.write('  - {object: "*", except: ["*History"], freshness_minutes: 60}\n')
    return tmp_path


def summary(name: str, **changes: str | None) -> ObjectSummary:
    """An object as an instance lists it."""
    values = {"key": "Id", "cursor": "SystemModstamp", "deleted": "IsDeleted", **changes}
    return ObjectSummary(object=name, **values)  # type: ignore[arg-type]  # only left_out is never None


def locked(name: str, *instances: str) -> LockedObject:
    """An object as the lock has it."""
    return LockedObject(object=name, key="Id", cursor="SystemModstamp", deleted="IsDeleted", instances=instances)


def test_a_wildcard_without_a_lock_names_the_command(directory: Path) -> None:
    """Nothing is asked when the catalog is loaded: the error says what to run."""
    with pytest.raises(CatalogError, match="contact-sync discover"):
        load_catalog(directory)


def test_a_wildcard_stands_for_what_the_lock_lists(directory: Path) -> None:
    """Locked objects get the wildcard's values; a row that names an object wins; excluded ones are no objects."""
    rows = (
        locked("Campaign", "core"),
        locked("Contact", "core"),
        locked("CaseHistory", "core"),
        LockedObject(object="Plain__c", key="Id", instances=("core", "emea")),
    )
    write_lock(directory, {"salesforce": LockedSource(objects=rows)})

    objects = load_catalog(directory).objects

    campaign, plain = objects["salesforce__campaign"], objects["salesforce__plain__c"]
    assert (60, ("core",), Mode.INCREMENTAL) == (campaign.freshness_minutes, campaign.instances, campaign.mode)
    assert (None, ("core", "emea"), Mode.SNAPSHOT) == (plain.cursor, plain.instances, plain.mode)
    assert 15 == objects["salesforce__contact"].freshness_minutes
    assert "salesforce__case_history" not in objects


def test_the_lock_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Sorted, one object a line; what is written is what is read."""
    lock = {
        "salesforce": LockedSource(
            objects=(locked("B", "core"), locked("A", "core", "emea")),
            left_out=(LeftOut(object="C", reason="why: #1"),),
        )
    }

    write_lock(tmp_path, lock)

    text = (tmp_path / LOCK).read_text()
    assert text.index("object: A") < text.index("object: B")
    found = read_lock(tmp_path)["salesforce"]
    assert set(lock["salesforce"].objects) == set(found.objects)
    assert lock["salesforce"].left_out == found.left_out


def test_a_damaged_lock_is_named(tmp_path: Path) -> None:
    """Whatever is wrong with it, the error says how to write it anew."""
    for text in ("salesforce: [", "salesforce: {objects: [{object: A}]}", "- 1"):
        (tmp_path / LOCK).write_text(text)
        with pytest.raises(CatalogError, match="contact-sync discover"):
            read_lock(tmp_path)


def test_objects_are_resolved_for_the_instances_that_have_them() -> None:
    """Each object names its instances; what cannot be read is left out with its reason; excluded names are nothing."""
    listings = {
        "core": (summary("A"), summary("Odd", left_out="it has no Id"), summary("AHistory")),
        "emea": (summary("A"), summary("B")),
    }

    found = resolve([EVERYTHING], listings, LockedSource(), ("core", "emea"))

    assert [("A", ("core", "emea")), ("B", ("emea",))] == [(one.object, one.instances) for one in found.objects]
    assert (LeftOut(object="Odd", reason="it has no Id"),) == found.left_out


def test_an_object_is_read_where_it_can_be() -> None:
    """One org's reason to leave an object out is not another's; a cursor that not all of them have is none."""
    listings = {
        "core": (summary("A", left_out="it has no Id"), summary("B")),
        "emea": (summary("A"), summary("B", cursor="CreatedDate")),
    }

    found = resolve([EVERYTHING], listings, LockedSource(), ("core", "emea"))

    assert [("A", "SystemModstamp", ("emea",)), ("B", None, ("core", "emea"))] == [
        (one.object, one.cursor, one.instances) for one in found.objects
    ]


def test_a_wildcard_does_not_take_the_name_of_a_row(directory: Path) -> None:
    """Two objects of one table name are an error that names both."""
    with (directory / "salesforce.yaml").open("a") as file:
        file.write("  - {object: Foo_Bar__c, description: Listed by hand.}\n")
    write_lock(directory, {"salesforce": LockedSource(objects=(locked("FooBar__c", "core"),))})

    with pytest.raises(CatalogError, match=r"FooBar__c would have the name of Foo_Bar__c"):
        load_catalog(directory)


def test_a_silent_instance_keeps_what_the_lock_says() -> None:
    """Absence is not deletion: only an instance that answered can lose an object, or one that is not configured."""
    known = LockedSource(objects=(locked("Gone", "core"), locked("Kept", "emea"), locked("Old", "former")))

    found = resolve([EVERYTHING], {"core": (summary("A"),)}, known, ("core", "emea"))

    assert [("A", ("core",)), ("Kept", ("emea",))] == [(one.object, one.instances) for one in found.objects]


def test_two_names_of_one_table_are_told_apart() -> None:
    """Of two objects that would share a table the first is read, the other is left out by name."""
    both = (summary("FooBar__c"), summary("Foo_Bar__c"))
    found = resolve([EVERYTHING], {"core": both}, LockedSource(), ("core",))
    assert ["FooBar__c"] == [one.object for one in found.objects]
    assert ["Foo_Bar__c"] == [one.object for one in found.left_out]

    unreadable = (summary("FooBar__c", left_out="it cannot be queried"), summary("Foo_Bar__c"))
    found = resolve([EVERYTHING], {"core": unreadable}, LockedSource(), ("core",))
    assert ["Foo_Bar__c"] == [one.object for one in found.objects]
