"""Which model judges the people in a file. Apart from matching, so that the command line loads no engine for it."""

from __future__ import annotations

from enum import StrEnum


class ModelKind(StrEnum):
    """Which model judges: the committed one, one fitted on the file, or whichever knows the file's columns."""

    AUTO = "auto"
    COMMITTED = "committed"
    FITTED = "fitted"
