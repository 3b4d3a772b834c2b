"""The schema of one org, which changes while it runs: fields come and go, and so do the integration user's rights.

Does not belong here: what the standard objects are (objects.py, more_objects.py), and their tables (store.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.salesforce.schema import FieldSchema, ObjectSchema


class OrgSchema:
    """Objects by name, in any case. Every change makes a new ObjectSchema, so that who holds one is not disturbed."""

    def __init__(self, objects: Iterable[ObjectSchema], clock: Callable[[], datetime]) -> None:
        self._objects = {one.name.lower(): one for one in objects}
        self._hidden: set[tuple[str, str]] = set()
        self._read_only: set[tuple[str, str]] = set()
        self._forbidden: dict[str, frozenset[str]] = {}
        self._clock = clock
        self._modified = dict.fromkeys(self._objects, clock())
        self._lock = threading.Lock()

    @property
    def objects(self) -> tuple[ObjectSchema, ...]:
        """All objects, whole."""
        return tuple(self._objects.values())

    @property
    def visible_objects(self) -> tuple[ObjectSchema, ...]:
        """All objects as the integration user knows them."""
        found = (self.visible(one.name) for one in self.objects)
        return tuple(one for one in found if one is not None)

    def find(self, name: str) -> ObjectSchema | None:
        """The whole object of this API name, or None."""
        return self._objects.get(name.lower())

    def known(self, name: str) -> ObjectSchema:
        """The whole object of a name that exists."""
        found = self.find(name)
        if found is None:
            raise KeyError(name)
        return found

    def visible(self, name: str) -> ObjectSchema | None:
        """The object as the integration user knows it: without what it may not see, and with what it may only read."""
        whole = self.find(name)
        if whole is None or whole.name not in self._restricted():
            return whole
        if "read" in self._forbidden.get(whole.name, ()):
            return None
        fields = (
            replace(one, read_only=True) if (whole.name, one.name) in self._read_only else one
            for one in whole.fields
            if (whole.name, one.name) not in self._hidden
        )
        return replace(whole, fields=tuple(fields), forbidden=self._forbidden.get(whole.name, frozenset()))

    def _restricted(self) -> set[str]:
        """The objects of which the integration user may not do everything."""
        return {*self._forbidden, *(name for name, _ in self._hidden), *(name for name, _ in self._read_only)}

    def modified_at(self, name: str) -> datetime:
        """When the description of an object last changed, by the org's clock."""
        return self._modified[name.lower()]

    def put_field(self, object_name: str, field: FieldSchema) -> None:
        """Add a field, or give it another definition."""
        whole = self.known(object_name)
        others = [one for one in whole.fields if one.name != field.name]
        self._change(replace(whole, fields=(*others, field)))

    def remove_field(self, object_name: str, name: str) -> None:
        """Take a field away for good."""
        whole = self.known(object_name)
        if whole.find(name) is None:
            raise SimulatorError(f"{whole.name} has no field {name}.")
        self._change(replace(whole, fields=tuple(one for one in whole.fields if one.name != name)))

    def hide_field(self, object_name: str, name: str, *, is_hidden: bool = True) -> None:
        """Take the integration user's right to see a field, or give it back."""
        whole = self.known(object_name)
        with self._lock:
            (self._hidden.add if is_hidden else self._hidden.discard)((whole.name, name))
            self._modified[whole.name.lower()] = self._clock()

    def lock_field(self, object_name: str, name: str, *, is_locked: bool = True) -> None:
        """Take the integration user's right to edit a field that it may read, or give it back."""
        whole = self.known(object_name)
        with self._lock:
            (self._read_only.add if is_locked else self._read_only.discard)((whole.name, name))
            self._modified[whole.name.lower()] = self._clock()

    def forbid(self, object_name: str, *operations: str) -> None:
        """Take the integration user's right to `read`, `create`, `update` or `delete` records; others it has.

        An object that it may not read does not exist for it.
        """
        whole = self.known(object_name)
        if unknown := set(operations) - {"read", "create", "update", "delete"}:
            raise SimulatorError(f"No operation can be forbidden that is called {', '.join(sorted(unknown))}.")
        with self._lock:
            self._forbidden[whole.name] = frozenset(operations)
            self._modified[whole.name.lower()] = self._clock()

    def _change(self, changed: ObjectSchema) -> None:
        with self._lock:
            self._objects[changed.name.lower()] = changed
            self._modified[changed.name.lower()] = self._clock()
