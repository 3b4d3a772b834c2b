"""Candidates as a CSV or Excel file that a steward fills in, and the answers read back from it.

The column `decision` takes `same` or `different`; an empty one is no answer. Of what is read back, only `candidate`,
`version`, `decision` and `note` count. Does not belong here: whether an answer can be taken (review.py).
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from contact_sync.errors import DecisionError
from contact_sync.pipeline.review import Answer, Candidate
from contact_sync.state.decisions import Verdict

READ: Final = ("candidate", "version", "decision", "note")
_SUFFIXES: Final = (".csv", ".xlsx")
_FORMULA: Final = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula."""
_FIRST_ROW: Final = 2
"""Of a file, after its header."""


def write_candidates(candidates: Sequence[Candidate], path: Path) -> None:
    """Write a file for a steward to fill in; DecisionError for another kind than CSV or Excel."""
    import pandas as pd  # noqa: PLC0415 -- most commands do without it

    _raise_if_unknown_kind(path)
    rows = [_row(one) for one in candidates]
    table = pd.DataFrame(rows, columns=list(rows[0]) if rows else list(READ))
    try:
        if path.suffix.lower() == ".csv":
            table.to_csv(path, index=False, encoding="utf-8-sig")
        else:
            table.to_excel(path, index=False, sheet_name="candidates", freeze_panes=(1, 0))
    except OSError as error:
        raise DecisionError(f"The file {path} cannot be written ({error.strerror}).") from None


def read_answers(path: Path) -> list[Answer]:
    """The answers in a file, in its order.

    Raises DecisionError for a file that cannot be read, has not the columns, or has a decision that is no verdict.
    """
    table = _read(path)
    missing = [name for name in READ if name not in table]
    if missing:
        raise DecisionError(
            f"{path.name} has no column {', '.join(missing)}.",
            remedy="Begin with a file of `contact-sync review export`.",
        )
    rows = list(zip(*(table[name] for name in READ), strict=True))
    decided = [(f"row {number}", *row) for number, row in enumerate(rows, start=_FIRST_ROW) if row[2]]
    verdicts = {verdict.value for verdict in Verdict}
    if unknown := [place for place, _, _, decision, _ in decided if decision.lower() not in verdicts]:
        raise DecisionError(
            f"{path.name}: a decision is none of {', '.join(sorted(verdicts))} in {', '.join(unknown[:10])}. "
            "Nothing was noted.",
            remedy="Correct these rows, or leave the decision empty.",
        )
    return [
        Answer(place=place, candidate_id=candidate, version=version, verdict=Verdict(decision.lower()), note=note)
        for place, candidate, version, decision, note in decided
    ]


def readable(evidence: str) -> str:
    """Evidence in one line: `email exact +7.2, last_name close -1.0`."""
    parts: list[list[Any]] = json.loads(evidence or "[]")
    return ", ".join(
        " ".join(f"{word:+.1f}" if isinstance(word, float | int) else str(word) for word in part) for part in parts
    )


def _row(one: Candidate) -> dict[str, Any]:
    values = {f"{name} {side}": _harmless(pair[side - 1]) for name, pair in one.fields.items() for side in (1, 2)}
    return {
        "candidate": one.candidate_id,
        "version": one.version,
        "decision": "",
        "note": "",
        "score": None if one.score is None else round(one.score, 4),
        "reason": one.reason,
        "evidence": readable(one.evidence),
        **values,
        "record 1": one.record_keys[0],
        "record 2": one.record_keys[1],
        "key 1": one.keys[0],
        "key 2": one.keys[1],
    }


def _harmless(value: str | None) -> str:
    """A value that no spreadsheet takes for a formula, and that Excel can hold."""
    text = re.sub(r"[\x00-\x1f]", " ", value or "")
    return f"'{text}" if text.startswith(_FORMULA) else text


def _read(path: Path) -> dict[str, list[str]]:
    """Column -> its cells as trimmed text."""
    import pandas as pd  # noqa: PLC0415 -- as above

    _raise_if_unknown_kind(path)
    try:
        if path.suffix.lower() == ".csv":
            table = pd.read_csv(path, dtype=str, keep_default_na=False, sep=_separator(path), encoding="utf-8-sig")
        else:
            table = pd.read_excel(path, dtype=str, keep_default_na=False)
    except OSError as error:
        raise DecisionError(f"The file {path} cannot be read ({error.strerror}).") from None
    except (ValueError, zipfile.BadZipFile) as error:
        # pandas' messages can quote cells.
        raise DecisionError(
            f"{path.name} is no {path.suffix[1:]} file that can be read ({type(error).__name__}).",
            remedy="Save it again as CSV (UTF-8) or Excel (.xlsx).",
        ) from None
    return {str(name).strip(): [str(cell).strip() for cell in table[name]] for name in table.columns}


def _separator(path: Path) -> str:
    """Excel writes semicolons where commas are decimal points."""
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline()
    return ";" if header.count(";") > header.count(",") else ","


def _raise_if_unknown_kind(path: Path) -> None:
    if path.suffix.lower() not in _SUFFIXES:
        raise DecisionError(f"{path.name} is neither CSV nor Excel.", remedy=f"Name it {' or '.join(_SUFFIXES)}.")
