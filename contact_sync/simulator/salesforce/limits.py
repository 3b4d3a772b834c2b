"""The /limits resources: what an org allows and what is left of it, and how many records there are.

Source: REST API Developer Guide, "Limits", "List Org Limits" and "Record Count". Of the limits that it lists, those are
here that concern what the simulated org does. Salesforce counts records now and then; here the counts are of now.
"""

from __future__ import annotations

from collections.abc import Sequence

from contact_sync.simulator.salesforce import allowances
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.wire import Call, Endpoint, Reply, json_reply

_RECORD_BYTES = 2_048
_FILE_SIZES = ("BodyLength", "ContentSize")
_MEGABYTE = 1_024 * 1_024


def limits(org: Org, call: Call) -> Reply:  # noqa: ARG001 - every handler takes the call
    """Allowances of the org and what is left of them."""
    allowed, used = org.limits, org.usage.of
    found = {
        allowances.API_REQUESTS: (allowed.api_requests, used(allowances.API_REQUESTS)),
        allowances.BULK_BATCHES: (allowed.bulk_batches, used(allowances.BULK_BATCHES)),
        allowances.BULK_QUERY_BYTES: (allowed.bulk_query_megabytes, _megabytes(used(allowances.BULK_QUERY_BYTES))),
        allowances.BULK_QUERY_JOBS: (allowed.bulk_query_jobs, used(allowances.BULK_QUERY_JOBS)),
        "DataStorageMB": (allowed.data_megabytes, _megabytes(_data_bytes(org))),
        "FileStorageMB": (allowed.file_megabytes, _megabytes(_file_bytes(org))),
    }
    return json_reply({name: {"Max": most, "Remaining": max(most - spent, 0)} for name, (most, spent) in found.items()})


def record_count(org: Org, call: Call) -> Reply:
    """Records of the objects that are named, or of all; what is in the recycle bin is not counted."""
    asked = {name.strip().lower() for name in call.query.get("sObjects", "").split(",") if name.strip()}
    objects = [one for one in org.store.schema.objects if not asked or one.name.lower() in asked]
    counts = _each(org, [(one, "count(*)") for one in objects])
    found = [{"count": count, "name": one.name} for one, count in zip(objects, counts, strict=True)]
    return json_reply({"sObjects": found})


def _data_bytes(org: Org) -> int:
    """What the records take up: users do not, nor does what is in the recycle bin; most others take 2 KB."""
    counted = [(schema, "count(*)") for schema in org.store.schema.objects if schema.deletable]
    return _RECORD_BYTES * sum(_each(org, counted))


def _file_bytes(org: Org) -> int:
    """What the files of records take up, as the records say themselves."""
    sizes = []
    for schema in org.store.schema.objects:
        size = next((name for name in _FILE_SIZES if schema.find(name)), None)
        if size is not None and any(field.type == "base64" for field in schema.fields):
            sizes.append((schema, f"coalesce(sum({size}), 0)"))
    return sum(_each(org, sizes))


def _each(org: Org, terms: Sequence[tuple[ObjectSchema, str]]) -> list[int]:
    """The value of a SQL term for each object, over the records that are not in the recycle bin."""
    found = []
    with org.store.reading() as connection:
        for schema, term in terms:
            kept = " where IsDeleted = 0" if schema.find("IsDeleted") else ""
            found.append(int(connection.execute(f'select {term} from "{schema.name}"{kept}').fetchone()[0]))
    return found


def _megabytes(count: int) -> int:
    return count // _MEGABYTE


ENDPOINTS = (
    Endpoint("limits", "GET", "/limits", limits),
    Endpoint("record_count", "GET", "/limits/recordCount", record_count),
)
