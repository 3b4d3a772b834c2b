"""What a route gets and gives: a call read from HTTP, a reply, and the table entry that joins them.

HTTP shapes only; app.py puts routes, authentication and headers together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contact_sync.simulator.salesforce import exact_json
from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.org import Org


@dataclass(frozen=True, slots=True)
class Call:
    """One request after authentication; header names are lower case."""

    method: str
    version: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    user_id: str

    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        try:
            parsed = exact_json.loads(self.body)
        except ValueError as error:
            raise Fault(400, "JSON_PARSER_ERROR", f"The body is not JSON: {error}") from error
        if not isinstance(parsed, dict):
            raise Fault(400, "JSON_PARSER_ERROR", "The body must be a JSON object")
        return parsed

    @property
    def client_name(self) -> str | None:
        """The `client` of Sforce-Call-Options, by which the org tells whose write it was."""
        return self._options("sforce-call-options").get("client")

    @property
    def may_save_duplicates(self) -> bool:
        """Whether Sforce-Duplicate-Rule-Header lets a record be saved that a duplicate rule warns of."""
        return self._options("sforce-duplicate-rule-header").get("allowSave", "").lower() == "true"

    def _options(self, header: str) -> dict[str, str]:
        """A header like `client=contact_sync, defaultNamespace=x`, name by name."""
        named = (part.partition("=") for part in self.headers.get(header, "").split(","))
        return {name.strip(): value.strip() for name, _, value in named}

    @property
    def base(self) -> str:
        """The path all resources of this API version start with."""
        return f"/services/data/v{self.version}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: bytes and headers, ready to send."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Org, Call], Reply]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route below the version: the kind its requests are counted as, method, path pattern and handler.

    is_write: whether its requests change records, or are steps of that.
    """

    kind: str
    method: str
    path: str
    handler: Handler
    is_write: bool = False


def json_reply(content: object, status: int = 200) -> Reply:
    """An answer with a JSON body."""
    return Reply(status, exact_json.dumps(content), {"Content-Type": "application/json;charset=UTF-8"})
