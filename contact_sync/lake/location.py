"""Where the lake is: paths, S3 options and the file system that pages are written through.

Does not belong here: anything about tables or rows.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.fs as arrow_fs

from contact_sync.errors import StorageError
from contact_sync.settings import Settings

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, kw_only=True)
class LakeLocation:
    """The lake's root (absolute path or `s3://bucket/prefix`) and what it takes to reach it."""

    root: str
    storage_options: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> LakeLocation:
        """The lake that the settings name; S3 credentials come from the CONTACT_SYNC_S3__* settings."""
        if not settings.lake_url.startswith("s3://"):
            return cls(root=settings.lake_url)
        storage = settings.s3
        options = {"AWS_REGION": storage.region}
        if storage.endpoint:
            options |= {"AWS_ENDPOINT_URL": storage.endpoint, "AWS_ALLOW_HTTP": "true"}
        if storage.access_key_id and storage.secret_access_key:
            options |= {
                "AWS_ACCESS_KEY_ID": storage.access_key_id,
                "AWS_SECRET_ACCESS_KEY": storage.secret_access_key.get_secret_value(),
            }
        return cls(root=settings.lake_url, storage_options=options)

    @property
    def is_local(self) -> bool:
        """Whether the lake is on this machine's disk."""
        return not self.root.startswith("s3://")

    def table_url(self, layer: str, name: str) -> str:
        """Path or URL of one table, for example `<lake>/bronze/salesforce__contact`."""
        return f"{self.root}/{layer}/{name}"

    def file_system(self) -> arrow_fs.FileSystem:
        """The pyarrow file system of the lake."""
        if self.is_local:
            return arrow_fs.LocalFileSystem()
        options: dict[str, Any] = {"region": self.storage_options["AWS_REGION"]}
        if "AWS_ENDPOINT_URL" in self.storage_options:
            endpoint = urlsplit(self.storage_options["AWS_ENDPOINT_URL"])
            options |= {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme}
        if "AWS_ACCESS_KEY_ID" in self.storage_options:
            options |= {
                "access_key": self.storage_options["AWS_ACCESS_KEY_ID"],
                "secret_key": self.storage_options["AWS_SECRET_ACCESS_KEY"],
            }
        return arrow_fs.S3FileSystem(**options)

    def path(self, url: str) -> str:
        """A table or file URL as the file system wants it."""
        return url.removeprefix("s3://")

    def make_durable(self, url: str) -> None:
        """Force a written local file and its directory entry to disk; object storage already is durable."""
        if not self.is_local:
            return
        for path in (Path(url), Path(url).parent):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Turn a refused write into a StorageError that names what was being written."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL or "No space left" in str(error):
            raise StorageError(
                f"No space left while writing {what}.", remedy="Free space, then run again; nothing was published."
            ) from None
        raise StorageError(
            f"{what} cannot be written ({error.strerror or type(error).__name__}).",
            remedy="Check the path, its permissions and CONTACT_SYNC_S3__* settings.",
        ) from None
