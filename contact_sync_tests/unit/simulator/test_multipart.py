"""Parts of a multipart request keep every byte, and a body that is none is refused."""

from __future__ import annotations

import pytest

from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.multipart import parts


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_parts_are_byte_exact(end: str) -> None:
    """Only the line end before a boundary is not content, and text that looks like one in a line is."""
    contents = {"job": b"{}", "content": b' a,b\r\n\r\n"--XX"\n \n'}
    head = f'{end}--XX{end}Content-Disposition: form-data; filename="other"; name="%s"{end}{end}'
    body = b"".join(head.encode().replace(b"%s", name.encode()) + content for name, content in contents.items())

    assert contents == parts(body.lstrip() + f"{end}--XX--{end}".encode(), "multipart/form-data; boundary=XX")


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=XX"])
def test_what_has_no_parts_is_refused(content_type: str) -> None:
    """Without a boundary, and for a part without a name."""
    with pytest.raises(Fault):
        parts(b"--XX\r\nContent-Type: text/csv\r\n\r\na\r\n--XX--", content_type)
