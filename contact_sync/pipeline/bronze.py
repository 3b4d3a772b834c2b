"""The step that fills bronze. Does not belong here: many extractions side by side (many.py), and the other steps."""

from __future__ import annotations

from contextlib import closing

from contact_sync.extraction.batch import Progress
from contact_sync.extraction.report import ExtractionReport
from contact_sync.extraction.select import Days
from contact_sync.pipeline.installation import Installation


def extract(
    installation: Installation,
    name: str,
    instance: str,
    *,
    days: Days | None = None,
    progress: Progress | None = None,
) -> ExtractionReport:
    """Extract one object from one instance into bronze."""
    item = installation.object(name)
    with closing(installation.open_source(item, instance)) as source:
        return installation.extractor().run(item, instance, source, days=days, progress=progress)
