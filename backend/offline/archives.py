"""Raw messages out of mbox files, Google Takeout archives, folders and single files."""

from __future__ import annotations

import mailbox
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.domain.errors import Refused

MOST_UNPACKED = 60 * 1024**3
"""Bytes a zip may unpack to; Takeout archives have up to 50 GB."""

MOST_MESSAGE = 50 * 1024**2
"""Bytes read of one message; Gmail takes in at most 50 MB."""

MBOX_START = b"From "


@dataclass(frozen=True, slots=True)
class Filed:
    """One message of an archive. `file` is its path below the archive (for an mbox with its number)."""

    file: str
    raw: bytes


@contextmanager
def opened(path: Path) -> Iterator[tuple[int, Iterator[Filed]]]:
    """How many messages there are, and the messages one by one, in a fixed order.

    Raises `Refused` (code archive) for a path that is none of these, or a zip that is broken or too large.
    """
    if not path.exists():
        raise Refused("archive.absent", path=path)
    with tempfile.TemporaryDirectory(prefix="pitchgate-archive-") as folder:
        root = path
        if path.is_file() and zipfile.is_zipfile(path):
            root = Path(folder)
            _unpack(path, root)
        files = [root] if root.is_file() else sorted(file for file in root.rglob("*") if _is_mail(file, root))
        boxes = {file: mailbox.mbox(file, create=False) for file in files if _is_mbox(file)}
        total = sum(len(boxes[file]) if file in boxes else 1 for file in files)
        try:
            yield total, _messages(files, boxes, root)
        finally:
            for box in boxes.values():
                box.close()


def _messages(files: list[Path], boxes: dict[Path, mailbox.mbox], root: Path) -> Iterator[Filed]:
    for file in files:
        name = file.name if file == root else str(file.relative_to(root))
        if file not in boxes:
            with file.open("rb") as handle:
                yield Filed(name, handle.read(MOST_MESSAGE))
            continue
        for number, key in enumerate(boxes[file].iterkeys(), 1):
            with boxes[file].get_file(key) as handle:
                yield Filed(f"{name}#{number}", handle.read(MOST_MESSAGE))


def _is_mail(file: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return file.is_file() and not hidden and file.suffix.lower() not in (".md", ".json", ".html")


def _is_mbox(file: Path) -> bool:
    """By its first bytes: Takeout's are called .mbox, others anything. A single mail that kept its separator
    line is read as an mbox of one."""
    with file.open("rb") as handle:
        return handle.read(len(MBOX_START)) == MBOX_START


def _unpack(path: Path, folder: Path) -> None:
    """Unpack a zip below `folder`: names that lead outside are flattened, and sizes are believed only as far
    as they are kept."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            size = sum(entry.file_size for entry in entries)
            if size > MOST_UNPACKED or size > shutil.disk_usage(folder).free:
                raise Refused("archive.large", path=path, size=round(size / 1024**3, 1))
            for entry in entries:
                archive.extract(entry, folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise Refused("archive.broken", path=path, why=type(error).__name__) from error
