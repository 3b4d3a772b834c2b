"""Dropped files, as object storage answers: whole versions of a file or an error, never a part."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contact_sync.catalog import CatalogObject, Mode
from contact_sync.connectors.base import Files, Page
from contact_sync.connectors.files import FileSource
from contact_sync.connectors.registry import open_source
from contact_sync.errors import (
    AuthenticationError,
    CatalogError,
    CountMismatchError,
    RequestRefusedError,
    SettingsError,
    UnknownObjectError,
)
from contact_sync.settings import ObjectStorage, Settings

DROP = CatalogObject(
    source="drops",
    connector="files",
    object="trade_show",
    description="Badges.",
    owner="team:test",
    mode=Mode.APPEND,
    key="badge_id",
    columns=("badge_id", "notes"),
)


class Bucket:
    """Object storage that answers with one content, or with an error code."""

    def __init__(self, content: bytes, *, declared: int | None = None, code: str | None = None) -> None:
        self._content = content
        self._declared = len(content) if declared is None else declared
        self._code = code
        self.requests: list[dict[str, Any]] = []

    def get_object(self, **request: Any) -> dict[str, Any]:
        """One object."""
        self.requests.append(request)
        if self._code is not None:
            raise ClientError({"Error": {"Code": self._code}}, "GetObject")
        return {"Body": io.BytesIO(self._content), "ContentLength": self._declared}

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def source() -> Iterator[FileSource]:
    """A source of files; its client is replaced by each test."""
    source = FileSource(
        ObjectStorage.model_validate({"bucket": "drops", "access_key_id": "a", "secret_access_key": "b"})
    )
    yield source
    source.close()


def read(source: FileSource, bucket: Bucket) -> list[Page]:
    """Read the one file."""
    source._client.close()
    source._client = bucket
    return list(source.read(DROP, Files(versions={"trade_show/a.csv": "etag"})))


def test_values_are_kept_as_sent(source: FileSource) -> None:
    """Only an empty cell is null; `NULL`, line breaks, quotes and leading zeros stay; the origin names the version."""
    bucket = Bucket(b'\xef\xbb\xbfnotes,badge_id\n"a\r\nb ""c""",007\nNULL,1e5\n,x\n')
    (page,) = read(source, bucket)

    assert ["007", "1e5", "x"] == page.rows.column("badge_id").to_pylist()
    assert ['a\r\nb "c"', "NULL", None] == page.rows.column("notes").to_pylist()
    assert (3, None, {"_file": "trade_show/a.csv@etag"}) == (page.declared_total, page.checkpoint, page.origin)
    assert '"etag"' == bucket.requests[0]["IfMatch"]


def test_large_files_have_several_pages(source: FileSource) -> None:
    """A file of more than a block comes in pages; only the last one declares the total and has no checkpoint."""
    rows = 300_000
    content = b"badge_id,notes\n" + b"".join(b"%d,a note of thirty characters..\n" % number for number in range(rows))
    pages = read(source, Bucket(content))

    assert len(pages) > 1
    assert rows == sum(page.rows.num_rows for page in pages) == pages[-1].declared_total
    assert [False] * (len(pages) - 1) + [True] == [page.is_last for page in pages]


def test_a_cut_file_is_read_again(source: FileSource) -> None:
    """Fewer bytes than declared are no fault of the file: it is not refused for ever."""
    with pytest.raises(CountMismatchError, match=r"trade_show/a\.csv: 19 bytes arrived, the bucket declared 99"):
        read(source, Bucket(b"badge_id,notes\n1,a\n", declared=99))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("SignatureDoesNotMatch", AuthenticationError),
        ("NoSuchKey", UnknownObjectError),
        ("PreconditionFailed", RequestRefusedError),
    ],
)
def test_error_codes(source: FileSource, code: str, error: type[Exception]) -> None:
    """Each kind of refusal is told apart and names the file."""
    with pytest.raises(error, match=r"trade_show/a\.csv"):
        read(source, Bucket(b"", code=code))


def test_unknown_connectors_and_instances() -> None:
    """A connector is checked before the instance; a source of files asks for the bucket."""
    with pytest.raises(CatalogError, match="drops__trade_show: unknown connector fax"):
        open_source(Settings(), DROP.model_copy(update={"connector": "fax"}), "main")
    with pytest.raises(SettingsError, match="CONTACT_SYNC_S3__BUCKET"):
        open_source(Settings(), DROP, "main")
    with pytest.raises(SettingsError, match="CONTACT_SYNC_ERP__MAIN__URL"):
        open_source(
            Settings(s3=ObjectStorage(bucket="drops")),
            DROP.model_copy(update={"source": "billing", "connector": "sql"}),
            "main",
        )
