"""The ledger of writes: jobs, the rows each was to write, and the rows a target refused.

A job is noted before it exists, its id before anything is sent: after a crash nothing has to be guessed. Does not
belong here: talking to a target, or deciding what to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from contact_sync.errors import ActivationError
from contact_sync.state.database import REFUSED_WRITE, WRITE_INTENT, WRITE_JOB, StateDatabase

_CHUNK: Final = 5_000
OF_ANOTHER_RECORD: Final = ("DUPLICATES_DETECTED", "DUPLICATE_VALUE")
"""Codes of refusals that say less about the row than about another record of the target."""
RETRY_AFTER: Final = timedelta(hours=24)
_MATCH: Final = ("object_name", "instance", "stage")


@dataclass(frozen=True, kw_only=True)
class WriteJob:
    """One job of one stage of a plan. `state`: planned, created, sent, settled or dropped; no id: it never existed."""

    job_number: int
    plan_id: str
    stage: str
    instance: str
    object_name: str
    job_id: str | None
    state: str
    row_count: int


@dataclass(frozen=True, kw_only=True)
class Intent:
    """One row that a job is to write: `row_key` finds it in the target's answer, `value_hash` stands for its values."""

    plan_row_id: str
    row_key: str
    value_hash: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an intent: `written`, `refused` (with code and message) or `unprocessed`."""

    row_key: str
    outcome: str
    record_id: str | None = None
    is_created: bool = False
    code: str = ""
    message: str = ""


class WriteLedger:
    """Reads and writes the write tables of the operational database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def plan_job(self, *, plan_id: str, stage: str, instance: str, object_name: str, intents: Sequence[Intent]) -> int:
        """Note a job and its rows before it is created; returns its number."""
        with self._database.transaction() as connection:
            inserted = connection.execute(
                sa.insert(WRITE_JOB).values(
                    plan_id=plan_id,
                    stage=stage,
                    instance=instance,
                    object_name=object_name,
                    state="planned",
                    row_count=len(intents),
                    created_at=datetime.now(UTC),
                )
            )
            number = int(inserted.inserted_primary_key[0])  # type: ignore[index]  # an insert of one row has one
            keys = [intent.plan_row_id for intent in intents]
            for part in _parts(keys):
                connection.execute(sa.delete(WRITE_INTENT).where(WRITE_INTENT.c.plan_row_id.in_(part)))
            rows = [{**vars(intent), "job_number": number, "outcome": "planned"} for intent in intents]
            for part in _parts(rows):
                connection.execute(sa.insert(WRITE_INTENT), part)
        return number

    def note(self, job_number: int, state: str, *, job_id: str | None = None) -> None:
        """Note a job's new state, and its id once it has one."""
        values: dict[str, Any] = {"state": state} | ({"job_id": job_id} if job_id else {})
        with self._database.transaction() as connection:
            connection.execute(sa.update(WRITE_JOB).where(WRITE_JOB.c.job_number == job_number).values(**values))

    def unsettled(self) -> list[WriteJob]:
        """Jobs of earlier runs whose end is not known yet."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                sa.select(WRITE_JOB).where(WRITE_JOB.c.state.not_in(["settled", "dropped"])).order_by("job_number")
            ).fetchall()
        return [WriteJob(**{name: getattr(row, name) for name in WriteJob.__dataclass_fields__}) for row in rows]

    def settle(self, job: WriteJob, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Note what became of each row of a job, keep refusals, and close the job; returns one outcome for each row.

        Rows without an outcome count as unprocessed. Repeating it changes nothing. Raises ActivationError, and notes
        nothing, when there are outcomes of rows that the job did not have, or two of one row.
        """
        listed = list(outcomes)
        known = {outcome.row_key: outcome for outcome in listed}
        with self._database.transaction() as connection:
            intents = {
                row.row_key: row
                for row in connection.execute(
                    sa.select(WRITE_INTENT).where(WRITE_INTENT.c.job_number == job.job_number)
                )
            }
            foreign = len(known.keys() - intents.keys()) + len(listed) - len(known)
            if foreign:
                raise ActivationError(
                    f"Job {job.job_id}: {job.row_count} rows were sent, and {foreign} results belong to none of them.",
                    remedy="Compare the job in the target's setup pages, then reconcile.",
                )
            settled = [known.get(key, Outcome(row_key=key, outcome="unprocessed")) for key in intents]
            self._note_outcomes(connection, intents, settled)
            self._keep_refusals(connection, job, intents, settled)
            connection.execute(
                sa.update(WRITE_JOB).where(WRITE_JOB.c.job_number == job.job_number).values(state="settled")
            )
        return settled

    def finished_rows(self, plan_id: str) -> set[str]:
        """The plan rows of a plan that have been written or refused already."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                sa.select(WRITE_INTENT.c.plan_row_id)
                .join(WRITE_JOB, WRITE_JOB.c.job_number == WRITE_INTENT.c.job_number)
                .where(WRITE_JOB.c.plan_id == plan_id, WRITE_INTENT.c.outcome.in_(["written", "refused"]))
            )
            return {row.plan_row_id for row in rows}

    def refusals(self, *, now: datetime | None = None) -> pa.Table:
        """Every row a target refused: object_name, instance, row_key, stage, value_hash, code.

        now: leave out those that are to be tried again at this time, because another record was the reason
        (OF_ANOTHER_RECORD) and may be gone after RETRY_AFTER.
        """
        columns = ("object_name", "instance", "row_key", "stage", "value_hash", "code")
        query = sa.select(*(REFUSED_WRITE.c[name] for name in columns))
        if now is not None:
            is_over = REFUSED_WRITE.c.code.in_(OF_ANOTHER_RECORD) & (REFUSED_WRITE.c.refused_at < now - RETRY_AFTER)
            query = query.where(~is_over)
        with self._database.transaction() as connection:
            rows = connection.execute(query).fetchall()
        values = list(zip(*rows, strict=True)) or [()] * len(columns)
        return pa.table({name: pa.array(column, pa.string()) for name, column in zip(columns, values, strict=True)})

    def _note_outcomes(self, connection: sa.Connection, intents: dict[str, Any], settled: Sequence[Outcome]) -> None:
        statement = (
            sa.update(WRITE_INTENT)
            .where(WRITE_INTENT.c.plan_row_id == sa.bindparam("the_row"))
            .values(outcome=sa.bindparam("the_outcome"), record_id=sa.bindparam("the_record"))
        )
        rows = [
            {
                "the_row": intents[outcome.row_key].plan_row_id,
                "the_outcome": outcome.outcome,
                "the_record": outcome.record_id,
            }
            for outcome in settled
        ]
        for part in _parts(rows):
            connection.execute(statement, part)

    def _keep_refusals(
        self, connection: sa.Connection, job: WriteJob, intents: dict[str, Any], settled: Sequence[Outcome]
    ) -> None:
        place = {name: getattr(job, name) for name in _MATCH}
        ended = [{"the_key": outcome.row_key} for outcome in settled if outcome.outcome != "unprocessed"]
        forget = sa.delete(REFUSED_WRITE).where(
            *(REFUSED_WRITE.c[name] == place[name] for name in _MATCH),
            REFUSED_WRITE.c.row_key == sa.bindparam("the_key"),
        )
        for part in _parts(ended):
            connection.execute(forget, part)
        refused = [
            {
                **place,
                "row_key": outcome.row_key,
                "value_hash": intents[outcome.row_key].value_hash,
                "code": outcome.code,
                "message": outcome.message,
                "refused_at": datetime.now(UTC),
            }
            for outcome in settled
            if outcome.outcome == "refused"
        ]
        for part in _parts(refused):
            connection.execute(sa.insert(REFUSED_WRITE), part)


def _parts(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]
