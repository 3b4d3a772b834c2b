"""Verbs about who is who: what waits for a steward, deciding it here or in a spreadsheet, and what was decided."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from contact_sync.cli.output import Json, clear_errors, out, print_json, print_table
from contact_sync.pipeline.decisions import decide, entity_of, judgement, withdraw
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.review import Answer, Candidate, answer, candidate_of, list_candidates
from contact_sync.pipeline.review_file import read_answers, readable, write_candidates
from contact_sync.state.decisions import Decision, Verdict

app = typer.Typer(
    no_args_is_help=True, help="Who is who, where the evidence does not suffice: what waits, and what stewards decide."
)

Of = Annotated[str, typer.Option("--of", help="person or company.")]
Steward = Annotated[str, typer.Option(help="Who decides.")]
Note = Annotated[str, typer.Option(help="On what grounds.")]
CandidateId = Annotated[str, typer.Argument(metavar="CANDIDATE", help="The candidate's id, as `review list` shows it.")]
Name = Annotated[str, typer.Argument(metavar="KEY", help="A person or company key, or the key of one record.")]


@app.command(name="list")
def show(
    *, of: Of = "person", limit: Annotated[int, typer.Option(help="At most so many.")] = 10, json: Json = False
) -> None:
    """Show what waits for a decision, the likeliest first, with the values of both sides."""
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        waiting = list_candidates(installation, entity_of(installation, of))
        if json:
            print_json({"waiting": len(waiting), "candidates": [asdict(one) for one in waiting[:limit]]})
            return
        for one in waiting[:limit]:
            _print_candidate(one)
        out.print(f"{len(waiting):,} wait for a decision, {len(waiting[:limit]):,} are shown.")


@app.command()
def accept(candidate: CandidateId, *, steward: Steward, note: Note = "", of: Of = "person", json: Json = False) -> None:
    """Decide that a candidate is one person or company."""
    _answer(candidate, Verdict.SAME, of=of, steward=steward, note=note, json=json)


@app.command()
def refuse(candidate: CandidateId, *, steward: Steward, note: Note = "", of: Of = "person", json: Json = False) -> None:
    """Decide that a candidate is two persons or companies."""
    _answer(candidate, Verdict.DIFFERENT, of=of, steward=steward, note=note, json=json)


@app.command()
def same(one: Name, other: Name, *, steward: Steward, note: Note = "", of: Of = "person", json: Json = False) -> None:
    """Decide that two persons, companies or records are one, whatever the evidence says."""
    _judge(one, other, Verdict.SAME, of=of, steward=steward, note=note, json=json)


@app.command()
def different(
    one: Name, other: Name, *, steward: Steward, note: Note = "", of: Of = "person", json: Json = False
) -> None:
    """Decide that two persons, companies or records are not one, whatever the evidence says."""
    _judge(one, other, Verdict.DIFFERENT, of=of, steward=steward, note=note, json=json)


@app.command(name="withdraw")
def take_back(
    decision_id: Annotated[int, typer.Argument(metavar="NUMBER", help="The decision's number.")], *, json: Json = False
) -> None:
    """Let a decision hold no longer: the next run goes by the evidence again."""
    with clear_errors(as_json=json):
        _print_decisions([withdraw(Installation.from_environment(), decision_id)], as_json=json)


@app.command()
def decisions(*, json: Json = False) -> None:
    """Show every decision, withdrawn ones too."""
    with clear_errors(as_json=json):
        _print_decisions(Installation.from_environment().decisions.decisions(), as_json=json)


@app.command()
def export(file: Annotated[Path, typer.Argument(help="Where to: a .csv or .xlsx file.")], *, of: Of = "person") -> None:
    """Write what waits into a spreadsheet; its column `decision` takes same or different."""
    with clear_errors(as_json=False):
        installation = Installation.from_environment()
        waiting = list_candidates(installation, entity_of(installation, of))
        write_candidates(waiting, file)
        out.print(f"{len(waiting):,} candidates are in {file}. It holds personal data: keep it as such.")


@app.command(name="import")
def take_in(
    file: Annotated[Path, typer.Argument(help="The spreadsheet, with decisions.")],
    *,
    steward: Steward,
    of: Of = "person",
    json: Json = False,
) -> None:
    """Take the decisions of a spreadsheet, all or none: what has changed since its export is refused."""
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        answers = read_answers(file)
        _print_decisions(answer(installation, entity_of(installation, of), answers, steward=steward), as_json=json)


def _answer(candidate_id: str, verdict: Verdict, *, of: str, steward: str, note: str, json: bool) -> None:
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        entity = entity_of(installation, of)
        version = candidate_of(installation, entity, candidate_id).version
        said = Answer(place="the answer", candidate_id=candidate_id, version=version, verdict=verdict, note=note)
        _print_decisions(answer(installation, entity, [said], steward=steward), as_json=json)


def _judge(one: str, other: str, verdict: Verdict, *, of: str, steward: str, note: str, json: bool) -> None:
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        said = judgement(installation, entity_of(installation, of), verdict, one, other, steward=steward, note=note)
        _print_decisions(decide(installation, [said]), as_json=json)


def _print_candidate(one: Candidate) -> None:
    score = "" if one.score is None else f"{one.score:.3f}, "
    rows: list[tuple[Any, ...]] = [("key", *one.keys), ("record", *one.record_keys)]
    rows += [(name, *(value or "" for value in pair)) for name, pair in one.fields.items() if any(pair)]
    print_table(f"{one.candidate_id}: {score}{one.reason}", ("", "1", "2"), rows)
    out.print(readable(one.evidence), markup=False, highlight=False)


def _print_decisions(shown: list[Decision], *, as_json: bool) -> None:
    if as_json:
        times = ("decided_at", "withdrawn_at")
        documents = [asdict(one) for one in shown]
        print_json([{**one, **{name: one[name] and one[name].isoformat() for name in times}} for one in documents])
        return
    columns = ("decision", "verdict", "record", "record", "decided at", "steward", "note", "withdrawn at")
    rows = [
        (
            one.decision_id,
            one.verdict.value,
            one.record_key_1,
            one.record_key_2,
            one.decided_at.isoformat(timespec="seconds"),
            one.steward,
            one.note,
            one.withdrawn_at.isoformat(timespec="seconds") if one.withdrawn_at else "",
        )
        for one in shown
    ]
    print_table("Decisions about who is who", columns, rows)
    out.print("They hold from the next run on." if rows else "None: all goes by the evidence.")
