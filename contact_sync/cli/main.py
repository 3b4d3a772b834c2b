"""Puts the verbs together. Does not belong here: any verb."""

from __future__ import annotations

import typer

from contact_sync.cli import (
    activation,
    consent,
    demo,
    discover,
    doctor,
    extract,
    match,
    point_in_time,
    quality,
    refresh,
    refused,
    review,
    scaffold,
    simulate,
    status,
    why,
)

app = typer.Typer(
    name="contact-sync",
    help="Contacts and CRM data in many systems, kept in agreement and provably so.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (
    demo.demo,
    simulate.simulate,
    doctor.doctor,
    discover.discover,
    extract.extract,
    refresh.run,
    activation.plan,
    activation.apply,
    activation.reconcile,
    status.status,
    quality.quality,
    why.why,
    match.match,
    point_in_time.rebuild,
):
    app.command()(verb)
app.add_typer(review.app, name="review")
app.add_typer(consent.app, name="consent")
app.add_typer(refused.app, name="refused")
app.add_typer(scaffold.app, name="scaffold")
