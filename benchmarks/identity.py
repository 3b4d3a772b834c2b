"""How well people are found, and at what cost: ours, plain Splink, the SQL rules and e-mail addresses alone.

    .venv/bin/python -m benchmarks.identity [accuracy] [speed] [ROWS ...]

accuracy judges clusters by the truth, on seeds that no model was trained on; speed gives CPU seconds as multiples of a
scan of all columns of the same contacts (Parquet, zstd), timed in the same process.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.matching import plain_splink
from benchmarks.matching.normalised import Quality, components, judge, match_keys, normalise
from benchmarks.matching.world import make_contacts
from benchmarks.results_table import write
from contact_sync.identity.cluster import cluster
from contact_sync.identity.evidence import Evidence, Limits
from contact_sync.identity.model import load_model
from contact_sync.identity.people import WRITTEN
from contact_sync.identity.scoring import ScoringReport
from contact_sync.identity.store import open_store

RESULTS: Final = Path(__file__).parent / "results"
WORLDS: Final = ((100_000, 2001), (100_000, 2002), (100_000, 2003), (1_000_000, 2004))
NEW: Final = 10_000
_WEIGHTS: Final = tuple(range(0, 31, 2))
_ENOUGH: Final = 0.97
_ABOUT_SPLINK: Final = (
    "Splink is plain: its own comparisons, frequencies and training. Its threshold is the best for F1, or the lowest "
    f"with a precision of {_ENOUGH}, both chosen with the truth in hand; ours has no choice."
)
_MEMORY_MB: Final = 3_000


def main(arguments: list[str]) -> None:
    """Run what is asked for, everything otherwise."""
    if arguments[:1] == ["measure"]:
        sys.stdout.write(json.dumps(measure(Path(arguments[1]))) + "\n")
        return
    sizes = [int(one) for one in arguments if one.isdigit()]
    asked = {"accuracy", "speed"} & set(arguments) or {"accuracy", "speed"}
    if "accuracy" in asked:
        accuracy([world for world in WORLDS if not sizes or world[0] in sizes])
    if "speed" in asked:
        speed(sizes or [1_000_000])


def accuracy(worlds: list[tuple[int, int]]) -> None:
    """Judge every method on every world, and write the table."""
    rows: list[dict[str, Any]] = []
    for records, seed in worlds:
        with duckdb.connect(config={"threads": 2, "memory_limit": "8GB"}) as database:
            normalise(database, make_contacts(records, seed))
            for method, quality, seconds in _methods(database):
                rows.append(
                    {
                        "records": records,
                        "seed": seed,
                        "method": method,
                        "precision": f"{quality.precision:.4f}",
                        "recall": f"{quality.recall:.4f}",
                        "F1": f"{quality.f1:.4f}",
                        "largest": quality.largest,
                        "CPU s": f"{seconds:.1f}",
                    }
                )
                sys.stderr.write(f"{rows[-1]}\n")
    write(
        RESULTS / "identity_accuracy.md",
        "Finding people: precision and recall of all pairs within clusters",
        [
            "Contacts generated here (benchmarks/matching/world.py); normalising them is not counted",
            _ABOUT_SPLINK,
        ],
        rows,
    )


def _methods(database: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Quality, float]]:
    """(method, quality, CPU seconds) on `person` and `truth`."""
    truth = database.sql("select record_key, person from truth order by record_key").to_arrow_table()
    records, person = truth.column("record_key"), truth.column("person").to_numpy()

    def judged(evidence: Evidence, limits: Limits) -> Quality:
        clusters = cluster(records, evidence, limits).clusters.sort_by("record_key")
        return judge(clusters.column("cluster").to_numpy(), person)

    no_guards = Limits(largest=len(person))
    addresses = database.sql("""
        select record_key, 'email' as rule, any_email as match_key
        from person
        where not email_is_role and any_email is not null
    """).to_arrow_table()
    yield "e-mail address alone", *_timed(lambda: judged(Evidence(match_keys=addresses), no_guards))
    keys, seconds = _timed(lambda: match_keys(database))
    quality, more = _timed(lambda: judged(Evidence(match_keys=keys), no_guards))
    yield "SQL rules", quality, seconds + more
    yield from _splink(database, person)
    model = load_model()
    people = database.sql("select * from person").to_arrow_table()

    def ours() -> Quality:
        with open_store(None, model, memory_limit_mb=_MEMORY_MB) as store:
            _, pairs = _read(store.score_all(people))
        return judged(Evidence(match_keys=keys, pairs=pairs), model.limits)

    quality, more = _timed(ours)
    yield "ours: rules and model", quality, seconds + more


def _read(scored: tuple[ScoringReport, pa.RecordBatchReader]) -> tuple[ScoringReport, pa.Table]:
    report, pairs = scored
    return report, pairs.read_all()


def _splink(database: duckdb.DuckDBPyConnection, person: Any) -> Iterator[tuple[str, Quality, float]]:
    scored, seconds = _timed(lambda: plain_splink.score(database))
    judged = []
    for weight in _WEIGHTS:
        is_joined = scored.weight >= weight
        clusters = components(len(person), scored.one[is_joined], scored.two[is_joined])
        judged.append((weight, judge(clusters, person)))
    weight, best = max(judged, key=lambda one: one[1].f1)
    yield f"plain Splink, best F1 (weight {weight})", best, seconds
    weight, precise = next((one for one in judged if one[1].precision >= _ENOUGH), judged[-1])
    yield f"plain Splink, precise (weight {weight})", precise, seconds


def speed(sizes: list[int]) -> None:
    """Measure each size in a process of its own, and write the table."""
    rows: list[dict[str, Any]] = []
    for records in sizes:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "contacts.parquet"
            pq.write_table(make_contacts(records, 2004), path, compression="zstd")
            command = [sys.executable, "-m", "benchmarks.identity", "measure", str(path)]
            told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        rows += json.loads(told)
    write(
        RESULTS / "identity_speed.md",
        "Finding people: what it costs",
        [
            "CPU seconds, and how many scans of all columns of the contacts they are",
            f"An increment is {NEW:,} new records, scored against all that are known. Training is not needed.",
        ],
        rows,
    )


def measure(path: Path) -> list[dict[str, Any]]:
    """Normalise, score and cluster the contacts of a file; then the last of them as an increment."""
    columns = ", ".join(f"sum(hash({name}))" for name in ("record_key", *WRITTEN))
    with duckdb.connect(config={"threads": 2, "memory_limit": f"{_MEMORY_MB}MB"}) as database:
        database.execute("set preserve_insertion_order = false")
        scan = min(
            _timed(lambda: database.sql(f"select count(*), {columns} from '{path}'").fetchall())[1] for _ in range(5)
        )
        _, normalising = _timed(lambda: normalise(database, pq.read_table(path)))
        people = database.sql("select * from person").to_arrow_table()
    records = people.num_rows
    known, new = _parted(people)
    model, nobody = load_model(), pa.table({"record_key": pa.array([], pa.string())})
    with tempfile.TemporaryDirectory() as directory:
        with open_store(Path(directory) / "all.duckdb", model, memory_limit_mb=_MEMORY_MB) as store:
            (report, pairs), scoring = _timed(lambda: _read(store.score_all(people)))
        evidence = Evidence(match_keys=pa.table({name: pa.array([], pa.string()) for name in _KEY}), pairs=pairs)
        clusters, clustering = _timed(lambda: cluster(people.column("record_key"), evidence, model.limits).clusters)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        with open_store(Path(directory) / "known.duckdb", model, memory_limit_mb=_MEMORY_MB) as store:
            _, known_pairs = _read(store.score_all(known))
        with open_store(Path(directory) / "known.duckdb", model, memory_limit_mb=_MEMORY_MB) as store:
            (increment, new_pairs), adding = _timed(lambda: _read(store.score_changes(new, nobody)))
    bit_by_bit = replace(evidence, pairs=pa.concat_tables([known_pairs, new_pairs]))
    otherwise = _assigned_otherwise(clusters, cluster(people.column("record_key"), bit_by_bit, model.limits).clusters)

    def row(what: str, seconds: float, pairs_compared: int | str, megabytes: int | str) -> dict[str, Any]:
        multiple = f"{seconds / scan:.1f}"
        return {
            "records": records,
            "what": what,
            "CPU s": f"{seconds:.2f}",
            "scans": multiple,
            "pairs": pairs_compared,
            "peak MB": megabytes,
        }

    return [
        row("scan of all columns", scan, "", ""),
        row("normalise (silver does it)", normalising, "", ""),
        row("block, compare, weigh", scoring, report.compared, ""),
        row("cluster, with guards", clustering, "", peak),
        row(f"increment of {NEW:,}", adding, increment.compared, ""),
        row(f"increment: {otherwise:,} records assigned otherwise than by a full run", 0.0, "", ""),
    ]


def _assigned_otherwise(full: pa.Table, bit_by_bit: pa.Table) -> int:
    """How many records are not in a cluster of the same records in both."""
    with duckdb.connect() as database:
        database.register("one", full)
        database.register("two", bit_by_bit)
        signed = """
            select record_key, bit_xor(hash(record_key)) over (partition by cluster) as members,
            count(*) over (partition by cluster) as size from {}
        """
        both = f"({signed.format('one')} except {signed.format('two')})"
        return int(database.sql(f"select count(*) from {both}").fetchall()[0][0])


_KEY: Final = ("record_key", "rule", "match_key")


def _parted(people: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The records that are known, and the last ones, that are new."""
    last = people.column("record_key").take(pc.sort_indices(people.column("record_key"))[-NEW:])
    is_new = pc.is_in(people.column("record_key"), value_set=last.combine_chunks())
    return people.filter(pc.invert(is_new)), people.filter(is_new)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it returns, and the CPU seconds it took."""
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


if __name__ == "__main__":
    main(sys.argv[1:])
