"""What deploy/salesforce gives an org is what the catalog needs there, no less and no more, in well-formed metadata.

No test deploys it, which takes an org: what the Metadata API would say is checked as far as the schema of the simulated
org and the element names of the Metadata API Developer Guide go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from contact_sync.catalog import Catalog, load_catalog
from contact_sync.connectors.salesforce.http import API_VERSION
from contact_sync.simulator.salesforce.objects import find_object
from contact_sync.simulator.salesforce.schema import FieldSchema

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
ELEMENTS = {
    "CustomField": "fullName caseSensitive description externalId inlineHelpText label length required trackTrending "
    "type unique",
    "PermissionSet": "description fieldPermissions hasActivationRequired label objectPermissions userPermissions",
    "fieldPermissions": "editable field readable",
    "objectPermissions": "allowCreate allowDelete allowEdit allowRead modifyAllRecords object viewAllRecords",
    "userPermissions": "enabled name",
    "PlatformEventChannelMember": "eventChannel selectedEntity",
    "ExternalClientApplication": "contactEmail description distributionState isProtected label",
    "ExtlClntAppOauthSettings": "commaSeparatedOauthScopes externalClientApplication label",
    "ExtlClntAppOauthConfigurablePolicies": "commaSeparatedPermissionSet externalClientApplication "
    "ipRelaxationPolicyType isClientCredentialsFlowEnabled label permittedUsersPolicyType refreshTokenPolicyType",
    "ExtlClntAppGlobalOauthSettings": "callbackUrl certificate externalClientApplication "
    "isClientCredentialsFlowEnabled isConsumerSecretOptional isIntrospectAllTokens isPkceRequired "
    "isSecretRequiredForRefreshToken label shouldRotateConsumerKey shouldRotateConsumerSecret",
}
"""Metadata type or part of one -> the elements of it that are used here, after the Metadata API Developer Guide."""
PLACES = {
    "CustomField": ("fields", "field"),
    "PermissionSet": ("permissionsets", "permissionset"),
    "PlatformEventChannelMember": ("platformEventChannelMembers", "platformEventChannelMember"),
    "ExternalClientApplication": ("externalClientApps", "eca"),
    "ExtlClntAppOauthSettings": ("extlClntAppOauthSettings", "ecaOauth"),
    "ExtlClntAppOauthConfigurablePolicies": ("extlClntAppOauthPolicies", "ecaOauthPlcy"),
}
"""Metadata type -> the folder and the ending of its files in source format."""
WITHOUT_OBJECT_PERMISSIONS = {"Task", "Event", "User"}
"""Activities are opened by the permission ActivitiesAccess and by what they belong to, users by the org's sharing."""
ALWAYS_VISIBLE = {
    "*": "OwnerId CreatedDate LastModifiedDate LastModifiedById MasterRecordId CurrencyIsoCode FirstName Salutation",
    "Account": "IsPersonAccount PersonContactId",
    "Lead": "Status IsConverted ConvertedDate ConvertedAccountId ConvertedContactId ConvertedOpportunityId",
    "Opportunity": "ContactId IsClosed IsWon",
    "Case": "CaseNumber Status IsClosed ClosedDate",
    "Task": "Subject TaskSubtype IsClosed AccountId",
    "Event": "Subject ActivityDate StartDateTime EndDateTime DurationInMinutes AccountId",
}
"""Object -> fields that whoever sees the object sees too: a permission set that names them is refused.

Required fields are the same; they are taken from the simulated org.
"""


@pytest.fixture(scope="module")
def project(repository: Path) -> Path:
    """The Salesforce DX project."""
    return repository / "deploy" / "salesforce"


@pytest.fixture(scope="module")
def catalog(repository: Path) -> Catalog:
    """The shipped catalog."""
    return load_catalog(repository / "contact_sync" / "catalog")


@pytest.fixture(scope="module")
def read_fields(repository: Path) -> dict[str, list[str]]:
    """Catalog object -> the fields that silver reads."""
    sources = yaml.safe_load((repository / "dbt_project/models/silver/sources.yml").read_text(encoding="utf-8"))
    tables = [table for source in sources["sources"] for table in source["tables"]]
    return {
        table["name"]: [column["name"] for column in table["columns"] if not column["name"].startswith("_")]
        for table in tables
    }


@pytest.fixture(scope="module")
def permission_set(project: Path) -> ET.Element:
    """The permission set of the integration user."""
    return parsed(project / "org" / "permissionsets" / "Contact_Sync.permissionset-meta.xml")


def parsed(path: Path) -> ET.Element:
    """The root of an XML file of ours."""
    return ET.parse(path).getroot()  # noqa: S314 -- our own files


def plain(tag: str) -> str:
    """The name of an element in the namespace of metadata; KeyError for any other."""
    if not tag.startswith(NAMESPACE):
        raise KeyError(tag)
    return tag.removeprefix(NAMESPACE)


def unknown_elements(element: ET.Element) -> Iterator[str]:
    """The elements that the lists above do not know."""
    name = plain(element.tag)
    for child in element:
        if plain(child.tag) not in ELEMENTS[name].split():
            yield f"{name}.{plain(child.tag)}"
        elif len(child):
            yield from unknown_elements(child)


def values(element: ET.Element) -> dict[str, str]:
    """The texts of an element's children by their names."""
    return {plain(child.tag): child.text or "" for child in element}


def parts(permissions: ET.Element, kind: str, key: str) -> dict[str, dict[str, str]]:
    """The parts of a kind by their key: `fieldPermissions` by `field`."""
    found = [values(one) for one in permissions.findall(f"{NAMESPACE}{kind}")]
    assert len({one[key] for one in found}) == len(found)
    return {one[key]: one for one in found}


def simulated(object_name: str, field_name: str) -> FieldSchema:
    """The field as the simulated org has it."""
    schema = find_object(object_name)
    assert schema is not None
    field = schema.find(field_name)
    assert field is not None, f"{object_name}.{field_name}"
    return field


def controlled(object_name: str, names: list[str]) -> set[str]:
    """The fields as permission sets name them: addresses whole, and none that everybody sees."""
    visible = f"{ALWAYS_VISIBLE['*']} {ALWAYS_VISIBLE.get(object_name, '')}".split()
    fields = [simulated(object_name, name) for name in names if name not in visible]
    return {f"{object_name}.{field.compound or field.name}" for field in fields if not field.required}


def written_fields(catalog: Catalog) -> dict[str, list[str]]:
    """Object -> the fields that golden.yaml writes: target fields, External ID and parent."""
    found = {}
    for entity in catalog.entities.values():
        target = entity.target
        names = [field.target_field for field in entity.fields if field.target_field]
        more = [target.external_id, *([target.parent] if target.parent else [])]
        found[catalog.objects[target.object].object] = names + more
    return found


def test_every_file_is_metadata_of_its_place(project: Path) -> None:
    """Each XML file is well-formed, in the folder and under the ending of its type, with elements that exist."""
    files = [path for path in project.rglob("*.xml") if path.parent != project]
    wrong = []
    for path in files:
        root = parsed(path)
        folder, ending = PLACES[plain(root.tag)]
        if path.parent.name != folder or not path.name.endswith(f".{ending}-meta.xml"):
            wrong.append(path.name)
        wrong += unknown_elements(root)

    assert len(files) >= 10
    assert [] == wrong


def test_an_unknown_element_would_be_found() -> None:
    """The check above refuses an element that a type has not, and another namespace."""
    field = ET.Element(f"{NAMESPACE}CustomField")
    ET.SubElement(field, f"{NAMESPACE}isUnique")

    assert ["CustomField.isUnique"] == list(unknown_elements(field))
    with pytest.raises(KeyError):
        plain("CustomField")


def test_the_project_is_of_the_connectors_version(project: Path) -> None:
    """The metadata is deployed in the API version that the connector speaks, and every folder named exists."""
    settings = json.loads((project / "sfdx-project.json").read_text(encoding="utf-8"))

    assert API_VERSION.removeprefix("v") == settings["sourceApiVersion"]
    assert {"org", "client_app", "change_data_capture"} == {one["path"] for one in settings["packageDirectories"]}
    assert [] == [one["path"] for one in settings["packageDirectories"] if not (project / one["path"]).is_dir()]


def test_every_target_has_its_external_id(project: Path, catalog: Catalog) -> None:
    """Each External ID that golden.yaml names is there: text, unique whatever the case, as the simulated org has it."""
    found = {}
    for path in (project / "org" / "objects").rglob("*.field-meta.xml"):
        found[path.parent.parent.name, path.name.removesuffix(".field-meta.xml")] = values(parsed(path))
    targets = {(catalog.objects[one.target.object].object, one.target.external_id) for one in catalog.entities.values()}

    assert targets == set(found)
    for (object_name, name), field in found.items():
        schema = simulated(object_name, name)
        assert (name, "Text", "true", "true", "false", "false") == (
            field["fullName"], field["type"], field["externalId"], field["unique"], field["caseSensitive"],
            field["required"],
        )  # fmt: skip
        assert ("string", True, False, int(field["length"])) == (
            schema.type, schema.external_id, schema.case_sensitive, schema.length,
        )  # fmt: skip


def test_the_integration_user_may_do_what_the_catalog_asks_and_no_more(
    permission_set: ET.Element, catalog: Catalog, read_fields: dict[str, list[str]]
) -> None:
    """Objects: all that are read, with every record; creates and edits only for targets; nothing is deleted."""
    written = written_fields(catalog)
    read = {one.object for one in catalog.of_source("salesforce")} - WITHOUT_OBJECT_PERMISSIONS
    found = parts(permission_set, "objectPermissions", "object")

    assert read == set(found)
    assert set(read_fields) >= {one.name for one in catalog.of_source("salesforce")}
    for name, rights in found.items():
        may_write = "true" if name in written else "false"
        assert {
            "object": name, "allowRead": "true", "viewAllRecords": "true", "allowCreate": may_write,
            "allowEdit": may_write, "allowDelete": "false", "modifyAllRecords": "false",
        } == rights  # fmt: skip


def test_the_integration_user_sees_the_fields_that_are_read_and_edits_those_that_are_written(
    permission_set: ET.Element, catalog: Catalog, read_fields: dict[str, list[str]]
) -> None:
    """Fields: every one that silver reads or golden.yaml writes, and no other; only the written ones are editable."""
    written = {key for name, names in written_fields(catalog).items() for key in controlled(name, names)}
    read = {
        key
        for item in catalog.of_source("salesforce")
        if item.object != "User"
        for key in controlled(item.object, read_fields[item.name])
    }
    found = parts(permission_set, "fieldPermissions", "field")

    assert read | written == set(found)
    assert written == {name for name, rights in found.items() if rights["editable"] == "true"}
    assert {"true"} == {rights["readable"] for rights in found.values()}


def test_the_integration_user_has_no_power_over_the_org(permission_set: ET.Element) -> None:
    """Two permissions besides objects and fields: the API, and activities, which have no object permissions."""
    found = parts(permission_set, "userPermissions", "name")

    assert {"ApiEnabled", "ActivitiesAccess"} == set(found)
    assert {"true"} == {one["enabled"] for one in found.values()}


def test_people_can_see_the_key_and_not_change_it(project: Path, catalog: Catalog) -> None:
    """The permission set for people shows each External ID and lets nobody edit it or anything else."""
    readers = parsed(project / "org" / "permissionsets" / "Contact_Sync_Key_Reader.permissionset-meta.xml")
    found = parts(readers, "fieldPermissions", "field")
    keys = {
        f"{catalog.objects[one.target.object].object}.{one.target.external_id}" for one in catalog.entities.values()
    }

    assert keys == set(found)
    assert {("true", "false")} == {(one["readable"], one["editable"]) for one in found.values()}
    assert [] == [*readers.findall(f"{NAMESPACE}objectPermissions"), *readers.findall(f"{NAMESPACE}userPermissions")]


def test_change_events_are_of_objects_that_are_read(project: Path, catalog: Catalog) -> None:
    """Each selected entity belongs to a catalog object, its file is named after channel and event, and five suffice."""
    events = {f"{one.object}ChangeEvent" for one in catalog.of_source("salesforce")}
    members = {path: values(parsed(path)) for path in (project / "change_data_capture").rglob("*.xml")}
    selected = {one["selectedEntity"] for one in members.values()}

    assert {"ContactChangeEvent", "AccountChangeEvent"} <= selected <= events
    assert len(selected) <= 5
    assert [] == [
        path.name
        for path, one in members.items()
        if not path.name.startswith(f"{one['eventChannel']}_{one['selectedEntity']}.")
    ]


def test_the_app_lets_in_only_who_has_the_permission_set(project: Path) -> None:
    """The client app is for those whom the permission set admits, by a signed assertion; all its parts name it."""
    app = project / "client_app"
    (policies,) = (values(parsed(path)) for path in app.rglob("*.ecaOauthPlcy-meta.xml"))
    (settings,) = (values(parsed(path)) for path in app.rglob("*.ecaOauth-meta.xml"))
    example = parsed(project / "global_oauth_settings.example.xml")
    (name,) = (path.name.removesuffix(".eca-meta.xml") for path in app.rglob("*.eca-meta.xml"))

    assert ("AdminApprovedPreAuthorized", "Contact_Sync", "false", "Enforce") == (
        policies["permittedUsersPolicyType"],
        policies["commaSeparatedPermissionSet"],
        policies["isClientCredentialsFlowEnabled"],
        policies["ipRelaxationPolicyType"],
    )
    assert "Api, RefreshToken" == settings["commaSeparatedOauthScopes"]
    assert [] == list(unknown_elements(example))
    assert {name} == {one["externalClientApplication"] for one in (policies, settings, values(example))}


def test_the_example_of_the_documentation_is_metadata(repository: Path) -> None:
    """Each piece of XML in docs/salesforce_setup.md is well-formed and has elements that exist."""
    page = (repository / "docs" / "salesforce_setup.md").read_text(encoding="utf-8")
    examples = [ET.fromstring(text) for text in re.findall(r"```xml\n(.*?)```", page, re.DOTALL)]  # noqa: S314 -- ours

    assert ["CustomField"] == [plain(one.tag) for one in examples]
    assert [] == [name for one in examples for name in unknown_elements(one)]


def test_findings_lead_to_sections_that_exist(repository: Path) -> None:
    """Each `docs/salesforce_setup.md#...` that a finding names is a heading of that page."""
    page = (repository / "docs" / "salesforce_setup.md").read_text(encoding="utf-8")
    headings = {re.sub(r"\W+", "-", title.lower()) for title in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
    code = (repository / "contact_sync/connectors/salesforce/needs.py").read_text(encoding="utf-8")
    named = set(re.findall(r"\{_SETUP\}#([\w-]+)", code))

    assert len(named) >= 4
    assert set() == named - headings


def test_no_secret_is_kept(project: Path) -> None:
    """No consumer key, secret or certificate is in the repository, and git ignores the file that will have them."""
    text = "".join(path.read_text(encoding="utf-8") for path in project.rglob("*") if path.is_file())

    assert [] == re.findall(r"<consumerKey>|<consumerSecret>|-----BEGIN|MII[A-Za-z0-9+/]{20}", text)
    assert "YOUR_CERTIFICATE" == values(parsed(project / "global_oauth_settings.example.xml"))["certificate"]
    assert "*.ecaGlblOauth-meta.xml" in (project / ".gitignore").read_text(encoding="utf-8").splitlines()
