"""E-mail addresses: one form for what can be written to, a rule for what cannot."""

from __future__ import annotations

import pytest

from contact_sync.normalisation.email import normalize_email, regular_emails
from contact_sync.normalisation.result import Normalized, refused


@pytest.mark.parametrize(
    ("raw", "normalized"),
    [
        ("Bob.M+news@Acme.COM", "bob.m@acme.com"),
        ("Bob Miller <bob@acme.com>", "bob@acme.com"),
        ("mailto:bob@acme.com", "bob@acme.com"),
        ("bob@acme.com;", "bob@acme.com"),
        ("bob@MÜNCHEN.example", "bob@xn--mnchen-3ya.example"),
        ("bob@xn--mnchen-3ya.example", "bob@xn--mnchen-3ya.example"),
        ("josé@acme.com", "josé@acme.com"),
        ("o'neil@acme.com", "o'neil@acme.com"),
    ],
)
def test_an_address_has_one_form(raw: str, normalized: str) -> None:
    """Case, tags, display names and the two ways to write an international domain make no difference."""
    assert Normalized(value=normalized) == normalize_email(raw)


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ("bob", "email_syntax"),
        ("bob@acme", "email_syntax"),
        ("bob@@acme.com", "email_several"),
        ("bob@acme.com, ann@acme.com", "email_several"),
        ("bob..m@acme.com", "email_syntax"),
        ("bob@localhost.localdomain.local", "email_syntax"),
        ("bob@[127.0.0.1]", "email_syntax"),
        ("+news@acme.com", "email_syntax"),
    ],
)
def test_what_is_no_address_is_refused_by_a_rule(raw: str, rule: str) -> None:
    """Several addresses are told from a broken one; nothing is guessed."""
    assert refused(rule) == normalize_email(raw)


@pytest.mark.parametrize(
    "raw", ["bob@acme.com", "Bob.M+news@Acme.COM", "o'neil@sub.acme.co.uk", "a_b-c@a-b.example", "1@2.info"]
)
def test_sql_is_left_what_is_regular(raw: str) -> None:
    """The library agrees with lower case without tag, so that it need not be asked."""
    mailbox, domain = raw.lower().split("@")

    assert [True] == regular_emails([raw])
    assert Normalized(value=f"{mailbox.split('+')[0]}@{domain}") == normalize_email(raw)


@pytest.mark.parametrize(
    "raw",
    ["josé@acme.com", "b@xn--mnchen-3ya.de", "bob@acme.local", "+a@b.com", "a@b", "a.@b.com", "x" * 65 + "@b.com"],
)
def test_the_library_gets_what_is_not_regular(raw: str) -> None:
    """Letters beyond ASCII, encoded and special domains, broken syntax and unusual length."""
    assert [False] == regular_emails([raw])
