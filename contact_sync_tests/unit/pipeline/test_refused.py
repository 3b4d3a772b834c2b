"""Refused rows are counted and released on the command line, without their values."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from contact_sync.cli.main import app
from contact_sync.errors import ActivationError, CatalogError
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.refused import refused_rows, release_refused
from contact_sync.settings import load_settings

CODE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


@pytest.fixture
def installation() -> Iterator[Installation]:
    """One that keeps two refused contacts and a refused account."""
    made = Installation(load_settings())
    for object_name, keys in (("salesforce__contact", ["per_1", "per_2"]), ("salesforce__account", ["com_1"])):
        rows = [{"row_key": key, "value_hash": "h", "code": CODE, "message": "ann@example.com"} for key in keys]
        refused = pa.Table.from_pylist(rows)
        made.writes.keep_refusals(stage="create", instance="core", object_name=object_name, refused=refused)
    yield made
    made.close()


def test_refused_rows_are_counted_without_their_values(installation: Installation) -> None:
    """By object, instance, stage and code, for programs and for people; no key and no message."""
    assert 2 == len(refused_rows(installation))
    shown, listed = (CliRunner().invoke(app, ["refused", "list", *more]) for more in ([], ["--json"]))

    assert [("salesforce__account", "core", "create", CODE, 1), ("salesforce__contact", "core", "create", CODE, 2)] == [
        tuple(one[name] for name in ("object_name", "instance", "stage", "code", "rows"))
        for one in json.loads(listed.stdout)
    ]
    assert (0, 0) == (shown.exit_code, listed.exit_code)
    assert [] == [word for word in ("ann@", "per_1", "com_1") if word in shown.stdout + listed.stdout]


def test_refused_rows_are_released_by_code_and_object(installation: Installation) -> None:
    """What was released is gone from the list; a second time there is nothing to release."""
    run = CliRunner().invoke
    some = run(app, ["refused", "release", CODE, "--object", "salesforce__contact", "--json"])
    rest = run(app, ["refused", "release", CODE])
    none = run(app, ["refused", "release", CODE, "--json"])

    assert {"code": CODE, "object_name": "salesforce__contact", "released": 2} == json.loads(some.stdout)
    assert "1 rows are released" in rest.stdout
    assert [0, 0, 1] == [some.exit_code, rest.exit_code, none.exit_code]
    assert f"No row is refused with the code {CODE}." == json.loads(none.stdout)["message"]
    assert [] == refused_rows(installation)


@pytest.mark.parametrize(
    ("code", "object_name", "kind", "message"),
    [
        ("X", "salesforce__contact", ActivationError, "No row of salesforce__contact is refused with the code X"),
        (CODE, "contact", CatalogError, "The catalog has no object contact"),
    ],
)
def test_what_nobody_refused_cannot_be_released(
    installation: Installation, code: str, object_name: str, kind: type[Exception], message: str
) -> None:
    """The message says where to look, and nothing is released."""
    with pytest.raises(kind, match=message):
        release_refused(installation, code, object_name=object_name)

    assert 3 == installation.writes.refusals().num_rows
