"""Badge scans of trade shows as CSV files, the way a scanner app exports them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from contact_sync.simulator.population.observation import observe, written_companies
from contact_sync.simulator.population.pools import Text
from contact_sync.simulator.population.society import Numbers, Society, slug

COLUMNS = (
    "event", "scanned_at", "badge_id", "first_name", "last_name", "email", "phone", "company", "job_title", "city",
    "country", "notes",
)  # fmt: skip
EVENTS = ("Hannover Fair", "CES Boston", "Sälj & Marknad", "Logistics Expo", "Food & Drink Summit", "MedTech Days")


def make_scans(
    random: np.random.Generator, society: Society, people: Numbers, *, number: int, day: datetime
) -> dict[str, Text]:
    """The columns of one file; `number` tells it from all other files, `day` is when the show was."""
    seen, count = observe(random, society, people), len(people)
    event = EVENTS[number % len(EVENTS)]
    seconds = np.sort(random.integers(9 * 3_600, 17 * 3_600, size=count)).tolist()
    start = day.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    company = written_companies(random, society.companies, np.maximum(seen.company, 0))
    company[seen.company < 0] = None
    return {
        "event": np.full(count, event, dtype=object),
        "scanned_at": np.array(
            [(start + timedelta(seconds=one)).strftime("%Y-%m-%dT%H:%M:%SZ") for one in seconds], dtype=object
        ),
        "badge_id": np.array([f"{number:04d}-{row:05d}" for row in range(1, count + 1)], dtype=object),
        "first_name": seen.first_name,
        "last_name": seen.last_name,
        "email": seen.email,
        "phone": seen.mobile,
        "company": company,
        "job_title": seen.title,
        "city": seen.address.city,
        "country": seen.address.country,
        "notes": seen.note,
    }


def file_name(number: int, day: datetime) -> str:
    """`trade_show/2026-11-20-hannover-fair-0001.csv`."""
    return f"trade_show/{day:%Y-%m-%d}-{slug(EVENTS[number % len(EVENTS)])}-{number:04d}.csv"


def to_csv(columns: Mapping[str, Sequence[object] | Text]) -> bytes:
    """UTF-8 with a header row, quoted where needed; a missing value is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(zip(*(columns[name] for name in COLUMNS), strict=True))
    return text.getvalue().encode()
