"""The state file: settings, the last known lists, and unsent decisions."""

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

# ---- A TinyDB storage that survives a kill or a power cut


Tables = dict[str, dict[str, Any]]


class AtomicStorage(Storage):
    """A JSON file with a backup. One process, one thread.

    `recovered` after opening: "" (the file was sound), "backup" (read from the backup) or "lost".
    """

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
        """Replace the file. On an error, such as a full disk, it stays as it was and the error is raised."""
        try:
            self._replace(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
        except BaseException:
            self._tables = self._open()  # reread: TinyDB may have changed our own dict in place
            raise
        self._tables = data

    def close(self) -> None:
        """Nothing to do: no file is kept open."""

    def _open(self) -> Tables | None:
        tables = _load(self.path)
        if tables is not None or not (self.path.exists() or self.backup.exists()):
            return tables
        if self.path.exists():
            # Keep the damaged file: it may contain unsent decisions.
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
    """Replace `target` by `source`. Windows refuses while another program (virus scan) reads it: retry for 1 s."""
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
    valid = isinstance(data, dict) and all(isinstance(table, dict) for table in data.values())
    return data if valid else None


def _sync_folder(folder: Path) -> None:
    """Make the rename durable. Windows cannot open folders and does not need it."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- Settings, lists and unsent decisions


FORMAT = 1


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """The owner's settings on this computer."""

    server: str = ""
    notices: bool = True
    update_check: bool = False
    email: str = ""


@dataclass(frozen=True, slots=True)
class UnsentDecision:
    """One decision, or the undo of one, not yet confirmed by the server. `key` identifies the decision, `text` says it
    in words. `tried`: it was sent once, the server may have it. `expected`: messages it should let in (the server
    lets in fewer if Gmail cannot vouch for the sender of some)."""

    key: str
    gmail_id: str
    decision: str
    text: str
    undo: bool = False
    tried: bool = False
    expected: int = 0


class Memory:
    """The state file. Asyncio thread only; a change is on disk when its method returns."""

    def __init__(self, path: Path) -> None:
        self._db = TinyDB(path, storage=AtomicStorage)
        self.recovered: str = self._db.storage.recovered  # type: ignore[attr-defined]
        self._settings = self._db.table("settings")
        self._known = self._db.table("last_known")
        self._outbox = self._db.table("outbox")
        self.settings = self._read_settings()

    def change(self, **changes: Any) -> LocalSettings:
        """Change settings; writes only if one differs."""
        settings = LocalSettings(**(asdict(self.settings) | changes))
        if settings != self.settings:
            self._settings.truncate()
            self._settings.insert({"format": FORMAT} | asdict(settings))
            self.settings = settings
        return settings

    def last_known(self) -> tuple[tuple[Message, ...], tuple[Message, ...], datetime | None]:
        """(held, passed, time) as last fetched from the server; time is None if they never were."""
        for row in self._known.all():
            held = tuple(message_from_json(message) for message in row["held"])
            passed = tuple(message_from_json(message) for message in row["passed"])
            return held, passed, datetime.fromisoformat(row["at"])
        return (), (), None

    def save_lists(self, held: tuple[Message, ...], passed: tuple[Message, ...], at: datetime) -> None:
        """Store the lists as last fetched `at` this time."""
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

    def unsent(self) -> tuple[UnsentDecision, ...]:
        """Decisions not yet confirmed by the server, oldest first."""
        names = {f.name for f in fields(UnsentDecision)}
        rows = sorted(self._outbox.all(), key=lambda row: row.doc_id)
        return tuple(UnsentDecision(**{k: v for k, v in row.items() if k in names}) for row in rows)

    def add(self, item: UnsentDecision) -> None:
        """Queue a decision behind all others."""
        self._outbox.insert(asdict(item))

    def mark_tried(self, item: UnsentDecision) -> None:
        """Call it before sending: from then on the server may have it, so an undo must be sent too."""
        self._outbox.update({"tried": True}, doc_ids=self._ids(item))

    def remove(self, item: UnsentDecision) -> None:
        """Remove a decision that the server has confirmed or rejected, or that was undone before it was sent."""
        ids = self._ids(item)
        if ids:
            self._outbox.remove(doc_ids=ids)

    def forget(self) -> None:
        """Delete the lists and the unsent decisions, and keep the settings: this computer was disconnected."""
        self._db.drop_table("last_known")
        self._db.drop_table("outbox")
        self.change(email="")

    def _ids(self, item: UnsentDecision) -> list[int]:
        return [r.doc_id for r in self._outbox.all() if r["key"] == item.key and r["undo"] == item.undo]

    def _read_settings(self) -> LocalSettings:
        names = {f.name for f in fields(LocalSettings)}
        for row in self._settings.all():
            return LocalSettings(**{name: value for name, value in row.items() if name in names})
        return LocalSettings()
