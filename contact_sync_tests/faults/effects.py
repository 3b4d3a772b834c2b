"""Makes one effect of a run fail, chosen by its number, so that a test can try every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest


class Killed(BaseException):
    """The process died here: no handler may notice."""


@dataclass
class Effects:
    """Counts the effects of a run; the one numbered `fatal` raises `error`, before or after it has happened."""

    error: Callable[[], BaseException] = Killed
    fatal: int = 0
    is_after: bool = False
    names: list[str] = field(default_factory=list)

    def watch(self, owner: Any, name: str, patch: pytest.MonkeyPatch) -> None:
        """Count calls of a function or method as effects."""
        original = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            with self.effect(name):
                return original(*arguments, **options)

        patch.setattr(owner, name, watched)

    @contextmanager
    def effect(self, name: str) -> Iterator[None]:
        """One effect."""
        self.names.append(name)
        is_fatal = len(self.names) == self.fatal
        if is_fatal and not self.is_after:
            raise self.error()
        yield
        if is_fatal:
            raise self.error()
