"""Everything after bronze, step by step, as a refresh makes it: `python one_refresh.py`; one JSON line for each step.

Start-up is loading dbt and its parsed project, which a running installation does once.
"""

from __future__ import annotations

from spent import forget_peak, told

from contact_sync.pipeline import activation, steps
from contact_sync.pipeline.installation import Installation


def main() -> None:
    """Silver, identities, gold, plan."""
    import dbt.cli.main  # noqa: F401, PLC0415 -- start-up
    from dbt.adapters.duckdb import Plugin  # noqa: F401, PLC0415 -- start-up

    installation = Installation.from_environment()
    installation.dbt.manifest()
    for step in (steps.build_silver, steps.score_pairs, steps.resolve_identities, steps.build_gold, activation.plan):
        forget_peak()
        with told():
            step(installation)


if __name__ == "__main__":
    main()
