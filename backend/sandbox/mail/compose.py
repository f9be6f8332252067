"""Letters as RFC 5322 text, their Authentication-Results, and their parts as Gmail shows them."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import Header, decode_header
from email.message import EmailMessage, Message
from email.parser import BytesHeaderParser
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from typing import Literal

from pydantic.dataclasses import dataclass as checked_dataclass

from backend.sandbox import BadRequest
from backend.sandbox.faults import STRICT

# ---- Headers as Gmail's API shows them


Headers = list[tuple[str, str]]

# Gmail leaves the folding of trace fields alone and unfolds the rest.
_TRACE = re.compile(r"\A(received|x-received|authentication-results|dkim-signature|arc-|x-google-)", re.I)
_ADDRESS_FIELDS = frozenset({"from", "to", "cc", "bcc", "reply-to", "sender"})
_FOLD = re.compile(r"\r?\n")  # the white space behind it belongs to the field (RFC 5322, 2.2.3)
_MESSAGE_ID = re.compile(r"<([^<>\s]+)>")
_SPECIALS = re.compile(r'[()<>\[\]:;@\\,."]')
_HEADERS_END = re.compile(rb"\r?\n\r?\n")

_PARSER = BytesHeaderParser(policy=policy.compat32)


def read_headers(raw: bytes) -> Headers:
    """All header fields of a raw message, in order, with values as in the API."""
    end = _HEADERS_END.search(raw)
    return message_headers(_PARSER.parsebytes(raw[: end.end()] if end else raw))


def message_headers(message: Message) -> Headers:
    return [(name, _shown(name, str(value))) for name, value in message.raw_items()]


def first(headers: Headers, name: str) -> str:
    """The first value of a field (any case), or an empty string."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), "")


def message_ids(value: str) -> list[str]:
    """The ids in a Message-ID, In-Reply-To or References field, without angle brackets."""
    return _MESSAGE_ID.findall(value)


def addresses(value: str) -> list[tuple[str, str]]:
    """(display name, lower-case address) pairs of an address field; what is not an address is left out."""
    return [(name, address.lower()) for name, address in getaddresses([value]) if "@" in address]


def _shown(name: str, value: str) -> str:
    text = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if _TRACE.match(name):
        return re.sub(r"(?<!\r)\n", "\r\n", text).strip()
    text = _FOLD.sub("", text).strip()
    if "=?" not in text:
        return text
    return _decoded_addresses(text) if name.lower() in _ADDRESS_FIELDS else _decoded(text)


def _decoded(text: str) -> str:
    try:
        pieces = decode_header(text)
    except (HeaderParseError, ValueError):
        return text
    out: list[str] = []
    for piece, charset in pieces:
        if isinstance(piece, str):
            out.append(piece)
            continue
        try:
            out.append(piece.decode(charset or "utf-8", "replace"))
        except (LookupError, ValueError):
            out.append(piece.decode("utf-8", "replace"))
    return "".join(out).replace("\r", " ").replace("\n", " ") or text


def _decoded_addresses(text: str) -> str:
    shown = []
    for name, address in getaddresses([text]):
        plain = _decoded(name)
        # An encoded name may hold commas or a second address: quoted, so that it cannot pass for one.
        if plain != name or _SPECIALS.search(plain):
            escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
            plain = f'"{escaped}"' if _SPECIALS.search(plain) else plain
        shown.append(f"{plain} <{address}>" if plain else address)
    return ", ".join(shown) or _decoded(text)


# ---- Authentication results
# What the receiving server says about a sender: Authentication-Results and Received-SPF as Gmail writes them.


AUTHSERV_ID = "mx.google.com"
Result = Literal["pass", "fail", "softfail", "neutral", "none", "temperror", "permerror", "absent"]
CLIENT_IP = "192.0.2.7"


@checked_dataclass(frozen=True, config=STRICT)
class Authentication:
    """Results to write. "absent" leaves a method out; a domain of None means that of the From or envelope address."""

    dkim: Result = "pass"
    spf: Result = "pass"
    dmarc: Result = "pass"
    dkim_domain: str | None = None
    spf_domain: str | None = None
    header_from: str | None = None
    verbatim: str | None = None
    leave_out: bool = False


def results_value(auth: Authentication, from_domain: str, mail_from: str) -> str | None:
    """The field's value, or None if it is to be left out."""
    if auth.leave_out:
        return None
    if auth.verbatim is not None:
        return auth.verbatim
    signer = auth.dkim_domain or from_domain
    envelope = mail_from if not auth.spf_domain else f"bounce@{auth.spf_domain}"
    visible = auth.header_from or from_domain
    clauses = [AUTHSERV_ID]
    if auth.dkim == "none":
        clauses.append("dkim=none")
    elif auth.dkim != "absent":
        clauses.append(f"dkim={auth.dkim} header.i=@{signer} header.s=s1 header.b=qL2sbyGF")
    if auth.spf != "absent":
        clauses.append(
            f"spf={auth.spf} ({_spf_comment(auth.spf, envelope)}) smtp.mailfrom={envelope or '<>'}"
        )
    if auth.dmarc == "none":
        clauses.append(f"dmarc=none header.from={visible}")
    elif auth.dmarc != "absent":
        action = "NONE" if auth.dmarc == "pass" else "QUARANTINE"
        clauses.append(f"dmarc={auth.dmarc} (p=REJECT sp=REJECT dis={action}) header.from={visible}")
    if len(clauses) == 1:
        clauses.append("none")
    return ";\r\n       ".join(clauses)


def spf_value(auth: Authentication, mail_from: str) -> str | None:
    """The Received-SPF value, or None."""
    if auth.leave_out or auth.verbatim is not None or auth.spf == "absent":
        return None
    return f"{auth.spf} ({_spf_comment(auth.spf, mail_from)}) client-ip={CLIENT_IP};"


def _spf_comment(result: str, envelope: str) -> str:
    who = f"domain of {envelope or 'postmaster'}"
    if result == "pass":
        return f"google.com: {who} designates {CLIENT_IP} as permitted sender"
    if result in ("fail", "softfail"):
        return f"google.com: {who} does not designate {CLIENT_IP} as permitted sender"
    return f"google.com: {CLIENT_IP} is neither permitted nor denied by best guess record for {who}"


# ---- Writing and editing mail


_CRLF = re.compile(rb"\r?\n")
_END_OF_HEADERS = re.compile(rb"\r\n\r\n")


@dataclass(slots=True)
class Letter:
    """Fields of a message to write. `extra` are further header fields, written verbatim and in order."""

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
    """The letter as RFC 5322 bytes with CRLF. Raises BadRequest."""
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
        raise BadRequest(f"The message cannot be written: {error}") from error
    return prepend(raw, [(name, value) for name, value in letter.extra]) if letter.extra else raw


def _attach(message: EmailMessage, item: Mapping[str, str]) -> None:
    main, _, sub = item.get("content_type", "application/octet-stream").partition("/")
    try:
        data = base64.b64decode(item.get("base64", ""), validate=True)
    except binascii.Error as error:
        raise BadRequest("An attachment's base64 is not valid.") from error
    message.add_attachment(data, maintype=main, subtype=sub or "octet-stream", filename=item.get("filename"))


def with_crlf(raw: bytes) -> bytes:
    return _CRLF.sub(b"\r\n", raw)


def prepend(raw: bytes, fields: Sequence[tuple[str, str]]) -> bytes:
    """Put header fields above the message, the first one topmost. Raises BadRequest on a line break."""
    lines = []
    for name, value in fields:
        if re.search(r"\r?\n(?![ \t])|\r(?!\n)", value) or not re.fullmatch(r"[!-9;-~]+", name):
            raise BadRequest(f"Header field {name[:40]!r} is not valid.")
        lines.append(f"{name}: {value}\r\n".encode("utf-8", "surrogateescape"))
    return b"".join(lines) + raw


def without_field(raw: bytes, name: str) -> bytes:
    """Remove every header field of this name, with its folded lines."""
    end = _END_OF_HEADERS.search(raw)
    head, tail = (raw[: end.start() + 2], raw[end.start() + 2 :]) if end else (raw, b"")
    pattern = rb"(?im)^" + re.escape(name.encode()) + rb"[ \t]*:.*\r?\n(?:[ \t].*\r?\n)*"
    return re.sub(pattern, b"", head) + tail


def set_field(raw: bytes, name: str, value: str) -> bytes:
    return prepend(without_field(raw, name), [(name, value)])


# ---- A raw message as Gmail's parts


MAX_DEPTH = 40
MAX_PARTS = 1000
SNIPPET_LENGTH = 200

_HIDDEN = re.compile(r"<!--|<(script|style|head|title)\b", re.I)
_ENDS = {name: re.compile(rf"</{name}\s*>", re.I) for name in ("script", "style", "head", "title")} | {
    "": re.compile("-->")
}
_TAG = re.compile(r"<[^<>]*>")
_SPACE = re.compile(r"\s+")


@dataclass(slots=True)
class Part:
    """One MIME part. `part_id` is "" for the whole message, else "0", "1", "1.0" and so on."""

    part_id: str
    mime_type: str
    filename: str
    headers: Headers
    body: bytes = b""
    charset: str = "utf-8"
    children: list[Part] = field(default_factory=list)

    @property
    def is_attachment(self) -> bool:
        """Whether the API shows an attachment id instead of the bytes."""
        return bool(self.body) and (bool(self.filename) or not self.mime_type.startswith("text/"))

    def walk(self) -> list[Part]:
        """This part and all below it, in order."""
        found = [self]
        for part in found:
            found.extend(part.children)
        return sorted(found, key=lambda part: _part_order(part.part_id))


def parse(raw: bytes) -> Part:
    """The part tree of a raw message. Never raises: what cannot be parsed becomes one text part."""
    try:
        budget = [MAX_PARTS]
        return _part(message_from_bytes(raw, policy=policy.compat32), "", 0, budget)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        # The standard parser trips over some broken mail; Gmail shows such mail as plain text.
        return Part("", "text/plain", "", read_headers(raw), body=raw)


def text_of(root: Part) -> str:
    """Readable text of a message: its first plain text, otherwise its HTML without tags."""
    chosen = _first_text(root, "text/plain") or _first_text(root, "text/html")
    if chosen is None:
        return ""
    text = decoded(chosen)
    return without_tags(text) if chosen.mime_type == "text/html" else text


def without_tags(source: str) -> str:
    """The text of HTML, in linear time."""
    kept, at = [], 0
    unended: set[str] = set()
    for found in _HIDDEN.finditer(source):
        name = (found[1] or "").lower()
        if found.start() < at or name in unended:
            continue
        end = _ENDS[name].search(source, found.end())
        if end is None:
            unended.add(name)
            continue
        kept.append(source[at : found.start()])
        at = end.end()
    return html.unescape(_TAG.sub(" ", " ".join([*kept, source[at:]])))


def html_of(root: Part) -> str | None:
    chosen = _first_text(root, "text/html")
    return None if chosen is None else decoded(chosen)


def decoded(part: Part) -> str:
    """The part's bytes as text, by its charset; unknown charsets and bad bytes are replaced."""
    try:
        return part.body.decode(part.charset, "replace")
    except (LookupError, ValueError):
        return part.body.decode("utf-8", "replace")


def snippet_of(root: Part) -> str:
    """The first words of the text, HTML-escaped as in Gmail's answers."""
    return html.escape(_SPACE.sub(" ", text_of(root)[:4000]).strip()[:SNIPPET_LENGTH], quote=True)


def _first_text(root: Part, mime_type: str) -> Part | None:
    for part in root.walk():
        if part.mime_type == mime_type and not part.is_attachment:
            return part
    return None


def _part_order(part_id: str) -> list[int]:
    return [int(piece) for piece in part_id.split(".")] if part_id else []


def _part(message: Message, part_id: str, depth: int, budget: list[int]) -> Part:
    budget[0] -= 1
    part = Part(
        part_id=part_id,
        mime_type=message.get_content_type(),
        filename=_filename(message),
        headers=message_headers(message),
        charset=_charset(message),
    )
    payload = message.get_payload()
    if isinstance(payload, list) and depth < MAX_DEPTH:
        for index, child in enumerate(payload):
            if budget[0] <= 0 or not isinstance(child, Message):
                break
            child_id = f"{part_id}.{index}" if part_id else str(index)
            part.children.append(_part(child, child_id, depth + 1, budget))
    elif isinstance(payload, str):
        body = message.get_payload(decode=True)
        part.body = body if isinstance(body, bytes) else b""
    return part


def _filename(message: Message) -> str:
    try:
        return (message.get_filename() or "").replace("\r", "").replace("\n", "")
    except (LookupError, ValueError, TypeError):
        return ""


def _charset(message: Message) -> str:
    try:
        return message.get_content_charset() or "utf-8"
    except (LookupError, ValueError, TypeError):
        return "utf-8"


# ---- Base64 as Google writes it


def decode_data(text: str) -> bytes:
    """Decode either base64 alphabet, padded or not. Raises ValueError."""
    plain = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def encode_data(data: bytes) -> str:
    """Base64url with padding, as Gmail sends it."""
    return base64.urlsafe_b64encode(data).decode()
