"""One form for an e-mail address: lower case, no +tag, the domain in ASCII; pure.

What cannot be written to is refused; which mailboxes are placeholders or roles, SQL says for all addresses alike. Does
not belong here: asking a name server, or dots in the mailboxes of one provider.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.normalisation.result import Normalized, refused

# Shorter than any limit of the standard, so that only the characters have to be looked at.
_REGULAR: Final = (
    r"^[A-Za-z0-9_'-][A-Za-z0-9_'+-]*(\.[A-Za-z0-9_'+-]+)*@([A-Za-z0-9]([A-Za-z0-9]|-[A-Za-z0-9])*\.)+([A-Za-z]{2,24})$"
)
_LONGEST_REGULAR: Final = 64
# Names that never leave a machine or a network (RFC 6761); the library refuses them, so the regular pattern must not.
_SPECIAL: Final = r"(?i)\.(arpa|invalid|local|localhost|onion|test)$"
_TAG: Final = re.compile(r"\+.*")


def regular_emails(values: Sequence[str]) -> list[bool]:
    """Which of these addresses SQL normalises as the library would."""
    texts = pa.array(values, pa.string())
    plain = pc.match_substring_regex(texts, _REGULAR)
    special = pc.match_substring_regex(texts, _SPECIAL)
    flags: list[bool] = pc.and_not(plain, special).to_pylist()  # type: ignore[assignment]  # no nulls come in
    return [flag and len(value) <= _LONGEST_REGULAR for flag, value in zip(flags, values, strict=True)]


def normalize_email(raw: str) -> Normalized:
    """`Bob <Bob.M+news@MÜNCHEN.de>` -> `bob.m@xn--mnchen-3ya.de`. Rules: email_several, email_syntax."""
    from email_validator import EmailSyntaxError, validate_email  # noqa: PLC0415 -- only where needed

    text = raw.strip().removeprefix("mailto:").rstrip(".,;")
    try:
        address = validate_email(text, check_deliverability=False, allow_display_name=True)
    except EmailSyntaxError:
        return refused("email_several" if text.count("@") > 1 else "email_syntax")
    mailbox = _TAG.sub("", address.local_part).lower()
    return Normalized(value=f"{mailbox}@{address.ascii_domain.lower()}") if mailbox else refused("email_syntax")
