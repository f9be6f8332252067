"""Who has left, in a file beside the database, so that a backup of before does not bring them back.

A line is the hash of a mailbox's own id and the day: no address, and nothing from which one could be found. It is on
disk before the rows go, whatever becomes of the database afterwards: put back from a backup, damaged or lost.
"""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

from backend.domain.errors import StoreAway

NAME = "pitchgate.departed"


class Departures:
    """Those noted in `folder`. None is noted without one."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / NAME
        self._known: frozenset[str] | None = None

    def has(self, mailbox_id: str) -> bool:
        """Whether this mailbox was deleted once. Its owner may have come back since, with another id."""
        if self._known is None:
            there = self._path if self._path is not None and self._path.exists() else None
            lines = [] if there is None else there.read_text("ascii", "replace").splitlines()
            self._known = frozenset(line.partition(" ")[0] for line in lines)
        return _hash(mailbox_id) in self._known

    def note(self, mailbox_id: str) -> None:
        """Keep it, before the rows are deleted. Raises `StoreAway` if that cannot be written."""
        if self._path is None or self.has(mailbox_id):
            return
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, f"{_hash(mailbox_id)} {datetime.now(UTC):%Y-%m-%d}\n".encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreAway("later.store.unwritable", reason=type(error).__name__) from error
        self._known = None


def _hash(mailbox_id: str) -> str:
    return hashlib.sha256(mailbox_id.encode()).hexdigest()
