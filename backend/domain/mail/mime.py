"""Makes a `Message` from raw bytes or from Gmail's part tree. Nothing a sender writes makes this raise or take long.

`parse` turns bytes into a `Part` tree, the Gmail adapter turns its `payload` JSON into the same kind of tree (with
attachments left out), and `from_parts` makes the same `Message` of either.
"""

from __future__ import annotations

import email.parser
import email.policy
import email.utils
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message as StdMessage

from backend.domain.mail.message import (
    Attachment,
    Headers,
    Message,
    addresses,
    clean,
    decode,
    decode_words,
    first_id,
    message_ids,
    unfold,
)
from backend.domain.mail.visible import visible

_MAIL_WITHIN = re.compile(rb"^content-type\s{0,9}:\s{0,9}message/", re.M)
# A Content-… field, with its continuation lines.
_CONTENT_FIELD = re.compile(rb"(?:\A|[\r\n])content-[^\r\n]*+(?:(?:\r\n?|\n)[ \t][^\r\n]*+)*+", re.I)
# Mail programs skip comments (RFC 822) and quotes before the transfer encoding, and comments in the type.
_ENCODING = re.compile(rb"(content-transfer-encoding[ \t]*+:)(?:[\s\"]|\([^()]*+\))*+([a-z0-9-]++)", re.I)
_TYPE_FIELD = re.compile(rb"content-type[ \t]*+:[^;]*+", re.I)
_COMMENT = re.compile(rb"\([^()]*+\)")
# A break within a paragraph, removed with its space (RFC 3676, delsp=yes); not the one after a signature's "-- ".
_SOFT_BREAK = re.compile(r"(?<!^--) \r?\n", re.M)
_DELSP = re.compile(r"delsp\s{0,9}=\s{0,9}\"?yes", re.I)
_CHARSET = re.compile(r"charset\s{0,9}\*?(?:0\*?)?\s{0,9}=\s{0,9}\"?([^\s\";]{1,60})", re.I)
_METHOD = re.compile(r";\s{0,9}method\s{0,9}=\s{0,9}\"?([A-Za-z-]{1,30})", re.I)
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}\Z")
_ADDRESS_FIELDS = ("from", "reply-to", "to", "cc")
_TEXT_PART = re.compile(rb"content-type\s{0,9}:\s{0,9}text/", re.I)
_DECODING_FIELDS = frozenset({"content-type", "content-transfer-encoding"})
_MOST_LEAVES = 50
_MAIL = frozenset({"message/rfc822", "message/global"})
_CONTINUED = re.compile(r"\r?\n[ \t]")
_CALENDAR_TEXT = re.compile(
    r"^(?:DESCRIPTION|SUMMARY|COMMENT|LOCATION|X-ALT-DESC)(?:;[^:\r\n]*+)?:([^\r\n]*+)", re.M | re.I
)
_PART_FIELDS = frozenset({"content-type", "content-disposition"})


@dataclass(frozen=True, slots=True)
class MimeLimits:
    """How much of one mail is read; what is beyond a limit is cut off. Sizes are in bytes (`raw`, `about_part`) or
    characters.

    `further_chars` bounds all texts other than the body, `all_headers` all header fields together, `about_part` one
    Content-… field. `steps` bounds lines times nesting, with which the standard parser's time grows.
    """

    raw: int = 12_000_000
    parts: int = 1_000
    depth: int = 20
    headers: int = 400
    header_chars: int = 20_000
    text_chars: int = 200_000
    html_chars: int = 1_000_000
    all_headers: int = 400_000
    about_part: int = 4_000
    further_chars: int = 60_000
    steps: int = 4_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """One node of a MIME tree, with the transfer encoding decoded but not the charset.

    `headers` are (name, value) as written, topmost first. If `charset` or `filename` is "", it is read from the
    headers. `body` is None if the bytes are not at hand (attachments at Gmail, containers); `size` is given even then.
    """

    content_type: str = "text/plain"
    charset: str = ""
    filename: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    size: int = 0
    children: tuple[Part, ...] = ()


@dataclass(slots=True)
class _Harvest:
    """What `_walk` collects from a part tree."""

    limits: MimeLimits
    text: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    further_texts: list[str] = field(default_factory=list)
    chars: Counter[str] = field(default_factory=Counter)
    attachments: list[Attachment] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    seen: int = 0

    def defect(self, what: str) -> None:
        if what and what not in self.defects and len(self.defects) < 50:
            self.defects.append(clean(what))


def from_parts(part: Part, limits: MimeLimits = MimeLimits()) -> Message:
    """The message of a part tree; the root's headers are the message's."""
    harvest = _Harvest(limits)
    headers, of_addresses = _headers(part.headers, harvest)
    lists = {name: addresses(", ".join(values)) for name, values in of_addresses.items()}
    _walk(part, harvest, frozenset(one.address for one in lists["to"] + lists["cc"]))
    return Message(
        headers=headers,
        from_=lists["from"],
        reply_to=lists["reply-to"],
        to=lists["to"],
        cc=lists["cc"],
        subject=headers.first("Subject"),
        message_id=first_id(headers.first("Message-ID")),
        in_reply_to=first_id(headers.first("In-Reply-To")),
        references=message_ids(headers.first("References")),
        text=_joined(harvest.text, limits.text_chars, harvest),
        html=_joined(harvest.html, limits.html_chars, harvest) if harvest.html else None,
        content_type=_content_type(part),
        attachments=tuple(harvest.attachments),
        defects=tuple(harvest.defects),
        further_texts=tuple(harvest.further_texts),
    )


def parse(raw: bytes, limits: MimeLimits = MimeLimits()) -> Message:
    """The message in `raw`, as far as it can be read. Never raises."""
    part, troubles = part_tree(raw, limits)
    message = from_parts(part, limits)
    if not troubles:
        return message
    return Message(**{name: getattr(message, name) for name in Message.__slots__ if name != "defects"},
                   defects=(*troubles, *message.defects))  # fmt: skip


def part_tree(raw: bytes, limits: MimeLimits = MimeLimits()) -> tuple[Part, tuple[str, ...]]:
    """The part tree of `raw`, and what was wrong with the bytes.

    Mail that nests suspiciously deep is not given to the standard parser, whose time grows with lines times depth:
    `_flat` reads its headers and texts.
    """
    troubles = ("size limit",) if len(raw) > limits.raw else ()
    raw = _CONTENT_FIELD.sub(lambda field: _bare_field(field.group()[: limits.about_part]), raw[: limits.raw])
    lower = raw.lower()
    nested = lower.count(b"boundary") + (len(_MAIL_WITHIN.findall(lower)) if b"message/" in lower else 0)
    if nested > limits.parts or nested * (raw.count(b"\n") + raw.count(b"\r")) > limits.steps:
        return _flat(raw), (*troubles, "nesting limit")
    try:
        parsed = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(raw)
        return _part(parsed, limits, 0), troubles
    except Exception as error:  # the standard parser has raised many kinds on broken mail
        return _flat(raw), (*troubles, f"unparsable: {type(error).__name__}")


def _bare_field(field: bytes) -> bytes:
    """A Content-… field without the comments that the standard parser would take for part of the type or encoding."""
    if (encoding := _ENCODING.search(field)) is not None:
        return field[: encoding.end(1)] + b" " + encoding[2]
    if b"(" not in field or (kind := _TYPE_FIELD.search(field)) is None:
        return field
    return field[: kind.start()] + _COMMENT.sub(b"", kind.group()) + field[kind.end() :]


def _flat(raw: bytes) -> Part:
    """The headers, and each text part that can be found without following the structure of the mail."""
    raw = raw.replace(b"\r\n", b"\n")
    head, _, body = raw.partition(b"\n\n")
    headers = _fields(head)
    leaves = tuple(_leaves(body))
    if not leaves:
        return Part(headers=headers, body=body, size=len(body))
    return Part("multipart/mixed", headers=headers, children=leaves)


def _fields(head: bytes) -> tuple[tuple[str, str], ...]:
    fields: list[tuple[str, list[str]]] = []
    for line in head.decode("ascii", "surrogateescape").split("\n"):
        if line[:1] in (" ", "\t") and fields:
            fields[-1][1].append(line)
        elif ":" in line:
            name, _, value = line.partition(":")
            fields.append((name.strip(), [value.strip()]))
    return tuple((name, "\n".join(lines)) for name, lines in fields)


def _leaves(body: bytes) -> Iterator[Part]:
    """All parts that are declared as text, each from its header to the next line that begins with a boundary ("--")."""
    position = 0
    for _ in range(_MOST_LEAVES):
        begun = _TEXT_PART.search(body, position)
        if begun is None:
            return
        top = max(body.rfind(b"\n--", position, begun.start()), position)
        blank = body.find(b"\n\n", begun.start())
        if blank < 0:
            return
        end = body.find(b"\n--", blank + 1)
        position = end if end >= 0 else len(body)
        about = StdMessage()
        for name, value in _fields(body[top:blank][:4_000]):
            if name.lower() in _DECODING_FIELDS and name not in about:
                about[name] = value.replace("\n", " ")
        about.set_payload(body[blank + 2 : position].decode("ascii", "surrogateescape"))
        data = about.get_payload(decode=True)
        if isinstance(data, bytes):
            headers = tuple((name, str(value)) for name, value in about.items())
            yield Part(about.get_content_type(), headers=headers, body=data, size=len(data))


def _part(message: StdMessage, limits: MimeLimits, depth: int) -> Part:
    headers = tuple((str(name), str(value)) for name, value in message.raw_items())
    content_type = message.get_content_type()
    payload = message.get_payload()
    if isinstance(payload, list):
        # One level beyond the limit is kept, so that `_walk` notes the defect; from deeper levels only the leaves are
        # kept. Empty children go, unless all are empty: they would use up the limit of parts.
        inner = [child for child in payload if isinstance(child, StdMessage)]
        deeper = (
            inner
            if depth <= limits.depth
            else [part for child in inner for part in child.walk() if not part.is_multipart()]
        )
        filled = [child for child in deeper if child.get_payload()] or deeper
        children = tuple(_part(child, limits, depth + 1) for child in filled[: limits.parts + 1])
        return Part(content_type, "", _filename(_about(headers)), headers, None, 0, children)
    body = message.get_payload(decode=True)
    data = body if isinstance(body, bytes) else b""
    return Part(content_type, "", _filename(_about(headers)), headers, data, len(data))


def _walk(root: Part, harvest: _Harvest, recipients: frozenset[str]) -> None:
    """Collect body texts and attachments in the order of the mail. A forwarded mail (message/*) is an attachment, and
    its text goes to `further_texts`, unless a report returns that mail to its author."""
    stack, reports = [(root, 0, False)], _content_type(root) == "multipart/report"
    while stack:
        part, depth, attached = stack.pop()
        harvest.seen += 1
        if harvest.seen > harvest.limits.parts:
            harvest.defect("part limit")
            return
        kind = _content_type(part)
        if kind.startswith("message/") and not attached:
            _leaf(part, kind, harvest)
        if reports and kind in _MAIL and any(_author(one, harvest) in recipients for one in part.children):
            continue
        if part.children and (not kind.startswith("message/") or kind in _MAIL):
            if depth >= harvest.limits.depth:
                harvest.defect("depth limit")
            inside = attached or kind in _MAIL
            stack.extend((child, depth + 1, inside) for child in reversed(part.children))
        elif attached:
            _further_text(part, kind, harvest)
        elif not kind.startswith("message/"):
            _leaf(part, kind, harvest)


def _author(mail: Part, harvest: _Harvest) -> str | None:
    field = next((value for name, value in mail.headers if name.lower() == "from"), "")
    return next((one.address for one in addresses(unfold(field[: harvest.limits.header_chars]))), "") or None


def _leaf(part: Part, kind: str, harvest: _Harvest) -> None:
    about = _about(part.headers)
    filename = decode_words(unfold(part.filename)) or _filename(about)
    disposition = about.get("content-disposition", "").strip().lower()
    readable = kind in ("text/plain", "text/html") or kind.startswith("multipart/")
    if filename or disposition.startswith("attachment") or not readable:
        size = 0 if kind.startswith("message/") else max(part.size, 0)
        harvest.attachments.append(Attachment(filename[:300], kind, size, _method(about, kind)))
        _further_text(part, kind, harvest)
        return
    if part.body is None:
        harvest.defect("body missing" if part.size else "")
        return
    limit = harvest.limits.html_chars if kind == "text/html" else harvest.limits.text_chars
    if harvest.chars[kind] > limit:
        harvest.defect("text limit")
        return
    # A character has at most four bytes; cutting the bytes before decoding keeps the work bounded.
    text, trouble = decode(part.body[: limit * 4], part.charset or _charset(about))
    harvest.defect(trouble)
    if kind == "text/plain" and _DELSP.search(about.get("content-type", "")):
        text = _SOFT_BREAK.sub("", text)
    harvest.chars[kind] += len(text)
    (harvest.html if kind == "text/html" else harvest.text).append(text)


def _further_text(part: Part, kind: str, harvest: _Harvest) -> None:
    """Collect the text of a part that is not the body: many programs show it below the body, or as an invitation."""
    left = harvest.limits.further_chars - harvest.chars["further"]
    if not part.body or not kind.startswith("text/") or left <= 0:
        return
    text, _ = decode(
        part.body[: harvest.limits.further_chars * 4], part.charset or _charset(_about(part.headers))
    )
    if kind == "text/calendar":
        text = "\n".join(match.group(1) for match in _CALENDAR_TEXT.finditer(_CONTINUED.sub("", text)))
        text = text.replace("\\n", "\n").replace("\\N", "\n").replace("\\", "")
    elif kind != "text/plain" and "<" in text:
        text = visible(text).text
    harvest.chars["further"] += len(text)
    if text.strip():
        harvest.further_texts.append(text.replace("\r\n", "\n")[:left])


def _method(about: Mapping[str, str], kind: str) -> str:
    """The iTIP method of a calendar part: an answer to an invitation and an invitation differ in it alone."""
    match = _METHOD.search(about.get("content-type", "")) if kind == "text/calendar" else None
    return match.group(1).lower() if match else ""


def _joined(texts: Sequence[str], limit: int, harvest: _Harvest) -> str:
    text = "\n".join(t.replace("\r\n", "\n").replace("\r", "\n").rstrip() for t in texts)
    if len(text) > limit:
        harvest.defect("text limit")
    return text[:limit]


def _headers(
    fields: Sequence[tuple[str, str]], harvest: _Harvest
) -> tuple[Headers, Mapping[str, Sequence[str]]]:
    """The header fields; and for each header that holds addresses, by its lower-case name, its first five values with
    encoded words left as they are."""
    limits = harvest.limits
    if len(fields) > limits.headers:
        harvest.defect("header limit")
    kept = []
    of_addresses: dict[str, list[str]] = {name: [] for name in _ADDRESS_FIELDS}
    left = limits.all_headers
    for written, value in fields[: limits.headers]:
        name = written.strip()
        read = unfold(value[: limits.header_chars])
        values = of_addresses.get(name.lower())
        if values is not None and len(values) < 5:
            values.append(read)
        if len(value) > min(left, limits.header_chars):
            harvest.defect("long header")
            read = unfold(value[: min(left, limits.header_chars)])
        kept.append((clean(name)[:200], decode_words(read)))
        left = max(0, left - len(value))
    return Headers(tuple(kept)), of_addresses


def _about(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The headers that describe a part, by lower-case name."""
    found: dict[str, str] = {}
    for name, value in fields:
        wanted = name.strip().lower()
        if wanted in _PART_FIELDS and wanted not in found:
            found[wanted] = unfold(value[:2000])
    return found


def _content_type(part: Part) -> str:
    kind = part.content_type.strip().lower()
    if _TYPE.match(kind):
        return kind
    # A part whose type cannot be parsed counts as an attachment; without any type, it is text (RFC 2045).
    return "application/octet-stream" if "/" in kind else "text/plain"


def _charset(about: Mapping[str, str]) -> str:
    match = _CHARSET.search(about.get("content-type", ""))
    # RFC 2231 writes charset*=us-ascii'en'utf-8: the value follows the last quote.
    return match.group(1).rpartition("'")[2] if match else ""


def _filename(about: Mapping[str, str]) -> str:
    """The file name of a part, from Content-Disposition or the older `name` of Content-Type."""
    for header, parameter in (("Content-Disposition", "filename"), ("Content-Type", "name")):
        value = about.get(header.lower(), "")
        if parameter in value.lower():
            probe = StdMessage()
            probe[header] = value.replace("\n", " ")
            try:
                found = probe.get_param(parameter, "", header)
                name = email.utils.collapse_rfc2231_value(found) if found else ""
            except Exception:  # broken RFC 2231 continuations; it is an attachment all the same
                name = "noname"
            if name.strip():
                return decode_words(unfold(name))[:300]
    return ""
