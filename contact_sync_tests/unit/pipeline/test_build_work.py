"""What a build of silver has to do, decided from names alone."""

from __future__ import annotations

from contact_sync.pipeline.build_work import ancestors, due_of

PARENTS = {
    "seed": set[str](),
    "user": set[str](),
    "account": {"user"},
    "contact": {"account", "seed"},
    "record": {"contact"},
}
ORDER = ["seed", "user", "account", "contact", "record"]


def test_a_quiet_model_is_due_when_something_it_reads_is() -> None:
    """Directly or through others, whatever its own tables say; nothing else is."""
    quiet = {"seed", "user", "account", "contact"}

    assert ["record"] == due_of(ORDER, quiet, PARENTS)
    assert ["account", "contact", "record"] == due_of(ORDER, quiet - {"account"}, PARENTS)
    assert ["contact"] == due_of(["seed", "contact"], {"seed"}, PARENTS)


def test_ancestors_are_all_that_is_read() -> None:
    """A name of which nothing is known has none."""
    assert {"contact", "account", "user", "seed"} == ancestors(["record", "+other"], PARENTS)
