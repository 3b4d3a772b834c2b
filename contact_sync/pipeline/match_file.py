"""Finds the people in any file: every row comes back, with the key of its person and what says so.

The file is normalised by the macros of silver, scored by the committed model or by one fitted on it, and clustered as
everything else. It works in a directory of its own and needs no installation. Does not belong here: recognising columns
(match_columns.py), and matching itself (identity/).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from contact_sync.errors import IdentityError
from contact_sync.identity import fitted
from contact_sync.identity.cluster import cluster
from contact_sync.identity.comparisons import shared_rules
from contact_sync.identity.evidence import MATCH_KEY_SCHEMA, Evidence, Limits
from contact_sync.identity.model import load_model
from contact_sync.identity.people import WRITTEN, of_written
from contact_sync.identity.store import open_store
from contact_sync.normalisation.country import CountryNames
from contact_sync.normalisation.kinds import Kind, all_kinds
from contact_sync.normalisation.remembered import PAGE_SIZE, answer_rows, left_over
from contact_sync.normalisation.remembered import SCHEMA as ANSWER_SCHEMA
from contact_sync.pipeline.match_columns import recognise
from contact_sync.pipeline.match_reading import kind_of, read_file
from contact_sync.pipeline.model_kind import ModelKind
from contact_sync.sql_text import sql_name, sql_text
from contact_sync.warehouse.macros import load_seeds, render

ADDED: Final = ("person_key", "match_rule", "match_score")
"""The columns that are added to the file's own."""
_SEEDS: Final = ("nickname", "legal_form", "country", "state")
_NORMALISED: Final = {
    "email": "select distinct email, '' from written",
    "phone": """
        select phone, coalesce(country, '') from written union select mobile_phone, coalesce(country, '') from written
    """,
    "person_name": "select distinct last_name, '' from written where first_name is null",
}
"""Kind of values that libraries are asked about -> the values, and the hint beside each."""
_CLUSTERS: Final = """
    create table clusters as
    select twin.record_key, found.cluster, twin.stands_for, count(*) over (partition by twin.stands_for) as twins
    from twin
    inner join found on found.record_key = twin.stands_for
"""
_BEST_OF_RECORD: Final = """
    create table best as
    with side as (
        select record_key_1 as record_key, record_key_2 as other_key, rule, score from judged
        union all
        select record_key_2, record_key_1, rule, score from judged
    )
    select side.record_key, side.rule, side.score
    from side
    inner join clusters as own on own.record_key = side.record_key
    inner join clusters as other on other.record_key = side.other_key and other.cluster = own.cluster
    qualify row_number() over (partition by side.record_key order by side.score desc, side.other_key) = 1
"""
_RESULT: Final = """
    select
        file.* exclude (_row),
        'person_' || min(file._row) over (partition by clusters.cluster) as person_key,
        case when clusters.twins > 1 then 'same_values' else best.rule end as match_rule,
        case when clusters.twins > 1 then 1.0 else round(best.score, 4) end as match_score
    from file
    inner join clusters on clusters.record_key = printf('%012d', file._row)
    left join best on best.record_key = clusters.record_key
    order by file._row
"""


@dataclass(frozen=True, kw_only=True)
class MatchReport:
    """What came of a file: rows = rows written. largest: rows of the most frequent person. rules: rule -> rows."""

    rows: int
    persons: int
    largest: int
    model: str
    columns: Mapping[str, str]
    rules: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def match_file(
    source: Path,
    target: Path,
    *,
    project: Path,
    told: Mapping[str, str] | None = None,
    model: ModelKind = ModelKind.AUTO,
    memory_limit_mb: int = 4_000,
) -> MatchReport:
    """Write `target`, CSV or Parquet: every row and column of `source` and ADDED.

    project: the dbt project, for its macros and seeds. told: field -> column, what the names of columns do not say.
    Raises IdentityError for a file that cannot be read, and for columns that nobody knows; then nothing is written.
    """
    kind_of_target = kind_of(target)
    with tempfile.TemporaryDirectory(prefix="match-", dir=target.parent) as directory:
        database = duckdb.connect(f"{directory}/match.duckdb", config={"memory_limit": f"{memory_limit_mb}MB"})
        with database:
            columns = read_file(database, source, reserved=ADDED)
            recognised = recognise(columns, told or {})
            compared = _compared_when_fitted(recognised)
            knows_more = bool(recognised.keys() & {"date_of_birth", "national_id"})
            can_fit = len(compared) >= fitted.FEWEST_COLUMNS
            is_fitted = model is ModelKind.FITTED or (model is ModelKind.AUTO and knows_more and can_fit)
            _normalise(database, recognised, project)
            _set_twins_apart(database)
            if is_fitted:
                _score_fitted(database, compared)
            else:
                _score_committed(database, Path(directory) / "store.duckdb", memory_limit_mb)
            report = _report(database, recognised, is_fitted=is_fitted)
            written = Path(directory) / f"result.{kind_of_target}"
            options = "format csv, header true" if kind_of_target == "csv" else "format parquet"
            database.execute(f"copy ({_RESULT}) to {sql_text(str(written))} ({options})")
        written.replace(target)
    return report


def _normalise(database: duckdb.DuckDBPyConnection, recognised: Mapping[str, tuple[str, ...]], project: Path) -> None:
    """Make the table `person`, one row per row of the file, with what is compared."""
    values = ", ".join(f"{_written(recognised, name)} as {name}" for name in WRITTEN)
    database.execute(f"create view written as select printf('%012d', _row) as record_key, {values} from file")  # noqa: S608 -- quoted
    load_seeds(database, project, *_SEEDS)
    database.execute("create schema pipeline")
    database.register("answers", ANSWER_SCHEMA.empty_table())
    database.execute("create table pipeline.normalized_value as from answers")
    kinds = all_kinds(CountryNames.read(project / "seeds" / "country.csv"))
    for kind, values in _NORMALISED.items():
        _ask_library(database, kinds[kind], values)
    extra = ", ".join(f"{_written(recognised, name)} as {name}" for name in ("state", "date_of_birth", "national_id"))
    database.execute(f"create table scored_person as {render(project, of_written('written'))}")
    database.execute(
        f"""
        create table person as
        select scored_person.*, extra.* exclude (record_key)
        from scored_person
        inner join (select printf('%012d', _row) as record_key, {extra} from file) as extra using (record_key)
        """  # noqa: S608 -- quoted
    )


def _written(recognised: Mapping[str, tuple[str, ...]], name: str) -> str:
    """A field as text, of one column or several; empty cells are nothing."""
    columns = [f"nullif(trim(cast({sql_name(column)} as varchar)), '')" for column in recognised.get(name, ())]
    if not columns:
        return "cast(null as varchar)"
    return columns[0] if len(columns) == 1 else f"nullif(concat_ws(' ', {', '.join(columns)}), '')"


def _ask_library(database: duckdb.DuckDBPyConnection, kind: Kind, values: str) -> None:
    """Let the library normalise the distinct values that SQL would leave as they are, page by page."""
    found = database.cursor().execute(values)
    while page := found.fetchmany(PAGE_SIZE):
        asked = left_over(kind, [(raw, hint) for raw, hint in page if raw is not None])
        answers = {value: kind.normalize(*value) for value in asked}
        database.register("answered", answer_rows(kind, answers, datetime.now(UTC)))
        database.execute("insert into pipeline.normalized_value from answered")
        database.unregister("answered")


def _set_twins_apart(database: duckdb.DuckDBPyConnection) -> None:
    """Keep one of the rows whose values are all the same: a hundred orders of one person are no hundred people.

    Makes `twin` (record_key, stands_for), of every row; `person` has those that stand for themselves. A row with a
    name alone, or none, has no twin.
    """
    columns = [str(row[0]) for row in database.sql("describe person").fetchall()]
    values = [column for column in columns if column not in ("record_key", "email_is_role")]
    telling = ", ".join(
        column for column in values if column not in ("first_name", "last_name", "name_suffix", "state")
    )
    alone = f"case when last_name is null or coalesce({telling}) is null then record_key end"
    database.execute(f"""
        create table twin as
        select record_key, min(record_key) over (partition by {", ".join(values)}, {alone}) as stands_for from person
    """)  # noqa: S608 -- ours
    database.execute(
        "delete from person where record_key in (select record_key from twin where record_key <> stands_for)"
    )


def _score_committed(database: duckdb.DuckDBPyConnection, path: Path, memory_limit_mb: int) -> None:
    """Judge with the committed model: a rule is believed unless the model contradicts it."""
    model = load_model()
    with open_store(path, model, memory_limit_mb=memory_limit_mb) as store:
        _, found = store.score_all(database.sql("select * from person").to_arrow_reader())
        pairs = found.read_all()
    patterns = pa.chunked_array(pairs.column("evidence")).cast(pa.int64()).to_numpy()
    rules = pa.array(shared_rules(patterns).tolist(), pa.string())
    _cluster(database, pairs.set_column(2, "rule", rules), model.limits)


def _compared_when_fitted(recognised: Mapping[str, tuple[str, ...]]) -> list[str]:
    known = {"any_email": "email", "company": "company_name"}
    return [column for column in fitted.COLUMNS if known.get(column, column) in recognised]


def _score_fitted(database: duckdb.DuckDBPyConnection, compared: list[str]) -> None:
    """Judge with a model fitted on the file's own rows."""
    pairs = fitted.fit_and_score(database, "person", compared)
    _cluster(database, pairs, Limits(join=fitted.JOIN, believe=fitted.REVIEW, bridge=fitted.JOIN))


def _cluster(database: duckdb.DuckDBPyConnection, pairs: pa.Table, limits: Limits) -> None:
    """Make `clusters` (record_key, cluster, stands_for, twins) and `best`, what joins each record but twins."""
    database.register("judged", pairs)
    believed = database.sql(
        f"""
        with ruled as (select * from judged where rule <> 'model' and score >= {limits.believe})
        select unnest([record_key_1, record_key_2]) as record_key, rule, record_key_1 || record_key_2 as match_key
        from ruled
        """  # noqa: S608 -- a number
    ).to_arrow_table()
    records = database.sql("select record_key from person order by record_key").to_arrow_table()
    evidence = Evidence(match_keys=believed.cast(MATCH_KEY_SCHEMA), pairs=pairs)
    database.register("found", cluster(records.column("record_key"), evidence, limits).clusters)
    database.execute(_CLUSTERS)
    database.execute(_BEST_OF_RECORD)
    for name in ("judged", "found"):
        database.unregister(name)


def _report(
    database: duckdb.DuckDBPyConnection, recognised: Mapping[str, tuple[str, ...]], *, is_fitted: bool
) -> MatchReport:
    """Count what came of the file; IdentityError if a row got lost or doubled."""
    (rows,) = database.sql("select count(*) from file").fetchall()[0]
    (clustered,) = database.sql("select count(distinct record_key) from clusters").fetchall()[0]
    if rows != clustered:
        raise IdentityError(
            f"{rows} rows were read and {clustered} were matched; nothing was written.", remedy="This is a defect."
        )
    sizes = "select count(*) as size from clusters group by cluster"
    persons, largest = database.sql(f"select count(*), coalesce(max(size), 0) from ({sizes})").fetchall()[0]  # noqa: S608 -- ours
    rules = database.sql("""
        select case when clusters.twins > 1 then 'same_values' else best.rule end as rule, count(*)
        from clusters
        left join best on best.record_key = clusters.record_key
        where clusters.twins > 1 or best.rule is not null
        group by 1
        order by 2 desc, 1
    """).fetchall()
    return MatchReport(
        rows=rows,
        persons=persons,
        largest=largest,
        model="fitted" if is_fitted else "committed",
        columns={name: " + ".join(columns) for name, columns in recognised.items()},
        rules=dict(rules),
    )
