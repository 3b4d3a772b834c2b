"""The errors a Salesforce org answers with: one fault is one status code and one body, as documented.

Raised anywhere below a route and turned into a response in app.py; errors of single rows of a job are in records.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType


class Fault(Exception):  # noqa: N818 - the word of the API for a refused request
    """A refused request: HTTP status, Salesforce error code, message, the fields it is about, and what more is told."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Sequence[str] = (),
        *,
        details: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.details = details
        self.status = status
        self.code = code
        self.message = message
        self.fields = tuple(fields)

    @property
    def body(self) -> object:
        """The JSON body: an array with one error."""
        error: dict[str, object] = {**self.details, "message": self.message, "errorCode": self.code}
        if self.fields:
            error["fields"] = list(self.fields)
        return [error]


class OAuthFault(Fault):
    """A refused login; the token endpoint answers with an object, not an array."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(400, error, description)

    @property
    def body(self) -> object:
        """The JSON body of RFC 6749, section 5.2."""
        return {"error": self.code, "error_description": self.message}


def malformed_query(message: str) -> Fault:
    """The SOQL text cannot be read."""
    return Fault(400, "MALFORMED_QUERY", message)


def invalid_field(message: str) -> Fault:
    """A field is unknown, or cannot be used in this way."""
    return Fault(400, "INVALID_FIELD", message)


def unknown_object(name: str) -> Fault:
    """A query names an object this org does not have."""
    return Fault(
        400,
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append "
        "the '__c' after the entity name.",
    )


def not_found(message: str = "The requested resource does not exist") -> Fault:
    """Nothing lives at this address."""
    return Fault(404, "NOT_FOUND", message)
