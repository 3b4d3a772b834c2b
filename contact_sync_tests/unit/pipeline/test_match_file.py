"""`match` takes any file of people, gives every row and column back, and refuses what it cannot read."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from benchmarks.matching.world import make_contacts
from contact_sync.cli.main import app
from contact_sync.errors import IdentityError
from contact_sync.pipeline.match_columns import recognise
from contact_sync.pipeline.match_file import ADDED, ModelKind, match_file

PROJECT = Path(__file__).parents[3] / "dbt_project"
ANN = "Ann,Lee,Ann.Lee@Acme.example,+1 (212) 555-0101,Acme Inc.,1 Elm Street,10001"
SAME = "ANN,LEE,ann.lee+crm@acme.example,212-555-0101 x12,ACME,9 Oak Ave,10001-1234"
BOB = "Bob,Roe,bob@roe.example,,Roe GmbH,,"
HEADER = "First Name,Surname,E-Mail,Tel,Firma,Address,Zip"


def write(path: Path, *lines: str) -> Path:
    """A text file of these lines."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_every_row_and_column_comes_back(tmp_path: Path) -> None:
    """Rows in their order with all their values; two spellings of one person share a key, and the rule says why."""
    source = write(tmp_path / "people.csv", HEADER + ",Remark", f'{ANN},"a, b"', f"{BOB},", f"{SAME}, c ")
    report = match_file(source, tmp_path / "matched.parquet", project=PROJECT)
    before = pyarrow.csv.read_csv(
        source, convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True, null_values=[""])
    )
    after = pq.read_table(tmp_path / "matched.parquet")
    assert after.column_names == [*before.column_names, *ADDED]
    assert [str(value) for value in after["Remark"].to_pylist()] == ["a, b", "None", " c "]
    assert after["Surname"].to_pylist() == before["Surname"].to_pylist()
    assert after["person_key"].to_pylist() == ["person_1", "person_2", "person_1"]
    assert after["match_rule"].to_pylist() == ["email_last_name", None, "email_last_name"]
    assert (report.rows, report.persons, report.largest, report.model) == (3, 2, 2, "committed")


def test_parquet_of_any_types(tmp_path: Path) -> None:
    """Numbers, times and nested values of a Parquet file come back with their types."""
    rows = [
        {"nr": 1, "name": "Ann Lee", "mail": "ann@lee.example", "zip": 10001, "tags": ["a"]},
        {"nr": 2, "name": "Lee, Ann", "mail": "ann@lee.example", "zip": 10001, "tags": []},
    ]
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, tmp_path / "people.parquet")
    report = match_file(tmp_path / "people.parquet", tmp_path / "out.parquet", project=PROJECT)
    matched = pq.read_table(tmp_path / "out.parquet").select(table.column_names)
    assert matched.to_pylist() == rows
    assert [field.type for field in matched.schema][:4] == [field.type for field in table.schema][:4]
    assert report.columns == {"last_name": "name", "email": "mail", "postal_code": "zip"}
    assert report.persons == 1


def test_many_rows_of_one_person_are_one(tmp_path: Path) -> None:
    """Thirty orders of one person are no thirty people; thirty rows of which nothing but a name is known may be."""
    ann = [f"Ann,Lee,ann@lee.example,{number}" for number in range(30)]
    eve = [f"Eve,Roe,,{number}" for number in range(30)]
    source = write(tmp_path / "people.csv", "First Name,Surname,Email,Order", *ann, *eve)
    report = match_file(source, tmp_path / "out.parquet", project=PROJECT)
    keys = pq.read_table(tmp_path / "out.parquet").column("person_key").to_pylist()
    assert (report.rows, report.rules) == (60, {"same_values": 30})
    assert keys[:30] == ["person_1"] * 30
    assert len(set(keys[30:])) == 30


def test_columns_are_recognised_or_told() -> None:
    """Names in several languages and spellings; --map says what no name says, joins columns, or leaves one out."""
    german = recognise(["Vorname", "Nachname", "E-Mail-Adresse", "PLZ", "Ort", "Straße", "Geburtsdatum"], {})
    assert (german["first_name"], german["street"]) == (("Vorname",), ("Straße",))
    assert recognise(["Prénom", "Nom", "Téléphone"], {}).keys() == {"first_name", "last_name", "phone"}
    assert {"last_name", "email", "postal_code", "city", "date_of_birth"} <= german.keys()
    told = recognise(["a", "b", "Surname", "Street_Number", "Address_1"], {"first_name": "a+b", "street": "Address_1"})
    assert told == {"first_name": ("a", "b"), "last_name": ("Surname",), "street": ("Address_1",)}
    assert recognise(["Surname", "Street_Number", "Address_1"], {})["street"] == ("Street_Number", "Address_1")
    assert "email" not in recognise(["Surname", "email"], {"email": ""})


@pytest.mark.parametrize(
    ("lines", "options", "told"),
    [
        (["x,y", "1,2"], [], "None of the file's columns"),
        (["Ann,Lee,a@lee.example", "Bob,Roe,b@roe.example"], [], "None of the file's columns"),
        ([HEADER, ANN], ["--map", "shoe_size=Zip"], "no field shoe_size"),
        ([HEADER, ANN], ["--map", "email=Post"], "no column Post"),
        ([HEADER, ANN], ["--map", "email"], "no equals sign"),
        ([HEADER + ",person_key", ANN + ",x"], [], "a column person_key already"),
        ([HEADER, ANN, "Ann,Lee"], [], "line 3"),
        (["Surname,surname", "Lee,Lee"], [], "a repeated name"),
        ([""], [], "or there is none"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, lines: list[str], options: list[str], told: str) -> None:
    """What is wrong is named, values are not, and nothing is written."""
    source = write(tmp_path / "people.csv", *lines)
    result = CliRunner().invoke(
        app, ["match", str(source), "--out", str(tmp_path / "out.csv"), "--json", *options], catch_exceptions=False
    )
    document = json.loads(result.stdout)
    assert (result.exit_code, document["error"]) == (1, "IdentityError")
    assert told in document["message"]
    assert "Lee" not in document["message"] + document["remedy"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people.csv"]


@pytest.mark.parametrize("name", ["people.xls", "nowhere/people.csv"])
def test_only_known_kinds_in_known_places(tmp_path: Path, name: str) -> None:
    """Neither another kind of file nor a missing directory is written to."""
    source = write(tmp_path / "people.csv", HEADER, ANN)
    with pytest.raises(IdentityError, match=r"people\.xls|nowhere"):
        match_file(source, tmp_path / name, project=PROJECT)


def test_a_model_needs_something_to_learn_from(tmp_path: Path) -> None:
    """Two columns are too few to fit a model on, and the way out is told."""
    source = write(tmp_path / "people.csv", "Surname,Email", "Lee,a@b.example")
    with pytest.raises(IdentityError, match="2 columns") as refused:
        match_file(source, tmp_path / "out.csv", project=PROJECT, model=ModelKind.FITTED)
    assert "--model committed" in refused.value.remedy
    assert not (tmp_path / "out.csv").exists()


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    """Rows, persons and the columns it recognised, as a table or as JSON."""
    pyarrow.csv.write_csv(make_contacts(500, 9).drop(["person", "record_key"]), tmp_path / "people.csv")
    arguments = ["match", str(tmp_path / "people.csv"), "--out", str(tmp_path / "out.csv")]
    document = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    shown = CliRunner().invoke(app, arguments).stdout
    assert document["rows"] == 500
    assert document["persons"] < 500
    assert document["columns"]["company_name"] == "company_name"
    assert str(document["persons"]) in shown
