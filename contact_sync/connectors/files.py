"""Reads CSV files dropped in an S3 bucket; a version of a file (key and etag) is read whole or refused whole.

Does not belong here: which versions were read before (extraction/), and other ways to receive files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from io import IOBase
from typing import IO, Any, Final, cast

import boto3
import pyarrow as pa
import pyarrow.csv as arrow_csv
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Checkpoint, Field, Files, Health, Page, Selection
from contact_sync.connectors.csv_table import WholeLineBreaks
from contact_sync.errors import (
    AuthenticationError,
    CountMismatchError,
    FileRefusedError,
    RequestRefusedError,
    SourceUnreachableError,
    UnknownObjectError,
)
from contact_sync.settings import ObjectStorage

_BLOCK_BYTES: Final = 8 * 1024 * 1024
_CREDENTIAL_CODES = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403"}


class FileSource:
    """The files of one bucket; an object of the catalog is a prefix in it."""

    def __init__(self, storage: ObjectStorage) -> None:
        secret = storage.secret_access_key
        self._bucket = storage.bucket or ""
        self._client = boto3.client(
            "s3",
            endpoint_url=storage.endpoint,
            region_name=storage.region,
            aws_access_key_id=storage.access_key_id,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
            config=Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 3}),
        )

    def check(self) -> Health:
        """See that the bucket is there."""
        with self._errors("the bucket"):
            self._client.head_bucket(Bucket=self._bucket)
        return Health(identity=self._bucket, description=f"S3 bucket {self._bucket}")

    def fields(self, item: CatalogObject) -> tuple[Field, ...]:
        """The columns that the catalog requires of each file."""
        return tuple(Field(name=name, type="text") for name in item.columns or ())

    def versions(self, item: CatalogObject) -> Mapping[str, str]:
        """key -> etag of every CSV file below the object's prefix."""
        found: dict[str, str] = {}
        with self._errors(item.name):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{item.prefix or item.object}/"
            )
            for page in pages:
                for entry in page.get("Contents", ()):
                    if entry["Key"].lower().endswith(".csv"):
                        found[entry["Key"]] = entry["ETag"].strip('"')
        return found

    def read(self, item: CatalogObject, selection: Selection, *, resume: Checkpoint | None = None) -> Iterator[Page]:
        """Yield the pages of exactly one file version; FileRefusedError if it does not match the catalog."""
        if resume is not None or not isinstance(selection, Files) or len(selection.versions) != 1:
            message = f"{item.name} is read one whole file at a time"
            raise TypeError(message)
        ((key, etag),) = selection.versions.items()
        with self._errors(f"file {key}"):
            answer = self._client.get_object(Bucket=self._bucket, Key=key, IfMatch=f'"{etag}"')
            body = _CountedBody(answer["Body"])
            yield from self._pages(item, key, etag, body)
            if body.byte_count != answer["ContentLength"]:
                raise CountMismatchError(
                    f"File {key}: {body.byte_count} bytes arrived, the bucket declared {answer['ContentLength']}.",
                    remedy="It is read again with the next run.",
                )

    def has_changed(self, item: CatalogObject, since: datetime | None) -> bool:
        """Whether the prefix holds anything at all; which of it is new only bronze can tell."""
        return since is None and bool(self.versions(item))

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _pages(self, item: CatalogObject, key: str, etag: str, body: _CountedBody) -> Iterator[Page]:
        """One page of look-ahead, so that the last one is known as such."""
        ready: pa.Table | None = None
        number, total = 0, 0
        for rows in _tables(item, key, body):
            if ready is not None:
                number += 1
                yield _page(ready, number, key, etag, total=None)
            total += rows.num_rows
            ready = rows
        if ready is None:
            ready = pa.table({name: pa.array([], pa.string()) for name in item.columns or ()})
        yield _page(ready, number + 1, key, etag, total=total)

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise self._translated(code, what) from None
        except BotoCoreError as error:
            raise SourceUnreachableError(
                f"The object storage cannot be reached for {what} ({type(error).__name__}).",
                remedy="Check CONTACT_SYNC_S3__ENDPOINT and that it runs; the other sources go on.",
            ) from None

    def _translated(self, code: str, what: str) -> Exception:
        if code in _CREDENTIAL_CODES:
            return AuthenticationError(
                f"The object storage refused the credentials for {what} ({code}).",
                remedy="Check CONTACT_SYNC_S3__ACCESS_KEY_ID and CONTACT_SYNC_S3__SECRET_ACCESS_KEY.",
            )
        if code in {"NoSuchBucket", "NoSuchKey", "404"}:
            return UnknownObjectError(
                f"Bucket {self._bucket} or {what} does not exist ({code}).", remedy="Check CONTACT_SYNC_S3__BUCKET."
            )
        return RequestRefusedError(
            f"The object storage refused a request for {what} ({code}).",
            code=code,
            remedy="A file that changed meanwhile is read with the next run.",
        )


class _CountedBody:
    """A readable body that counts its bytes."""

    def __init__(self, body: Any) -> None:
        self._body = body
        self.byte_count = 0

    def read(self, size: int = -1) -> bytes:
        """Read and count."""
        data: bytes = self._body.read() if size < 0 else self._body.read(size)
        self.byte_count += len(data)
        return data


def _tables(item: CatalogObject, key: str, body: _CountedBody) -> Iterator[pa.Table]:
    """Parse a CSV body into tables of text columns; values as sent, only an empty cell is null."""
    expected = item.columns or ()
    options = arrow_csv.ConvertOptions(
        column_types={name: pa.string() for name in expected}, strings_can_be_null=True, null_values=[""]
    )
    try:
        reader = arrow_csv.open_csv(
            cast("IO[bytes]", pa.PythonFile(cast("IOBase", WholeLineBreaks(body)), mode="r")),
            read_options=arrow_csv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=options,
        )
        _check_header(key, reader.schema.names, expected)
        for batch in reader:
            rows = pa.Table.from_batches([batch])
            _check_keys(item, key, rows)
            yield rows
    except (pa.ArrowInvalid, UnicodeDecodeError):
        raise FileRefusedError(
            f"File {key} is not a CSV file in UTF-8 with the same number of cells in each line.",
            remedy="Correct it and drop it again.",
        ) from None


def _check_header(key: str, found: list[str], expected: tuple[str, ...]) -> None:
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected]
    if missing or unexpected or len(found) != len(set(found)):
        parts = [
            *([f"missing columns: {', '.join(missing)}"] if missing else []),
            *([f"{len(unexpected)} unexpected columns"] if unexpected else []),
            *(["a column twice"] if len(found) != len(set(found)) else []),
        ]
        raise FileRefusedError(
            f"File {key} does not have the columns of the catalog: {'; '.join(parts)}.",
            remedy=f"Expected: {', '.join(expected)}. Correct it and drop it again.",
        )


def _check_keys(item: CatalogObject, key: str, rows: pa.Table) -> None:
    empty = rows.column(item.key).null_count
    if empty:
        raise FileRefusedError(
            f"File {key} has {empty} lines without {item.key}.", remedy="Give each line its key and drop it again."
        )


def _page(rows: pa.Table, number: int, key: str, etag: str, *, total: int | None) -> Page:
    return Page(
        rows=rows,
        number=number,
        declared_rows=None,
        declared_total=total,
        checkpoint={"page": number} if total is None else None,
        byte_count=rows.nbytes,
        origin={"_file": f"{key}@{etag}"},
    )
