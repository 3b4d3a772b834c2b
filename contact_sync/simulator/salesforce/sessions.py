"""Logins of an org: its connected app, its users, and the tokens it has handed out."""

from __future__ import annotations

import secrets
import threading

import jwt

from contact_sync.simulator.salesforce.faults import Fault, OAuthFault

_AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
_CLOCK_SKEW_SECONDS = 30


class Sessions:
    """One connected app and the sessions opened through it."""

    def __init__(self, *, organization_id: str, client_id: str, client_secret: str, integration_user_id: str) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self._organization_id = organization_id
        self._integration_user_id = integration_user_id
        self._public_key: str | None = None
        self._users: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._refresh_tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    def register_user(self, username: str, user_id: str) -> None:
        """Let the JWT bearer flow log in as this user."""
        self._users[username] = user_id

    def register_public_key(self, pem: str) -> None:
        """Trust assertions signed by the private key of this RSA public key (PEM)."""
        self._public_key = pem

    def approve(self, user_id: str) -> str:
        """A refresh token, as a user gets it for the connected app in a browser."""
        refresh_token = f"5Aep861{secrets.token_urlsafe(48)}"
        self._refresh_tokens[refresh_token] = user_id
        return refresh_token

    def by_refresh_token(self, client_id: str, client_secret: str, refresh_token: str) -> str:
        """A token for the user who approved, for the refresh token flow; refresh tokens are not rotated."""
        self._check_client(client_id, client_secret)
        user_id = self._refresh_tokens.get(refresh_token)
        if user_id is None:
            raise OAuthFault("invalid_grant", "expired access/refresh token")
        return self.open(user_id)

    def by_secret(self, client_id: str, client_secret: str) -> str:
        """A token for the integration user, for the client credentials flow."""
        self._check_client(client_id, client_secret)
        return self.open(self._integration_user_id)

    def _check_client(self, client_id: str, client_secret: str) -> None:
        known = secrets.compare_digest(client_id.encode(), self.client_id.encode())
        if not known:
            raise OAuthFault("invalid_client_id", "client identifier invalid")
        if not secrets.compare_digest(client_secret.encode(), self.client_secret.encode()):
            raise OAuthFault("invalid_client", "invalid client credentials")

    def by_assertion(self, assertion: str, *, audience: str) -> str:
        """A token for the user a signed JWT names, for the JWT bearer flow."""
        if self._public_key is None:
            raise OAuthFault("invalid_grant", "no certificate is registered for this client")
        try:
            claims = jwt.decode(
                assertion,
                self._public_key,
                algorithms=["RS256"],
                audience=[*_AUDIENCES, audience],
                issuer=self.client_id,
                leeway=_CLOCK_SKEW_SECONDS,
                options={"require": ["iss", "sub", "aud", "exp"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise OAuthFault("invalid_grant", "expired authorization code") from error
        except jwt.PyJWTError as error:
            raise OAuthFault("invalid_grant", "invalid assertion") from error
        user_id = self._users.get(str(claims["sub"]))
        if user_id is None:
            raise OAuthFault("invalid_grant", "user hasn't approved this consumer")
        return self.open(user_id)

    def open(self, user_id: str) -> str:
        """A new session of a user, without asking for proof."""
        token = f"{self._organization_id[:15]}!{secrets.token_urlsafe(48)}"
        with self._lock:
            self._tokens[token] = user_id
        return token

    def user_of(self, authorization: str) -> str:
        """The user behind an `Authorization` header; INVALID_SESSION_ID when the session is not open."""
        scheme, _, token = authorization.partition(" ")
        user_id = self._tokens.get(token.strip()) if scheme.lower() in ("bearer", "oauth") else None
        if user_id is None:
            raise Fault(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return user_id

    def expire(self) -> int:
        """End all sessions; the number that were open."""
        with self._lock:
            count = len(self._tokens)
            self._tokens.clear()
        return count
