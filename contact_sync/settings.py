"""One frozen `Settings`, read from the environment; nothing else in the package reads it.

Belongs here: names, types and defaults of settings, and the paths that follow from them. Does not belong here: opening
connections or files other than the secret files that a `*_FILE` setting names.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSettingError

from contact_sync.errors import SettingsError

PREFIX = "CONTACT_SYNC_"
_REMEDY = "See the table in README.md."


class Environment(StrEnum):
    """Where this installation runs; outside production only sandboxes and simulators are written to."""

    DEVELOPMENT = "development"
    BRANCH = "branch"
    STAGING = "staging"
    PRODUCTION = "production"


class TargetKind(StrEnum):
    """What a Salesforce instance is, which decides whether it may be written to."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"
    SIMULATOR = "simulator"


class ApplyPolicy(StrEnum):
    """Whether a safe plan is applied by the run that made it, or waits for `contact-sync apply`."""

    REVIEW = "review"
    AUTOMATIC = "automatic"


def _without_trailing_slash(value: object) -> object:
    return value.rstrip("/") if isinstance(value, str) else value


Url = Annotated[str, BeforeValidator(_without_trailing_slash)]


def _read_secret_files(values: object) -> object:
    """Replace each `<name>_file` (but `private_key_file`, which stays a path) by the file's content as `<name>`."""
    if not isinstance(values, dict):
        return values
    resolved = dict(values)
    for name in [name for name in resolved if name.endswith("_file") and name != "private_key_file"]:
        path = Path(str(resolved.pop(name)))
        try:
            resolved[name.removesuffix("_file")] = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            message = f"the secret file {path} cannot be read ({reason})"
            raise ValueError(message) from None
    return resolved


class _Instance(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _secrets_from_files(cls, values: object) -> object:
        return _read_secret_files(values)


class SalesforceInstance(_Instance):
    """One Salesforce org: client credentials (id and secret) or JWT bearer (id, user name and private key)."""

    url: Url
    kind: TargetKind = TargetKind.PRODUCTION
    client_id: str
    client_secret: SecretStr | None = None
    username: str | None = None
    private_key_file: Path | None = None
    api_share: float = Field(default=0.9, gt=0, le=1)

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> Self:
        jwt = self.username is not None and self.private_key_file is not None
        if self.client_secret is None and not jwt:
            message = "needs CLIENT_SECRET, or USERNAME and PRIVATE_KEY_FILE"
            raise ValueError(message)
        return self


class ErpInstance(_Instance):
    """One ERP database, as a `postgresql://` URL that holds its credentials."""

    url: SecretStr


class ObjectStorage(_Instance):
    """The bucket that files are dropped in, and the credentials of an `s3://` lake."""

    endpoint: Url | None = None
    bucket: str | None = None
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    region: str = "us-east-1"

    @model_validator(mode="after")
    def _both_credentials_or_neither(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            message = "needs both ACCESS_KEY_ID and SECRET_ACCESS_KEY, or neither"
            raise ValueError(message)
        return self


class WarehouseLogin(_Instance):
    """What logs the user of a warehouse's URL in: a password, or the private key of a Snowflake user."""

    password: SecretStr | None = None
    private_key_file: Path | None = None


class Alert(_Instance):
    """Where failures and lateness are told besides the log."""

    webhook_url: SecretStr | None = None


class Settings(BaseSettings):
    """All settings; the table in README.md is checked against this class."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )

    home: Path = Field(default=Path(".contact_sync"), description="Everything this installation keeps on disk.")
    environment: Environment = Field(
        default=Environment.DEVELOPMENT, description="development, branch, staging or production."
    )
    catalog: Path | None = Field(default=None, description="Your own catalog directory instead of the shipped one.")
    dbt_project: Path | None = Field(default=None, description="Your own dbt project instead of the shipped one.")
    lake: str | None = Field(
        default=None, repr=False, description="Path or s3:// URL of the lake, or postgresql:// URL for bronze."
    )
    warehouse: str | None = Field(default=None, description="Path of the DuckDB file, or URL of another warehouse.")
    warehouse_login: WarehouseLogin = Field(default_factory=WarehouseLogin, description="What logs in to that URL.")
    warehouse_memory_mb: int = Field(
        default=4_000, ge=200, description="Megabytes that DuckDB takes before it goes on with files on disk."
    )
    state: str | None = Field(default=None, repr=False, description="SQLAlchemy URL of the operational database.")
    masking: bool = Field(default=False, description="Mask personal columns in Snowflake or Redshift after each build.")
    apply: ApplyPolicy = Field(default=ApplyPolicy.REVIEW, description="review, or automatic for safe plans.")
    partition_days: int = Field(default=90, ge=1, description="How many daily partitions bronze has.")
    safety_lag_seconds: int = Field(default=300, ge=0, description="How far the saved watermark is held back.")
    freshness_seconds: int | None = Field(default=None, ge=1, description="One promise for all objects, if set.")
    probe_seconds: int | None = Field(default=None, ge=1, description="Ask sources for changes this often, if set.")
    parallel: int = Field(default=8, ge=1, description="How many extractions may run side by side.")
    parallel_per_instance: int = Field(default=4, ge=1, description="How many of them on one instance.")
    salesforce: dict[str, SalesforceInstance] = Field(default_factory=dict, description="Salesforce orgs by name.")
    erp: dict[str, ErpInstance] = Field(default_factory=dict, description="ERP databases by name.")
    s3: ObjectStorage = Field(default_factory=ObjectStorage, description="Object storage.")
    alert: Alert = Field(default_factory=Alert, description="Alert channels.")

    @cached_property
    def root(self) -> Path:
        """Absolute directory of this environment: state, warehouse and default lake live below it."""
        return self.home.expanduser().resolve() / self.environment.value

    @cached_property
    def dagster_home(self) -> Path:
        """Absolute DAGSTER_HOME of this installation."""
        return self.home.expanduser().resolve() / "dagster"

    @cached_property
    def lake_url(self) -> str:
        """The lake's root as an absolute path or an `s3://` URL, without a trailing slash; of what files are in it."""
        if self.lake is None or self.lake_database_url is not None:
            return str(self.root / "lake")
        if "://" in self.lake:
            return self.lake.rstrip("/")
        return str(Path(self.lake).expanduser().resolve())

    @cached_property
    def lake_database_url(self) -> str | None:
        """URL of the PostgreSQL database that holds bronze instead of files, with credentials; None if none does."""
        is_database = self.lake is not None and self.lake.startswith(("postgresql://", "postgres://"))
        return self.lake if is_database else None

    @cached_property
    def warehouse_path(self) -> Path:
        """Absolute path of the DuckDB file, if that is the warehouse."""
        return Path(self.warehouse or self.root / "warehouse.duckdb").expanduser().resolve()

    @cached_property
    def state_url(self) -> str:
        """SQLAlchemy URL of the operational database."""
        return self.state or f"sqlite:///{self.root / 'state.sqlite'}"

    @cached_property
    def catalog_path(self) -> Path:
        """Directory of the catalog's YAML files."""
        return self.catalog or Path(__file__).parent / "catalog"

    @cached_property
    def dbt_project_path(self) -> Path:
        """Directory of the dbt project: the configured one, the checkout's, or the one inside an installed wheel."""
        if self.dbt_project is not None:
            return self.dbt_project.expanduser().resolve()
        checkout = Path(__file__).parent.parent / "dbt_project"
        return checkout if checkout.is_dir() else Path(__file__).parent / "dbt_project"

    def instances(self, source: str) -> tuple[str, ...]:
        """Names of the configured instances of a source system, sorted; files have one instance, `main`."""
        if source == "salesforce":
            return tuple(sorted(self.salesforce))
        if source == "erp":
            return tuple(sorted(self.erp))
        return ("main",) if self.s3.bucket else ()


def load_settings() -> Settings:
    """Read the settings; raise SettingsError naming each wrong variable, never its value."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'__'.join(str(part).upper() for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise SettingsError(f"Settings are wrong: {problems}.", remedy=_REMEDY) from None
    except UnreadableSettingError as error:
        raise SettingsError(f"Settings are wrong: {error}.", remedy=_REMEDY) from None
