"""The token endpoint: client credentials, JWT bearer and refresh tokens; who may log in is decided in sessions.py."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_plus

from contact_sync.simulator.salesforce.faults import OAuthFault
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.wire import Reply, json_reply

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def token(org: Org, *, body: bytes, headers: Mapping[str, str], base_url: str) -> Reply:
    """Answer a request for a token."""
    form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    grant = form.get("grant_type", "")
    if grant == "client_credentials":
        client_id, client_secret = _client(form, headers.get("authorization", ""))
        access_token = org.sessions.by_secret(client_id, client_secret)
    elif grant == _JWT_BEARER:
        access_token = org.sessions.by_assertion(form.get("assertion", ""), audience=base_url)
    elif grant == "refresh_token":
        client_id, client_secret = _client(form, headers.get("authorization", ""))
        access_token = org.sessions.by_refresh_token(client_id, client_secret, form.get("refresh_token", ""))
    else:
        raise OAuthFault("unsupported_grant_type", "grant type not supported")
    user_id = org.sessions.user_of(f"Bearer {access_token}")
    return json_reply(
        {
            "access_token": access_token,
            "signature": base64.b64encode(access_token[-32:].encode()).decode(),
            "scope": "api",
            "instance_url": base_url,
            "id": f"{base_url}/id/{org.organization_id}/{user_id}",
            "token_type": "Bearer",
            "issued_at": str(int(time.time() * 1000)),
        }
    )


def userinfo(org: Org, authorization: str, base_url: str) -> Reply:
    """Who the session belongs to (OpenID Connect Core, section 5.3, with the ids of Salesforce)."""
    user_id = org.sessions.user_of(authorization)
    user = org.store.record("User", user_id) or {}
    return json_reply(
        {
            "sub": f"{base_url}/id/{org.organization_id}/{user_id}",
            "user_id": user_id,
            "organization_id": org.organization_id,
            "preferred_username": user.get("Username"),
            "name": user.get("Name"),
            "email": user.get("Email"),
            "active": True,
            "user_type": "STANDARD",
        }
    )


def _client(form: Mapping[str, str], authorization: str) -> tuple[str, str]:
    """Client id and secret, from a Basic header or from the form."""
    if not authorization.lower().startswith("basic "):
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, client_secret = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthFault("invalid_client", "invalid client credentials") from error
    return unquote_plus(client_id), unquote_plus(client_secret)
