"""The whole world at one instant: who is in which system, in numbers that follow from the number of contacts."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from contact_sync.simulator.population.crm import OrgMaker, OrgRecords, OrgSize
from contact_sync.simulator.population.erp import ErpRecords, make_erp
from contact_sync.simulator.population.pools import Text
from contact_sync.simulator.population.society import Numbers, Society, make_society
from contact_sync.simulator.population.trade_show import file_name, make_scans

FILES = 3


@dataclass(frozen=True)
class Population:
    """Everything the systems hold at `as_of`, and the truth behind it by record key."""

    as_of: datetime
    society: Society
    orgs: dict[str, OrgRecords]
    erp: ErpRecords
    files: dict[str, dict[str, Text]]
    person_of: Mapping[str, int]
    company_of: Mapping[str, int]


@dataclass(frozen=True)
class _Regions:
    """Numbers of people and companies by where they are known; the first are in the main org."""

    main_people: Numbers
    acquired_people: Numbers
    lead_people: Numbers
    erp_people: Numbers
    show_people: Numbers
    main_companies: Numbers
    acquired_companies: Numbers
    erp_companies: Numbers


def generate(
    *, seed: int, contacts: int, accounts: int, as_of: datetime, instances: tuple[str, ...] = ("core", "emea")
) -> Population:
    """The same arguments always give the same population; the first instance is the main org, others are acquired."""
    random = np.random.default_rng([seed, 1])
    regions = _regions(random, contacts, accounts)
    society = make_society(
        random,
        people=int(regions.show_people[-1]) + 1,
        companies=int(max(regions.acquired_companies.max(), regions.erp_companies.max())) + 1,
    )
    _employ(random, society, regions.acquired_people, regions.acquired_companies)
    _employ(random, society, regions.erp_people, regions.erp_companies)
    orgs: dict[str, OrgRecords] = {}
    for number, name in enumerate(instances):
        own = np.random.default_rng([seed, 2, number])
        maker = OrgMaker(own, society, name, as_of)
        if number == 0:
            orgs[name] = _main_org(own, maker, regions, contacts, accounts)
        else:
            orgs[name] = _acquired_org(own, maker, society, regions, contacts=contacts, accounts=accounts)
    erp = _erp(np.random.default_rng([seed, 3]), society, regions, contacts, as_of)
    files, scanned = _files(np.random.default_rng([seed, 4]), society, regions, contacts, as_of)
    person_of = dict(erp.person_of) | scanned
    company_of = dict(erp.company_of)
    for org in orgs.values():
        person_of |= org.person_of
        company_of |= org.company_of
    return Population(as_of, society, orgs, erp, files, person_of, company_of)


def _regions(random: np.random.Generator, contacts: int, accounts: int) -> _Regions:
    people = _consecutive(0.85 * contacts, 0.06 * contacts, 0.1 * contacts, 0.022 * contacts, 0.012 * contacts)
    companies = _consecutive(0.92 * accounts, 0.05 * accounts, 0.075 * accounts)
    main, acquired, billed = companies
    shared = random.permutation(main)
    main_people, acquired_people, lead_people, erp_people, show_people = people
    return _Regions(
        main_people=main_people,
        acquired_people=acquired_people,
        lead_people=lead_people,
        erp_people=erp_people,
        show_people=show_people,
        main_companies=main,
        acquired_companies=np.concatenate([acquired, shared[: _at_least_one(0.065 * accounts)]]),
        erp_companies=np.concatenate([billed, shared[-_at_least_one(0.675 * accounts) :]]),
    )


def _main_org(
    random: np.random.Generator, maker: OrgMaker, regions: _Regions, contacts: int, accounts: int
) -> OrgRecords:
    size = OrgSize(contacts, accounts, *(_at_least_one(share * contacts) for share in (0.15, 0.2, 0.25, 0.2, 0.1)))
    known = random.permutation(regions.main_people)[: _at_least_one(0.04 * contacts)]
    return maker.make(
        size,
        people=regions.main_people,
        companies=regions.main_companies,
        lead_people=np.concatenate([regions.lead_people, known]),
    )


def _acquired_org(
    random: np.random.Generator, maker: OrgMaker, society: Society, regions: _Regions, *, contacts: int, accounts: int
) -> OrgRecords:
    few = _at_least_one(0.015 * contacts)
    size = OrgSize(_at_least_one(0.1 * contacts), _at_least_one(0.125 * accounts), few, few, few, few, few)
    known = random.permutation(regions.main_people)
    colleagues = known[np.isin(society.people.company[known], regions.acquired_companies)]
    return maker.make(
        size,
        people=np.concatenate([regions.acquired_people, colleagues[: _at_least_one(0.035 * contacts)]]),
        companies=regions.acquired_companies,
        lead_people=np.concatenate(
            [regions.lead_people[: _at_least_one(0.01 * contacts)], regions.acquired_people[:5]]
        ),
    )


def _erp(
    random: np.random.Generator, society: Society, regions: _Regions, contacts: int, as_of: datetime
) -> ErpRecords:
    known = random.permutation(np.concatenate([regions.main_people, regions.acquired_people]))
    buyers = known[np.isin(society.people.company[known], regions.erp_companies)]
    return make_erp(
        random,
        society,
        companies=random.permutation(regions.erp_companies),
        people=np.concatenate([regions.erp_people, buyers[: _at_least_one(0.25 * contacts)]]),
        contacts=_at_least_one(0.3 * contacts),
        orders=_at_least_one(0.5 * contacts),
        as_of=as_of,
    )


def _files(
    random: np.random.Generator, society: Society, regions: _Regions, contacts: int, as_of: datetime
) -> tuple[dict[str, dict[str, Text]], dict[str, int]]:
    files: dict[str, dict[str, Text]] = {}
    truth: dict[str, int] = {}
    rows = _at_least_one(0.0075 * contacts)
    for number in range(FILES):
        day = as_of - timedelta(days=30 * (FILES - number))
        known = regions.main_people[random.integers(len(regions.main_people), size=(rows + 1) // 2)]
        strangers = regions.show_people[number::FILES][: rows // 2]
        people = random.permutation(np.concatenate([known, strangers]))
        scans = make_scans(random, society, people, number=number, day=day)
        files[file_name(number, day)] = scans
        truth |= {
            f"drops__trade_show/main/{badge}": who
            for badge, who in zip(scans["badge_id"], people.tolist(), strict=True)
        }
    return files, truth


def _employ(random: np.random.Generator, society: Society, people: Numbers, companies: Numbers) -> None:
    """Let these people work for these companies."""
    society.people.company[people] = companies[random.integers(len(companies), size=len(people))]


def _consecutive(*sizes: float) -> list[Numbers]:
    ends = np.cumsum([0, *(_at_least_one(size) for size in sizes)])
    return [np.arange(start, end, dtype=np.int64) for start, end in itertools.pairwise(ends)]


def _at_least_one(size: float) -> int:
    return max(1, round(size))
