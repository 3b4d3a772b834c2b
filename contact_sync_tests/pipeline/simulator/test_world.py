"""A whole world: settings lead to live systems, which hold the population, live on request and can fail."""

from __future__ import annotations

import csv
import io
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import httpx
import psycopg
import pytest

from contact_sync.simulator import Credentials, SimulatorError, World
from contact_sync.simulator.control import control_server
from contact_sync_tests.pipeline.simulator.client import Client

pytestmark = pytest.mark.postgres

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
ERP_COLUMNS = {
    "customer": """
        customer_number:text name:text vat_number:text phone:text website:text street:text city:text state:text
        postal_code:text country:text credit_limit:numeric payment_terms:text is_blocked:boolean
        created_at:timestamptz updated_at:timestamptz
    """,
    "contact": """
        contact_number:bigint customer_number:text first_name:text last_name:text email:text phone:text
        mobile_phone:text job_title:text street:text city:text state:text postal_code:text country:text
        is_active:boolean created_at:timestamptz updated_at:timestamptz
    """,
    "order": """
        order_number:text customer_number:text ordered_at:timestamptz amount:numeric currency:text status:text
        created_at:timestamptz updated_at:timestamptz
    """,
}


def test_settings_lead_to_every_system(world: World) -> None:
    """Each setting is one that contact_sync reads, and has a value."""
    settings = world.settings()
    orgs = {
        f"CONTACT_SYNC_SALESFORCE__{org}__{name}"
        for org in ("CORE", "EMEA")
        for name in ("URL", "KIND", "CLIENT_ID", "CLIENT_SECRET")
    }
    storage = {f"CONTACT_SYNC_S3__{name}" for name in ("ENDPOINT", "BUCKET", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")}

    assert orgs | storage | {"CONTACT_SYNC_ERP__MAIN__URL"} == set(settings)
    assert all(settings.values())
    assert "simulator" == settings["CONTACT_SYNC_SALESFORCE__EMEA__KIND"]


@pytest.mark.parametrize("name", ["core", "emea"])
def test_an_org_holds_its_population(world: World, name: str) -> None:
    """A Bulk query of everything gives the ids of the population that are not deleted."""
    columns = world.population.orgs[name].objects["Account"]
    alive = {
        record_id for record_id, is_deleted in zip(columns["Id"], columns["IsDeleted"], strict=True) if not is_deleted
    }
    with closing(Client(world.org(name))) as client:
        pages = client.pages(client.bulk_query("select Id from Account"))
        found = {row["Id"] for page in pages for row in csv.DictReader(io.StringIO(page.text))}

    assert alive == found


@pytest.mark.parametrize("table", ERP_COLUMNS)
def test_the_erp_has_the_agreed_columns(world: World, table: str) -> None:
    """The role of the settings reads tables with exactly the agreed names and types, and an index on updated_at."""
    names = {"character varying": "text", "timestamp with time zone": "timestamptz"}
    with psycopg.connect(world.settings()["CONTACT_SYNC_ERP__MAIN__URL"]) as connection:
        columns = connection.execute(
            "select column_name, data_type from information_schema.columns "
            "where table_schema = 'erp' and table_name = %s order by ordinal_position",
            (table,),
        ).fetchall()
        indexes = connection.execute(
            "select indexdef from pg_indexes where schemaname = 'erp' and tablename = %s", (table,)
        ).fetchall()
        count = connection.execute(f'select count(*) from erp."{table}"').fetchone()

    assert ERP_COLUMNS[table].split() == [f"{name}:{names.get(kind, kind)}" for name, kind in columns]
    assert any("(updated_at" in definition for (definition,) in indexes)
    assert count is not None
    assert count[0] >= len(next(iter(world.population.erp.tables[table].values())))


def test_the_erp_wants_its_password(world: World) -> None:
    """A wrong password is refused."""
    url = world.settings()["CONTACT_SYNC_ERP__MAIN__URL"]
    scheme, _, rest = url.partition("://")
    wrong = f"{scheme}://erp_reader:wrong@{rest.partition('@')[2]}"

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(wrong)


def test_the_bucket_holds_the_first_files(world: World) -> None:
    """The files of the population are in the bucket, as CSV with the agreed header."""
    settings = {name.rpartition("__")[2]: value for name, value in world.settings().items() if "_S3__" in name}
    client = boto3.client(
        "s3",
        endpoint_url=settings["ENDPOINT"],
        aws_access_key_id=settings["ACCESS_KEY_ID"],
        aws_secret_access_key=settings["SECRET_ACCESS_KEY"],
        region_name="us-east-1",
    )
    for key, columns in world.population.files.items():
        body = client.get_object(Bucket=settings["BUCKET"], Key=key)["Body"].read().decode()
        rows = list(csv.DictReader(io.StringIO(body, newline="")))

        assert key.startswith("trade_show/")
        assert list(columns["badge_id"]) == [row["badge_id"] for row in rows]
        header = "event scanned_at badge_id first_name last_name email phone company job_title city country notes"
        assert header.split() == list(rows[0])


def test_every_event_happens_by_name(world: World) -> None:
    """Each event touches records or drops a file, and what it touches is there with the time of the world."""
    for name in world.life.names:
        happening = world.life.happen(name)

        assert name == happening.name
        assert happening.records
        assert AS_OF <= happening.at <= world.clock()
        if name.startswith(("core.", "emea.")):
            (key,) = happening.records
            object_name, instance, record_id = key.split("/")
            record = world.org(instance).store.record(object_name.removeprefix("salesforce__").title(), record_id)
            assert record is not None
            assert str(record["SystemModstamp"]) >= "2026-11-20T12:00"
            assert record["LastModifiedById"] != world.org(instance).org.user_ids["integration"]


def test_new_records_keep_the_truth(world: World) -> None:
    """A duplicate that appears is known to be the person it is."""
    happening = world.life.happen("core.add_duplicate")

    assert world.person_of[happening.records[0]] in set(world.population.person_of.values())


def test_a_dropped_file_is_in_the_bucket(world: World) -> None:
    """A file that arrives is listed, and its name differs from all others."""
    assert world.objects is not None
    before = set(world.objects.keys())
    (key,) = world.life.happen("drop_file").records

    assert {key} == set(world.objects.keys()) - before


def test_erp_changes_carry_the_time_of_the_world(world: World) -> None:
    """A changed row has an updated_at from the clock, so that a reader by watermark finds it."""
    world.clock.advance(timedelta(hours=1))
    since = world.clock()
    (key,) = world.life.happen("erp.change_contact").records
    with psycopg.connect(world.settings()["CONTACT_SYNC_ERP__MAIN__URL"]) as connection:
        rows = connection.execute("select contact_number from erp.contact where updated_at >= %s", (since,)).fetchall()

    assert [(int(key.rpartition("/")[2]),)] == rows


def test_life_is_paused_until_resumed(world: World) -> None:
    """The population stands still at first."""
    assert world.ticker.is_paused


def test_an_unknown_event_or_instance_is_named(world: World) -> None:
    """The error names what there is."""
    with pytest.raises(SimulatorError, match=r"core\.edit_contact"):
        world.life.happen("nothing")
    with pytest.raises(SimulatorError, match="core, emea"):
        world.org("apac")


def test_an_outage_refuses_connections_and_ends(world: World) -> None:
    """A system that is down refuses connections; afterwards it answers at the same address, and others never stop."""
    emea, core = world.org("emea"), world.org("core")
    url = emea.url
    emea.outage(True)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/services/data")
    assert httpx.codes.OK == httpx.get(f"{core.url}/services/data").status_code
    emea.outage(False)

    assert url == emea.url
    assert httpx.codes.OK == httpx.get(f"{url}/services/data").status_code


def test_an_outage_of_the_erp_keeps_its_rows(world: World) -> None:
    """The database refuses connections while it is down and has its rows afterwards."""
    url = world.settings()["CONTACT_SYNC_ERP__MAIN__URL"]
    world.outage("erp", True)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    world.outage("erp", False)
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) > 0 from erp.customer").fetchone() == (True,)


def test_the_control_server_steers(world: World) -> None:
    """Status, events, outage, rate and files work over HTTP; mistakes are answered with what to do."""
    server = control_server(world)
    server.start()
    try:
        with httpx.Client(base_url=server.url) as control:
            event = control.post("/event", json={"name": "core.edit_contact"}).json()
            down = control.post("/outage", json={"system": "emea", "is_down": True}).json()
            up = control.post("/outage", json={"system": "emea", "is_down": False}).json()
            control.post("/rate", json={"per_minute": 5})
            running = control.post("/resume").json()
            paused = control.post("/pause").json()
            dropped = control.post("/file", json={"key": "trade_show/x.csv", "content": "a"}).json()
            expired = control.post("/expire_tokens", json={"instance": "core"}).json()
            wrong = control.post("/event", json={"name": "x"})
            status = control.get("/status").json()
    finally:
        server.close()

    assert event["records"][0].startswith("salesforce__contact/core/")
    assert (False, True) == (down["instances"]["emea"]["is_reachable"], up["instances"]["emea"]["is_reachable"])
    assert (5, False, True) == (running["events_per_minute"], running["is_paused"], paused["is_paused"])
    assert dropped["etag"]
    assert expired["expired"] >= 0
    assert (400, True) == (wrong.status_code, "core.edit_contact" in wrong.json()["error"])
    assert status["events"] >= 1


def test_two_worlds_of_a_seed_live_the_same_life(tmp_path: Path) -> None:
    """The same seed and the same events lead to equal records; the orgs of one world do not share ids."""
    contents = []
    for name in ("one", "two"):
        with World.start(tmp_path / name, contacts=100, accounts=20, erp=False, objects=False, as_of=AS_OF) as world:
            touched = [world.life.happen().records for _ in range(30)]
            records = world.org("core").store.records("Contact", "1 = 1")
            ignored = {"SystemModstamp", "LastModifiedDate", "CreatedDate"}
            contents.append((touched, [{k: v for k, v in one.items() if k not in ignored} for one in records]))
            ids = {one["Id"] for one in records}
            assert not ids & {one["Id"] for one in world.org("emea").store.records("Contact", "1 = 1")}

    assert contents[0] == contents[1]


def test_a_home_belongs_to_one_world(tmp_path: Path) -> None:
    """A second world in the same home is refused until the first has stopped; credentials can be given."""
    small = {"contacts": 20, "accounts": 5, "instances": ("core",), "erp": False, "objects": False}
    with World.start(tmp_path, **small, credentials=Credentials(client_id="id", client_secret="secret")) as world:
        assert ("id", "secret") == (world.org("core").client_id, world.org("core").client_secret)
        with pytest.raises(SimulatorError, match="already runs"):
            World.start(tmp_path, **small)
    with World.start(tmp_path, **small) as again:
        assert ("core",) == again.instances

    assert not (tmp_path / "simulator").exists()
