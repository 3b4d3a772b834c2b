"""Which adapter serves which address: one line per engine. Does not belong here: any engine.

An adapter is imported when its warehouse is opened: each driver costs a good part of a second.
"""

from __future__ import annotations

from contact_sync.settings import Settings
from contact_sync.warehouse.address import PostgresAddress, SnowflakeAddress, warehouse_address
from contact_sync.warehouse.base import Warehouse
from contact_sync.warehouse.environment import OwnWarehouse


def open_warehouse(settings: Settings) -> Warehouse:
    """The warehouse that the settings describe, for their environment alone; nothing is connected yet."""
    return OwnWarehouse(_adapter(settings), settings.environment.value)


def _adapter(settings: Settings) -> Warehouse:
    address = warehouse_address(settings)
    if isinstance(address, PostgresAddress):
        from contact_sync.warehouse.postgres import PostgresWarehouse  # noqa: PLC0415 -- heavy, see above

        return PostgresWarehouse(address)
    if isinstance(address, SnowflakeAddress):
        from contact_sync.warehouse.snowflake import SnowflakeWarehouse  # noqa: PLC0415 -- heavy, see above

        return SnowflakeWarehouse(address)
    from contact_sync.warehouse.duckdb import DuckDBWarehouse  # noqa: PLC0415 -- heavy, see above

    return DuckDBWarehouse(address.path, memory_mb=address.memory_mb)
