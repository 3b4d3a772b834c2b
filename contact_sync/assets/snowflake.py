"""The Snowflake account as a Dagster resource, for assets of your own; our steps have a session. Wiring only."""

from __future__ import annotations

from typing import Any

from contact_sync.settings import Settings
from contact_sync.warehouse.address import SnowflakeAddress, warehouse_address


def snowflake_resource(settings: Settings) -> dict[str, Any]:
    """`snowflake` -> dagster-snowflake's resource, where the warehouse is a Snowflake database; otherwise nothing."""
    address = warehouse_address(settings)
    if not isinstance(address, SnowflakeAddress):
        return {}
    from dagster_snowflake import SnowflakeResource  # noqa: PLC0415 -- nobody else pays for its import

    return {
        "snowflake": SnowflakeResource(
            account=address.account,
            user=address.user,
            password=address.password.get_secret_value() or None,
            private_key_path=str(address.private_key_file) if address.private_key_file else None,
            database=address.database,
            warehouse=address.compute or None,
            role=address.role or None,
            additional_snowflake_connection_args={
                "host": address.host,
                "port": address.port,
                "protocol": address.protocol,
            },
        )
    }
