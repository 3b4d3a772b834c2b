"""The verb `discover`: what the catalog's wildcards stand for, asked of every instance and written into the lock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from contact_sync.catalog.lock import LOCK, write_lock
from contact_sync.cli.output import Json, clear_errors, err, print_json, print_table
from contact_sync.errors import CatalogError
from contact_sync.pipeline.discovery import Discovery
from contact_sync.pipeline.discovery import discover as ask
from contact_sync.pipeline.installation import Installation

_SHOWN = 40


def discover(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 2 if the lock is out of date.")
    ] = False,
    json: Json = False,
) -> None:
    """Resolve the catalog's wildcards into catalog.lock.yaml."""
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        found = _found(installation)
        if not check:
            write_lock(installation.settings.catalog_path, found.lock)
        if json:
            print_json(_document(found))
        else:
            _show(found, is_written=not check)
        if found.problems or (check and found.is_drift):
            raise typer.Exit(2)


def discover_and_lock(installation: Installation, *, is_quiet: bool) -> Mapping[str, str]:
    """Resolve the wildcards and write the lock, on the way to something else; returns who did not answer, and why."""
    found = _found(installation)
    write_lock(installation.settings.catalog_path, found.lock)
    if not is_quiet:
        _show(found, is_written=True)
    return found.problems


def _found(installation: Installation) -> Discovery:
    with err.status("asking the instances which objects they have"):
        found = ask(installation)
    if not found.lock:
        raise CatalogError(
            "The catalog has no wildcard, so there is nothing to discover.",
            remedy='Example: {object: "*__c"}; see docs/adding_a_source.md.',
        )
    return found


def _document(found: Discovery) -> dict[str, object]:
    return {
        "objects": sum(len(content.objects) for content in found.lock.values()),
        "left_out": sum(len(content.left_out) for content in found.lock.values()),
        "new": found.new,
        "gone": found.gone,
        "changed": found.changed,
        "problems": dict(found.problems),
    }


def _show(found: Discovery, *, is_written: bool) -> None:
    document = _document(found)
    changes = [(kind, name) for kind in ("new", "gone", "changed") for name in getattr(found, kind)]
    if changes:
        print_table("Changes", ("", "object"), changes[:_SHOWN])
    err.print(
        f"{document['objects']:,} objects, {document['left_out']:,} left out; {len(changes):,} changes"
        f"{f', written to {LOCK}' if is_written else ''}.",
        highlight=False,
    )
    for where, what in found.problems.items():
        err.print(
            f"[yellow]{where} did not answer[/yellow] and keeps what the lock says of it: {what}", highlight=False
        )
