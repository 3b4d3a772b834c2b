"""Ways to log in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from contact_sync.connectors.salesforce.auth import JwtBearer, credentials_of, session_of
from contact_sync.errors import AuthenticationError, SettingsError
from contact_sync.settings import SalesforceInstance, TargetKind

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """A key pair."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@pytest.fixture
def key_file(key: rsa.RSAPrivateKey, tmp_path: Path) -> Path:
    """The private key in PEM format."""
    path = tmp_path / "key.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def jwt_settings(key_file: Path, kind: TargetKind) -> SalesforceInstance:
    """Settings of an org that is logged in to by key."""
    return SalesforceInstance.model_validate(
        {
            "url": "https://acme.my.salesforce.com",
            "kind": kind,
            "client_id": "consumer",
            "username": "integration@acme.example",
            "private_key_file": key_file,
        }
    )


@pytest.mark.parametrize(
    ("kind", "audience"),
    [
        (TargetKind.PRODUCTION, "https://login.salesforce.com"),
        (TargetKind.SANDBOX, "https://test.salesforce.com"),
        (TargetKind.SIMULATOR, "https://acme.my.salesforce.com"),
    ],
)
def test_the_assertion_is_signed_for_the_login_host(
    key: rsa.RSAPrivateKey, key_file: Path, kind: TargetKind, audience: str
) -> None:
    """The assertion names consumer, user and the login host of the kind of org, and the public key verifies it."""
    form = credentials_of(jwt_settings(key_file, kind)).token_request()

    claims = jwt.decode(form["assertion"], key.public_key(), algorithms=["RS256"], audience=audience)

    assert "urn:ietf:params:oauth:grant-type:jwt-bearer" == form["grant_type"]
    assert ("consumer", "integration@acme.example") == (claims["iss"], claims["sub"])


def test_the_assertion_lives_three_minutes(key_file: Path) -> None:
    """Salesforce refuses assertions that live for more than five minutes."""
    bearer = JwtBearer(client_id="c", username="u", private_key_file=key_file, audience="a", now=lambda: 1_000.0)

    claims = jwt.decode(bearer.token_request()["assertion"], options={"verify_signature": False})

    assert 1_180 == claims["exp"]


def test_a_key_file_that_is_no_key_is_named(tmp_path: Path) -> None:
    """The error names the file and the setting, not its content."""
    path = tmp_path / "key.pem"
    path.write_text("no key")

    with pytest.raises(SettingsError, match=r"key\.pem.*PRIVATE_KEY_FILE") as raised:
        credentials_of(jwt_settings(path, TargetKind.SANDBOX)).token_request()

    assert "no key" not in str(raised.value)


def test_a_secret_is_not_shown(instance: SalesforceInstance) -> None:
    """Neither credentials nor sessions show their secret when printed."""
    session = session_of({"access_token": "secret-token"}, instance)

    assert "secret-token" not in repr(session)
    assert "not-for-messages" not in repr(credentials_of(instance))


def test_a_login_may_not_leave_https(key_file: Path) -> None:
    """A token is never sent over http when the login was made over https."""
    settings = jwt_settings(key_file, TargetKind.SANDBOX)

    with pytest.raises(AuthenticationError, match="https"):
        session_of({"access_token": "t", "instance_url": "http://elsewhere"}, settings)
