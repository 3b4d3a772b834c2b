"""Runs dbt in this process, which costs seconds less than a subprocess, and knows the project's manifest.

dbt is not thread-safe in process and leaves the DuckDB file open: hence one process-wide lock and an explicit close.
Does not belong here: Dagster, or what the models say.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

from contact_sync.errors import TransformError
from contact_sync.settings import Settings
from contact_sync.warehouse.address import Address, DuckDBAddress, warehouse_address

_ONE_AT_A_TIME: Final = threading.Lock()
_SAFE_ERROR: Final = re.compile(
    r"^\s*(Binder|Catalog|Parser|Compilation) Error\b|enforced contract|SQL compilation error"
    r"|^\s*(relation|column|function|operator|type|syntax error|permission denied)\b",
    re.MULTILINE,
)
_UNSAFE_ERROR: Final = re.compile(r"^\s*(Conversion|Constraint|Invalid Input|Out of Range) Error\b", re.MULTILINE)
MERGED: Final = "source_record"
"""The folder of the models that grow by the batches of bronze."""
EventListener = Callable[[Any], None]


@dataclass(frozen=True, kw_only=True)
class NodeOutcome:
    """What became of one model, seed or test: `status` success, pass, warn, error, fail or skipped.

    table: `schema.name` of what it built.
    """

    unique_id: str
    status: str
    message: str
    table: str = ""

    @property
    def is_failed(self) -> bool:
        """Whether it went wrong or was left out because something before it did."""
        return self.status in {"error", "fail", "skipped", "runtime error"}


@dataclass(frozen=True, kw_only=True)
class Follower:
    """A model that goes on from its last build by what has changed since (macros/changes.sql).

    changes: `schema.name` of the model or source that tells what has. key: by which its rows are replaced; none where
    it is made whole.
    """

    key: str | None
    changes: str


class DbtProject:
    """The dbt project of an installation: its manifest and its runs.

    target_path: where what dbt parses is kept. variables: environment variables that its macros read.
    """

    def __init__(
        self, settings: Settings, *, target_path: Path | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        self._settings = settings
        self.directory = settings.dbt_project_path
        address = warehouse_address(settings)
        self.target_path = target_path or settings.root / "dbt" / _place(address)
        self._environment = {
            **address.dbt_environment,
            "CONTACT_SYNC_DBT_TARGET": address.target,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            **({"CONTACT_SYNC_MASKING": "true"} if settings.masking else {}),
            **(variables or {}),
        }
        self._leaves_a_file_open = isinstance(address, DuckDBAddress)
        self._manifest: tuple[int, Mapping[str, Any]] | None = None

    def as_of(self, at: datetime, schema_suffix: str, *, target_path: Path) -> DbtProject:
        """The same project, to be parsed anew: what was extracted after a time is not there, schemas have a suffix."""
        variables = {"CONTACT_SYNC_AS_OF": at.isoformat(), "CONTACT_SYNC_SCHEMA_SUFFIX": schema_suffix}
        return DbtProject(self._settings, target_path=target_path, variables=variables)

    @property
    def manifest_path(self) -> Path:
        """Where the manifest is, once parsed."""
        return self.target_path / "manifest.json"

    def manifest(self) -> Mapping[str, Any]:
        """The manifest, parsed again when a file of the project is newer than it; not to be changed by the caller."""
        if self._is_stale():
            self._invoke(["parse"])
        written_at = self.manifest_path.stat().st_mtime_ns
        # Read once: each of hundreds of bronze assets asks for the code of its model.
        if self._manifest is None or self._manifest[0] != written_at:
            self._manifest = written_at, json.loads(self.manifest_path.read_text(encoding="utf-8"))
        return self._manifest[1]

    def bronze_columns(self) -> dict[str, dict[str, str]]:
        """bronze table -> column -> type, for the tables and columns that models read."""
        return {
            source["name"]: {name: column["data_type"] or "varchar" for name, column in source["columns"].items()}
            for source in self.manifest()["sources"].values()
            if source["source_name"] == "bronze"
        }

    def bronze_meta(self) -> dict[str, dict[str, dict[str, Any]]]:
        """bronze table -> column -> what the project says about the column in its `meta`, where it says anything."""
        return {
            source["name"]: {name: column["meta"] for name, column in source["columns"].items() if column["meta"]}
            for source in self.manifest()["sources"].values()
            if source["source_name"] == "bronze"
        }

    def readers(self) -> dict[str, set[str]]:
        """bronze table -> the models of source_record that look at its batches: its own, and those that read that."""
        merged = {
            key: node
            for key, node in self.manifest()["nodes"].items()
            if node["resource_type"] == "model" and MERGED in node["fqn"]
        }
        found: dict[str, set[str]] = {}
        for node in merged.values():
            parents = [merged[key] for key in node["depends_on"]["nodes"] if key in merged]
            for key in {key for one in (node, *parents) for key in one["depends_on"]["nodes"]}:
                if key.startswith("source."):
                    found.setdefault(key.rpartition(".")[2], set()).add(node["name"])
        return found

    def parents(self) -> dict[str, set[str]]:
        """Model or seed -> the models and seeds that it reads."""
        nodes = self._models_and_seeds()
        return {
            node["name"]: {nodes[key]["name"] for key in node["depends_on"].get("nodes", ()) if key in nodes}
            for node in nodes.values()
        }

    def tables(self) -> dict[str, str]:
        """Model or seed -> `schema.name` of what it makes."""
        return {node["name"]: f"{node['schema']}.{node['name']}" for node in self._models_and_seeds().values()}

    def followers(self) -> dict[str, Follower]:
        """The models that go on from their last build by what has changed since."""
        tables = self.tables()
        for source in self.manifest()["sources"].values():
            tables[f"{source['source_name']}.{source['name']}"] = f"{source['schema']}.{source['name']}"
        configs = {node["name"]: node["config"] for node in self._models_and_seeds().values()}
        return {
            name: Follower(key=config["unique_key"], changes=tables[config["meta"]["changes"]])
            for name, config in configs.items()
            if "changes" in config.get("meta", {})
        }

    def tables_of_models(self) -> dict[str, str]:
        """Model -> `schema.name` of its table, of those that make one."""
        nodes = self._models_and_seeds().values()
        models = {node["name"] for node in nodes if node["resource_type"] == "model"} - self.views()
        return {name: table for name, table in self.tables().items() if name in models}

    def views(self) -> set[str]:
        """The models that are views."""
        nodes = self._models_and_seeds().values()
        return {node["name"] for node in nodes if node["config"]["materialized"] == "view"}

    def names_of(self, selection: Sequence[str]) -> list[str]:
        """A selection by name, parents first: each `group:NAME` stands for its models and seeds."""
        groups = {one.removeprefix("group:") for one in selection if one.startswith("group:")}
        members = {
            node["name"] for node in self._models_and_seeds().values() if node["config"].get("group") in groups
        }.union(one for one in selection if not one.startswith("group:"))
        ordered = [name for name in TopologicalSorter(self.parents()).static_order() if name in members]
        return ordered + sorted(members.difference(ordered))

    def model_code(self, name: str) -> str:
        """The source code of a model; nothing if there is no such model."""
        nodes = self.manifest()["nodes"].values()
        return next(
            (node["raw_code"] for node in nodes if node["resource_type"] == "model" and node["name"] == name), ""
        )

    def model_columns(self, name: str) -> dict[str, str]:
        """column -> type of a model, as it promises them; nothing if there is no such model."""
        nodes = self.manifest()["nodes"].values()
        node = next((one for one in nodes if one["resource_type"] == "model" and one["name"] == name), None)
        return {column["name"]: column["data_type"] for column in node["columns"].values()} if node else {}

    @property
    def adapter(self) -> str:
        """The engine, by the name that dbt has for it."""
        return str(self.manifest()["metadata"]["adapter_type"])

    def build(
        self,
        selection: Sequence[str],
        *,
        rebuild: Sequence[str] = (),
        changes_seen: Mapping[str, int] | None = None,
        listener: EventListener | None = None,
    ) -> list[NodeOutcome]:
        """Build the selected nodes with their tests; the caller holds the warehouse. Failures are in the outcomes.

        rebuild: models whose tables are filled anew instead of with what is new. changes_seen: model -> the last change
        that its table has; of those that are not named nobody knows.
        """
        arguments = ["build", "--select", *selection, "--exclude-resource-type", "unit_test"]
        going_on = {
            name: {"key": one.key, "changes": one.changes}
            for name, one in self.followers().items()
            if one.key is not None and name in (changes_seen or {}) and name not in rebuild
        }
        variables = {
            "CONTACT_SYNC_GOING_ON": json.dumps(going_on),
            "CONTACT_SYNC_REBUILD": ",".join(rebuild),
            "CONTACT_SYNC_CHANGES_SEEN": ",".join(f"{name}={seen}" for name, seen in (changes_seen or {}).items()),
        }
        result = self._invoke([*arguments, "--no-write-json"], listener=listener, variables=variables)
        return [
            NodeOutcome(
                unique_id=outcome.node.unique_id,
                status=str(outcome.status.value if hasattr(outcome.status, "value") else outcome.status),
                message=_safe(outcome.message),
                table=f"{outcome.node.schema}.{outcome.node.name}",
            )
            for outcome in result.results
        ]

    def _models_and_seeds(self) -> dict[str, Any]:
        nodes = self.manifest()["nodes"].items()
        return {key: node for key, node in nodes if node["resource_type"] in {"model", "seed"}}

    def _is_stale(self) -> bool:
        if not self.manifest_path.exists():
            return True
        parsed_at = self.manifest_path.stat().st_mtime
        files = (path for path in self.directory.rglob("*") if path.suffix in {".sql", ".yml", ".yaml", ".csv"})
        return any(path.stat().st_mtime > parsed_at for path in files)

    def _parsed(self) -> Any:
        """The project as dbt itself saved it after parsing, which spares parsing it again; None if it is stale.

        Read anew for each run: a run leaves in it what it has made of ephemeral models and of constraints.
        """
        from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415 -- as dbt itself

        saved = self.target_path / "partial_parse.msgpack"
        if self._is_stale() or not saved.exists():
            return None
        return Manifest.from_msgpack(saved.read_bytes())

    def _invoke(
        self,
        arguments: Sequence[str],
        *,
        listener: EventListener | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Any:
        from dbt.cli.main import dbtRunner  # noqa: PLC0415 -- costs two seconds that most commands need not pay

        self.target_path.mkdir(parents=True, exist_ok=True)
        options = ["--project-dir", str(self.directory), "--profiles-dir", str(self.directory)]
        options += ["--target-path", str(self.target_path), "--log-path", str(self.target_path)]
        silence = ["--log-level", "none", "--log-level-file", "none"]
        with _ONE_AT_A_TIME, _environment({**self._environment, **(variables or {})}):
            try:
                runner = dbtRunner(manifest=self._parsed(), callbacks=[listener] if listener else [])
                result = runner.invoke([*silence, *arguments, *options])
            finally:
                if self._leaves_a_file_open:
                    _release_duckdb()
        if result.exception is not None or result.result is None:
            raise TransformError(
                f"dbt {arguments[0]} could not run: {_safe(str(result.exception))}",
                remedy=f"Check the dbt project at {self.directory}.",
            )
        return result.result


def raise_for_failures(outcomes: Sequence[NodeOutcome]) -> None:
    """Raise TransformError naming the failed nodes."""
    failed = [outcome for outcome in outcomes if outcome.is_failed]
    if failed:
        named = "; ".join(f"{outcome.unique_id}: {outcome.message or outcome.status}" for outcome in failed[:5])
        more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""  # noqa: PLR2004 -- as many as fit a message
        raise TransformError(f"dbt: {named}{more}.", remedy="The pointers did not move; correct it and run again.")


def _place(address: Address) -> str:
    """A directory per database: what dbt saves when it parses holds for one engine and one database name."""
    if isinstance(address, DuckDBAddress):
        return ""
    identity = f"{address.host}:{address.port}/{address.database}"
    return f"{address.target}_{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def _safe(message: str | None) -> str:
    """Messages about SQL may be shown; others can quote values, so that only their first words are."""
    text = (message or "").strip()
    if "No space left" in text:
        return "no space left for the warehouse"
    if "Out of Memory Error" in text:
        return "DuckDB needs more memory; raise CONTACT_SYNC_WAREHOUSE_MEMORY_MB"
    if _SAFE_ERROR.search(text) and not _UNSAFE_ERROR.search(text):
        return text
    return text.partition(":")[0].partition("\n")[0][:80]


def _release_duckdb() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415 -- as dbt itself

    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]  # dbt's own


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """dbt's profile reads the environment; give it values and take them back."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
