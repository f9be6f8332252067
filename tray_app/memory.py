"""What the app remembers between runs: settings, the last known lists, decisions that wait to be sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from tinydb import TinyDB

from tray_app.state import Message
from tray_app.storage import AtomicStorage
from tray_app.wire import message_from_json, message_to_json

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """The owner's choices on this computer, and where the event stream stood."""

    server: str = ""
    notices: bool = True
    update_check: bool = False
    email: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One decision (or its undoing, `undo`) to be sent. `tried`: the server may have it already. `reach`: how
    many messages it was foreseen to let in; the server lets in no forged ones."""

    key: str
    gmail_id: str
    decision: str
    text: str
    undo: bool = False
    tried: bool = False
    reach: int = 0


class Memory:
    """The state file. Asyncio thread only; every change is on the disk when its method returns."""

    def __init__(self, path: Path) -> None:
        self._db = TinyDB(path, storage=AtomicStorage)
        self.recovered: str = self._db.storage.recovered  # type: ignore[attr-defined]
        self._settings = self._db.table("settings")
        self._known = self._db.table("last_known")
        self._outbox = self._db.table("outbox")
        self.kept = self._read_kept()

    def change(self, **changes: Any) -> Kept:
        """Change settings. Writing what is already there costs nothing."""
        kept = Kept(**(asdict(self.kept) | changes))
        if kept != self.kept:
            self._settings.truncate()
            self._settings.insert({"format": FORMAT} | asdict(kept))
            self.kept = kept
        return kept

    def last_known(self) -> tuple[tuple[Message, ...], tuple[Message, ...], datetime | None]:
        """(held, passed, when) as last heard from the server; when is None if nothing is known."""
        for row in self._known.all():
            held = tuple(message_from_json(message) for message in row["held"])
            passed = tuple(message_from_json(message) for message in row["passed"])
            return held, passed, datetime.fromisoformat(row["at"])
        return (), (), None

    def know(self, held: tuple[Message, ...], passed: tuple[Message, ...], at: datetime) -> None:
        """Keep the lists."""
        row = {
            "held": [message_to_json(message) for message in held],
            "passed": [message_to_json(message) for message in passed],
            "at": at.isoformat(),
        }
        known = self._known.all()
        if known:
            self._known.update(row, doc_ids=[known[0].doc_id])
        else:
            self._known.insert(row)

    def waiting(self) -> tuple[Waiting, ...]:
        """Decisions not yet confirmed by the server, in the order they were taken."""
        names = {f.name for f in fields(Waiting)}
        rows = sorted(self._outbox.all(), key=lambda row: row.doc_id)
        return tuple(Waiting(**{k: v for k, v in row.items() if k in names}) for row in rows)

    def add(self, item: Waiting) -> None:
        """One more to be sent, after all others."""
        self._outbox.insert(asdict(item))

    def mark_tried(self, item: Waiting) -> None:
        """It is about to be sent: from now on it cannot simply be dropped."""
        self._outbox.update({"tried": True}, doc_ids=self._ids(item))

    def settled(self, item: Waiting) -> None:
        """The server has it, or will never take it."""
        ids = self._ids(item)
        if ids:
            self._outbox.remove(doc_ids=ids)

    def forget(self) -> None:
        """This computer was disconnected: drop lists and waiting decisions, keep the settings."""
        self._db.drop_table("last_known")
        self._db.drop_table("outbox")
        self.change(email="", event="")

    def _ids(self, item: Waiting) -> list[int]:
        return [r.doc_id for r in self._outbox.all() if r["key"] == item.key and r["undo"] == item.undo]

    def _read_kept(self) -> Kept:
        names = {f.name for f in fields(Kept)}
        for row in self._settings.all():
            return Kept(**{name: value for name, value in row.items() if name in names})
        return Kept()
