"""One silver invocation as the pipeline makes it, restricted to one model: `python our_models.py MODEL`.

The grain of the model is tested too, as in every refresh. Start-up is loading dbt and its parsed project, which a
running installation does once, and normalising new values.
"""

from __future__ import annotations

import sys

from spent import told

from contact_sync.pipeline import steps
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.silver_work import silver_work


def main(model: str) -> None:
    """Build."""
    import dbt.cli.main  # noqa: F401, PLC0415 -- start-up
    from dbt.adapters.duckdb import Plugin  # noqa: F401, PLC0415 -- start-up

    installation = Installation.from_environment()
    installation.dbt.manifest()
    # What libraries make of values that are new is no part of the model; asking which are new is.
    with installation.warehouse.session("benchmark") as session:
        silver_work(session, installation, [f"+{model}"])
    with told():
        steps.build_silver(installation, selection=[f"+{model}"])


if __name__ == "__main__":
    main(sys.argv[1])
