"""What happens in the ERP without us: contacts and customers are corrected, orders come in.

Every change stamps `updated_at` by the clock of the simulator, as a trigger of the ERP would.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import LiteralString

import numpy as np
import psycopg

from contact_sync.simulator.erp import Erp
from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.population import pools
from contact_sync.simulator.population.society import slug

Touched = tuple[str, ...]
_Connection = psycopg.Connection[tuple[object, ...]]


class ErpLife:
    """Events of the ERP; every method is one event and returns the keys of the rows it wrote."""

    def __init__(self, random: np.random.Generator, erp: Erp, clock: Callable[[], datetime]) -> None:
        self._random = random
        self._erp = erp
        self._clock = clock

    def change_contact(self) -> Touched:
        """Someone corrects a contact."""
        with self._erp.connect() as connection:
            number, last_name = self._any(
                connection,
                "select count(*) from erp.contact",
                "select contact_number, last_name from erp.contact order by contact_number offset %s limit 1",
            )
            statements: tuple[tuple[LiteralString, object], ...] = (
                ("update erp.contact set phone = %s, updated_at = %s where contact_number = %s", self._phone()),
                ("update erp.contact set mobile_phone = %s, updated_at = %s where contact_number = %s", self._phone()),
                ("update erp.contact set job_title = %s, updated_at = %s where contact_number = %s", self._title()),
                (
                    "update erp.contact set email = %s, updated_at = %s where contact_number = %s",
                    f"{slug(str(last_name))}{self._number(10, 9_999)}@example.net",
                ),
            )
            statement, value = statements[self._number(0, len(statements))]
            connection.execute(statement, (value, self._clock(), number))
        return (f"erp__contact/main/{number}",)

    def change_customer(self) -> Touched:
        """Credit control sets another limit, or sales other terms."""
        with self._erp.connect() as connection:
            (number,) = self._customer(connection)
            statements: tuple[tuple[LiteralString, object], ...] = (
                (
                    "update erp.customer set credit_limit = %s, updated_at = %s where customer_number = %s",
                    self._number(0, 10**5),
                ),
                ("update erp.customer set payment_terms = %s, updated_at = %s where customer_number = %s", "NET14"),
                ("update erp.customer set phone = %s, updated_at = %s where customer_number = %s", self._phone()),
            )
            statement, value = statements[self._number(0, len(statements))]
            connection.execute(statement, (value, self._clock(), number))
        return (f"erp__customer/main/{number}",)

    def place_order(self) -> Touched:
        """A customer orders."""
        with self._erp.connect() as connection:
            (customer,) = self._customer(connection)
            count = connection.execute('select count(*) from erp."order"').fetchone()
            number, now = f"SO-{int(str((count or (0,))[0])) + 1:07d}", self._clock()
            connection.execute(
                """
                insert into erp."order"
                    (order_number, customer_number, ordered_at, amount, currency, status, created_at, updated_at)
                values (%s, %s, %s, %s, 'EUR', 'open', %s, %s)
                """,
                (number, customer, now, self._number(100, 10**6) / 100, now, now),
            )
        return (f"erp__order/main/{number}",)

    def _customer(self, connection: _Connection) -> tuple[object, ...]:
        return self._any(
            connection,
            "select count(*) from erp.customer",
            "select customer_number from erp.customer order by customer_number offset %s limit 1",
        )

    def _any(self, connection: _Connection, count: LiteralString, pick: LiteralString) -> tuple[object, ...]:
        counted = connection.execute(count).fetchone()
        rows = int(str(counted[0])) if counted else 0
        row = connection.execute(pick, (self._number(0, max(rows, 1)),)).fetchone()
        if row is None:
            raise SimulatorError("The ERP has no rows left; start a world with more contacts.")
        return row

    def _phone(self) -> str:
        return f"+1 {self._number(200, 989)} 555 01{self._number(0, 100):02d}"

    def _title(self) -> str:
        return pools.TITLES[self._number(0, len(pools.TITLES))]

    def _number(self, low: int, high: int) -> int:
        return int(self._random.integers(low, high))
