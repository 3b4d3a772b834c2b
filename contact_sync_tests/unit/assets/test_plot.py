"""A plot is a picture that a browser can draw, small whatever the history, and says nothing but figures."""

from __future__ import annotations

import base64
import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

from contact_sync.assets.plot import line_plot

FIRST = date(2026, 8, 23)


def picture(markdown: str) -> ET.Element:
    """The SVG inside the Markdown."""
    found = re.search(r"!\[[^]]*\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", markdown)
    assert found is not None
    return ET.fromstring(base64.b64decode(found[1]))  # noqa: S314 -- our own picture


def points(svg: ET.Element) -> list[list[tuple[float, float]]]:
    """The points of each line."""
    lines = svg.findall(".//{http://www.w3.org/2000/svg}polyline")
    return [[tuple(map(float, pair.split(",")))[:2] for pair in line.attrib["points"].split()] for line in lines]  # type: ignore[misc]


def test_each_figure_is_a_line_from_its_first_day_to_its_last() -> None:
    """The time runs to the right, greater values lie higher, and a figure that begins later begins further right."""
    rising = {FIRST + timedelta(days=day): float(day) for day in range(10)}
    late = {FIRST + timedelta(days=day): 5.0 for day in range(5, 10)}
    markdown = line_plot({"rows, <core>": rising, "late": late})

    first, second = points(picture(markdown))
    assert (10, 5) == (len(first), len(second))
    assert first == sorted(first, key=lambda point: (point[0], -point[1]))
    assert first[-1][1] < first[0][1]
    assert (first[5][0], first[-1][0]) == (second[0][0], second[-1][0])
    assert markdown.startswith("2026-08-23 to 2026-09-01")


def test_a_long_history_stays_small() -> None:
    """Ninety days of two figures are thinned to at most 45 points each, with the newest one, and a few kilobytes."""
    days = {FIRST + timedelta(days=day): float(day % 7) for day in range(91)}
    markdown = line_plot({"rows, core": days, "rows, emea": days})

    assert all(len(line) <= 46 and line[-1][0] == 476 for line in points(picture(markdown)))
    assert len(markdown) < 3_000


def test_nothing_known_yet() -> None:
    """A figure without days, or with one, is drawn without an error."""
    assert [[], [(4.0, 48.0)]] == points(picture(line_plot({"none": {}, "one": {FIRST: 1.0}})))
    assert line_plot({}).startswith("no days yet")
