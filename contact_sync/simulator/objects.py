"""The object store: a moto S3 server on 127.0.0.1 with one bucket, into which trade-show files are dropped.

What is in the files is made in population/trade_show.py.
"""

from __future__ import annotations

import logging
import secrets
from contextlib import closing
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION = "us-east-1"


class ObjectStore:
    """A running S3 endpoint. moto keeps buckets per process, hence a bucket name of its own for each store."""

    def __init__(
        self, *, bucket: str | None = None, access_key_id: str | None = None, secret_access_key: str | None = None
    ) -> None:
        self.bucket = bucket or f"contact-sync-{secrets.token_hex(4)}"
        self.access_key_id = access_key_id or f"AKIA{secrets.token_hex(8).upper()}"
        self.secret_access_key = secret_access_key or secrets.token_urlsafe(30)
        self._session = boto3.Session(self.access_key_id, self.secret_access_key, region_name=REGION)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.endpoint = ""

    def start(self, files: dict[str, bytes]) -> None:
        """Start the server, make the bucket and put the first files in."""
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        with closing(self._client()) as client:
            client.create_bucket(Bucket=self.bucket)
            for key, content in files.items():
                client.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType="text/csv")

    def drop(self, key: str, content: bytes) -> str:
        """Put a file into the bucket; its ETag without quotes."""
        with closing(self._client()) as client:
            stored = client.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType="text/csv")
        return stored["ETag"].strip('"')

    def keys(self) -> list[str]:
        """The keys in the bucket."""
        with closing(self._client()) as client:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
            return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def stop(self) -> None:
        """Stop the server and forget the bucket."""
        if not self.endpoint:
            return
        keys = self.keys()
        with closing(self._client()) as client:
            for key in keys:
                client.delete_object(Bucket=self.bucket, Key=key)
            client.delete_bucket(Bucket=self.bucket)
        self._server.stop()
        self.endpoint = ""

    def _client(self) -> S3Client:
        return self._session.client(
            "s3",
            endpoint_url=self.endpoint,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )
