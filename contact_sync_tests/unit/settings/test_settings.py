"""Settings come from the environment; all of them are documented, and none tells a secret."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from contact_sync.errors import SettingsError
from contact_sync.settings import PREFIX, Settings, TargetKind, load_settings

SECRET = "the-secret-itself"
ORG = {"URL": "https://example.my.salesforce.com/", "CLIENT_ID": "id", "CLIENT_SECRET": SECRET}


def configure(patch: pytest.MonkeyPatch, **values: str) -> None:
    """Set variables, given without their prefix."""
    for name, value in values.items():
        patch.setenv(f"{PREFIX}{name}", value)


def org(name: str, **changes: str) -> dict[str, str]:
    """The variables of a Salesforce org."""
    return {f"SALESFORCE__{name}__{field}": value for field, value in {**ORG, **changes}.items()}


def names(model: type[BaseModel], prefix: str) -> set[str]:
    """Every variable that a model reads; instances are called MAIN."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        nested = [one for one in (kind, *get_args(kind)) if isinstance(one, type) and issubclass(one, BaseModel)]
        is_mapping = getattr(kind, "__origin__", None) is dict
        inner = f"{prefix}{name.upper()}__{'MAIN__' if is_mapping else ''}"
        found |= names(nested[0], inner) if nested else {f"{prefix}{name.upper()}"}
    return found


def example(repository: Path) -> Mapping[str, str]:
    """Variable -> value of .env.example."""
    text = (repository / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^# (CONTACT_SYNC_\w+)=(.*)$", text, flags=re.MULTILINE))


def test_the_example_names_every_setting(repository: Path) -> None:
    """`.env.example` lists exactly the variables that Settings reads."""
    assert names(Settings, PREFIX) == set(example(repository))


def test_the_example_is_valid(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value of `.env.example` is accepted and lands in its setting."""
    for name, value in example(repository).items():
        monkeypatch.setenv(name, value)

    settings = load_settings()

    assert ("s3://contacts-lake/production", "sqlite:////srv/contacts/state.sqlite") == (
        settings.lake_url,
        settings.state,
    )
    assert Path("/run/secrets/snowflake.p8") == settings.warehouse_login.private_key_file
    assert (90, 300, 1800, 30) == (
        settings.partition_days,
        settings.safety_lag_seconds,
        settings.freshness_seconds,
        settings.probe_seconds,
    )
    assert Path("/run/secrets/salesforce.key") == settings.salesforce["main"].private_key_file
    assert {("main",)} == {settings.instances(source) for source in ("salesforce", "erp", "drops")}


def test_defaults_follow_from_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without other settings everything lies below home and environment; an empty variable is as good as none."""
    configure(monkeypatch, HOME=str(tmp_path), ENVIRONMENT="staging", LAKE="", STATE="", CATALOG="")

    settings = load_settings()

    assert (str(tmp_path / "staging/lake"), tmp_path / "staging/warehouse.duckdb") == (
        settings.lake_url,
        settings.warehouse_path,
    )
    assert f"sqlite:///{tmp_path / 'staging/state.sqlite'}" == settings.state_url
    assert (settings.catalog_path / "golden.yaml").is_file()
    assert () == settings.instances("salesforce") == settings.instances("drops")


def test_several_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of instances are free; each has its own settings, without a trailing slash."""
    configure(monkeypatch, **org("CORE"), **org("EMEA", KIND="sandbox"))

    settings = load_settings()

    assert ("core", "emea") == settings.instances("salesforce")
    assert (TargetKind.PRODUCTION, TargetKind.SANDBOX) == tuple(one.kind for one in settings.salesforce.values())
    assert "https://example.my.salesforce.com" == settings.salesforce["core"].url


@pytest.mark.parametrize(
    ("variable", "others", "read"),
    [
        (
            "SALESFORCE__CORE__CLIENT_SECRET",
            {name: value for name, value in org("CORE").items() if "SECRET" not in name},
            lambda settings: settings.salesforce["core"].client_secret,
        ),
        ("ERP__MAIN__URL", {}, lambda settings: settings.erp["main"].url),
        ("S3__SECRET_ACCESS_KEY", {"S3__ACCESS_KEY_ID": "id"}, lambda settings: settings.s3.secret_access_key),
        ("ALERT__WEBHOOK_URL", {}, lambda settings: settings.alert.webhook_url),
    ],
)
def test_secrets_from_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, others: dict[str, str], read: Any
) -> None:
    """Each secret can be in a file; a file that is missing or not text is named, with the setting it is for."""
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n", encoding="utf-8")
    configure(monkeypatch, **others, **{f"{variable}_FILE": str(path)})
    assert SECRET == read(load_settings()).get_secret_value()

    for spoil in (lambda: path.write_bytes(b"\xff\xfe"), path.unlink):
        spoil()
        with pytest.raises(SettingsError) as failure:
            load_settings()
        assert f"the secret file {path} cannot be read" in str(failure.value)
        assert f"{PREFIX}{variable.rsplit('__', 1)[0]}" in str(failure.value)


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret is in repr, str or a dump as text: neither instances', nor that of a database URL."""
    configure(
        monkeypatch,
        **org("CORE"),
        ERP__MAIN__URL=f"postgresql://reader:{SECRET}@host/erp",
        STATE=f"postgresql://writer:{SECRET}@host/state",
        S3__ACCESS_KEY_ID="id",
        S3__SECRET_ACCESS_KEY=SECRET,
        ALERT__WEBHOOK_URL=f"https://hooks.example.com/{SECRET}",
    )

    settings = load_settings()

    assert SECRET in settings.state_url
    assert SECRET not in f"{settings!r} {settings} {settings.salesforce} {settings.erp} {settings.s3} {settings.alert}"


@pytest.mark.parametrize(
    "wrong",
    [
        {"SALESFORCE": SECRET},
        {"SALESFORCE__CORE": SECRET},
        {"ERP__MAIN__URL": f"postgresql://{SECRET}", "ERP__MAIN__TYPO": SECRET},
        {"ENVIRONMENT": SECRET},
        {"S3": f"[{SECRET}"},
        {"S3__SECRET_ACCESS_KEY": SECRET},
        org("CORE", CLIENT_SECRET=SECRET, KIND="wrong"),
    ],
)
def test_errors_name_the_setting_and_hide_its_value(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    """Whatever is wrong, the error is ours, names the setting, and holds no value."""
    configure(monkeypatch, **wrong)

    with pytest.raises(SettingsError) as failure:
        load_settings()

    assert next(iter(wrong)).split("__")[0].lower() in str(failure.value).lower()
    chain = f"{failure.value!r} {failure.value.__cause__!r}"
    assert SECRET not in chain
    assert failure.value.__suppress_context__


def test_jwt_needs_both_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user name without a key, or neither, is no way to log in."""
    values = {name: value for name, value in org("CORE").items() if not name.endswith("CLIENT_SECRET")}
    configure(monkeypatch, **values, SALESFORCE__CORE__USERNAME="integration@example.com")
    with pytest.raises(SettingsError, match=r"SALESFORCE__CORE: .*needs CLIENT_SECRET, or USERNAME"):
        load_settings()

    configure(monkeypatch, SALESFORCE__CORE__PRIVATE_KEY_FILE="/run/secrets/key")
    assert "integration@example.com" == load_settings().salesforce["core"].username


def test_nothing_else_is_set() -> None:
    """These tests see no setting of the developer's own."""
    assert {f"{PREFIX}HOME"} == {name for name in os.environ if name.startswith(PREFIX)}
