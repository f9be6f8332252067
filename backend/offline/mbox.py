"""Splits an mbox into messages, and knows the names of Gmail's labels in all its languages."""

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
# Takeout writes a message's labels into a header, in the language of the owner's Gmail. `labels.txt` has the names.
# They are looked up in all languages at once: an archive does not name its language, and may mix several.


LABELS_HEADER = "X-Gmail-Labels"
CATEGORY = "CATEGORY"
_DROPPED = str.maketrans(dict.fromkeys(":：\"'’“”„«»‹›「」", " "))


def names_in(message: Message) -> list[str]:
    """The names of a message's labels. In the header, one with a comma is quoted."""
    value = message.headers.first(LABELS_HEADER)
    row = next(csv.reader([value.replace("\n", " ").replace("\r", " ")], skipinitialspace=True), [])
    return [name.strip() for name in row if name.strip()]


def system_labels(message: Message) -> frozenset[str]:
    """The system labels by their API ids, such as SENT for "Gesendet". The owner's own labels are left out."""
    known = by_name()
    return frozenset(known[name] for name in map(_normalized, names_in(message)) if name in known)


@cache
def by_name() -> Mapping[str, str]:
    """The API id of a system label by its normalized name."""
    by_language: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for line in files(__package__).joinpath("labels.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            key, _, names_of_label = line.partition(":")
            language, _, label = key.partition(" ")
            by_language[language][label] = [_normalized(name) for name in names_of_label.split(",")]
    found: dict[str, str] = {}
    for labels in by_language.values():
        # The line CATEGORY has the word before a category's name ("Kategorie: Werbung").
        prefixes = labels.pop(CATEGORY, [])
        for label, names in labels.items():
            if label.startswith(CATEGORY):
                names = [f"{word} {name}" for word in prefixes for name in names]
            found.update(dict.fromkeys(names, label))
    return found


def _normalized(name: str) -> str:
    """The name in lower case, without quotes, colons and repeated spaces: Takeout's differ by language."""
    return " ".join(unicodedata.normalize("NFKC", name.translate(_DROPPED)).casefold().split())


# ---- Splitting an mbox


MOST_MESSAGE = 50 * 1024**2
"""Limit in bytes of one message; Gmail accepts at most 50 MB."""

MOST_LINE = 64 * 1024
"""Most bytes of a line read at once: a line may be of any length."""

FROM = b"From "
_QUOTED = re.compile(rb">+From ")
_HEADER_FIELD = re.compile(rb"[!-9;-~]{1,100}[ \t]*:")
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
    """The offset of the content, after a byte order mark and blank lines."""
    found = _BEFORE.match(head)
    return found.end() if found else 0


def is_message(head: bytes) -> bool:
    """Whether `head`, the first bytes of a file, are header fields, one of which is typical of email."""
    lines = head.splitlines()
    if not lines or not _HEADER_FIELD.match(lines[0]):
        return False
    for line in lines:
        if _MAIL_FIELD.match(line):
            return True
        if not line or not (_HEADER_FIELD.match(line) or line[:1] in b" \t"):
            return False
    return False


def has_separator(head: bytes) -> bool:
    """Whether these bytes contain an mbox separator ("From …") followed by a message."""
    lines, blank = head.splitlines(), True
    for line, after in zip(lines, [*lines[1:], b""], strict=False):
        if line.startswith(FROM) and (blank or _is_dated(line)) and _separates(line, after):
            return True
        blank = not line
    return False


def messages(stream: BinaryIO, *, begun: bool) -> Iterator[bytes]:
    """The messages of `stream` without their separators, with one level of `>From ` quoting removed. `begun`: the first
    message has no separator; else everything before the first separator is skipped.

    Not all programs quote text lines that begin with "From ". So such a line is a separator only if it has a date or
    follows a blank line, and the next line begins a header.
    """
    current = bytearray()
    candidate = b""  # a line that is a separator if the next line begins a header
    after_blank = line_start = True
    for line in iter(partial(stream.readline, MOST_LINE), b""):
        if candidate:
            if _separates(candidate, line):
                if current.strip():
                    yield _without_last_blank(current)
                current.clear()
                begun = True
            elif begun:
                current += candidate
            candidate = b""
        if line_start and line.startswith(FROM) and (after_blank or _is_dated(line)):
            candidate = line
        elif begun and len(current) < MOST_MESSAGE:
            current += line[1:] if line_start and line.startswith(b">") and _QUOTED.match(line) else line
        after_blank, line_start = len(line) < 3 and not line.strip(), line.endswith(b"\n")
    if candidate and begun and not _is_dated(candidate):
        current += candidate
    if current.strip():
        yield _without_last_blank(current)


def _without_last_blank(current: bytearray) -> bytes:
    """The message without the blank line that an mbox has before the next separator."""
    for end in (b"\r\n", b"\n"):
        if current.endswith(end * 2):
            return bytes(current[: -len(end)])
    return bytes(current)


def _separates(line: bytes, after: bytes) -> bool:
    if _is_dated(line):
        return not after.strip() or after.startswith((FROM, b">From ")) or bool(_HEADER_FIELD.match(after))
    return bool(_MAIL_FIELD.match(after))


def _is_dated(line: bytes) -> bool:
    return bool(_TIME.search(line, 0, 500) and _YEAR.search(line, 0, 500))
