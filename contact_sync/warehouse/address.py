"""Where the warehouse is, as CONTACT_SYNC_WAREHOUSE says it: a path of DuckDB, `postgresql://`, or `snowflake://`.

An address knows its dbt target and the variables that dbt's profile reads. Does not belong here: opening anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from contact_sync.errors import SettingsError
from contact_sync.settings import Settings

SETTING: Final = "CONTACT_SYNC_WAREHOUSE"
LOGIN: Final = "CONTACT_SYNC_WAREHOUSE_LOGIN"
_POSTGRES_PORT: Final = 5432
_POSTGRES_OPTIONS: Final = ("sslmode",)
_SNOWFLAKE_OPTIONS: Final = ("warehouse", "role", "host", "port", "protocol")
_PASSWORD: Final = "DBT_ENV_SECRET_CONTACT_SYNC_WAREHOUSE_PASSWORD"  # noqa: S105 -- a variable's name


@dataclass(frozen=True, kw_only=True)
class DuckDBAddress:
    """A file."""

    path: Path
    memory_mb: int
    target: str = "duckdb"

    @property
    def dbt_environment(self) -> dict[str, str]:
        """Variables of the profile."""
        return {
            "CONTACT_SYNC_WAREHOUSE_PATH": str(self.path),
            "CONTACT_SYNC_WAREHOUSE_MEMORY": f"{self.memory_mb}MB",
        }


@dataclass(frozen=True, kw_only=True)
class PostgresAddress:
    """A database of a server. An empty password: what libpq finds by itself."""

    host: str
    port: int
    user: str
    password: SecretStr
    database: str
    sslmode: str
    target: str = "postgres"

    @property
    def dbt_environment(self) -> dict[str, str]:
        """Variables of the profile."""
        return {
            "CONTACT_SYNC_WAREHOUSE_HOST": self.host,
            "CONTACT_SYNC_WAREHOUSE_PORT": str(self.port),
            "CONTACT_SYNC_WAREHOUSE_USER": self.user,
            "CONTACT_SYNC_WAREHOUSE_DATABASE": self.database,
            "CONTACT_SYNC_WAREHOUSE_SSLMODE": self.sslmode,
            _PASSWORD: self.password.get_secret_value(),
        }


@dataclass(frozen=True, kw_only=True)
class SnowflakeAddress:
    """A database of an account; log in with a password or a private key. compute: the virtual warehouse."""

    account: str
    host: str
    port: int
    protocol: str
    user: str
    password: SecretStr
    private_key_file: Path | None
    database: str
    compute: str
    role: str
    target: str = "snowflake"

    @property
    def dbt_environment(self) -> dict[str, str]:
        """Variables of the profile."""
        return {
            "CONTACT_SYNC_WAREHOUSE_ACCOUNT": self.account,
            "CONTACT_SYNC_WAREHOUSE_HOST": self.host,
            "CONTACT_SYNC_WAREHOUSE_PORT": str(self.port),
            "CONTACT_SYNC_WAREHOUSE_PROTOCOL": self.protocol,
            "CONTACT_SYNC_WAREHOUSE_USER": self.user,
            "CONTACT_SYNC_WAREHOUSE_DATABASE": self.database,
            "CONTACT_SYNC_WAREHOUSE_COMPUTE": self.compute,
            "CONTACT_SYNC_WAREHOUSE_ROLE": self.role,
            "CONTACT_SYNC_WAREHOUSE_KEY_PATH": str(self.private_key_file or ""),
            _PASSWORD: self.password.get_secret_value(),
        }


Address = DuckDBAddress | PostgresAddress | SnowflakeAddress


def warehouse_address(settings: Settings) -> Address:
    """The address that the settings describe; SettingsError naming CONTACT_SYNC_WAREHOUSE for one that is wrong."""
    if "://" not in (settings.warehouse or ""):
        return DuckDBAddress(path=settings.warehouse_path, memory_mb=settings.warehouse_memory_mb)
    try:
        parts = urlsplit(settings.warehouse or "")
        if parts.scheme == "postgresql":
            return _postgres(parts, settings)
        if parts.scheme == "snowflake":
            return _snowflake(parts, settings)
        raise _wrong(f"there is no warehouse {parts.scheme}")
    except ValueError:
        raise _wrong("it is no URL") from None


def _postgres(parts: SplitResult, settings: Settings) -> PostgresAddress:
    options = _options(parts, _POSTGRES_OPTIONS)
    return PostgresAddress(
        host=_given(parts.hostname, "a host"),
        port=parts.port or _POSTGRES_PORT,
        user=unquote(_given(parts.username, "a user")),
        password=settings.warehouse_login.password or SecretStr(""),
        database=unquote(_given(parts.path.strip("/"), "a database")),
        sslmode=options.get("sslmode", "prefer"),
    )


def _snowflake(parts: SplitResult, settings: Settings) -> SnowflakeAddress:
    options = _options(parts, _SNOWFLAKE_OPTIONS)
    account = _given(parts.netloc.rpartition("@")[2], "an account")
    if settings.warehouse_login.password is None and settings.warehouse_login.private_key_file is None:
        raise SettingsError(
            f"{SETTING} is a Snowflake database, and nothing logs in to it.",
            remedy=f"Set {LOGIN}__PASSWORD or {LOGIN}__PRIVATE_KEY_FILE.",
        )
    return SnowflakeAddress(
        account=account,
        host=options.get("host", f"{account}.snowflakecomputing.com"),
        port=int(options.get("port", "443")),
        protocol=options.get("protocol", "https"),
        user=unquote(_given(parts.username, "a user")),
        password=settings.warehouse_login.password or SecretStr(""),
        private_key_file=settings.warehouse_login.private_key_file,
        database=unquote(_given(parts.path.strip("/"), "a database")),
        compute=options.get("warehouse", ""),
        role=options.get("role", ""),
    )


def _options(parts: SplitResult, known: tuple[str, ...]) -> Mapping[str, str]:
    if parts.password is not None:
        raise _wrong(f"it holds a password, which belongs into {LOGIN}__PASSWORD or {LOGIN}__PASSWORD_FILE")
    options = dict(parse_qsl(parts.query))
    for name in options:
        if name not in known:
            raise _wrong(f"the option {name} is not known (known: {', '.join(known)})")
    return options


def _given(value: str | None, what: str) -> str:
    if not value:
        raise _wrong(f"{what} is missing")
    return value


def _wrong(reason: str) -> SettingsError:
    return SettingsError(
        f"{SETTING} cannot be used: {reason}.",
        remedy="A path, postgresql://user@host:port/database?sslmode=require, or "
        "snowflake://user@account/database?warehouse=name&role=name.",
    )
