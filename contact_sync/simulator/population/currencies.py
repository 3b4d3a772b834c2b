"""Which currency the money of each record is in, for an org that has several; the amounts stay as they are.

What currencies an org has is no business of the population.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from contact_sync.simulator.population.pools import Columns

_FIELD = "CurrencyIsoCode"


def with_currencies(objects: Mapping[str, Columns], codes: Sequence[str], *, seed: int) -> dict[str, Columns]:
    """The objects of an org whose accounts are spread over these currencies; an opportunity has that of its account."""
    random = np.random.default_rng([seed, 5])
    accounts = objects["Account"]
    of_account = np.array(codes, dtype=object)[random.integers(len(codes), size=len(accounts["Id"]))]
    code_of = dict(zip(accounts["Id"], of_account, strict=True))
    of_opportunity = [code_of[account] for account in objects["Opportunity"]["AccountId"]]
    return {
        **objects,
        "Account": {**accounts, _FIELD: of_account},
        "Opportunity": {**objects["Opportunity"], _FIELD: np.array(of_opportunity, dtype=object)},
    }
