"""The standard objects that the population fills, as data; those beside them are in more_objects.py.

Types, lengths and flags follow the standard objects of Salesforce. No behaviour and no storage belongs here.
"""

from __future__ import annotations

from contact_sync.simulator.salesforce.schema import FieldSchema, ObjectSchema

EXTERNAL_ID = "Contact_Sync_Key__c"


def _text(name: str, length: int, *, required: bool = False, writable: bool = True) -> FieldSchema:
    return FieldSchema(name, "string", length, required=required, writable=writable)


def _reference(name: str, refers_to: str, *, writable: bool = True) -> FieldSchema:
    return FieldSchema(name, "reference", 18, refers_to=refers_to, writable=writable)


def _any_reference(name: str, *targets: str) -> FieldSchema:
    return FieldSchema(name, "reference", 18, refers_to=targets[0], also_refers_to=targets[1:])


def _picklist(name: str, *values: str, required: bool = False) -> FieldSchema:
    return FieldSchema(name, "picklist", 255, required=required, values=values)


def _flag(name: str, *, writable: bool = True) -> FieldSchema:
    return FieldSchema(name, "boolean", writable=writable)


def _address(prefix: str) -> tuple[FieldSchema, ...]:
    compound = f"{prefix}Address"
    return (
        FieldSchema(f"{prefix}Street", "textarea", 255, compound=compound),
        FieldSchema(f"{prefix}City", "string", 40, compound=compound),
        FieldSchema(f"{prefix}State", "string", 80, compound=compound),
        FieldSchema(f"{prefix}PostalCode", "string", 20, compound=compound),
        FieldSchema(f"{prefix}Country", "string", 80, compound=compound),
        FieldSchema(compound, "address", writable=False),
    )


_IDENTITY = (FieldSchema("Id", "id", 18, writable=False), _flag("IsDeleted", writable=False))
_AUDIT = (
    _reference("OwnerId", "User"),
    FieldSchema("CreatedDate", "datetime", writable=False),
    _reference("CreatedById", "User", writable=False),
    FieldSchema("LastModifiedDate", "datetime", writable=False),
    _reference("LastModifiedById", "User", writable=False),
    FieldSchema("SystemModstamp", "datetime", writable=False),
)
_SALUTATION = _picklist("Salutation", "Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx.")
_LEAD_SOURCE = _picklist(
    "LeadSource", "Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Trade Show", "Other"
)
_INDUSTRY = _picklist(
    "Industry", "Agriculture", "Banking", "Chemicals", "Construction", "Education", "Electronics", "Energy",
    "Engineering", "Healthcare", "Insurance", "Manufacturing", "Retail", "Technology", "Transportation",
)  # fmt: skip
_PHONES = (FieldSchema("Phone", "phone", 40), FieldSchema("MobilePhone", "phone", 40))
_CONSENT = (_flag("HasOptedOutOfEmail"), _flag("DoNotCall"))
_DESCRIPTION = FieldSchema("Description", "textarea", 32_000)
_KEY = FieldSchema(EXTERNAL_ID, "string", 64, external_id=True)


def identity_fields() -> tuple[FieldSchema, ...]:
    """Id and, for objects with a recycle bin, IsDeleted."""
    return _IDENTITY


def audit_fields() -> tuple[FieldSchema, ...]:
    """Who created and changed a record, and when."""
    return _AUDIT


def _person_name(longest: int) -> tuple[FieldSchema, ...]:
    return (
        _text("LastName", 80, required=True),
        _text("FirstName", 40),
        _SALUTATION,
        _text("Name", longest, writable=False),
    )


CONTACT = ObjectSchema(
    "Contact",
    "003",
    (
        *_IDENTITY,
        _reference("MasterRecordId", "Contact", writable=False),
        _reference("AccountId", "Account"),
        *_person_name(121),
        *_address("Mailing"),
        *_PHONES,
        FieldSchema("Email", "email", 80),
        _text("Title", 128),
        _text("Department", 80),
        _LEAD_SOURCE,
        *_CONSENT,
        _DESCRIPTION,
        *_AUDIT,
        _KEY,
    ),
)
ACCOUNT = ObjectSchema(
    "Account",
    "001",
    (
        *_IDENTITY,
        _reference("MasterRecordId", "Account", writable=False),
        _text("Name", 255, required=True),
        _picklist("Type", "Prospect", "Customer - Direct", "Customer - Channel", "Channel Partner", "Other"),
        _reference("ParentId", "Account"),
        *_address("Billing"),
        FieldSchema("Phone", "phone", 40),
        FieldSchema("Website", "url", 255),
        _INDUSTRY,
        FieldSchema("AnnualRevenue", "currency"),
        FieldSchema("NumberOfEmployees", "int"),
        _text("AccountNumber", 40),
        _DESCRIPTION,
        *_AUDIT,
        _KEY,
    ),
)
LEAD = ObjectSchema(
    "Lead",
    "00Q",
    (
        *_IDENTITY,
        _reference("MasterRecordId", "Lead", writable=False),
        *_person_name(121),
        _text("Title", 128),
        _text("Company", 255, required=True),
        *_address(""),
        *_PHONES,
        FieldSchema("Email", "email", 80),
        FieldSchema("Website", "url", 255),
        _LEAD_SOURCE,
        _picklist(
            "Status", "Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted"
        ),
        _INDUSTRY,
        *_CONSENT,
        _flag("IsConverted", writable=False),
        FieldSchema("ConvertedDate", "date", writable=False),
        _reference("ConvertedAccountId", "Account", writable=False),
        _reference("ConvertedContactId", "Contact", writable=False),
        _reference("ConvertedOpportunityId", "Opportunity", writable=False),
        *_AUDIT,
    ),
)
OPPORTUNITY = ObjectSchema(
    "Opportunity",
    "006",
    (
        *_IDENTITY,
        _reference("AccountId", "Account"),
        _reference("ContactId", "Contact"),
        _text("Name", 120, required=True),
        _picklist(
            "StageName", "Prospecting", "Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won",
            "Closed Lost", required=True,
        ),
        FieldSchema("Amount", "currency"),
        FieldSchema("Probability", "percent"),
        FieldSchema("CloseDate", "date", required=True),
        _picklist("Type", "New Customer", "Existing Customer - Upgrade", "Existing Customer - Replacement"),
        _LEAD_SOURCE,
        _flag("IsClosed", writable=False),
        _flag("IsWon", writable=False),
        *_AUDIT,
    ),
)  # fmt: skip
CASE = ObjectSchema(
    "Case",
    "500",
    (
        *_IDENTITY,
        _text("CaseNumber", 30, writable=False),
        _reference("AccountId", "Account"),
        _reference("ContactId", "Contact"),
        _picklist("Status", "New", "Working", "Escalated", "Closed"),
        _picklist("Priority", "High", "Medium", "Low"),
        _picklist("Origin", "Phone", "Email", "Web"),
        _text("Subject", 255),
        _DESCRIPTION,
        _flag("IsClosed", writable=False),
        FieldSchema("ClosedDate", "datetime", writable=False),
        *_AUDIT,
    ),
)
_ACTIVITY = (
    *_IDENTITY,
    _any_reference("WhoId", "Contact", "Lead"),
    _any_reference("WhatId", "Account", "Opportunity", "Case"),
    FieldSchema("Subject", "combobox", 255),
    FieldSchema("ActivityDate", "date"),
    _reference("AccountId", "Account", writable=False),
    _DESCRIPTION,
)
TASK = ObjectSchema(
    "Task",
    "00T",
    (
        *_ACTIVITY,
        _picklist(
            "Status", "Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred", required=True
        ),
        _picklist("Priority", "High", "Normal", "Low", required=True),
        _picklist("TaskSubtype", "Task", "Call", "Email"),
        _flag("IsClosed", writable=False),
        FieldSchema("CallDurationInSeconds", "int"),
        *_AUDIT,
    ),
)
EVENT = ObjectSchema(
    "Event",
    "00U",
    (
        *_ACTIVITY,
        FieldSchema("StartDateTime", "datetime"),
        FieldSchema("EndDateTime", "datetime"),
        FieldSchema("DurationInMinutes", "int"),
        _flag("IsAllDayEvent"),
        _text("Location", 255),
        *_AUDIT,
    ),
)
USER = ObjectSchema(
    "User",
    "005",
    (
        *_IDENTITY[:1],
        _text("Username", 80, required=True),
        _text("Name", 121, writable=False),
        FieldSchema("Email", "email", 128),
        _flag("IsActive"),
        FieldSchema("CreatedDate", "datetime", writable=False),
        FieldSchema("LastModifiedDate", "datetime", writable=False),
        FieldSchema("SystemModstamp", "datetime", writable=False),
    ),
    deletable=False,
)
ORGANIZATION = ObjectSchema(
    "Organization",
    "00D",
    (
        *_IDENTITY[:1],
        _text("Name", 80, writable=False),
        _flag("IsSandbox", writable=False),
        _text("InstanceName", 5, writable=False),
        _text("OrganizationType", 40, writable=False),
    ),
    bulk=False,
    deletable=False,
    replicateable=False,
)

OBJECTS: dict[str, ObjectSchema] = {
    one.name.lower(): one for one in (CONTACT, ACCOUNT, LEAD, OPPORTUNITY, CASE, TASK, EVENT, USER, ORGANIZATION)
}


def find_object(name: str) -> ObjectSchema | None:
    """The object of this API name in any case, or None."""
    return OBJECTS.get(name.lower())
