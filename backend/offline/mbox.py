"""An mbox as a stream of messages, and Gmail's label names in its languages."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache, partial
from importlib.resources import files
from typing import BinaryIO

from backend.domain.mail.message import Message

# ---- Gmail's labels in Takeout
# Gmail's labels as Takeout writes them into a message, in whatever language the owner's Gmail speaks. `labels.txt`
# has the names. They are looked for in all languages at once: an archive does not say its own, and a person who
# changed languages has both.


FIELD = "X-Gmail-Labels"
CATEGORY = "CATEGORY"
_DROPPED = str.maketrans(dict.fromkeys(":：\"'’“”„«»‹›「」", " "))


def names_in(message: Message) -> list[str]:
    """The labels of a message by name. One with a comma in it stands in quotes."""
    value = message.headers.first(FIELD)
    row = next(csv.reader([value.replace("\n", " ").replace("\r", " ")], skipinitialspace=True), [])
    return [name.strip() for name in row if name.strip()]


def system_labels(message: Message) -> frozenset[str]:
    """Those that are Gmail's own, as its API calls them: SENT of "Gesendet". The owner's own are left out."""
    known = by_name()
    return frozenset(known[name] for name in map(_folded, names_in(message)) if name in known)


@cache
def by_name() -> Mapping[str, str]:
    """Gmail's label of each name, compared as `system_labels` does."""
    spoken: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for line in files(__package__).joinpath("labels.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            place, _, named = line.partition(":")
            language, _, label = place.partition(" ")
            spoken[language][label] = [_folded(name) for name in named.split(",")]
    found: dict[str, str] = {}
    for labels in spoken.values():
        before = labels.pop(CATEGORY, [])
        for label, names in labels.items():
            if label.startswith(CATEGORY):
                names = [f"{word} {name}" for word in before for name in names]
            found.update(dict.fromkeys(names, label))
    return found


def _folded(name: str) -> str:
    """Without case, quotes and colons, blanks made one: French puts a blank before the colon, German quotes after."""
    return " ".join(unicodedata.normalize("NFKC", name.translate(_DROPPED)).casefold().split())


# ---- Splitting an mbox


MOST_MESSAGE = 50 * 1024**2
"""Bytes kept of one message; Gmail takes in at most 50 MB."""

MOST_LINE = 64 * 1024
"""Bytes read at once of a line, which may have no end."""

FROM = b"From "
_QUOTED = re.compile(rb">+From ")
_FIELD = re.compile(rb"[!-9;-~]{1,100}[ \t]*:")
_MAIL_FIELD = re.compile(
    rb"(?:x-[\w.-]+|received|return-path|delivered-to|envelope-to|from|sender|reply-to|to|cc|bcc|date|subject"
    rb"|message-id|in-reply-to|references|mime-version|content-[\w-]+|status|list-[\w-]+|precedence|arc-[\w-]+"
    rb"|dkim-signature|domainkey-signature|authentication-results|received-spf|thread-[\w-]+|importance|priority"
    rb"|resent-[\w-]+|auto-submitted|errors-to|organization|user-agent|comments|keywords)[ \t]*:",
    re.I,
)
_BEFORE = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t]*+\r?\n)*+")
_TIME, _YEAR = re.compile(rb"\d:\d\d"), re.compile(rb"\b(?:19|20)\d\d\b")


def begins_at(head: bytes) -> int:
    """Where it begins, after a byte order mark and blank lines."""
    found = _BEFORE.match(head)
    return found.end() if found else 0


def is_message(head: bytes) -> bool:
    """Whether these first bytes of something are a message's: header fields, of which one at least is a mail's."""
    lines = head.splitlines()
    if not lines or not _FIELD.match(lines[0]):
        return False
    for line in lines:
        if _MAIL_FIELD.match(line):
            return True
        if not line or not (_FIELD.match(line) or line[:1] in b" \t"):
            return False
    return False


def has_separator(head: bytes) -> bool:
    """Whether a message begins somewhere in these bytes as messages begin in an mbox."""
    lines, blank = head.splitlines(), True
    for line, after in zip(lines, [*lines[1:], b""], strict=False):
        if line.startswith(FROM) and (blank or _is_dated(line)) and _separates(line, after):
            return True
        blank = not line
    return False


def messages(stream: BinaryIO, *, begun: bool) -> Iterator[bytes]:
    """The messages of `stream` without their separators, one level of quoting (`>From `) taken off; `begun` if the
    separator of the first is missing, else what comes before a first separator is passed over.

    Programs quote lines of a text that begin with "From " or do not: one that does divides messages only if the line
    after it begins a header, and if it has a date or follows a blank line.
    """
    current = bytearray()
    held = b""  # a line that may separate: the next one tells
    blank = whole = True
    for line in iter(partial(stream.readline, MOST_LINE), b""):
        if held:
            if _separates(held, line):
                if current.strip():
                    yield _ended(current)
                current.clear()
                begun = True
            elif begun:
                current += held
            held = b""
        if whole and line.startswith(FROM) and (blank or _is_dated(line)):
            held = line
        elif begun and len(current) < MOST_MESSAGE:
            current += line[1:] if whole and line.startswith(b">") and _QUOTED.match(line) else line
        blank, whole = len(line) < 3 and not line.strip(), line.endswith(b"\n")
    if held and begun and not _is_dated(held):
        current += held
    if current.strip():
        yield _ended(current)


def _ended(current: bytearray) -> bytes:
    """Without the blank line that an mbox puts before the next separator."""
    for end in (b"\r\n", b"\n"):
        if current.endswith(end * 2):
            return bytes(current[: -len(end)])
    return bytes(current)


def _separates(line: bytes, after: bytes) -> bool:
    if _is_dated(line):
        return not after.strip() or after.startswith((FROM, b">From ")) or bool(_FIELD.match(after))
    return bool(_MAIL_FIELD.match(after))


def _is_dated(line: bytes) -> bool:
    return bool(_TIME.search(line, 0, 500) and _YEAR.search(line, 0, 500))
