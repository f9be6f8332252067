"""Raw messages out of what people keep mail in: mbox, .eml, .emlx, Maildir, archives of them, and folders of all.

Everything is read once, from where it lies and as a stream: nothing is unpacked to a disk, and a large archive takes
no more memory than a small one. What something is, its first bytes tell; its name helps where they do not. What
cannot be read is noted by name and reason, and the rest is read.
"""

from __future__ import annotations

import codecs
import errno
import gzip
import io
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, cast

from backend.domain.errors import Refused
from backend.offline.mbox import FROM, MOST_MESSAGE, begins_at, has_separator, is_message, messages

MOST_UNPACKED = 60 * 1024**3
"""Bytes that may come out of one archive; those of Takeout have up to 50 GB."""

MOST_RATIO, UNSUSPECTED = 200, 100 * 1024**2
"""Mail shrinks to a tenth or so. After so many bytes, an archive whose content is this many times as large as what was
read of it was made to fill somebody's machine."""

MOST_INNER_ZIP = 128 * 1024**2
"""Bytes of a zip inside another archive. A zip is read from its end, so this one is kept in memory."""

MOST_DEPTH = 2
"""An archive inside an archive is read, a third one inside that is not."""

HEAD = 64 * 1024
"""First bytes that tell what something is. A preamble of an mbox may be as long."""

BUFFER = 256 * 1024
NAMES_KEPT = 3

SIGNATURES = (
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"\x1f\x8b", "gzip"),
    (257, b"ustar", "tar"),
)
"""What is opened: where, which bytes, and what it is."""

FOREIGN = (
    (0, b"!BDN", "program", "Outlook .pst/.ost"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "program", "Outlook .msg"),
    (0, b"\xcf\xad\x12\xfe", "program", "Outlook Express .dbx"),
    (0, b"SQLite format 3\0", "program", "SQLite"),
    (0, b"// <!-- <mdb:mork", "program", "Mork .msf"),
    (0, b"7z\xbc\xaf\x27\x1c", "packing", "7z"),
    (0, b"Rar!", "packing", "RAR"),
    (0, b"BZh", "packing", "bzip2"),
    (0, b"\xfd7zXZ", "packing", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "packing", "Zstandard"),
    (0, b"PK\x07\x08", "packing", "ZIP (.z01)"),
    (0, b"%PDF", "document", "PDF"),
    (0, b"\x89PNG", "document", "PNG"),
    (0, b"\xff\xd8\xff", "document", "JPEG"),
    (0, b"GIF8", "document", "GIF"),
)
"""What is not read: where, which bytes, the refusal that says what to do instead, and what it is."""

FOREIGN_NAMES = {
    ".olm": ("program", "Outlook .olm"),
    ".nsf": ("program", "Notes .nsf"),
    ".html": ("document", "HTML"),
    ".htm": ("document", "HTML"),
    ".json": ("document", "JSON"),
    ".csv": ("document", "CSV"),
    ".ics": ("document", "iCalendar"),
    ".vcf": ("document", "vCard"),
    ".md": ("document", "Markdown"),
    ".docx": ("document", "DOCX"),
    ".xlsx": ("document", "XLSX"),
    ".pptx": ("document", "PPTX"),
    ".odt": ("document", "ODT"),
    ".epub": ("document", "EPUB"),
}
"""The same by the name's end, for forms that have no signature or are zips themselves."""

DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, NotImplementedError),
    *(RuntimeError, struct.error, ValueError, OverflowError),
)
"""What the libraries raise over an archive that is cut off or was made to harm."""

_TAKEOUT_PART = re.compile(r"(takeout-.+-)\d{3}(\.zip|\.tgz|\.tar\.gz)", re.I)


@dataclass(frozen=True, slots=True)
class Filed:
    """One message of an archive. `file` is its path below the archive (for an mbox with its number)."""

    file: str
    raw: bytes


@dataclass(slots=True)
class UnreadFiles:
    """What could not be read for one reason: how many things, the first of them as an error, some names."""

    first: Refused
    count: int = 0
    names: list[str] = field(default_factory=list)


class Archive:
    """The mail at `path`. Iterating it gives the messages one by one, in a fixed order; `size` is how many bytes there
    are to read, `done` how many have been, `found` how many messages there were and `unread` what was not read, by the
    reason. Raises `Refused` for a path where nothing is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found = 0
        self.unread: dict[str, UnreadFiles] = {}
        self._past = self._out = 0
        self._disk: _Disk | None = None
        if not os.path.lexists(path):
            raise Refused("archive.absent", path=_shown(str(path)))
        self._files = sorted(self._below(path)) if os.path.isdir(path) else list(_parts(path))
        self.size = sum(size for *_, size in self._files)

    @property
    def done(self) -> int:
        """Bytes read, of `size`. Some are read twice of a zip; they count once."""
        return self._past + (min(self._disk.taken, self._disk.size) if self._disk else 0)

    def __iter__(self) -> Iterator[Filed]:
        for file, name, size in self._files:
            yield from self._guarded(name, self._file(file, name), inner=False)
            self._disk, self._out = None, 0
            self._past += size

    def check(self) -> None:
        """Raises `Refused` if no message has been found: with the reason, if there is one only."""
        if self.found:
            return
        if len(self.unread) == 1:
            (only,) = self.unread.values()
            if only.count == 1:
                raise only.first
        raise Refused("archive.nothing", path=_shown(str(self.path)))

    def _below(self, root: Path) -> Iterator[tuple[Path, str, int]]:
        """The files below a folder. Of a Maildir only what was delivered; links to folders are not followed, so
        that none leads round in a circle."""
        for folder, folders, names in os.walk(
            root, onerror=lambda error: self._note_error(str(error.filename), error)
        ):
            here = Path(folder)
            is_maildir = {"cur", "new"} <= set(folders)
            for name in filter(lambda name: os.path.islink(here / name), folders):
                self._note(Refused("archive.link", path=_shown(str((here / name).relative_to(root)))))
            folders[:] = [
                name
                for name in folders
                if (not name.startswith(".") or os.path.isdir(here / name / "cur"))
                and not (is_maildir and name == "tmp")
            ]
            for name in [] if is_maildir else names:
                if not name.startswith("."):
                    file = here / name
                    yield file, str(file.relative_to(root)), _size(file)

    def _file(self, file: Path, name: str) -> Iterator[Filed]:
        if not stat.S_ISREG(file.stat().st_mode):
            raise Refused(
                "archive.special", path=_shown(name)
            )  # a pipe would be waited for, a device never ends
        with file.open("rb") as source:
            self._disk = _Disk(source, file.stat().st_size)
            yield from self._content(io.BufferedReader(self._disk, BUFFER), name, 0)

    def _content(self, stream: io.BufferedReader, name: str, depth: int) -> Iterator[Filed]:
        """The messages of one file or of one member of an archive, `depth` archives deep."""
        head = stream.peek(HEAD)[:HEAD]
        kind = _kind(name, head)
        if kind and depth >= MOST_DEPTH:
            raise Refused("archive.deep", path=_shown(name))
        openers = {"zip": self._zip, "tar": self._tar, "gzip": self._gzip}
        yield from openers[kind](stream, name, depth) if kind else self._mail(stream, name, head)

    def _zip(self, stream: io.BufferedReader, name: str, depth: int) -> Iterator[Filed]:
        source: io.BufferedReader | io.BytesIO = stream
        if depth:
            data = stream.read(MOST_INNER_ZIP + 1)
            if len(data) > MOST_INNER_ZIP:
                raise Refused("archive.inner_zip", path=_shown(name), size=MOST_INNER_ZIP // 1024**2)
            source = io.BytesIO(data)
        with zipfile.ZipFile(source) as packed:
            for entry in packed.infolist():
                if entry.is_dir() or _is_hidden(entry.filename):
                    continue
                inside = f"{name}/{entry.filename}"
                yield from self._guarded(inside, self._entry(packed, entry, inside, depth))

    def _entry(
        self, packed: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, depth: int
    ) -> Iterator[Filed]:
        if entry.flag_bits & 0x1:
            raise Refused("archive.encrypted", path=_shown(name))
        with packed.open(entry) as member:
            yield from self._content(self._unpacked(cast("_Readable", member), name), name, depth + 1)

    def _gzip(self, stream: io.BufferedReader, name: str, depth: int) -> Iterator[Filed]:
        with gzip.GzipFile(fileobj=stream) as member:
            content = self._unpacked(member, name)
            if _kind(name, content.peek(HEAD)[:HEAD]) == "tar":
                yield from self._tar(content, name, depth)
            else:
                yield from self._content(content, re.sub(r"\.gz$", "", name, flags=re.I), depth + 1)

    def _tar(self, stream: io.BufferedReader, name: str, depth: int) -> Iterator[Filed]:
        with tarfile.open(fileobj=stream, mode="r|") as packed:
            while (entry := packed.next()) is not None:
                vars(packed)["members"].clear()  # it would keep them all
                if entry.isdir() or _is_hidden(entry.name):
                    continue
                inside = f"{name}/{entry.name}"
                member = packed.extractfile(entry) if entry.isfile() else None
                if member is None:
                    self._note(Refused("archive.special", path=_shown(inside)))
                    continue
                # A stream that breaks off here is broken for what follows, too: the archive as a whole is reported.
                content = self._content(self._unpacked(cast("_Readable", member), inside), inside, depth + 1)
                yield from self._guarded(inside, content, damaged=())

    def _mail(self, stream: io.BufferedReader, name: str, head: bytes) -> Iterator[Filed]:
        suffix = PurePosixPath(name).suffix.lower()
        if suffix == ".emlx" and (length := head.partition(b"\n")[0].strip()).isdigit():
            stream.readline()
            yield self._filed(name, stream.read(min(int(length), MOST_MESSAGE)))
            return
        head = head[len(stream.read(begins_at(head))) :]
        begun = is_message(head)
        if begun and (suffix == ".eml" or PurePosixPath(name).parent.name in ("cur", "new")):
            # One message by its name, though a patch or another mbox may be attached to it.
            yield self._filed(name, stream.read(MOST_MESSAGE))
            return
        if not begun and (_foreign(name, head) or not has_separator(head)):
            raise _refusal(name, head)
        raws = messages(stream, begun=begun)
        some = list(islice(raws, 2))
        if not some:
            raise _refusal(name, head)
        if len(some) == 1 and not head.startswith(FROM):
            yield self._filed(name, some[0])
            return
        for number, raw in enumerate(chain(some, raws), 1):
            yield self._filed(f"{name}#{number}", raw)

    def _filed(self, name: str, raw: bytes) -> Filed:
        self.found += 1
        return Filed(_shown(name), raw)

    def _unpacked(self, member: _Readable, name: str) -> io.BufferedReader:
        """What comes out of an archive, as long as it is not too much."""

        def count(out: int) -> None:
            self._out += out
            disk = self._disk
            most = MOST_RATIO * min(disk.taken, disk.size) if disk else 0
            if self._out > MOST_UNPACKED or UNSUSPECTED < self._out > most:
                raise Refused("archive.large", path=_shown(name))

        return io.BufferedReader(_Metered(member, count), BUFFER)

    def _guarded(
        self,
        name: str,
        found: Iterable[Filed],
        damaged: tuple[type[Exception], ...] = DAMAGED,
        *,
        inner: bool = True,
    ) -> Iterator[Filed]:
        """`found`, as far as it can be read."""
        before = self.found
        try:
            yield from found
        except Refused as error:
            if inner and error.key == "archive.large":
                raise  # nothing else of this archive is tried
            self._note(error)
        except damaged as error:
            read = self.found - before
            self._note(Refused("archive.damaged", path=_shown(name), why=type(error).__name__, read=read))
        except OSError as error:
            self._note_error(name, error)

    def _note_error(self, name: str, error: OSError) -> None:
        key = {
            errno.EACCES: "denied",
            errno.EPERM: "denied",
            errno.ELOOP: "link",
            errno.ENOENT: "absent",
        }.get(error.errno or 0, "unreadable")
        self._note(Refused(f"archive.{key}", path=_shown(name), why=error.strerror or type(error).__name__))

    def _note(self, error: Refused) -> None:
        noted = self.unread.setdefault(error.key, UnreadFiles(error))
        noted.count += 1
        if len(noted.names) < NAMES_KEPT:
            noted.names.append(str(error.blanks["path"]))


class _Readable(Protocol):
    def read1(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, b"" at the end."""


class _Metered(io.RawIOBase):
    """A stream whose bytes are counted. It gives as many at once as it is asked for; those before an error come
    before the error."""

    def __init__(self, source: _Readable, count: Callable[[int], None]) -> None:
        self._source = source
        self._count = count
        self._error: Exception | None = None

    def readable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """See `io.RawIOBase`."""
        if self._error is not None:
            raise self._error
        room, got = memoryview(buffer).cast("B"), 0
        while got < len(room):
            try:
                data = self._source.read1(len(room) - got)
            except Exception as error:
                if not got:
                    raise
                self._error = error
                break
            if not data:
                break
            room[got : got + len(data)] = data
            got += len(data)
        self._count(got)
        return got


class _Disk(_Metered):
    """A file, and how many bytes have been read of it."""

    def __init__(self, source: io.BufferedReader, size: int) -> None:
        super().__init__(source, self._add)
        self._file = source
        self.size, self.taken = size, 0

    def _add(self, got: int) -> None:
        self.taken += got

    def seekable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See `io.IOBase`."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """See `io.IOBase`."""
        return self._file.tell()


def _kind(name: str, head: bytes) -> str:
    """Which archive it is, "" for none."""
    if PurePosixPath(name).suffix.lower() in FOREIGN_NAMES:
        return ""  # some of them are zips, which hold no mail as we know it
    return next((kind for at, begin, kind in SIGNATURES if head.startswith(begin, at)), "")


def _foreign(name: str, head: bytes) -> tuple[str, str] | None:
    """The refusal and the name of a form that is not read."""
    for at, begin, key, kind in FOREIGN:
        if head.startswith(begin, at):
            return key, kind
    return FOREIGN_NAMES.get(PurePosixPath(name).suffix.lower())


def _refusal(name: str, head: bytes) -> Refused:
    """Why this is no mail."""
    path = _shown(name)
    if not head:
        return Refused("archive.empty", path=path)
    if foreign := _foreign(name, head):
        return Refused(f"archive.{foreign[0]}", path=path, kind=foreign[1])
    start = head[:200].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml", b"{")):
        return Refused("archive.document", path=path, kind="JSON" if start.startswith(b"{") else "HTML/XML")
    few = head[:1000]
    if few.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or 0.3 < few.count(0) / len(few) < 0.7:
        return Refused("archive.utf16", path=path)
    controls = sum(byte < 32 and byte not in b"\t\n\f\r\x1b" for byte in few)
    return Refused("archive.binary" if controls > len(few) / 50 else "archive.text", path=path)


def _is_hidden(name: str) -> bool:
    """By the rules of a folder: a name with a dot before it, but for a folder of a Maildir; and what macOS adds."""
    parts = PurePosixPath(name).parts
    if parts[-2:-1] in (("cur",), ("new",)):
        return False
    return any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in parts)


def _parts(path: Path) -> Iterator[tuple[Path, str, int]]:
    """A file; of a Takeout that came in parts, all that lie beside the one that was named: whom the owner wrote to may
    stand in another."""
    part = _TAKEOUT_PART.fullmatch(path.name)
    beside = [path]
    if part is not None:
        others = (_TAKEOUT_PART.fullmatch(name) for name in os.listdir(path.parent))
        beside = sorted(
            path.with_name(other[0]) for other in others if other and other.groups() == part.groups()
        )
    for file in beside:
        yield file, file.name, _size(file)


def _size(file: Path) -> int:
    try:
        found = file.stat()
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def _shown(name: str) -> str:
    """A name from a disk or an archive, which may hold any bytes, as one printable line."""
    return "".join(" " if c.isspace() else c if c.isprintable() else "\ufffd" for c in name)
