"""Normalises the distinct values that are new and that SQL leaves over, and remembers the answers in the warehouse.

A value of the batches that silver is about to merge is normalised in the same run, before dbt; an answer of an older
library is made again, some in each run, and holds until then. Values go through Python in pages, so memory is bounded.
Does not belong here: the rules of any kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.errors import CatalogError
from contact_sync.normalisation.kinds import Kind
from contact_sync.normalisation.result import Normalized
from contact_sync.warehouse.base import Session

TABLE: Final = "pipeline.normalized_value"
PAGE_SIZE: Final = 50_000
_TYPES: Final[dict[str, pa.DataType]] = {
    "kind": pa.string(),
    "raw": pa.string(),
    "hint": pa.string(),
    "normalized": pa.string(),
    "rule": pa.string(),
    "library": pa.string(),
    "library_version": pa.string(),
    "noted_at": pa.timestamp("us", tz="UTC"),
}
SCHEMA: Final = pa.schema(_TYPES)
_COLUMNS: Final = ", ".join(SCHEMA.names)
_STATE: Final = "pipeline.answer_state"
_SAID: Final = ("kind", "raw", "hint", "normalized", "rule")
"""The columns of an answer that models read."""
_Value = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class ValueColumn:
    """A bronze column of a kind.

    `hint` is the column beside it that its reading depends on; it is read only where the column `unless` is empty.
    """

    table: str
    column: str
    kind: str
    hint: str | None = None
    unless: str | None = None


@dataclass(frozen=True, kw_only=True)
class NormalizedCount:
    """What became of the distinct values of a kind: seen = left_to_sql + normalized + refused. renewed: old answers."""

    kind: str
    seen: int
    left_to_sql: int
    normalized: int
    refused: int
    renewed: int

    def figures(self) -> list[tuple[str, int]]:
        """What is worth showing of a run."""
        return [("left_to_sql", self.left_to_sql), ("normalized", self.normalized), ("refused", self.refused)]


def value_columns(meta: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[ValueColumn]:
    """The columns that say `normalised_as` in the meta of their source: table -> column -> meta."""
    return [
        ValueColumn(
            table=table, column=column, kind=told["normalised_as"], hint=told.get("hint"), unless=told.get("unless")
        )
        for table, columns in meta.items()
        for column, told in columns.items()
        if "normalised_as" in told
    ]


def prepare_answers(session: Session) -> None:
    """Make the table that the models read where there is none."""
    session.append(TABLE, SCHEMA.empty_table())


def normalize_new_values(
    session: Session, columns: Sequence[ValueColumn], kinds: Mapping[str, Kind], *, now: datetime
) -> list[NormalizedCount]:
    """Normalise what is new in the open windows, or in all of bronze while there are no answers; one count per kind.

    Each answer is (kind, raw, hint) -> normalized or the rule that refused it, one row in `pipeline.normalized_value`.
    Raises CatalogError for a column of an unknown kind.
    """
    prepare_answers(session)
    for column in columns:
        _raise_if_unknown(column, kinds)
    if not columns:
        return []
    found = _fingerprint(session)
    is_first = not session.scalar(f"select count(*) from {TABLE}")  # noqa: S608 -- ours
    renewed = {name: _remember(session, kind, _outdated(session, kind), now) for name, kind in kinds.items()}
    is_otherwise = any(renewed.values()) and _fingerprint(session) != found
    _gather(session, columns, is_first=is_first)
    counts = [_normalize_kind(session, kind, now, renewed=len(renewed[name])) for name, kind in kinds.items()]
    session.execute("drop table pipeline.new_value")
    _note_state(session, found, is_otherwise=is_otherwise, now=now)
    return counts


def state_of_answers(session: Session) -> str:
    """Stands for the answers there are: another text when any says otherwise, not when only new values got theirs.

    A library of another version is asked anew, about some values in each run, and mostly says the same; answers are
    corrected or deleted by hand, too.
    """
    noted = _noted_state(session)
    return f"answers since {noted['since']}" if noted else "no answers"


def _note_state(session: Session, found: str, *, is_otherwise: bool, now: datetime) -> None:
    """Note what the answers are now, and since when all that there were have been the same.

    found: their fingerprint before this run. Where that is not what the run before has noted, somebody else wrote.
    is_otherwise: whether this run has made any of them say something else.
    """
    noted, fingerprint = _noted_state(session), _fingerprint(session)
    is_untouched = noted is not None and noted["fingerprint"] == found and not is_otherwise
    # Two changes may have the same time where clocks are coarse.
    since = noted["since"] if noted and is_untouched else f"{now.isoformat()} ({fingerprint})"
    state = {"fingerprint": fingerprint, "since": since}
    if state != noted:
        session.replace(_STATE, pa.Table.from_pylist([state]))


def _noted_state(session: Session) -> dict[str, str] | None:
    if not session.exists(_STATE):
        return None
    rows: list[dict[str, str]] = session.query(f"select fingerprint, since from {_STATE}").to_pylist()  # noqa: S608 -- ours
    return rows[0]


def _fingerprint(session: Session) -> str:
    return str(session.scalar(f"select {session.dialect.fingerprint(_SAID)} from {TABLE}"))  # noqa: S608 -- ours


def _raise_if_unknown(column: ValueColumn, kinds: Mapping[str, Kind]) -> None:
    if column.kind not in kinds:
        raise CatalogError(
            f"bronze.{column.table}, column {column.column}: there is no kind {column.kind} of values.",
            remedy=f"Known kinds for normalised_as: {', '.join(sorted(kinds))}.",
        )


def _normalize_kind(session: Session, kind: Kind, now: datetime, *, renewed: int) -> NormalizedCount:
    """The gathered values of one kind, page by page."""
    seen = normalized = refused = 0
    for page in _new_pages(session, kind):
        asked = left_over(kind, page)
        answers = _remember(session, kind, asked, now)
        seen += len(page)
        refused += sum(answers[value].is_refused for value in asked)
        normalized += sum(not answers[value].is_refused for value in asked)
    return NormalizedCount(
        kind=kind.name,
        seen=seen,
        left_to_sql=seen - normalized - refused,
        normalized=normalized,
        refused=refused,
        renewed=renewed,
    )


def _gather(session: Session, columns: Iterable[ValueColumn], *, is_first: bool) -> None:
    """`pipeline.new_value`: the distinct values without an answer, numbered, those of a kind one after the other."""
    quoted = session.dialect.column
    values = " union ".join(_values_query(column, quoted, is_first=is_first) for column in columns)
    session.create(
        "pipeline.new_value",
        "select incoming.kind, incoming.raw, incoming.hint, "  # noqa: S608 -- names of the dbt project
        "row_number() over (order by incoming.kind) as value_number "
        f"from ({values}) as incoming left join {TABLE} as known "
        "on known.kind = incoming.kind and known.raw = incoming.raw and known.hint = incoming.hint "
        "where known.kind is null",
    )


def _values_query(column: ValueColumn, quoted: Callable[[str], str], *, is_first: bool) -> str:
    raw = f"bronze.{quoted(column.column)}"
    hint = f"coalesce(bronze.{quoted(column.hint)}, '')" if column.hint else "''"
    after = "" if is_first else "and bronze._sequence > bronze_window.after_sequence "
    unless = f"and coalesce(trim(bronze.{quoted(column.unless)}), '') = '' " if column.unless else ""
    return (
        f"select '{column.kind}' as kind, {raw} as raw, {hint} as hint "  # noqa: S608 -- as above
        f"from bronze.{column.table} as bronze inner join pipeline.bronze_window as bronze_window "
        f"on bronze_window.object_name = '{column.table}' and bronze_window.instance = bronze._instance "
        f"where bronze._sequence <= bronze_window.up_to_sequence {after}{unless}and trim({raw}) <> ''"
    )


def _new_pages(session: Session, kind: Kind) -> Iterator[list[_Value]]:
    """The gathered values in the form that silver gives them: in NFC, trimmed."""
    of_kind = "select min(value_number) as first, max(value_number) as last from pipeline.new_value where kind = $1"
    numbered = "select raw, hint from pipeline.new_value where value_number between $1 and $2"
    (bounds,) = session.query(of_kind, (kind.name,)).to_pylist()
    if bounds["first"] is None:
        return
    for start in range(bounds["first"], bounds["last"] + 1, PAGE_SIZE):
        page = session.query(numbered, (start, min(start + PAGE_SIZE - 1, bounds["last"])))
        yield _values(pa.table([_cleaned(page["raw"]), _cleaned(page["hint"])], ["raw", "hint"]))


def _cleaned(texts: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    composed = pc.utf8_normalize(texts, "NFC")  # type: ignore[attr-defined]  # missing in the stubs
    trimmed: pa.ChunkedArray[Any] = pc.utf8_trim(composed, " \t\r\n")
    return trimmed


def _outdated(session: Session, kind: Kind) -> list[_Value]:
    """Some values whose answer another version of the library gave."""
    outdated = f"select raw, hint from {TABLE} where kind = $1 and library_version <> $2 limit {PAGE_SIZE}"  # noqa: S608 -- ours
    return _values(session.query(outdated, (kind.name, kind.version)))


def _values(rows: pa.Table) -> list[_Value]:
    """(raw, hint) pairs; neither is ever null."""
    raws, hints = (rows.column(name).to_pylist() for name in ("raw", "hint"))
    pairs: list[_Value] = list(zip(raws, hints, strict=True))  # type: ignore[arg-type]  # as said above
    return pairs


def left_over(kind: Kind, values: Sequence[_Value]) -> list[_Value]:
    """The (raw, hint) that SQL does not normalise as the library would."""
    regular = kind.regular([raw for raw, _ in values], [hint for _, hint in values])
    return [value for value, is_regular in zip(values, regular, strict=True) if not is_regular]


def answer_rows(kind: Kind, answers: Mapping[_Value, Normalized], now: datetime) -> pa.Table:
    """Answers of the library as rows of SCHEMA."""
    rows = [
        {
            "kind": kind.name,
            "raw": raw,
            "hint": hint,
            "normalized": answer.value,
            "rule": answer.rule,
            "library": kind.library,
            "library_version": kind.version,
            "noted_at": now,
        }
        for (raw, hint), answer in answers.items()
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _remember(session: Session, kind: Kind, values: Sequence[_Value], now: datetime) -> dict[_Value, Normalized]:
    """Normalise values and keep the answers, in the place of earlier ones."""
    answers = {value: kind.normalize(*value) for value in values}
    if answers:
        session.replace("pipeline.normalized_page", answer_rows(kind, answers, now))
        given_again = "select kind, raw, hint from pipeline.normalized_page"
        session.execute(f"delete from {TABLE} where (kind, raw, hint) in ({given_again})")  # noqa: S608 -- ours
        session.execute(f"insert into {TABLE} ({_COLUMNS}) select {_COLUMNS} from pipeline.normalized_page")  # noqa: S608 -- ours
        session.execute("drop table pipeline.normalized_page")
    return answers
