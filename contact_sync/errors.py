"""Every error a user can meet, as one tree; nothing else is raised on purpose.

Each error says what happened, to which object, file or setting, and what to do next (`remedy`). Values of records
never belong in a message: messages end in logs and run pages.

    ContactSyncError
    ├── SettingsError                 a setting is missing or wrong
    ├── CatalogError                  a catalog file cannot be used
    ├── SourceError                   a source system did not do what was asked
    │   ├── SourceUnreachableError    no connection, or no answer in time
    │   ├── AuthenticationError       credentials refused
    │   ├── UnknownObjectError        the system has no such object or field
    │   ├── RequestRefusedError       the system understood and said no
    │   ├── QuotaExhaustedError       so much of the request limit is used that reading stops, incomplete
    │   ├── VanishedRecordsError      suspiciously many records are gone at once
    │   └── CountMismatchError        fewer or more rows than the source declared
    ├── FileRefusedError              a dropped file does not match its contract
    ├── StorageError                  disk or object storage refused a write
    ├── LakeError                     the lake holds something unexpected
    │   └── StaleCommitError          a successor has already published
    ├── WarehouseError                the warehouse is locked or a statement failed
    ├── TransformError                dbt models or tests failed
    ├── IdentityError                 records cannot be matched, or a steward's decision about them cannot be taken
    ├── ActivationError               writing back was refused or went wrong
    │   ├── UnsafePlanError           the plan exceeds a safety limit
    │   └── StalePlanError            the plan is no longer the current one
    ├── ConsentError                  a steward's decision about consent cannot be taken
    ├── DecisionError                 a steward's decision about who is who cannot be taken
    ├── StoppedError                  the user ended it before it was done
    └── DefectError                   one piece of work met a defect of contact_sync itself
"""

from __future__ import annotations


class ContactSyncError(Exception):
    """What happened (`message`) and what to do next (`remedy`)."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class SettingsError(ContactSyncError):
    """A setting is missing or wrong."""


class CatalogError(ContactSyncError):
    """A catalog file cannot be used; the message names file and line."""


class SourceError(ContactSyncError):
    """A source system did not do what was asked."""


class SourceUnreachableError(SourceError):
    """No connection to the source, or no answer within the time-outs."""


class AuthenticationError(SourceError):
    """The source refused the credentials."""


class UnknownObjectError(SourceError):
    """The source has no such object, table or field, or hides it from this user; `code` is its own error code."""

    def __init__(self, message: str, *, code: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


class RequestRefusedError(SourceError):
    """The source understood the request and refused it; `code` is its own error code."""

    def __init__(self, message: str, *, code: str = "", remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


class QuotaExhaustedError(SourceError):
    """The source's request limit is used up, or as much of it as may be used: what was read is incomplete."""


class VanishedRecordsError(SourceError):
    """More records are gone at once than is likely; they were not marked as deleted."""


JOB_GONE = "JOB_GONE"
"""The code of a RequestRefusedError about a job or cursor that the source does not keep any more: begin anew."""

NOT_WORTH_ASKING = (SourceUnreachableError, AuthenticationError, QuotaExhaustedError)
"""Errors of a whole instance: whoever meets one need not ask it about other objects in the same run."""


class CountMismatchError(SourceError):
    """The rows that arrived are not as many as the source declared."""


class FileRefusedError(ContactSyncError):
    """A dropped file does not match its contract; the message names the file."""


class StorageError(ContactSyncError):
    """Disk or object storage refused a write, for example because it is full."""


class LakeError(ContactSyncError):
    """The lake holds something unexpected."""


class StaleCommitError(LakeError):
    """Another run has published in the meantime; this run's rows were not published."""


class WarehouseError(ContactSyncError):
    """The warehouse is locked by another process, or a statement failed."""


class TransformError(ContactSyncError):
    """One or more dbt models or tests failed; the message names them."""


class IdentityError(ContactSyncError):
    """Records cannot be matched, or a steward's decision about them cannot be taken."""


class ActivationError(ContactSyncError):
    """Writing back to a target was refused or went wrong."""


class UnsafePlanError(ActivationError):
    """The plan exceeds a safety limit of golden.yaml; nothing was written."""


class StalePlanError(ActivationError):
    """The plan is not the current one any more; nothing was written."""


class ConsentError(ContactSyncError):
    """A steward's decision about consent cannot be taken; the message says why."""


class DecisionError(ContactSyncError):
    """A steward's decision about who is who cannot be taken; the message says why."""


class StoppedError(ContactSyncError):
    """The user ended it before it was done; what was read so far is not lost."""


class DefectError(ContactSyncError):
    """One piece of work met a defect of contact_sync; the log says where, never which values."""
