"""Where the warehouse is: one setting, three forms, and errors that name it and tell no password."""

from __future__ import annotations

from pathlib import Path

import pytest

from contact_sync.errors import SettingsError
from contact_sync.settings import load_settings
from contact_sync.warehouse.address import DuckDBAddress, PostgresAddress, SnowflakeAddress, warehouse_address

SECRET = "s3cret/with:signs"


def address(monkeypatch: pytest.MonkeyPatch, **settings: str) -> DuckDBAddress | PostgresAddress | SnowflakeAddress:
    """The address of these settings."""
    for name, value in settings.items():
        monkeypatch.setenv(f"CONTACT_SYNC_{name}", value)
    return warehouse_address(load_settings())


def test_a_path_is_duckdb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A path is the file; without the setting it lies below the home."""
    default = DuckDBAddress(path=tmp_path / "home/development/warehouse.duckdb", memory_mb=4_000)
    elsewhere = {"WAREHOUSE": str(tmp_path / "w.duckdb"), "WAREHOUSE_MEMORY_MB": "500"}

    assert default == address(monkeypatch)
    assert DuckDBAddress(path=tmp_path / "w.duckdb", memory_mb=500) == address(monkeypatch, **elsewhere)


def test_a_postgresql_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Signs in names are escaped, the password comes from its own setting or file, and dbt gets the same."""
    (tmp_path / "password").write_text(f"{SECRET}\n", encoding="utf-8")
    found = address(
        monkeypatch,
        WAREHOUSE="postgresql://lo%40der@db.example.com/con%20tacts?sslmode=require",
        WAREHOUSE_LOGIN__PASSWORD_FILE=str(tmp_path / "password"),
    )

    assert isinstance(found, PostgresAddress)
    assert ("db.example.com", 5432, "lo@der", "con tacts", "require") == (
        found.host,
        found.port,
        found.user,
        found.database,
        found.sslmode,
    )
    assert SECRET == found.password.get_secret_value()
    assert SECRET == found.dbt_environment["DBT_ENV_SECRET_CONTACT_SYNC_WAREHOUSE_PASSWORD"]
    assert SECRET not in repr(found)


def test_a_snowflake_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account gives the host; a key is enough to log in."""
    found = address(
        monkeypatch,
        WAREHOUSE="snowflake://loader@my-account/contacts?warehouse=small&role=sync",
        WAREHOUSE_LOGIN__PRIVATE_KEY_FILE="/keys/loader.p8",
    )

    assert isinstance(found, SnowflakeAddress)
    assert ("my-account.snowflakecomputing.com", 443, "https", "small", "sync", Path("/keys/loader.p8")) == (
        found.host,
        found.port,
        found.protocol,
        found.compute,
        found.role,
        found.private_key_file,
    )


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (f"postgresql://user:{SECRET.replace('/', '%2F')}@host/db", "it holds a password"),
        ("postgresql://user@host", "a database is missing"),
        ("postgresql://host/db", "a user is missing"),
        ("postgresql://user@host:port/db", "it is no URL"),
        ("postgresql://user@host/db?ssl=1", "the option ssl is not known"),
        ("snowflake://user@/db", "an account is missing"),
        ("bigquery://user@host/db", "there is no warehouse bigquery"),
    ],
)
def test_wrong_urls_name_the_setting(monkeypatch: pytest.MonkeyPatch, url: str, reason: str) -> None:
    """The message says what is wrong with CONTACT_SYNC_WAREHOUSE, and shows no password."""
    with pytest.raises(SettingsError, match=f"CONTACT_SYNC_WAREHOUSE.*{reason}") as raised:
        address(monkeypatch, WAREHOUSE=url, WAREHOUSE_LOGIN__PASSWORD="x")
    assert SECRET not in str(raised.value)


def test_snowflake_needs_something_to_log_in_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a password and without a key the error names both settings."""
    with pytest.raises(SettingsError, match=r"WAREHOUSE_LOGIN__PASSWORD or .*PRIVATE_KEY_FILE"):
        address(monkeypatch, WAREHOUSE="snowflake://user@account/db")
