"""Where one message ends and the next begins in an mbox that is read line by line, once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

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
