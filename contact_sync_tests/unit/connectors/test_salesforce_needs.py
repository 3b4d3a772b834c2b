"""Each thing that an org can lack, and each thing that our user may not do, is found, named and has a remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contact_sync.catalog import Catalog, load_catalog
from contact_sync.connectors.examination import Finding, Need
from contact_sync.connectors.salesforce.access import FieldAccess, ObjectAccess, access_of
from contact_sync.connectors.salesforce.needs import feature_notes, findings, missing_fields
from contact_sync.simulator.salesforce.currencies import SOME_CURRENCIES
from contact_sync.simulator.salesforce.describe import describe_object
from contact_sync.simulator.salesforce.features import Features
from contact_sync.simulator.salesforce.objects import ACCOUNT, CONTACT, USER, find_object

KEY = "Contact_Sync_Key__c"
KEY_LENGTH = 24


@pytest.fixture(scope="module")
def catalog(repository: Path) -> Catalog:
    """The shipped catalog."""
    return load_catalog(repository / "contact_sync" / "catalog")


@pytest.fixture
def contact_need(catalog: Catalog) -> Need:
    """What is wanted of contacts in the org that is written to."""
    return Need(
        item=catalog.objects["salesforce__contact"],
        fields=frozenset({"Email", "Department", "Level__c"}),
        entity=catalog.entities["contact"],
        key_length=KEY_LENGTH,
    )


@pytest.fixture
def contacts() -> ObjectAccess:
    """Contacts of an org where everything is as it should be."""
    return access_of(describe_object(CONTACT))


def without(access: ObjectAccess, *names: str) -> ObjectAccess:
    """The object when these fields are not shown."""
    return replace(access, fields={name: field for name, field in access.fields.items() if name not in names})


def changed(access: ObjectAccess, name: str, **change: object) -> ObjectAccess:
    """The object with one field described otherwise."""
    return replace(access, fields={**access.fields, name: replace(access.fields[name], **change)})  # type: ignore[arg-type]


def told(found: Finding) -> tuple[str, str]:
    """Severity and subject."""
    return found.severity.value, found.subject


def unexpected(need: Need, access: ObjectAccess | None, hidden: frozenset[str] = frozenset()) -> list[Finding]:
    """The findings, but the one that every org of these tests has: contacts lack the custom field `Level__c`."""
    found = [one for one in findings(need, access, hidden) if one.subject != "Contact.Level__c"]
    assert [] == [one for one in found if not (one.message and one.remedy)]
    return found


def test_a_healthy_org_has_nothing_to_tell(contact_need: Need, contacts: ObjectAccess, catalog: Catalog) -> None:
    """Contacts, accounts and what is only read: no finding but that a custom field is missing."""
    accounts = Need(
        item=catalog.objects["salesforce__account"], entity=catalog.entities["account"], key_length=KEY_LENGTH
    )
    leads = Need(item=catalog.objects["salesforce__lead"], fields=frozenset({"Status", "Company"}))
    lead = find_object("Lead")
    assert lead is not None

    assert [] == unexpected(contact_need, contacts)
    assert [] == list(findings(accounts, access_of(describe_object(ACCOUNT))))
    assert [] == list(findings(leads, access_of(describe_object(lead))))


def test_an_object_that_is_not_shown_is_one_finding(contact_need: Need) -> None:
    """Its fields are not listed one by one."""
    assert [("problem", "Contact")] == [told(one) for one in findings(contact_need, None)]


def test_what_cannot_be_read_is_told(contact_need: Need, contacts: ObjectAccess) -> None:
    """Not queryable is a problem; not replicateable only means that deletions are found later."""
    access = replace(contacts, is_queryable=False, is_replicateable=False)

    assert [("problem", "Contact"), ("note", "Contact")] == [told(one) for one in unexpected(contact_need, access)]


@pytest.mark.parametrize(("name", "severity"), [("Department", "problem"), ("SystemModstamp", "problem")])
def test_a_standard_field_that_is_not_shown_is_hidden(
    contact_need: Need, contacts: ObjectAccess, name: str, severity: str
) -> None:
    """Every org has it, so that our user lacks the right, whatever FieldDefinition tells."""
    assert [(severity, f"Contact.{name}")] == [told(one) for one in unexpected(contact_need, without(contacts, name))]


@pytest.mark.parametrize(("hidden", "severity"), [(frozenset({"Level__c"}), "problem"), (frozenset(), "note")])
def test_a_custom_field_may_be_missing_but_not_hidden(
    contact_need: Need, contacts: ObjectAccess, hidden: frozenset[str], severity: str
) -> None:
    """One org of many may do without a field that silver reads; if it has it, our user has to see it."""
    assert {"Level__c"} == missing_fields(contact_need, contacts)
    assert [(severity, "Contact.Level__c")] == [told(one) for one in findings(contact_need, contacts, hidden)]


def test_fields_of_features_are_not_missed(catalog: Catalog) -> None:
    """Person accounts and several currencies bring fields; an org without them lacks nothing."""
    need = Need(
        item=catalog.objects["salesforce__account"],
        fields=frozenset({"IsPersonAccount", "PersonContactId", "CurrencyIsoCode"}),
    )

    assert frozenset() == missing_fields(need, access_of(describe_object(ACCOUNT)))


def test_an_object_has_to_be_writable(contact_need: Need, contacts: ObjectAccess) -> None:
    """Creating and editing are told apart; who creates nothing needs no right to."""
    access = replace(contacts, is_createable=False, is_updateable=False)
    entity = contact_need.entity
    assert entity is not None
    edits_only = entity.model_copy(update={"target": entity.target.model_copy(update={"create_from": ()})})

    assert ["Our user may not edit records.", "Our user may not create records."] == [
        one.message for one in unexpected(contact_need, access)
    ]
    assert ["Our user may not edit records."] == [
        one.message for one in unexpected(replace(contact_need, entity=edits_only), access)
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_external_id": False}, "not an External ID"),
        ({"is_unique": False}, "not unique"),
        ({"length": KEY_LENGTH - 1}, "holds 23 characters, and a key has 24"),
        ({"is_createable": False}, "may not write it"),
        ({"is_updateable": False}, "may not write it"),
    ],
)
def test_the_external_id_has_to_be_one(
    contact_need: Need, contacts: ObjectAccess, change: dict[str, object], words: str
) -> None:
    """External ID, unique, long enough for a key, and writable by stamps and creates alike."""
    (found,) = unexpected(contact_need, changed(contacts, KEY, **change))

    assert ("problem", f"Contact.{KEY}") == told(found)
    assert words in found.message


def test_a_missing_external_id_is_deployed(contact_need: Need, contacts: ObjectAccess) -> None:
    """The remedy of a field that is not there is its deployment, of one that is hidden the permission."""
    (missing,) = unexpected(contact_need, without(contacts, KEY))
    (hidden,) = unexpected(contact_need, without(contacts, KEY), hidden=frozenset({KEY}))

    assert [("problem", f"Contact.{KEY}")] * 2 == [told(missing), told(hidden)]
    assert "Deploy it" in missing.remedy
    assert "Grant it" in hidden.remedy


def test_every_target_field_has_to_be_writable(contact_need: Need, contacts: ObjectAccess) -> None:
    """An owned field is edited and filled in, any other filled in only: the title has no owner."""
    access = contacts
    for name in ("Phone", "Title"):
        access = changed(access, name, is_createable=False, is_updateable=False)

    assert {
        "Contact.Phone": "Our user may not write it in edits or in new records.",
        "Contact.Title": "Our user may not write it in new records.",
    } == {one.subject: one.message for one in unexpected(contact_need, access)}


def test_a_target_field_with_a_list_of_values_is_told(contact_need: Need, contacts: ObjectAccess) -> None:
    """A restricted picklist, and a country in an org with lists of states and countries."""
    access = changed(contacts, "Title", is_restricted_picklist=True)
    code = replace(contacts.fields["MailingCountry"], name="MailingCountryCode")
    access = replace(access, fields={**access.fields, code.name: code})

    assert [("note", "Contact.Title"), ("note", "Contact.MailingCountry")] == [
        told(one) for one in unexpected(contact_need, access)
    ]


def test_the_parent_is_followed_and_filled_in(contact_need: Need, contacts: ObjectAccess) -> None:
    """Parents are written as `Account.<External ID>`, so the reference must be followed by that name."""
    access = changed(contacts, "AccountId", relationship="Company", is_createable=False)

    assert [("problem", "Contact.AccountId")] * 2 == [told(one) for one in unexpected(contact_need, access)]


def needed(name: str) -> FieldAccess:
    """A field that each new record must have a value in."""
    described = {"name": name, "type": "string", "length": 80, "createable": True, "updateable": True}
    (field,) = access_of({"name": "Contact", "fields": [described]}).fields.values()
    return field


def test_what_the_org_wants_in_new_records_is_written_or_told(contact_need: Need, contacts: ObjectAccess) -> None:
    """A required field that nobody writes refuses every create; one that gold may leave empty only some."""
    region = needed("Region__c")
    access = replace(contacts, fields={**contacts.fields, "Region__c": region, "Email": needed("Email")})

    assert region.is_needed_at_create
    assert [("problem", "Contact.Region__c"), ("note", "Contact.Email")] == sorted(
        (told(one) for one in unexpected(contact_need, access)), reverse=True
    )


def test_a_company_needs_no_last_name(catalog: Catalog) -> None:
    """An org with person accounts describes the last name of accounts as required; companies have none."""
    account = Features(person_accounts=True).extend([ACCOUNT, CONTACT], pod="0")[0]
    access = access_of(describe_object(account))
    access = changed(access, "LastName", is_needed_at_create=True)
    need = Need(item=catalog.objects["salesforce__account"], entity=catalog.entities["account"], key_length=KEY_LENGTH)

    assert [] == [one for one in findings(need, access) if one.is_problem]
    assert ["Account.LastName"] == [
        one.subject for one in findings(need, without(access, "IsPersonAccount")) if one.is_problem
    ]


def test_record_types_of_new_records_are_told(contact_need: Need, contacts: ObjectAccess) -> None:
    """The default of our user, if there is a choice."""
    (found,) = unexpected(contact_need, replace(contacts, record_types=("Customer", "Partner")))

    assert ("note", "Contact") == told(found)
    assert "Customer" in found.message
    assert [] == unexpected(contact_need, replace(contacts, record_types=("Customer",)))


def test_record_types_are_read_from_a_description() -> None:
    """Active ones that our user may choose, the default first; the master stands for none."""

    def kind(name: str, **more: bool) -> dict[str, object]:
        return {"developerName": name, "active": True, "available": True, "master": False, **more}

    kinds = [kind("A"), kind("B", defaultRecordTypeMapping=True), kind("C", available=False), kind("D", active=False)]

    access = access_of({"name": "X", "fields": [], "recordTypeInfos": [*kinds, kind("Master", master=True)]})

    assert ("B", "A") == access.record_types


def test_features_of_an_org_are_told_once() -> None:
    """Person accounts and several currencies are notes about the org; a plain org has none."""
    objects = Features(person_accounts=True, currencies=SOME_CURRENCIES).extend([ACCOUNT, CONTACT, USER], pod="0")
    with_features = [access_of(describe_object(one)) for one in objects]
    plain = [access_of(describe_object(one)) for one in (ACCOUNT, CONTACT, USER)]

    assert [("note", "Account"), ("note", "Organization")] == [told(one) for one in feature_notes(with_features)]
    assert [] == list(feature_notes(plain))
