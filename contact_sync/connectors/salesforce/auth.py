"""Ways to log in to an org: each knows the form fields of its token request, and which settings they come from.

Does not belong here: sending the request, or when to log in again (http.py).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from contact_sync.errors import AuthenticationError, SettingsError
from contact_sync.settings import PREFIX, SalesforceInstance, TargetKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TOKEN_PATH: Final = "/services/oauth2/token"  # noqa: S105 - a path
JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_LIFETIME_SECONDS: Final = 180

_LOGIN_HOSTS: Final = {
    TargetKind.PRODUCTION: "https://login.salesforce.com",
    TargetKind.SANDBOX: "https://test.salesforce.com",
}


class Credentials(Protocol):
    """One way to log in."""

    @property
    def setting_names(self) -> tuple[str, ...]:
        """Last parts of the settings to check when the org refuses the login."""

    def token_request(self) -> Mapping[str, str]:
        """Form fields of the token request, made anew for each login."""


@dataclass(frozen=True, kw_only=True)
class ClientCredentials:
    """OAuth 2.0 client credentials: the org's run-as user works for a consumer key and secret."""

    client_id: str
    client_secret: str = field(repr=False)
    setting_names: tuple[str, ...] = ("URL", "CLIENT_ID", "CLIENT_SECRET")

    def token_request(self) -> Mapping[str, str]:
        """Key and secret as they are."""
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }


@dataclass(frozen=True, kw_only=True)
class JwtBearer:
    """OAuth 2.0 JWT bearer: a short-lived assertion for one user, signed with the key of an uploaded certificate."""

    client_id: str
    username: str
    private_key_file: Path
    audience: str
    now: Callable[[], float] = time.time
    setting_names: tuple[str, ...] = ("URL", "CLIENT_ID", "USERNAME", "PRIVATE_KEY_FILE", "KIND")

    def token_request(self) -> Mapping[str, str]:
        """A freshly signed assertion; raise SettingsError if the key file cannot be used."""
        import jwt  # noqa: PLC0415 -- takes 10 MB, which the other way to log in has no use for

        claims = {
            "iss": self.client_id,
            "sub": self.username,
            "aud": self.audience,
            "exp": int(self.now()) + JWT_LIFETIME_SECONDS,
        }
        try:
            key = self.private_key_file.read_bytes()
            assertion = jwt.encode(claims, key, algorithm="RS256")
        except (OSError, ValueError, jwt.PyJWTError) as error:
            message = f"The private key file {self.private_key_file} cannot be used ({type(error).__name__})."
            raise SettingsError(message, remedy="Point PRIVATE_KEY_FILE to an RSA key in PEM format.") from None
        return {"grant_type": JWT_GRANT, "assertion": assertion}


def credentials_of(settings: SalesforceInstance) -> Credentials:
    """The way to log in that the settings describe; a client secret wins over a key file."""
    if settings.client_secret is not None:
        return ClientCredentials(client_id=settings.client_id, client_secret=settings.client_secret.get_secret_value())
    if settings.username is None or settings.private_key_file is None:
        message = f"The Salesforce instance at {settings.url} has no way to log in."
        raise SettingsError(message, remedy="Set CLIENT_SECRET, or USERNAME and PRIVATE_KEY_FILE.")
    return JwtBearer(
        client_id=settings.client_id,
        username=settings.username,
        private_key_file=settings.private_key_file,
        audience=_LOGIN_HOSTS.get(settings.kind, settings.url),
    )


def setting_list(instance_name: str, credentials: Credentials) -> str:
    """Full names of the settings a login depends on, for error messages."""
    prefix = f"{PREFIX}SALESFORCE__{instance_name.upper()}__"
    return ", ".join(prefix + name for name in credentials.setting_names)


@dataclass(frozen=True, kw_only=True)
class Session:
    """A login: what authorises requests, where they go, and the id of the user they come from, if it was told."""

    url: str
    access_token: str = field(repr=False)
    user_id: str = ""


def session_of(token_reply: object, settings: SalesforceInstance) -> Session:
    """The session a token reply grants; raise AuthenticationError if it grants none or leaves https."""
    if not isinstance(token_reply, dict) or not isinstance(token_reply.get("access_token"), str):
        message = f"The login at {settings.url} answered without an access token."
        raise AuthenticationError(message, remedy="Check that the URL is the org's My Domain address.")
    url = str(token_reply.get("instance_url") or settings.url).rstrip("/")
    if urlsplit(settings.url).scheme == "https" and urlsplit(url).scheme != "https":
        message = f"The login at {settings.url} names an instance that is not reached by https."
        raise AuthenticationError(message, remedy="Check that the URL is the org's My Domain address.")
    user_id = str(token_reply.get("id") or "").rpartition("/")[2]
    return Session(url=url, access_token=token_reply["access_token"], user_id=user_id)
