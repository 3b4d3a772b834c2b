"""The operational database: what must survive a crash and is neither record nor result.

Batches, positions, identity ledger, write jobs and refusals; SQLite by default, PostgreSQL in production.
"""
