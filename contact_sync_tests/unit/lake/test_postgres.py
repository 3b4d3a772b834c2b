"""What is PostgreSQL's own: its limits and failures, each an error that names the object and no value."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contact_sync.errors import ContactSyncError, LakeError, StorageError
from contact_sync.extraction import batch as batch_module
from contact_sync.extraction.select import REFRESH
from contact_sync.lake.database import LakeDatabase
from contact_sync.lake.postgres import PostgresBronzeTable
from contact_sync.lake.postgres_stage import PostgresStage
from contact_sync.simulator.postgres import PostgresServer
from contact_sync.state.batches import BatchLedger
from contact_sync_tests.faults.effects import Effects, Killed
from contact_sync_tests.lake_databases import new_database
from contact_sync_tests.unit.extraction.memory_source import NOON, Bench, MemorySource, record
from contact_sync_tests.unit.lake.test_bronze_table import NAME, publish

pytestmark = pytest.mark.postgres
CANARY = "zqxcanary"
EFFECTS = ("open", "write", "add_page", "write", "add_page", "still_held", "publish", "finish")


def source(**values: str) -> MemorySource:
    """Three records in two pages."""
    made = MemorySource(page_rows=2)
    made.put(*(record(number, NOON - timedelta(minutes=number + 1), **values) for number in range(3)))
    return made


@pytest.mark.parametrize("is_after", [False, True])
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(postgres_bench: Bench, is_after: bool) -> None:
    """Before and after each of its effects, in one table after the other: every row is there, once."""
    bench = postgres_bench
    for fatal in range(1, len(EFFECTS) + 1):
        bench.item = bench.item.model_copy(update={"object": f"Contact{fatal}"})
        with pytest.MonkeyPatch.context() as patch:
            effects = Effects(fatal=fatal, is_after=is_after)
            for name in ("open", "add_page", "still_held", "finish"):
                effects.watch(BatchLedger, name, patch)
            effects.watch(PostgresStage, "write", patch)
            effects.watch(PostgresBronzeTable, "publish", patch)
            with pytest.raises(Killed):
                bench.run(source())
            assert EFFECTS[:fatal] == tuple(effects.names)

        bench.run(source())

        assert ["0", "1", "2"] == [key for key, _ in bench.versions()], (fatal, is_after)
    assert "open" not in bench.states()
    assert [0] * len(EFFECTS) == staged_rows(bench)


def staged_rows(bench: Bench) -> list[int]:
    """How many rows are staged of each object."""
    with psycopg.connect(bench.lake_database._url) as connection:
        names = connection.execute("select tablename from pg_tables where schemaname = 'bronze_staging'").fetchall()
        counts = [connection.execute(f'select count(*) from bronze_staging."{name}"').fetchone() for (name,) in names]
    return [count[0] for count in counts if count is not None]


def test_pages_that_a_crash_of_the_server_took_are_read_again(postgres_bench: Bench) -> None:
    """Staged rows are not in its log: the batch is begun anew, and nothing is missing."""
    bench = postgres_bench
    with pytest.MonkeyPatch.context() as patch:
        effects = Effects(fatal=1)
        effects.watch(PostgresBronzeTable, "publish", patch)
        with pytest.raises(Killed):
            bench.run(source())
    with psycopg.connect(bench.lake_database._url, autocommit=True) as connection:
        connection.execute(f"truncate bronze_staging.{NAME}")
    batch = bench.ledger.take_over(NAME, "core", REFRESH)
    assert 2 == len(bench.table.lost(batch_module.staged_rows(bench.ledger.pages(batch.batch_id))))

    bench.run(source())

    assert 3 == len(bench.rows())
    assert ["abandoned", "published"] == bench.states()


def refusal(bench: Bench, **values: str) -> ContactSyncError:
    """The error that a record with these values ends in; bronze must not have changed."""
    with pytest.raises(ContactSyncError) as error:
        bench.run(source(**values))
    assert [] == bench.rows()
    assert CANARY not in str(error.value)
    assert error.value.__suppress_context__ or error.value.__context__ is None
    return error.value


def test_what_postgresql_has_no_room_for_names_the_object(postgres_bench: Bench) -> None:
    """Too many columns, a column with too long a name, a row too large, and the one character it cannot store."""
    many = {f"c{number}": CANARY for number in range(1_600)}
    # Seven hundred short values of 18 bytes, which cannot be moved out of the row, are more than a page of 8 KB.
    wide = {f"c{number}": CANARY * 2 for number in range(700)}

    assert f"{NAME} has 1617 columns" in str(refusal(postgres_bench, **many))
    assert "63 bytes" in str(refusal(postgres_bench, **{"n" * 64: CANARY}))
    assert "larger than PostgreSQL can store" in str(refusal(postgres_bench, **wide))
    nul = refusal(postgres_bench, Name=f"{CANARY}\0")
    assert isinstance(nul, LakeError)
    assert NAME in str(nul)
    assert "NUL" in str(nul)


def test_a_database_that_cannot_be_used_names_the_setting(postgres: PostgresServer) -> None:
    """Wrong credentials, a database that is not there, and nobody at the address."""
    url = postgres.url("postgres")
    password = url.split(":")[2].split("@")[0]
    wrong = [
        (url.replace(password, CANARY), "refused the credentials"),
        (f"{url}_nowhere", "cannot be reached"),
        (url.replace(str(postgres.port), "9"), "cannot be reached"),
    ]
    for address, reason in wrong:
        with closing(LakeDatabase(address)) as database, pytest.raises(StorageError, match=reason) as error:
            PostgresBronzeTable(database, NAME)
        assert "CONTACT_SYNC_LAKE" in str(error.value)
        assert CANARY not in str(error.value)
        assert password not in str(error.value)


def test_the_role_of_deploy_is_enough(postgres: PostgresServer, repository: Path) -> None:
    """deploy/postgresql/lake.sql runs, a login with the loader's role extracts, and one with the reader's looks on."""
    logins = {"loader": "contact_sync_loader", "looker": "contact_sync_bronze_reader"}
    with new_database(postgres) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((repository / "deploy" / "postgresql" / "lake.sql").read_text(encoding="utf-8"))
            for login, role in logins.items():
                connection.execute(f"create role {login} login password '{login}' in role {role}")
                # As deploy says who owns the tables: whoever logs in works as the role.
                connection.execute(f"alter role {login} set role {role}")
        addresses = {
            login: f"postgresql://{login}:{login}@127.0.0.1:{postgres.port}/{url.rpartition('/')[2]}"
            for login in logins
        }
        with closing(LakeDatabase(addresses["loader"])) as database:
            publish(PostgresBronzeTable(database, NAME), "b1", 1, "a")
            publish(PostgresBronzeTable(database, NAME), "b2", 2, "b")
        with psycopg.connect(addresses["looker"]) as connection:
            assert [("a",), ("b",)] == connection.execute(f"select _record_id from bronze.{NAME} order by 1").fetchall()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"delete from bronze.{NAME}")
        with psycopg.connect(url, autocommit=True) as connection:
            for role in (*logins, *logins.values()):
                connection.execute(f"drop owned by {role} cascade")
                connection.execute(f"drop role {role}")


def test_a_user_without_rights_is_told_so(postgres: PostgresServer) -> None:
    """Also where everything exists already: reading is enough to look, but not to publish."""
    with new_database(postgres) as url:
        with closing(LakeDatabase(url)) as database:
            publish(PostgresBronzeTable(database, NAME), "b1", 1, "a")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create role onlooker login password 'onlooker'")
            connection.execute("grant usage on schema bronze, bronze_staging to onlooker")
            connection.execute("grant select on all tables in schema bronze, bronze_staging to onlooker")
        address = f"postgresql://onlooker:onlooker@127.0.0.1:{postgres.port}/{url.rpartition('/')[2]}"
        with closing(LakeDatabase(address)) as database:
            table: Any = PostgresBronzeTable(database, NAME)
            assert {"core": 1} == table.sequences()
            with pytest.raises(StorageError, match="may not do that"):
                publish(table, "b2", 2, "b")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("drop owned by onlooker")
            connection.execute("drop role onlooker")
