"""Bronze rows that are nasty on purpose: every spelling of numbers, times and names that engines read differently.

Two batches per object; the second edits, deletes, repeats, and brings older versions late.
"""

from __future__ import annotations

import random
import string
from typing import Final

from contact_sync.simulator.salesforce.ids import canonical_id

ACCOUNT = "001000000000001AAA"
OTHER_ACCOUNT = "001000000000002AAA"
USER = "005000000000001AAA"
CORE, MAIN = "core", "main"
Row = dict[str, str | None]

_AMOUNTS: Final = (
    *("1.5E7", "1.005", "-0.005", ".5", "5.", "+3", "1e-3", "1e400", "NaN", "inf", "1,5", "1e", "many", "", "  12.30 "),
    *("12345678901234567.89", "99999999999.99", "-", "--1", "1 2", "\uff10", "1.2.3", "2500.00"),
)
_TIMES: Final = (
    *("2024-07-24T14:05:58.000Z", "2024-07-24T14:05:58.000+0000", "2026-11-20 10:11:12.123456+00", "2026-11-20"),
    *("2026-11-20 10:11", "2026-11-20T10:11:12", "2026-11-20 10:11:12+05:30", "2026-11-20 10:11:12.1234567Z"),
    *("2026-11-20 10:61:00", "now", "today", "2026-02-30T00:00:00Z", "20261120", "24.07.2026", "", "1700000000"),
    *("2026-01-01T00:30:00+01:00", "2026-12-31T23:59:59.999999-01", "1999-12-31 23:59:59"),
)
_DATES: Final = ("2026-07-24", "2026-7-4", "2026-07-24T10:00:00Z", "2026-02-30", "today", "20260724", "24.07.2026", "")
_BOOLEANS: Final = ("true", "TRUE", "t", "f", "1", "0", "yes", "No", "on", "off", "tru", "2", "", " false ")
_INTEGERS: Final = ("1", "+1", "-1", "1.5", "2.5", "-1.5", "1e3", "9223372036854775808", "9223372036854775807", "x", "")
_NAMES: Final = (
    ("  Cafe\u0301\t", "Müller, Jr."),
    ("José", "Weiß"),
    ("ÅSA", "Ø'Łukasz"),
    ("Ἀθηνᾶ", "Ёлкина"),
    ("Bob", "Miller—Smith"),
    ("robert j", "MÜLLER jr"),
    ("Ann", "O'Neill III"),
    ("  ", ""),
    ("漢字", "山田・太郎"),
    ("Zoë\u00a0Ann", "d\u2019Arc / senior"),
    ("Ça„va“", "Nguyễn Văn"),
)
_EMAILS: Final = (
    *("Bob.M+news@Acme.COM", "info@acme.com", "noemail@acme.com", "not an address", "a@b", "a b@c.de", "x@y.z"),
    *("no.reply@acme.com", "Sales.Team+x@acme.com", "ann@home.org", ""),
)
_PHONES: Final = (
    *("(212) 555-0123 x45", "+1 212 555 0123", "555-555-5555", "0044 (0)20 7946 0000", "12", "1-212-555-0123"),
    *("+49 30", "2125550123;7", "0", "tel. 212.555.0199 durchwahl 4", ""),
)
_STREETS: Final = (
    *("12 Main Street", "12 MAIN ST", "Hauptstraße 5", "1 Street Street", "Court Lane 5, Suite 3", ""),
    *("5 Drive-in Road", "Rue de l'Été 3", "Avenue", "Boulevard  of   Broken Drive", "3\nMain Street"),
)
_COMPANIES: Final = (
    *("Acme GmbH & Co. KG", "ACME", "Inc", "Gamma, Inc.", "Ünïted Ltd", "", "Delta S.A.", "Beta LLC", "acme gmbh"),
    *("Łódź sp. z o.o.", "x" * 300, "A\\B Ltd"),
)
_POSTCODES: Final = ("10001-1234", "10001", "sw1a 1aa", "", "D-10115", "10001-12345", "ß1", "1000\u00a01")


def _cycle(values: tuple[str, ...], number: int) -> str:
    return values[number % len(values)]


def owner_id(number: int) -> str:
    """The Id of an owner: of 15 characters or 18, with a wrong end, or with a character that Ids do not have."""
    short = "005" + "".join(random.Random(number).choices(string.ascii_letters + string.digits, k=12))
    whole = canonical_id(short) or ""
    return (short, whole, f"{short}{whole[-3:].lower()}", f"{short[:-1]}@{whole[-3:]}", f" {whole}\n")[number % 5]


def _version(number: int, *, late: bool = False) -> Row:
    day = 1 + number % 28
    return {"_version_at": f"2026-{'01' if late else '02'}-{day:02}T00:00:00+00:00"}


def _contacts(batch: int) -> list[Row]:
    rows: list[Row] = []
    for number in range(40):
        first, last = _NAMES[(number + batch) % len(_NAMES)]
        rows.append(
            {
                "_record_id": f"003{number:012}AAA",
                "AccountId": (ACCOUNT, OTHER_ACCOUNT, "001000000000001", "no id", "001000000000001AAB")[number % 5],
                "FirstName": first,
                "LastName": last,
                "Email": _cycle(_EMAILS, number + batch),
                "Phone": _cycle(_PHONES, number),
                "MobilePhone": _cycle(_PHONES, number + 3),
                "Title": f"{_cycle(_COMPANIES, number)} \x01 \\ \" ' / \t tab",
                "MailingStreet": _cycle(_STREETS, number),
                "MailingPostalCode": _cycle(_POSTCODES, number),
                "HasOptedOutOfEmail": _cycle(_BOOLEANS, number),
                "DoNotCall": _cycle(_BOOLEANS, number + 1),
                "OwnerId": owner_id(number),
                "Contact_Sync_Key__c": f"per_{number:04}" if number % 13 == 1 else None,
                "CreatedDate": _cycle(_TIMES, number),
                "LastModifiedDate": _cycle(_TIMES, number + 1),
                **_version(number, late=batch == 2 and number % 3 == 0),
                "_is_deleted": "true" if batch == 2 and number % 7 == 0 else "false",
            }
        )
    return rows[: 40 if batch == 1 else 25]


def _accounts(batch: int) -> list[Row]:
    return [
        {
            "_record_id": f"00100000000000{number + 1}AAA",
            "Name": _cycle(_COMPANIES, number + batch),
            "AccountNumber": ("K-1", "k 2", "K1", "", None)[number % 5],
            "AnnualRevenue": _cycle(_AMOUNTS, number),
            "NumberOfEmployees": _cycle(_INTEGERS, number + batch),
            "Phone": _cycle(_PHONES, number),
            "Website": ("https://www.Acme.com/about", "acme.com", "http://ACME.com:80", "", "www.x", "a b")[number % 6],
            "BillingStreet": _cycle(_STREETS, number),
            "BillingPostalCode": _cycle(_POSTCODES, number),
            "CreatedDate": _cycle(_TIMES, number + 5),
            **_version(number),
        }
        for number in range(8 if batch == 1 else 4)
    ]


def _leads(batch: int) -> list[Row]:
    rows: list[Row] = []
    for number in range(24 if batch == 1 else 6):
        first, last = _NAMES[(number + 2) % len(_NAMES)]
        rows.append(
            {
                "_record_id": f"00Q{number:012}AAA",
                "FirstName": first,
                "LastName": last,
                "Company": _cycle(_COMPANIES, number + batch),
                "Email": _cycle(_EMAILS, number),
                "Phone": _cycle(_PHONES, number),
                "LeadSource": ("Web", "", "web", None)[number % 4],
                "IsConverted": _cycle(_BOOLEANS, number + batch),
                "ConvertedDate": _cycle(_DATES, number),
                "CreatedDate": _cycle(_TIMES, number),
                **_version(number),
            }
        )
    return rows


def _opportunities(batch: int) -> list[Row]:
    return [
        {
            "_record_id": f"006{number:012}AAA",
            "AccountId": (ACCOUNT, OTHER_ACCOUNT, None)[number % 3],
            "Name": "Deal",
            "OwnerId": USER[:15] if number % 2 else None,
            "StageName": ("Prospecting", " ", "Closed Won")[number % 3],
            "Amount": _cycle(_AMOUNTS, number),
            "CurrencyIsoCode": ("EUR", "USD", "")[number % 3],
            "Probability": ("50", "12.345", "many", "1e1", "0", "")[number % 6],
            "CloseDate": _cycle(_DATES, number),
            "IsClosed": _cycle(_BOOLEANS, number),
            "IsWon": _cycle(_BOOLEANS, number + 2),
            "CreatedDate": _cycle(_TIMES, number),
            **_version(number),
        }
        for number in range(len(_AMOUNTS) if batch == 1 else 5)
    ]


def _cases(batch: int) -> list[Row]:
    return [
        {
            "_record_id": f"500{number:012}AAA",
            "AccountId": (ACCOUNT, None)[number % 2],
            "OwnerId": (USER, "00G000000000001EAC", None)[number % 3],
            "Priority": ("High", "")[number % 2],
            "IsClosed": _cycle(_BOOLEANS, number),
            "CreatedDate": "2026-01-01T00:00:00.000Z",
            "ClosedDate": f"2026-01-0{1 + number % 9}T0{number % 7}:00:0{number % 10}.{number}00Z",
            **_version(number),
        }
        for number in range(20 if batch == 1 else 3)
    ]


def _tasks(batch: int) -> list[Row]:
    return [
        {
            "_record_id": f"00T{number:012}AAA",
            "WhoId": f"{('003', '00Q')[number % 2]}{number:012}AAA",
            "WhatId": (ACCOUNT, "no id", None)[number % 3],
            "AccountId": (ACCOUNT, OTHER_ACCOUNT)[number % 2],
            "ActivityDate": _cycle(_DATES, number + batch),
            "Status": ("Completed", "completed", "-", None)[number % 4],
            "IsClosed": _cycle(_BOOLEANS, number),
            "CallDurationInSeconds": _cycle(_INTEGERS, number),
            "CreatedDate": _cycle(_TIMES, number),
            **_version(number),
        }
        for number in range(14 if batch == 1 else 4)
    ]


def _events(batch: int) -> list[Row]:
    return [
        {
            "_record_id": f"00U{number:012}AAA",
            "WhoId": f"003{number:012}AAA",
            "AccountId": (ACCOUNT, None)[number % 2],
            "ActivityDate": _cycle(_DATES, number),
            "StartDateTime": _cycle(_TIMES, number + batch),
            "EndDateTime": _cycle(_TIMES, number + 2),
            "DurationInMinutes": _cycle(_INTEGERS, number + 3),
            "IsAllDayEvent": _cycle(_BOOLEANS, number),
            **_version(number),
        }
        for number in range(len(_TIMES) if batch == 1 else 3)
    ]


def _users(batch: int) -> list[Row]:
    return [
        {
            "_record_id": USER,
            "Username": f"Ann.{batch}@Core.example ",
            "Name": "Ann Lee",
            "Email": _cycle(_EMAILS, batch),
            "IsActive": _cycle(_BOOLEANS, batch),
            "CreatedDate": _cycle(_TIMES, batch),
            **_version(batch),
        }
    ]


def _customers(batch: int) -> list[Row]:
    return [
        {
            "_record_id": f"K{number}",
            "customer_number": f"K{number}",
            "name": _cycle(_COMPANIES, number + batch),
            "vat_number": ("DE 123", None)[number % 2],
            "phone": _cycle(_PHONES, number),
            "website": "acme.com" if number == 1 else None,
            "street": _cycle(_STREETS, number),
            "city": "Zürich",
            "postal_code": _cycle(_POSTCODES, number),
            "credit_limit": _cycle(_AMOUNTS, number + 16),
            "is_blocked": _cycle(_BOOLEANS, number),
            "created_at": _cycle(_TIMES, number),
            **_version(number),
        }
        for number in range(9 if batch == 1 else 5)
    ]


def _erp_contacts(batch: int) -> list[Row]:
    rows: list[Row] = []
    for number in range(30 if batch == 1 else 10):
        first, last = _NAMES[number % len(_NAMES)]
        rows.append(
            {
                "_record_id": str(number),
                "contact_number": str(number),
                "customer_number": f"K{number % 9}",
                "first_name": first,
                "last_name": last,
                "email": _cycle(_EMAILS, number + batch),
                "phone": _cycle(_PHONES, number + batch),
                "street": _cycle(_STREETS, number),
                "city": "Zu\u0308rich",
                "postal_code": _cycle(_POSTCODES, number),
                "is_active": _cycle(_BOOLEANS, number),
                "created_at": _cycle(_TIMES, number),
                "updated_at": _cycle(_TIMES, number + 2),
                **_version(number + 14),
            }
        )
    return rows


def _orders(batch: int) -> list[Row]:
    return [
        {"_record_id": str(number), "order_number": str(number), "amount": amount, "ordered_at": _cycle(_TIMES, number)}
        for number, amount in enumerate(_AMOUNTS[: 20 if batch == 1 else 4])
    ]


def _scans(batch: int) -> list[Row]:
    return [
        {
            "_record_id": f"{batch}/{number}",
            "badge_id": str(number),
            "scanned_at": _cycle(_TIMES, number),
            "first_name": first,
            "last_name": last,
            "email": _cycle(_EMAILS, number),
            "company": _cycle(_COMPANIES, number),
            "notes": "; drop table x; --",
        }
        for number, (first, last) in enumerate(_NAMES)
    ]


OBJECTS: Final = {
    "salesforce__contact": (CORE, _contacts),
    "salesforce__account": (CORE, _accounts),
    "salesforce__lead": (CORE, _leads),
    "salesforce__opportunity": (CORE, _opportunities),
    "salesforce__case": (CORE, _cases),
    "salesforce__task": (CORE, _tasks),
    "salesforce__event": (CORE, _events),
    "salesforce__user": (CORE, _users),
    "erp__customer": (MAIN, _customers),
    "erp__contact": (MAIN, _erp_contacts),
    "erp__order": (MAIN, _orders),
    "drops__trade_show": (MAIN, _scans),
}
"""object -> its instance, and the rows of its batches 1 and 2."""
