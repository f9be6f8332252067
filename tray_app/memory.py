"""What the app remembers between runs: settings, the last known lists, decisions that wait to be sent."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from tinydb import TinyDB
from tinydb.storages import Storage

from tray_app.state import Message, message_from_json, message_to_json

# ---- A TinyDB storage that a kill or a power cut cannot break


Tables = dict[str, dict[str, Any]]


class AtomicStorage(Storage):
    """One process, one thread. `recovered` tells what opening found: "", "backup" or "lost"."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.backup = self.path.with_name(self.path.name + ".bak")
        self.recovered = ""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for stray in self.path.parent.glob(self.path.name + ".tmp*"):
            stray.unlink(missing_ok=True)
        self._tables: Tables | None = self._open()

    def read(self) -> Tables | None:
        """The tables, or None for a new file."""
        return self._tables

    def write(self, data: Tables) -> None:
        """Replace the file. On an error (disk full) the file is as before and the error is raised."""
        try:
            self._replace(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
        except BaseException:
            self._tables = self._open()  # `data` may be the tree TinyDB has already changed
            raise
        self._tables = data

    def close(self) -> None:
        """Nothing is held open."""

    def _open(self) -> Tables | None:
        tables = _load(self.path)
        if tables is not None or not (self.path.exists() or self.backup.exists()):
            return tables
        if self.path.exists():
            # Kept for a person to look at: it may hold decisions that were not sent.
            os.replace(self.path, self.path.with_name(self.path.name + ".damaged"))
        tables = _load(self.backup)
        self.recovered = "lost" if tables is None else "backup"
        return tables

    def _replace(self, content: bytes) -> None:
        temporary = self.path.with_name(f"{self.path.name}.tmp{os.getpid()}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._keep_backup()
            put_in_place(temporary, self.path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(self.path.parent)

    def _keep_backup(self) -> None:
        if not self.path.exists():
            return
        spare = self.path.with_name(f"{self.path.name}.tmp{os.getpid()}b")
        spare.unlink(missing_ok=True)
        try:
            os.link(self.path, spare)
        except OSError:  # a file system without hard links
            shutil.copyfile(self.path, spare)
            with contextlib.suppress(OSError):
                spare.chmod(0o600)
        put_in_place(spare, self.backup)


def put_in_place(
    source: Path, target: Path, pause: Callable[[float], None] = time.sleep, tries: int = 25
) -> None:
    """Replace `target`. On Windows a file that another program reads (virus scan, search) cannot be: try for 1 s."""
    for left in reversed(range(tries)):
        try:
            os.replace(source, target)
        except PermissionError:
            if os.name != "nt" or not left:
                raise
            pause(0.04)
        else:
            return


def _load(path: Path) -> Tables | None:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    whole = isinstance(data, dict) and all(isinstance(table, dict) for table in data.values())
    return data if whole else None


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable. Windows cannot open folders and does not need it."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- What the app remembers between runs


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
    """One decision (or its undoing, `undo`) to be sent. `tried`: the server may have it already. `expected`: how
    many messages it was foreseen to let in; the server lets in no forged ones."""

    key: str
    gmail_id: str
    decision: str
    text: str
    undo: bool = False
    tried: bool = False
    expected: int = 0


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

    def remove(self, item: Waiting) -> None:
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
