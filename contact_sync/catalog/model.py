"""The catalog's values, frozen and validated: source objects and golden field rules.

Belongs here: what a YAML row may say and what follows from it. Does not belong here: reading files, or any knowledge of
a protocol.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mode(StrEnum):
    """How an object is read: changed records since a watermark, new files, or everything each time."""

    INCREMENTAL = "incremental"
    APPEND = "append"
    SNAPSHOT = "snapshot"


def snake_case(name: str) -> str:
    """`OpportunityLineItem` -> `opportunity_line_item`; custom suffixes such as `__c` stay."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class CatalogObject(_Value):
    """One object of one source system; its `name` is the lake table, dbt source table and asset name alike.

    sweep_hours: how often all keys are compared, which finds records that are gone without a trace.
    calculated_hours: how often fields are read again whose values change without moving the cursor; the source names
    them, also_calculated adds others. max_vanished_fraction: more records gone at once are not believed.
    """

    source: str
    connector: str
    object: str
    description: str
    owner: str
    mode: Mode = Mode.INCREMENTAL
    key: str
    cursor: str | None = None
    deleted: str | None = None
    freshness_minutes: int = Field(default=30, ge=1)
    instances: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    prefix: str | None = None
    sweep_hours: float = Field(default=24, gt=0)
    calculated_hours: float = Field(default=6, gt=0)
    also_calculated: tuple[str, ...] = ()
    max_vanished_fraction: float = Field(default=0.1, ge=0, le=1)

    @property
    def name(self) -> str:
        """`source__object`, for example `salesforce__contact`."""
        return f"{self.source}__{snake_case(self.object)}"

    @model_validator(mode="after")
    def _mode_has_what_it_needs(self) -> Self:
        if self.mode is Mode.INCREMENTAL and self.cursor is None:
            message = f"{self.name}: an incremental object needs a cursor"
            raise ValueError(message)
        return self


class Wildcard(_Value):
    """A row that stands for every object whose name matches, but those of `excluded`; `values` hold for all of them."""

    source: str
    pattern: str
    excluded: tuple[str, ...] = ()
    values: Mapping[str, Any]

    def matches(self, object_name: str) -> bool:
        """Whether the row stands for an object of this name."""
        if any(fnmatchcase(object_name, pattern) for pattern in self.excluded):
            return False
        return fnmatchcase(object_name, self.pattern)


class Rule(StrEnum):
    """How a golden field's value is chosen among those that no owner decides; docs/golden_record.md has examples.

    Ties go to the most recent value, then to the more trusted source.
    """

    TRUST = "trust"
    MOST_RECENT = "most_recent"
    MOST_FREQUENT = "most_frequent"
    LONGEST = "longest"
    UNION = "union"
    VERIFIED = "verified"
    FILL_ONLY = "fill_only"


class NullPolicy(StrEnum):
    """What it means when the record that a golden value came from is seen to hold nothing any longer.

    ignore: another record's value takes its place. propagate: the clear competes as a value would.
    """

    IGNORE = "ignore"
    PROPAGATE = "propagate"


class GoldenField(_Value):
    """One field of a golden record: who owns it, how it is chosen, and where it is written."""

    name: str
    rule: Rule
    owner: str | None = None
    group: str | None = None
    null_policy: NullPolicy = NullPolicy.IGNORE
    target_field: str | None = None
    description: str = ""

    @property
    def is_written_back(self) -> bool:
        """Whether changes of this field are written to existing target records (owned fields only)."""
        return self.owner is not None and self.target_field is not None

    @model_validator(mode="after")
    def _rule_fits(self) -> Self:
        refusal = None
        if self.rule is Rule.UNION and self.group is not None:
            refusal = f"a group comes from one record, so that the rule union cannot join it ({self.group})"
        elif self.rule is Rule.UNION and self.target_field is not None:
            refusal = "joined values are nobody's own word: the rule union cannot have a target_field"
        elif self.rule is Rule.FILL_ONLY and self.owner is not None:
            refusal = "an owner's value always wins, so that the rule fill_only could not keep another"
        elif self.null_policy is NullPolicy.PROPAGATE and self.rule not in {Rule.TRUST, Rule.MOST_RECENT}:
            refusal = f"null_policy propagate needs the rule trust or most_recent: {self.rule} cannot rank a clear"
        if refusal is not None:
            raise ValueError(refusal)
        return self


class WriteHours(_Value):
    """A part of each day in a time zone; one that ends before it begins spans midnight."""

    start: time
    end: time
    zone: ZoneInfo

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        """Read `22:00-06:00 Europe/Berlin`."""
        if not isinstance(value, str):
            return value
        parts = re.fullmatch(r"(\d\d:\d\d)-(\d\d:\d\d) (\S+)", value)
        if parts is None or parts[1] == parts[2] or parts[3] not in available_timezones():
            message = f"{value!r} is not hours and a time zone, such as 22:00-06:00 Europe/Berlin"
            raise ValueError(message)
        return {"start": parts[1], "end": parts[2], "zone": ZoneInfo(parts[3])}

    def include(self, moment: datetime) -> bool:
        """Whether a moment is in these hours."""
        local = moment.astimezone(self.zone).time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    def __str__(self) -> str:
        """As it is written in golden.yaml."""
        return f"{self.start:%H:%M}-{self.end:%H:%M} {self.zone.key}"


class TargetRule(_Value):
    """Where an entity's golden records are written, and which limits hold.

    rows_per_job: the most rows of one Bulk job. direct_rows: so few rows of a stage are written at once, and updates
    among them only where the record has not changed since it was seen. strict: all are written so, however many.
    hours: when it may be written, as `22:00-06:00 Europe/Berlin`; always, if not said.
    """

    object: str
    instance: str
    external_id: str = "Contact_Sync_Key__c"
    create_from: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    parent: str | None = None
    max_creates_fraction: float = Field(default=0.1, ge=0)
    min_creates_allowed: int = Field(default=100, ge=0)
    rows_per_job: int = Field(default=25_000, ge=200)
    direct_rows: int = Field(default=200, ge=0)
    strict: bool = False
    hours: WriteHours | None = None


class Entity(_Value):
    """A golden entity: the systems it is made from, in order of trust, its fields, and its target."""

    name: str
    key: str
    records: str
    trust: tuple[str, ...]
    target: TargetRule
    fields: tuple[GoldenField, ...]

    @model_validator(mode="after")
    def _owners_are_sources(self) -> Self:
        for field in self.fields:
            if field.owner is not None and field.owner not in self.trust:
                message = f"{self.name}.{field.name}: the owner {field.owner} is not listed under trust"
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _groups_have_one_rule(self) -> Self:
        first_of: dict[str, GoldenField] = {}
        for field in self.fields:
            first = first_of.setdefault(field.group or field.name, field)
            for key in ("rule", "owner", "null_policy"):
                if getattr(field, key) != getattr(first, key):
                    message = (
                        f"{self.name}.{field.name}: {key} must be that of {first.name}: "
                        f"the fields of the group {field.group} come from one record"
                    )
                    raise ValueError(message)
        return self


class Catalog(_Value):
    """All objects by name and all entities by name, and the wildcards that some of the objects came from."""

    objects: dict[str, CatalogObject]
    entities: dict[str, Entity]
    wildcards: tuple[Wildcard, ...] = ()

    def of_source(self, source: str) -> tuple[CatalogObject, ...]:
        """The objects of one source system, in catalog order."""
        return tuple(item for item in self.objects.values() if item.source == source)
