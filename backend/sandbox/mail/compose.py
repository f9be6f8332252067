"""Mail written from fields, and the bytes-level edits a mail server makes."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

_CRLF = re.compile(rb"\r?\n")
_END_OF_HEADERS = re.compile(rb"\r\n\r\n")


class ComposeError(ValueError):
    """The fields do not make a message; the text says which."""


@dataclass(slots=True)
class Letter:
    """Fields of a message to write. `extra` are further header fields in order, written verbatim."""

    sender: str
    to: Sequence[str] = ()
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    subject: str = ""
    text: str = ""
    html: str | None = None
    reply_to: str | None = None
    message_id: str | None = None
    in_reply_to: str | None = None
    references: str | None = None
    date: datetime | None = None
    extra: Sequence[tuple[str, str]] = ()
    attachments: Sequence[Mapping[str, str]] = field(default_factory=tuple)


def write(letter: Letter, now_ms: int) -> bytes:
    """The letter as RFC 5322 bytes with CRLF. Raises ComposeError."""
    message = EmailMessage(policy=SMTP)
    moment = letter.date or datetime.fromtimestamp(now_ms // 1000, UTC)
    pairs = [
        ("From", letter.sender),
        ("To", ", ".join(letter.to)),
        ("Cc", ", ".join(letter.cc)),
        ("Bcc", ", ".join(letter.bcc)),
        ("Reply-To", letter.reply_to),
        ("Subject", letter.subject),
        ("Date", format_datetime(moment)),
        ("Message-ID", letter.message_id),
        ("In-Reply-To", letter.in_reply_to),
        ("References", letter.references),
    ]
    try:
        for name, value in pairs:
            if value:
                message[name] = value
        message.set_content(letter.text)
        if letter.html is not None:
            message.add_alternative(letter.html, subtype="html")
        for item in letter.attachments:
            _attach(message, item)
        raw = message.as_bytes()
        if not letter.subject.isascii():
            # The library's own folding loses white space that ends up between two encoded words.
            raw = set_field(raw, "Subject", Header(letter.subject, "utf-8").encode(linesep="\r\n"))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, UnicodeError) as error:
        raise ComposeError(f"The message cannot be written: {error}") from error
    return prepend(raw, [(name, value) for name, value in letter.extra]) if letter.extra else raw


def _attach(message: EmailMessage, item: Mapping[str, str]) -> None:
    main, _, sub = item.get("content_type", "application/octet-stream").partition("/")
    try:
        data = base64.b64decode(item.get("base64", ""), validate=True)
    except binascii.Error as error:
        raise ComposeError("An attachment's base64 is not valid.") from error
    message.add_attachment(data, maintype=main, subtype=sub or "octet-stream", filename=item.get("filename"))


def with_crlf(raw: bytes) -> bytes:
    """The same bytes with CRLF line ends."""
    return _CRLF.sub(b"\r\n", raw)


def prepend(raw: bytes, fields: Sequence[tuple[str, str]]) -> bytes:
    """Put header fields above the message, the first one topmost. Raises ComposeError on a line break."""
    lines = []
    for name, value in fields:
        if re.search(r"\r?\n(?![ \t])|\r(?!\n)", value) or not re.fullmatch(r"[!-9;-~]+", name):
            raise ComposeError(f"Header field {name[:40]!r} is not valid.")
        lines.append(f"{name}: {value}\r\n".encode("utf-8", "surrogateescape"))
    return b"".join(lines) + raw


def without_field(raw: bytes, name: str) -> bytes:
    """Remove every header field of that name, folded lines included."""
    end = _END_OF_HEADERS.search(raw)
    head, tail = (raw[: end.start() + 2], raw[end.start() + 2 :]) if end else (raw, b"")
    pattern = rb"(?im)^" + re.escape(name.encode()) + rb"[ \t]*:.*\r?\n(?:[ \t].*\r?\n)*"
    return re.sub(pattern, b"", head) + tail


def set_field(raw: bytes, name: str, value: str) -> bytes:
    """Replace (or add, topmost) one header field."""
    return prepend(without_field(raw, name), [(name, value)])
