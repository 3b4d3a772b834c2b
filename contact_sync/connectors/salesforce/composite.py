"""Many small GETs in few requests: `/composite` counts as one call, however many of up to 25 it holds.

Source: REST API Developer Guide, "Send Multiple Requests Using Composite". Does not belong here: what is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from contact_sync.connectors.salesforce.faults import code_in
from contact_sync.connectors.salesforce.http import DATA_PATH, Request, SalesforceClient
from contact_sync.errors import RequestRefusedError, UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

AT_ONCE: Final = 25


@dataclass(frozen=True, kw_only=True)
class Question:
    """One GET: a path below the data path's version, with parameters and headers."""

    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The path with its parameters."""
        return f"{self.path}?{urlencode(self.parameters)}" if self.parameters else self.path


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one question was answered: a status, and a document or an error code."""

    status: int
    document: Any
    code: str = ""

    @property
    def is_found(self) -> bool:
        """Whether there is a document."""
        return self.status == HTTPStatus.OK


def ask_all(client: SalesforceClient, questions: Sequence[Question]) -> Iterator[Answer]:
    """The answers in the order of the questions, each batch asked when its turn comes."""
    for start in range(0, len(questions), AT_ONCE):
        yield from _ask(client, questions[start : start + AT_ONCE])


def ask_one(client: SalesforceClient, question: Question, *, subject: str) -> Answer:
    """The answer to a single question, in a request of its own."""
    request = Request(
        method="GET",
        path=question.path,
        subject=subject,
        parameters=question.parameters or None,
        headers=question.headers,
        is_repeatable=True,
    )
    try:
        status, document = client.look(request)
    except (RequestRefusedError, UnknownObjectError) as error:
        return Answer(status=HTTPStatus.BAD_REQUEST, document=None, code=error.code)
    return Answer(status=status, document=document)


def _ask(client: SalesforceClient, questions: Sequence[Question]) -> Iterator[Answer]:
    subrequests = [
        {"method": "GET", "url": question.url, "referenceId": f"ask{number}", "httpHeaders": dict(question.headers)}
        for number, question in enumerate(questions)
    ]
    request = Request(
        method="POST",
        path=f"{DATA_PATH}/composite",
        subject="many objects at once",
        document={"allOrNone": False, "compositeRequest": subrequests},
        is_repeatable=True,
    )
    replies = {reply["referenceId"]: reply for reply in client.ask(request)["compositeResponse"]}
    for subrequest in subrequests:
        reply = replies[subrequest["referenceId"]]
        status, body = int(reply["httpStatusCode"]), reply.get("body")
        yield Answer(status=status, document=body, code="" if status == HTTPStatus.OK else code_in(status, body))
