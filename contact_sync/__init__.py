"""contact_sync: contacts and CRM data in many systems, kept in agreement and provably so.

A Dagster project in layers; an import only ever points downwards (setup.cfg, checked by `make imports`):

    cli > definitions > automation > assets > extraction, identity, sync
        > connectors, lake, warehouse, state > catalog > settings > errors

The simulator stands beside them: the cli starts it, and it knows none of them.
"""
