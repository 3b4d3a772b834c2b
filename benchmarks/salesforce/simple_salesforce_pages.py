"""simple-salesforce 1.12.10 as its documentation shows it, each page to Parquet (zstd) by pandas or by pyarrow.

Run in an environment of its own: `python simple_salesforce_pages.py URL DIRECTORY pandas|pyarrow`.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import requests
from simple_salesforce import Salesforce


class PlainHttp(requests.adapters.HTTPAdapter):
    """simple-salesforce only knows https; the server of this benchmark speaks http."""

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Send to the same address over http."""
        request.url = str(request.url).replace("https://", "http://", 1)
        return super().send(request, *arguments, **options)


def main(url: str, directory: Path, kind: str) -> None:
    """Read all pages."""
    session = requests.Session()
    session.mount("https://", PlainHttp())
    salesforce = Salesforce(session_id="token", instance=url.removeprefix("http://"), session=session)
    rows = 0
    for number, page in enumerate(salesforce.bulk2.Contact.query("SELECT all FROM Contact", wait=0)):
        rows += (by_pandas if kind == "pandas" else by_pyarrow)(page, directory / f"{number:05d}.parquet")
    print(rows)


def by_pandas(page: str, target: Path) -> int:
    """Parse and write with pandas, told to leave texts such as NA alone."""
    import pandas as pd  # noqa: PLC0415 -- only the one that is measured

    frame = pd.read_csv(io.StringIO(page), dtype=str, keep_default_na=False, na_values=[""])
    frame.to_parquet(target, compression="zstd", index=False)
    return len(frame)


def by_pyarrow(page: str, target: Path) -> int:
    """Parse and write with pyarrow, all columns as text."""
    import pyarrow as pa  # noqa: PLC0415 -- only the one that is measured
    import pyarrow.csv as pa_csv  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    options = pa_csv.ConvertOptions(default_column_type=pa.string(), null_values=[""], strings_can_be_null=True)
    table = pa_csv.read_csv(
        io.BytesIO(page.encode()),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=options,
    )
    pq.write_table(table, target, compression="zstd")
    return table.num_rows


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
