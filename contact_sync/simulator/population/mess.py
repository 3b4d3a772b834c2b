"""How values get messy on their way into a system; every function works on whole columns and changes only some rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from contact_sync.simulator.population import pools
from contact_sync.simulator.population.pools import Text
from contact_sync.simulator.population.society import Numbers

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SHORTEST_WITH_TYPO = 3


@dataclass(frozen=True)
class Rates:
    """How often each kind of mess happens to a record; shares between 0 and 1."""

    nickname: float = 0.12
    typo: float = 0.06
    initial_only: float = 0.02
    no_first_name: float = 0.01
    swapped_names: float = 0.015
    upper_case: float = 0.04
    surname_null: float = 0.0005
    suffix_written: float = 0.7
    new_surname_of_women: float = 0.03
    new_job: float = 0.12
    moved: float = 0.10
    other_salutation: float = 0.08
    no_salutation: float = 0.40
    no_title: float = 0.25
    no_company: float = 0.15
    private_email: float = 0.20
    role_mailbox: float = 0.03
    tagged_email: float = 0.02
    placeholder: float = 0.01
    no_email: float = 0.22
    work_phone: float = 0.60
    extension: float = 0.05
    no_phone: float = 0.30
    no_mobile: float = 0.45
    no_street: float = 0.25
    no_postal_code: float = 0.20
    second_line_of_street: float = 0.03
    no_note: float = 0.85


RATES = Rates()


def some(random: np.random.Generator, count: int, rate: float) -> Numbers:
    """The rows that something happens to."""
    return np.nonzero(random.random(count) < rate)[0]


def blank(random: np.random.Generator, column: Text, rate: float) -> None:
    """Lose some values."""
    column[some(random, len(column), rate)] = None


def change(random: np.random.Generator, column: Text, rate: float, how: Callable[[str, int], str]) -> None:
    """Apply `how(value, die)` to some values; the die is a random number the function may use."""
    rows = some(random, len(column), rate)
    dice = random.integers(2**31, size=len(rows))
    for row, die in zip(rows, dice, strict=True):
        if column[row]:
            column[row] = how(column[row], int(die))


def typo(value: str, die: int) -> str:
    """One slip of the finger: a letter swapped, dropped, doubled or replaced."""
    if len(value) < _SHORTEST_WITH_TYPO:
        return value
    at = 1 + die % (len(value) - 2)
    kind = die // 64 % 4
    return (
        value[:at] + value[at + 1] + value[at] + value[at + 2 :],
        value[:at] + value[at + 1 :],
        value[: at + 1] + value[at:],
        value[:at] + _LETTERS[die // 256 % 26] + value[at + 1 :],
    )[kind]


def nickname(value: str, die: int) -> str:  # noqa: ARG001 - the signature `change` calls
    """The short form, where one is known."""
    return pools.NICKNAMES.get(value, value)


def initial(value: str, die: int) -> str:
    """Only the first letter, with or without a full stop."""
    return value[0] + ("." if die % 2 else "")


def upper(value: str, die: int) -> str:  # noqa: ARG001 - the signature `change` calls
    """Shouted."""
    return value.upper()


def tagged(value: str, die: int) -> str:
    """A sub-address: jane+news@example.com."""
    user, _, host = value.partition("@")
    return f"{user}+{('news', 'crm', 'promo')[die % 3]}@{host}"


def extension(value: str, die: int) -> str:
    """A direct line behind a switchboard."""
    return value + (" x", " ext. ", " Ext ", "#")[die % 4] + str(100 + die // 4 % 900)


def written_phone(value: str, die: int) -> str:
    """One of the ways people write a number down; `value` is in international form."""
    if value.startswith("+1"):
        area, exchange, line = value[2:5], value[5:8], value[8:]
        return (
            f"({area}) {exchange}-{line}",
            f"{area}-{exchange}-{line}",
            f"{area}.{exchange}.{line}",
            f"+1 {area} {exchange} {line}",
            f"1{area}{exchange}{line}",
            value,
        )[die % 6]
    dial = value[1:3]
    rest = value[3:]
    return (f"+{dial} {rest}", f"00{dial}{rest}", f"0{rest}", f"+{dial} (0) {rest[:-4]} {rest[-4:]}", value)[die % 5]
