"""Logging in: who gets a token, who does not, and what a token is worth."""

from __future__ import annotations

import time
from contextlib import closing

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import BASE, Client

TOKEN = "/services/oauth2/token"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """The private key of a client."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def register(instance: SalesforceInstance, key: rsa.RSAPrivateKey) -> None:
    """Let the org trust the key."""
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    instance.org.sessions.register_public_key(pem.decode())


def assertion(instance: SalesforceInstance, key: rsa.RSAPrivateKey, **claims: object) -> dict[str, str]:
    """The form of a JWT bearer login."""
    proper = {
        "iss": instance.client_id,
        "sub": "admin@core.example",
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    }
    return {"grant_type": JWT_BEARER, "assertion": jwt.encode({**proper, **claims}, key, algorithm="RS256")}


def test_client_credentials_in_a_basic_header(shared_instance: SalesforceInstance) -> None:
    """The reply has what the documentation promises, and the token opens the API."""
    auth = (shared_instance.client_id, shared_instance.client_secret)
    reply = httpx.post(shared_instance.url + TOKEN, data={"grant_type": "client_credentials"}, auth=auth).json()
    headers = {"Authorization": f"Bearer {reply['access_token']}"}

    assert {"access_token", "instance_url", "id", "token_type", "issued_at", "signature", "scope"} <= reply.keys()
    assert shared_instance.url == reply["instance_url"]
    assert httpx.codes.OK == httpx.get(f"{shared_instance.url}{BASE}/sobjects", headers=headers).status_code


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "nobody", "client_secret": "x"}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": JWT_BEARER, "assertion": "x"}, "invalid_grant"),
    ],
)
def test_wrong_credentials_are_refused(shared_instance: SalesforceInstance, form: dict[str, str], error: str) -> None:
    """A refused login is a 400 with the OAuth error."""
    proper = {
        "grant_type": "client_credentials",
        "client_id": shared_instance.client_id,
        "client_secret": shared_instance.client_secret,
    }
    reply = httpx.post(shared_instance.url + TOKEN, data={**proper, **form})

    assert (400, error) == (reply.status_code, reply.json()["error"])


def test_a_signed_assertion_logs_a_user_in(shared_instance: SalesforceInstance, key: rsa.RSAPrivateKey) -> None:
    """A JWT signed by the registered key opens a session of the user it names."""
    register(shared_instance, key)
    reply = httpx.post(shared_instance.url + TOKEN, data=assertion(shared_instance, key))

    assert httpx.codes.OK == reply.status_code
    assert reply.json()["id"].endswith(shared_instance.org.user_ids["admin"])


@pytest.mark.parametrize(
    "claims", [{"exp": 1}, {"iss": "x"}, {"aud": "https://other.example"}, {"sub": "nobody@core.example"}]
)
def test_a_wrong_assertion_is_refused(
    shared_instance: SalesforceInstance, key: rsa.RSAPrivateKey, claims: dict[str, object]
) -> None:
    """An expired assertion, or one of another client, audience or user, is an invalid grant."""
    register(shared_instance, key)
    reply = httpx.post(shared_instance.url + TOKEN, data=assertion(shared_instance, key, **claims))

    assert (400, "invalid_grant") == (reply.status_code, reply.json()["error"])


def test_an_assertion_of_another_key_is_refused(shared_instance: SalesforceInstance, key: rsa.RSAPrivateKey) -> None:
    """A good assertion under a key that is not registered is an invalid grant."""
    register(shared_instance, key)
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)

    assert (
        "invalid_grant"
        == httpx.post(shared_instance.url + TOKEN, data=assertion(shared_instance, stranger)).json()["error"]
    )


def test_expired_tokens_are_worth_nothing(instance: SalesforceInstance, client: Client) -> None:
    """After expiry requests are answered with 401 until the client logs in again."""
    assert 1 == instance.expire_tokens()
    reply = client.get(f"{BASE}/limits")

    assert (401, "INVALID_SESSION_ID") == (reply.status_code, reply.json()[0]["errorCode"])
    with closing(Client(instance)) as again:
        assert httpx.codes.OK == again.get(f"{BASE}/limits").status_code


def test_a_refresh_token_opens_sessions_until_it_is_unknown(shared_instance: SalesforceInstance) -> None:
    """An approved client gets a session of the user who approved; a token nobody gave out is an invalid grant."""
    known = shared_instance.org.sessions.approve(shared_instance.org.user_ids["admin"])
    client = {"client_id": shared_instance.client_id, "client_secret": shared_instance.client_secret}
    replies = [
        httpx.post(shared_instance.url + TOKEN, data={"grant_type": "refresh_token", "refresh_token": one, **client})
        for one in (known, known, "made up")
    ]

    assert [200, 200, 400] == [reply.status_code for reply in replies]
    assert "invalid_grant" == replies[2].json()["error"]
    headers = {"Authorization": f"Bearer {replies[0].json()['access_token']}"}
    user = httpx.get(f"{shared_instance.url}/services/oauth2/userinfo", headers=headers).json()
    assert (shared_instance.org.user_ids["admin"], "admin@core.example") == (
        user["user_id"],
        user["preferred_username"],
    )


def test_user_information_needs_a_session(shared_instance: SalesforceInstance) -> None:
    """Without a token nobody is named."""
    assert 401 == httpx.get(f"{shared_instance.url}/services/oauth2/userinfo").status_code
