"""A multipart request: its parts by name, byte for byte; what is done with them is no matter of this module."""

from __future__ import annotations

import re
from collections.abc import Mapping

from contact_sync.simulator.salesforce.faults import Fault

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_NAME = re.compile(rb'(?:^|;|\s)name="([^"]*)"', re.IGNORECASE)


def parts(body: bytes, content_type: str) -> Mapping[str, bytes]:
    """Name of a part -> its content; the line end before a boundary belongs to the boundary."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise Fault(400, "INVALID_REQUEST", "A multipart request needs a boundary in its Content-Type")
    marked = b"\n" + body
    found = {}
    for section in marked.split(b"\n--" + boundary[1].encode())[1:-1]:
        head, *content = _EMPTY_LINE.split(section, maxsplit=1)
        name = _NAME.search(head)
        if not content or name is None:
            raise Fault(400, "INVALID_REQUEST", "A part of a multipart request needs a name and a content")
        found[name[1].decode("utf-8", "replace")] = content[0].removesuffix(b"\r")
    return found
