"""What an object and a field of a simulated org are; describe.py turns them into describe bodies.

Which objects there are is in objects.py and more_objects.py. No behaviour and no storage belongs here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from string import ascii_lowercase, ascii_uppercase

_LONGEST_FILTERABLE = 4_000
_DIGITS, _DECIMAL_PLACES = 18, 2
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)

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

    also_refers_to: the other objects that a polymorphic reference may point to; SOQL follows it to the first one only.
    formula: SQL over the record, named `{record}`, by which the value is computed whenever it is asked for.
    restricted: whether a picklist takes none but its values. default: what a new record has unless its maker says more.
    case_sensitive: whether an external id tells `ABC` from `abc`. read_only: whether the integration user may only read
    what others may write.
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
    also_refers_to: tuple[str, ...] = ()
    case_sensitive: bool = False
    read_only: bool = False

    @property
    def targets(self) -> tuple[str, ...]:
        """The objects that the field may point to."""
        return (self.refers_to, *self.also_refers_to) if self.refers_to else ()

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
    def may_be_written(self) -> bool:
        """Whether a row of the integration user may name the field."""
        return self.writable and not self.read_only

    def comparable(self, value: str) -> str:
        """The value of an external id, the same for all that mean one record; case counts for letters of ASCII."""
        return value if self.case_sensitive else value.translate(_LOWER)

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
    """One object: its API name, the first three characters of its ids, and its fields in describe order.

    forbidden: which of `create`, `update` and `delete` the integration user may not do.
    """

    name: str
    key_prefix: str
    fields: tuple[FieldSchema, ...]
    bulk: bool = True
    deletable: bool = True
    replicateable: bool = True
    queryable: bool = True
    record_types: tuple[RecordType, ...] = ()
    forbidden: frozenset[str] = frozenset()
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
