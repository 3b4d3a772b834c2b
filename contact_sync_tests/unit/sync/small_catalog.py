"""A catalog of two entities with few fields, for tests of what is planned and written."""

from __future__ import annotations

from contact_sync.catalog import Catalog, Entity, GoldenField
from contact_sync.catalog.model import NullPolicy, Rule, TargetRule

TARGET_FIELDS = {
    "last_name": "LastName",
    "email": "Email",
    "phone": "Phone",
    "street": "MailingStreet",
    "city": "MailingCity",
}
_OWNED = ("phone", "street", "city")


def _field(name: str) -> GoldenField:
    return GoldenField(
        name=name,
        rule=Rule.TRUST,
        owner="erp__contact" if name in _OWNED else None,
        group="address" if name in ("street", "city") else None,
        null_policy=NullPolicy.PROPAGATE if name == "phone" else NullPolicy.IGNORE,
        target_field=TARGET_FIELDS[name],
    )


CONTACT = Entity(
    name="contact",
    key="person_key",
    records="contact_record",
    trust=("erp__contact", "salesforce__contact"),
    target=TargetRule(
        object="salesforce__contact",
        instance="core",
        create_from=("erp__contact",),
        required=("last_name",),
        parent="AccountId",
    ),
    fields=tuple(_field(name) for name in TARGET_FIELDS),
)
ACCOUNT = Entity(
    name="account",
    key="company_key",
    records="account_record",
    trust=("erp__customer", "salesforce__account"),
    target=TargetRule(
        object="salesforce__account", instance="core", create_from=("erp__customer",), required=("name",)
    ),
    fields=(GoldenField(name="name", rule=Rule.TRUST, owner="erp__customer", target_field="Name"),),
)
CATALOG = Catalog(objects={}, entities={"account": ACCOUNT, "contact": CONTACT})
