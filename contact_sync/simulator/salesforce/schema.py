"""What the objects and fields of a simulated org are, as data; describe.py turns it into describe bodies.

Types, lengths and flags follow the standard objects of Salesforce. No behaviour and no storage belongs here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

_LONGEST_FILTERABLE = 4_000
_DIGITS, _DECIMAL_PLACES = 18, 2
EXTERNAL_ID = "Contact_Sync_Key__c"

TEXT_TYPES = frozenset(
    {"string", "textarea", "email", "phone", "url", "picklist", "combobox", "multipicklist", "encryptedstring"}
)
COMPOUND_TYPES = frozenset({"address", "location", "base64"})
DECIMAL_TYPES = frozenset({"double", "currency", "percent"})
NUMBER_TYPES = DECIMAL_TYPES | {"int"}
REFERENCE_TYPES = frozenset({"id", "reference"})


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field of one object.

    formula: SQL over the record, named `{record}`, by which the value is computed whenever it is asked for.
    restricted: whether a picklist takes none but its values. default: what a new record has unless its maker says more.
    """

    name: str
    type: str
    length: int = 0
    required: bool = False
    writable: bool = True
    external_id: bool = False
    refers_to: str | None = None
    compound: str | None = None
    values: tuple[str, ...] = ()
    precision: int = 0
    scale: int = 0
    formula: str | None = None
    restricted: bool = False
    default: str | None = None

    @property
    def relationship(self) -> str | None:
        """The name under which SOQL reaches the parent record (`AccountId` is followed as `Account`)."""
        return self.name.removesuffix("Id") if self.refers_to else None

    @property
    def digits(self) -> tuple[int, int]:
        """Of a number with decimals: how many digits it may have, and how many of them after the point."""
        return (self.precision, self.scale) if self.precision else (_DIGITS, _DECIMAL_PLACES)

    @property
    def selectable(self) -> bool:
        """Whether a query may name the field; compounds and files have no value of their own in this org."""
        return self.type not in COMPOUND_TYPES

    @property
    def is_stored(self) -> bool:
        """Whether the field has a column."""
        return self.selectable and self.formula is None

    @property
    def filterable(self) -> bool:
        """Whether SOQL may compare the field: long text and compound addresses cannot be."""
        return self.is_stored and self.length <= _LONGEST_FILTERABLE


@dataclass(frozen=True, slots=True)
class RecordType:
    """One record type of an object."""

    id: str
    name: str
    developer_name: str
    is_person: bool = False
    is_default: bool = False


@dataclass(frozen=True)
class ObjectSchema:
    """One object: its API name, the first three characters of its ids, and its fields in describe order."""

    name: str
    key_prefix: str
    fields: tuple[FieldSchema, ...]
    bulk: bool = True
    deletable: bool = True
    replicateable: bool = True
    queryable: bool = True
    record_types: tuple[RecordType, ...] = ()
    _by_lower_name: dict[str, FieldSchema] = field(init=False, default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_lower_name.update({one.name.lower(): one for one in self.fields})

    def find(self, name: str) -> FieldSchema | None:
        """The field of this name in any case, or None."""
        return self._by_lower_name.get(name.lower())

    @cached_property
    def stored(self) -> tuple[FieldSchema, ...]:
        """The fields that hold a value."""
        return tuple(one for one in self.fields if one.is_stored)

    @cached_property
    def defaults(self) -> dict[str, str]:
        """What a new record holds in fields that its maker does not name."""
        return {one.name: one.default for one in self.stored if one.default is not None}

    @cached_property
    def references(self) -> dict[str, FieldSchema]:
        """Relationship name in lower case -> the reference field behind it."""
        return {one.relationship.lower(): one for one in self.fields if one.relationship}

    @cached_property
    def external_ids(self) -> dict[str, FieldSchema]:
        """Name in lower case -> external id field."""
        return {one.name.lower(): one for one in self.fields if one.external_id}


def _text(name: str, length: int, *, required: bool = False, writable: bool = True) -> FieldSchema:
    return FieldSchema(name, "string", length, required=required, writable=writable)


def _reference(name: str, refers_to: str, *, writable: bool = True) -> FieldSchema:
    return FieldSchema(name, "reference", 18, refers_to=refers_to, writable=writable)


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
    one.name.lower(): one for one in (CONTACT, ACCOUNT, LEAD, OPPORTUNITY, CASE, USER, ORGANIZATION)
}


def find_object(name: str) -> ObjectSchema | None:
    """The object of this API name in any case, or None."""
    return OBJECTS.get(name.lower())
