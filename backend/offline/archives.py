"""Reads raw messages from mbox, .eml, .emlx and Maildir, from archives of those, and from folders.

Everything is read once and as a stream: nothing is unpacked to disk, and a large archive takes no more memory than a
small one. A file's format is told by its first bytes, otherwise by its name. What cannot be read is recorded with its
name and reason, and the rest is read.
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
"""Limit in bytes of an archive's uncompressed content; Takeout's archives have up to 50 GB."""

MOST_RATIO, RATIO_FREE_BYTES = 200, 100 * 1024**2
"""Email compresses to about a tenth. An archive whose content is more than 200 times as large as what was read of it
is a decompression bomb; checked only after 100 MB."""

MOST_INNER_ZIP = 128 * 1024**2
"""Limit in bytes of a zip inside another archive. It is kept in memory, since a zip is read from its end."""

MOST_DEPTH = 2
"""An archive inside an archive is read; a third level is not."""

HEAD = 64 * 1024
"""First bytes by which a format is recognised. An mbox may have a preamble of that length."""

BUFFER = 256 * 1024
NAMES_KEPT = 3

SIGNATURES = (
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"\x1f\x8b", "gzip"),
    (257, b"ustar", "tar"),
)
"""Signatures of the archives we open: offset, bytes, format."""

UNSUPPORTED = (
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
"""Signatures of unsupported formats: offset, bytes, the key of the error that says what to do, and the format's
name."""

UNSUPPORTED_NAMES = {
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
"""Unsupported formats by file extension: those without a signature, or that are zips themselves."""

DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, NotImplementedError),
    *(RuntimeError, struct.error, ValueError, OverflowError),
)
"""What the libraries raise for a truncated or malicious archive."""

_TAKEOUT_PART = re.compile(r"(takeout-.+-)\d{3}(\.zip|\.tgz|\.tar\.gz)", re.I)


@dataclass(frozen=True, slots=True)
class ArchivedMessage:
    """One raw message of an archive. `file` is its path inside the archive, for an mbox with "#" and its number."""

    file: str
    raw: bytes


@dataclass(slots=True)
class SkippedFiles:
    """What could not be read for one reason: the first error, how many there were, and some names."""

    first: Refused
    count: int = 0
    names: list[str] = field(default_factory=list)


class Archive:
    """The messages at `path`, iterated one by one in a fixed order. `size` is the number of bytes to read, `done` those
    read, `found` the number of messages so far, `unread` what could not be read, by error key. Raises `Refused` if the
    path does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found = 0
        self.unread: dict[str, SkippedFiles] = {}
        self._bytes_done = self._bytes_unpacked = 0
        self._disk: _CountedFile | None = None
        if not os.path.lexists(path):
            raise Refused("archive.absent", path=_shown(str(path)))
        self._files = (
            sorted(self._files_below(path)) if os.path.isdir(path) else list(_with_takeout_parts(path))
        )
        self.size = sum(size for *_, size in self._files)

    @property
    def done(self) -> int:
        """Bytes read so far, at most `size`: of a zip, whose directory is read as well, no more than its own size."""
        return self._bytes_done + (min(self._disk.taken, self._disk.size) if self._disk else 0)

    def __iter__(self) -> Iterator[ArchivedMessage]:
        for file, name, size in self._files:
            yield from self._noting_errors(name, self._file(file, name), inner=False)
            self._disk, self._bytes_unpacked = None, 0
            self._bytes_done += size

    def check(self) -> None:
        """After reading, raise `Refused` if there was no message; with the reason, if there was only one."""
        if self.found:
            return
        if len(self.unread) == 1:
            (only,) = self.unread.values()
            if only.count == 1:
                raise only.first
        raise Refused("archive.nothing", path=_shown(str(self.path)))

    def _files_below(self, root: Path) -> Iterator[tuple[Path, str, int]]:
        """The files in a folder and its subfolders, without a Maildir's tmp. Links to folders are not followed,
        since they may form a loop."""
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

    def _file(self, file: Path, name: str) -> Iterator[ArchivedMessage]:
        if not stat.S_ISREG(file.stat().st_mode):
            # Reading a pipe may wait for ever, and a device may never end.
            raise Refused("archive.special", path=_shown(name))
        with file.open("rb") as source:
            self._disk = _CountedFile(source, file.stat().st_size)
            yield from self._content(io.BufferedReader(self._disk, BUFFER), name, 0)

    def _content(self, stream: io.BufferedReader, name: str, depth: int) -> Iterator[ArchivedMessage]:
        """The messages of a file (`depth` 0) or of a member of an archive, `depth` archives deep."""
        head = stream.peek(HEAD)[:HEAD]
        kind = _kind(name, head)
        if kind and depth >= MOST_DEPTH:
            raise Refused("archive.deep", path=_shown(name))
        openers = {"zip": self._zip, "tar": self._tar, "gzip": self._gzip}
        yield from openers[kind](stream, name, depth) if kind else self._mail(stream, name, head)

    def _zip(self, stream: io.BufferedReader, name: str, depth: int) -> Iterator[ArchivedMessage]:
        source: io.BufferedReader | io.BytesIO = stream
        if depth:
            data = stream.read(MOST_INNER_ZIP + 1)
            if len(data) > MOST_INNER_ZIP:
                raise Refused("archive.inner_zip", path=_shown(name), size=MOST_INNER_ZIP // 1024**2)
            source = io.BytesIO(data)
        with zipfile.ZipFile(source) as archive:
            for entry in archive.infolist():
                if entry.is_dir() or _is_hidden(entry.filename):
                    continue
                inside = f"{name}/{entry.filename}"
                yield from self._noting_errors(inside, self._entry(archive, entry, inside, depth))

    def _entry(
        self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, depth: int
    ) -> Iterator[ArchivedMessage]:
        if entry.flag_bits & 0x1:
            raise Refused("archive.encrypted", path=_shown(name))
        with archive.open(entry) as member:
            yield from self._content(self._unpacked(cast("_Readable", member), name), name, depth + 1)

    def _gzip(self, stream: io.BufferedReader, name: str, depth: int) -> Iterator[ArchivedMessage]:
        with gzip.GzipFile(fileobj=stream) as member:
            content = self._unpacked(member, name)
            if _kind(name, content.peek(HEAD)[:HEAD]) == "tar":
                yield from self._tar(content, name, depth)
            else:
                yield from self._content(content, re.sub(r"\.gz$", "", name, flags=re.I), depth + 1)

    def _tar(self, stream: io.BufferedReader, name: str, depth: int) -> Iterator[ArchivedMessage]:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            while (entry := archive.next()) is not None:
                vars(archive)["members"].clear()  # tarfile would keep all of them in memory
                if entry.isdir() or _is_hidden(entry.name):
                    continue
                inside = f"{name}/{entry.name}"
                member = archive.extractfile(entry) if entry.isfile() else None
                if member is None:
                    self._note(Refused("archive.special", path=_shown(inside)))
                    continue
                # No `damaged` errors here: a broken stream also breaks what follows, so the whole archive is reported.
                content = self._content(self._unpacked(cast("_Readable", member), inside), inside, depth + 1)
                yield from self._noting_errors(inside, content, damaged=())

    def _mail(self, stream: io.BufferedReader, name: str, head: bytes) -> Iterator[ArchivedMessage]:
        suffix = PurePosixPath(name).suffix.lower()
        if suffix == ".emlx" and (length := head.partition(b"\n")[0].strip()).isdigit():
            stream.readline()
            yield self._found_message(name, stream.read(min(int(length), MOST_MESSAGE)))
            return
        head = head[len(stream.read(begins_at(head))) :]
        starts_with_message = is_message(head)
        if starts_with_message and (suffix == ".eml" or PurePosixPath(name).parent.name in ("cur", "new")):
            # Its name says that it is one message, even if an attached patch or mbox looks like several.
            yield self._found_message(name, stream.read(MOST_MESSAGE))
            return
        if not starts_with_message and (_unsupported(name, head) or not has_separator(head)):
            raise _refusal(name, head)
        raws = messages(stream, begun=starts_with_message)
        first = list(islice(raws, 2))
        if not first:
            raise _refusal(name, head)
        if len(first) == 1 and not head.startswith(FROM):
            yield self._found_message(name, first[0])
            return
        for number, raw in enumerate(chain(first, raws), 1):
            yield self._found_message(f"{name}#{number}", raw)

    def _found_message(self, name: str, raw: bytes) -> ArchivedMessage:
        self.found += 1
        return ArchivedMessage(_shown(name), raw)

    def _unpacked(self, member: _Readable, name: str) -> io.BufferedReader:
        """The content of an archive's member; reading it raises `Refused` (archive.large) beyond the limits."""

        def count(got: int) -> None:
            self._bytes_unpacked += got
            disk = self._disk
            most = MOST_RATIO * min(disk.taken, disk.size) if disk else 0
            if self._bytes_unpacked > MOST_UNPACKED or RATIO_FREE_BYTES < self._bytes_unpacked > most:
                raise Refused("archive.large", path=_shown(name))

        return io.BufferedReader(_Metered(member, count), BUFFER)

    def _noting_errors(
        self,
        name: str,
        found: Iterable[ArchivedMessage],
        damaged: tuple[type[Exception], ...] = DAMAGED,
        *,
        inner: bool = True,
    ) -> Iterator[ArchivedMessage]:
        """Yield from `found`; an error ends it and is recorded. `inner`: it is a member of an archive."""
        before = self.found
        try:
            yield from found
        except Refused as error:
            if inner and error.key == "archive.large":
                raise  # give up on the whole archive
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
        noted = self.unread.setdefault(error.key, SkippedFiles(error))
        noted.count += 1
        if len(noted.names) < NAMES_KEPT:
            noted.names.append(str(error.blanks["path"]))


class _Readable(Protocol):
    def read1(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; b"" at the end."""


class _Metered(io.RawIOBase):
    """A stream that reports the number of bytes read to `count`. It fills the buffer as far as possible; bytes
    before an error are returned before it is raised."""

    def __init__(self, source: _Readable, count: Callable[[int], None]) -> None:
        self._source = source
        self._count = count
        self._error: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
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


class _CountedFile(_Metered):
    """A file that counts in `taken` how many of its bytes were read."""

    def __init__(self, source: io.BufferedReader, size: int) -> None:
        super().__init__(source, self._add)
        self._file = source
        self.size, self.taken = size, 0

    def _add(self, got: int) -> None:
        self.taken += got

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _kind(name: str, head: bytes) -> str:
    """The archive format, "" if it is not an archive."""
    if PurePosixPath(name).suffix.lower() in UNSUPPORTED_NAMES:
        return ""  # some of these are zips, but without email in a format we read
    return next((kind for at, begin, kind in SIGNATURES if head.startswith(begin, at)), "")


def _unsupported(name: str, head: bytes) -> tuple[str, str] | None:
    """The error key and name of an unsupported format, or None."""
    for at, begin, key, kind in UNSUPPORTED:
        if head.startswith(begin, at):
            return key, kind
    return UNSUPPORTED_NAMES.get(PurePosixPath(name).suffix.lower())


def _refusal(name: str, head: bytes) -> Refused:
    """The error that says why a file is not email."""
    path = _shown(name)
    if not head:
        return Refused("archive.empty", path=path)
    if foreign := _unsupported(name, head):
        return Refused(f"archive.{foreign[0]}", path=path, kind=foreign[1])
    start = head[:200].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml", b"{")):
        return Refused("archive.document", path=path, kind="JSON" if start.startswith(b"{") else "HTML/XML")
    sample = head[:1000]
    if (
        sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        or 0.3 < sample.count(0) / len(sample) < 0.7
    ):
        return Refused("archive.utf16", path=path)
    controls = sum(byte < 32 and byte not in b"\t\n\f\r\x1b" for byte in sample)
    return Refused("archive.binary" if controls > len(sample) / 50 else "archive.text", path=path)


def _is_hidden(name: str) -> bool:
    """Whether to skip a member: a name that begins with a dot, unless it is in a Maildir; or __MACOSX."""
    parts = PurePosixPath(name).parts
    if parts[-2:-1] in (("cur",), ("new",)):
        return False
    return any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in parts)


def _with_takeout_parts(path: Path) -> Iterator[tuple[Path, str, int]]:
    """The file; if it is one part of a Takeout, all parts in the same folder, since sent mail may be in another
    part."""
    part = _TAKEOUT_PART.fullmatch(path.name)
    paths = [path]
    if part is not None:
        others = (_TAKEOUT_PART.fullmatch(name) for name in os.listdir(path.parent))
        paths = sorted(
            path.with_name(other[0]) for other in others if other and other.groups() == part.groups()
        )
    for file in paths:
        yield file, file.name, _size(file)


def _size(file: Path) -> int:
    try:
        found = file.stat()
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def _shown(name: str) -> str:
    """A file name, which may contain any bytes, as one printable line."""
    return "".join(" " if c.isspace() else c if c.isprintable() else "\ufffd" for c in name)
