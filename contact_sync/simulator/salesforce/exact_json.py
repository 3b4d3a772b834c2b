"""JSON whose numbers lose no digit: a number with decimals is a Decimal in Python, and written as Salesforce writes it.

What the numbers mean is in values.py.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from contact_sync.simulator.salesforce.decimals import decimal_text

# A lone surrogate: UTF-8 has none, so no text of a reply can be mistaken for a number.
_MARK = "\ud800"
_NUMBER = re.compile(f'"{_MARK}([^"]+)"')


def loads(body: bytes | str) -> Any:
    """The document of a JSON text; ValueError for what is none."""
    return json.loads(body, parse_float=Decimal)


def dumps(document: object) -> bytes:
    """A document as JSON in UTF-8."""
    text = json.dumps(document, ensure_ascii=False, default=_marked)
    return (_NUMBER.sub(r"\1", text) if _MARK in text else text).encode()


def _marked(value: object) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is nothing that JSON knows")
    return _MARK + decimal_text(value)
