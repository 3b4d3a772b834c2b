"""Verbs about consent: a steward accepts it, takes that back, or looks at what was decided."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from contact_sync.cli.output import Json, clear_errors, out, print_json, print_table
from contact_sync.pipeline.consent import accept_consent, withdraw_consent
from contact_sync.pipeline.installation import Installation
from contact_sync.state.consents import ConsentDecision

app = typer.Typer(
    no_args_is_help=True, help="What stewards decided about consent; refusals in any system win otherwise."
)


@app.command()
def accept(
    subject_key: Annotated[str, typer.Argument(metavar="KEY", help="A person key, or the key of one record.")],
    *,
    channel: Annotated[str, typer.Option(help="email or phone.")],
    steward: Annotated[str, typer.Option(help="Who decides.")],
    note: Annotated[str, typer.Option(help="On what evidence.")] = "",
    json: Json = False,
) -> None:
    """Accept that a person may be contacted again; refusals that are seen later win again."""
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        decision = accept_consent(installation, subject_key=subject_key, channel=channel, steward=steward, note=note)
        _show([decision], as_json=json)


@app.command()
def withdraw(
    decision_id: Annotated[int, typer.Argument(metavar="NUMBER", help="The decision's number.")], *, json: Json = False
) -> None:
    """Let a decision hold no longer: the refusals it set aside count again from the next run on."""
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        withdraw_consent(installation, decision_id)
        decisions = installation.consents.decisions()
        _show([one for one in decisions if one.decision_id == decision_id], as_json=json)


@app.command(name="list")
def show(*, json: Json = False) -> None:
    """Show every decision, withdrawn ones too."""
    with clear_errors(as_json=json):
        _show(Installation.from_environment().consents.decisions(), as_json=json)


def _show(decisions: list[ConsentDecision], *, as_json: bool) -> None:
    if as_json:
        times = ("accepted_at", "withdrawn_at")
        documents = [asdict(one) for one in decisions]
        print_json([{**one, **{name: one[name] and one[name].isoformat() for name in times}} for one in documents])
        return
    columns = ("decision", "key", "channel", "accepted at", "steward", "note", "withdrawn at")
    rows = [
        (
            one.decision_id,
            one.subject_key,
            one.channel,
            one.accepted_at.isoformat(timespec="seconds"),
            one.steward,
            one.note,
            one.withdrawn_at.isoformat(timespec="seconds") if one.withdrawn_at else "",
        )
        for one in decisions
    ]
    print_table("Consents accepted by stewards", columns, rows)
    if not rows:
        out.print("None: every refusal in any system counts.")
