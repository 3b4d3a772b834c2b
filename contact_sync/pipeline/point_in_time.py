"""Silver as it was at a time of the past, rebuilt from bronze into a schema of its own.

What was known at a time is what had been extracted by then: `_extracted_at <= time`. No source is asked; the live
silver, its pointers and gold are not touched. Does not belong here: how a person types a time (cli/).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from contact_sync.errors import CatalogError, LakeError, SettingsError
from contact_sync.normalisation.remembered import prepare_answers
from contact_sync.pipeline.installation import Installation
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.transform import EventListener, NodeOutcome, raise_for_failures

_EVERYTHING: Final = ("group:silver",)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A time of the past. `name` is how schemas are called after it."""

    at: datetime
    name: str

    @classmethod
    def parse(cls, text: str) -> Moment:
        """A day, which means its end, or an ISO time, in UTC unless it says otherwise; SettingsError for neither."""
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise SettingsError(
                f"{text} is neither a day nor a time.", remedy="Write it like 2026-03-01 or 2026-03-01T14:30:00Z."
            ) from None
        if _is_day(text):
            return cls(at=at.replace(tzinfo=UTC) + timedelta(days=1, microseconds=-1), name=f"{at:%Y%m%d}")
        at = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
        fraction = f"_{at:%f}" if at.microsecond else ""
        return cls(at=at, name=f"{at:%Y%m%dt%H%M%S}{fraction}")

    @property
    def schema_suffix(self) -> str:
        """What follows the names of schemas."""
        return f"_as_of_{self.name}"

    @property
    def schema(self) -> str:
        """The schema that holds silver as it was then."""
        return f"silver{self.schema_suffix}"


@dataclass(frozen=True, kw_only=True)
class RebuildReport:
    """Silver as it was: where it is, and model -> rows."""

    as_of: datetime
    schema: str
    rows: dict[str, int]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"as_of": self.as_of.isoformat(), "schema": self.schema, "rows": self.rows, "seconds": self.seconds}


def rebuild_silver(
    installation: Installation,
    moment: Moment,
    objects: Sequence[str] = (),
    *,
    listener: EventListener | None = None,
) -> RebuildReport:
    """Rebuild silver, or only the tables of some objects, as it was at a moment, replacing an earlier rebuild of it.

    Raises SettingsError for a moment that has not come, CatalogError for an object without a table in silver, LakeError
    if bronze goes back less far, and TransformError naming the models that failed; then the schema is removed.
    """
    started = time.monotonic()
    if moment.at > installation.now():
        raise SettingsError(
            f"{moment.at:%Y-%m-%d %H:%M:%S} UTC is in the future.", remedy="A day counts when it has ended, in UTC."
        )
    columns = installation.dbt.bronze_columns()
    for name in objects:
        _raise_if_unknown(installation, name, columns)
    warehouse = installation.warehouse
    with warehouse.session("bring bronze in") as session:
        for name in objects or columns:
            warehouse.bring_in(session, installation.bronze(name), columns[name])
        prepare_answers(session)
        _raise_if_before_everything(session, moment, objects or list(columns))
        session.execute(f"drop schema if exists {moment.schema} cascade")
    try:
        # With the seeds that a table reads.
        outcomes = _build(installation, moment, [f"+{name}" for name in objects] or _EVERYTHING, listener)
        raise_for_failures(outcomes)
    except BaseException:
        with warehouse.session("remove what was half rebuilt") as session:
            session.execute(f"drop schema if exists {moment.schema} cascade")
        raise
    with warehouse.session("count rows") as session:
        rows = _row_counts(session, moment.schema, outcomes)
    seconds = round(time.monotonic() - started, 1)
    return RebuildReport(as_of=moment.at, schema=moment.schema, rows=rows, seconds=seconds)


def _build(
    installation: Installation, moment: Moment, selection: Sequence[str], listener: EventListener | None
) -> list[NodeOutcome]:
    """Build with a parse of its own: dbt resolves the names of schemas when it parses."""
    root = installation.settings.root
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dbt-as-of-", dir=root) as directory:
        project = installation.dbt.as_of(moment.at, moment.schema_suffix, target_path=Path(directory))
        with installation.warehouse.exclusive(f"rebuild silver as of {moment.at:%Y-%m-%d %H:%M}"):
            return project.build(selection, listener=listener)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _raise_if_unknown(installation: Installation, name: str, columns: dict[str, dict[str, str]]) -> None:
    installation.object(name)
    if name not in columns or not installation.dbt.model_code(name):
        raise CatalogError(
            f"Silver has no table of {name}.", remedy="Name an object that a model of silver is made of."
        )


def _raise_if_before_everything(session: Session, moment: Moment, names: Sequence[str]) -> None:
    firsts = [
        row["first"]
        for name in names
        for row in session.query(f"select min(_extracted_at) as first from bronze.{name}").to_pylist()  # noqa: S608 -- catalog
    ]
    earliest = min((first for first in firsts if first is not None), default=None)
    what = ", ".join(names) if len(names) <= 3 else f"{len(names)} objects"  # noqa: PLR2004 -- as many as read well
    if earliest is None:
        raise LakeError(f"Bronze holds nothing of {what} yet.", remedy="Run `contact-sync extract` first.")
    if earliest > moment.at:
        raise LakeError(
            f"Bronze holds nothing of {what} that was known at {moment.at:%Y-%m-%d %H:%M:%S} UTC.",
            remedy=f"The first rows were extracted at {earliest.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC.",
        )


def _row_counts(session: Session, schema: str, outcomes: Sequence[NodeOutcome]) -> dict[str, int]:
    names = [one.unique_id.split(".")[-1] for one in outcomes if one.unique_id.startswith("model.")]
    count = "select count(*) from"
    return {name: int(session.scalar(f"{count} {schema}.{name}")) for name in sorted(names)}
