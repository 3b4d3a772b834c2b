"""Small line plots for run pages: an SVG picture inside Markdown, without a plotting library or a file.

Does not belong here: what is plotted.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

from contact_sync.quality.drift import Series

_WIDTH, _HEIGHT, _MARGIN = 480, 64, 4
_POINTS = 45
_LABEL = 16


def line_plot(series: Mapping[str, Series]) -> str:
    """One line a figure, each with its own scale, its name and its last value; the time runs over all their days."""
    days = sorted({day for one in series.values() for day in one})
    band = _HEIGHT + _LABEL
    drawn = [
        f'<g transform="translate(0 {number * band})">{_panel(name, [one.get(day) for day in days])}</g>'
        for number, (name, one) in enumerate(series.items())
    ]
    size = f'width="{_WIDTH}" height="{band * len(drawn)}"'
    style = 'font-family="sans-serif" font-size="11" fill="none" stroke-width="1.5"'
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{"".join(drawn)}</svg>'
    span = f"{days[0]} to {days[-1]}" if days else "no days yet"
    return f"{span}\n\n![{span}](data:image/svg+xml;base64,{b64encode(picture.encode()).decode()})"


def _panel(name: str, values: Sequence[float | None]) -> str:
    """A name with its newest value, and the line below."""
    known = [value for value in values if value is not None]
    newest = f"{known[-1]:,.4g}" if known else ""
    label = f'<text x="{_MARGIN}" y="12" fill="#666">{escape(name)}: {newest}</text>'
    low, high = min(known, default=0.0), max(known, default=1.0)
    last, every = len(values) - 1, max(1, -(-len(values) // _POINTS))
    shown = [(at, value) for at, value in enumerate(values) if value is not None and (last - at) % every == 0]
    points = [
        (
            _MARGIN + (_WIDTH - 2 * _MARGIN) * at / max(last, 1),
            _LABEL + _MARGIN + (_HEIGHT - 2 * _MARGIN) * ((high - value) / (high - low) if high > low else 0.5),
        )
        for at, value in shown
    ]
    line = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
    dot = f'<circle cx="{points[-1][0]:.0f}" cy="{points[-1][1]:.0f}" r="3" fill="#4f43dd"/>' if points else ""
    return f'{label}<polyline points="{line}" stroke="#4f43dd"/>{dot}'
