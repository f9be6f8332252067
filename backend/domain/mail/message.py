"""A parsed email and what Gmail says about it; and functions that read and write header values, which never raise on
what a sender wrote.

All values are immutable. Text is `str` without lone surrogates; sizes are bytes; times are aware UTC.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import quopri
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Address:
    """One mail address. `address` is lower-case, or "" if the header has none that can be parsed."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """The part after the last "@", or "" if there is none."""
        return self.address.rpartition("@")[2] if "@" in self.address else ""

    @property
    def local(self) -> str:
        """The part before the last "@"; the whole text if there is none."""
        return self.address.rpartition("@")[0] or self.address


@dataclass(frozen=True)
class Headers:
    """Header fields in the order of the message, spelled as there; names are matched ignoring case."""

    fields: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> tuple[str, ...]:
        return self._by_name.get(name.lower(), ())

    def first(self, name: str, default: str = "") -> str:
        values = self.all(name)
        return values[0] if values else default

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_name

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for key, value in self.fields:
            found.setdefault(key.lower(), []).append(value)
        return {name: tuple(values) for name, values in found.items()}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not body text. `size` in bytes, 0 if unknown; the content is never kept.

    `method` is the purpose of a calendar part ("request", "reply", "" if not given).
    """

    filename: str
    content_type: str
    size: int = 0
    method: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One e-mail, parsed as far as it could be.

    `text` and `html` are the decoded bodies (concatenated if there are several, "" and None if there is none).
    `defects` names what was wrong with the bytes ("part limit", "charset klingon", …); a message with defects is still
    a message. `further_texts`: what else mail programs show, from named parts, invitations and attached mail.
    """

    headers: Headers = Headers()
    from_: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    text: str = ""
    html: str | None = None
    content_type: str = "text/plain"
    attachments: tuple[Attachment, ...] = ()
    defects: tuple[str, ...] = ()
    further_texts: tuple[str, ...] = ()

    @property
    def sender(self) -> Address:
        """The first From address; an empty `Address` when there is none."""
        return self.from_[0] if self.from_ else Address("")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message together with what Gmail says about it.

    `gmail_id` and `thread_id` are Google's ids, unique within one mailbox only. `received_at` is when Gmail received
    the message (internalDate), not the sender's Date header.
    """

    gmail_id: str
    thread_id: str
    labels: frozenset[str]
    received_at: datetime
    message: Message
    size: int = 0


MailboxId: TypeAlias = str
"""Our own id of a mailbox."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A mailbox's owner, with all their addresses (the primary `email` and accepted `aliases`), lower-case. `names` are
    the display names of aliases that differ from `name`; they are known only just after asking Google."""

    email: str
    name: str = ""
    aliases: frozenset[str] = field(default_factory=frozenset)
    names: tuple[tuple[str, str], ...] = ()

    @property
    def addresses(self) -> frozenset[str]:
        return self.aliases | {self.email}

    @property
    def domain(self) -> str:
        return self.email.rpartition("@")[2]

    def writing_as(self, address: str) -> Address:
        """The sender of mail they write from `address`: with its display name. If it is not theirs, the primary."""
        own = address if address in self.addresses else self.email
        return Address(own, dict(self.names).get(own) or self.name)


# ---- Bytes to safe text


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,39}\Z")
_SURROGATE_OR_NUL = re.compile("[\ud800-\udfff\x00]")

INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, and marks that change the direction of text."""

# Codecs that are not mail charsets: some take quadratic time, some interpret escapes in the text.
_REFUSED = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
# Labels in real mail that Python does not know, or for which senders really use a superset.
_ALIASES = {
    "iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "l1": "cp1252", "iso8859-1": "cp1252",
    "x-unknown": "", "unknown-8bit": "", "unknown": "", "default": "", "none": "", "binary": "", "8bit": "",
    "cp-850": "cp850", "x-sjis": "shift_jis", "ks_c_5601-1987": "cp949", "gb2312": "gb18030", "x-gbk": "gbk",
    "utf8mb4": "utf-8", "utf": "utf-8", "unicode-1-1-utf-7": "utf-7", "iso-8859-8-i": "iso-8859-8",
}  # fmt: skip


def clean(text: str) -> str:
    """`text` with each lone surrogate and each NUL replaced by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return _SURROGATE_OR_NUL.sub("\ufffd", text)


def may_match(text: str, signs: Sequence[str]) -> bool:
    """A quick check before a slow case-insensitive pattern whose matches all contain one of `signs` (lower case).

    Returns True for any text beyond ASCII, because some letters there match an ASCII letter if case is ignored.
    """
    return not text.isascii() or any(map(text.lower().__contains__, signs))


@lru_cache(maxsize=256)
def codec_for(label: str) -> str | None:
    """Python's codec name for a charset label; None if it is unknown or not a mail charset."""
    label = label.strip().strip("\"'").lower()
    label = _ALIASES.get(label, label)
    if not _NAME.match(label):
        return None
    try:
        info = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    text_codec = getattr(info, "_is_text_encoding", True)
    return info.name if text_codec and info.name.replace("_", "-") not in _REFUSED else None


def decode(data: bytes, label: str = "") -> tuple[str, str]:
    """(text, what was wrong or ""). Tries the declared charset, then UTF-8, then Windows-1252.

    Windows-1252 comes last because mislabelled Latin-1 is far more common than broken UTF-8.
    """
    codec = codec_for(label) if label else None
    trouble = f"charset {label[:40]}" if label and codec is None and label.lower() not in _ALIASES else ""
    for candidate in (codec, "utf-8"):
        if candidate is None or candidate == "ascii":
            continue
        try:
            return clean(data.decode(candidate)), trouble
        except (UnicodeError, ValueError):
            trouble = trouble or f"bytes not {label[:40] or candidate}"
    if codec == "utf-8":
        return clean(data.decode("utf-8", "replace")), trouble
    return clean(data.decode("cp1252", "replace")), trouble


# ---- Reading header values


MAX_ADDRESSES = 500
MAX_NAME = 200

_FOLDED = re.compile(r"\r?\n[ \t]*|\r")
_ENCODED_WORD = re.compile(r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]{1,80}\?[bBqQ]\?)")
_DIVIDES = re.compile(r"[,;:]")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,998})>")
# Matches only at the beginning of a word: a search from every letter of a long word would take quadratic time.
_ADDRESS = re.compile(r"(?<![^\s<>,;:\"()@])[^\s<>,;:\"()@]{1,128}+@[^\s<>,;:\"()@]{1,255}+")


def unfold(value: str) -> str:
    """The value on one line, stripped; raw 8-bit bytes, which the parser keeps as surrogates, are decoded."""
    if value.isascii():
        if "\n" in value or "\r" in value:
            value = _FOLDED.sub(" ", value)
        return (value.replace("\0", "\ufffd") if "\0" in value else value).strip()
    try:
        value.encode()
    except UnicodeEncodeError:
        value, _ = decode(value.encode("utf-8", "surrogateescape") if _escaped_only(value) else
                          value.encode("utf-8", "replace"))  # fmt: skip
    return clean(_FOLDED.sub(" ", value)).strip()


def _escaped_only(value: str) -> bool:
    return all(not "\ud800" <= c <= "\udfff" or "\udc80" <= c <= "\udcff" for c in value)


def decode_words(value: str) -> str:
    """The value with its RFC 2047 words decoded; what cannot be decoded stays as it is.

    Neighbouring words of one charset are joined as bytes first, because senders split characters.
    """
    if "=?" not in value:
        return value
    value = _BETWEEN_WORDS.sub(r"\1", value)
    out: list[str] = []
    pending, charset, position = bytearray(), "", 0
    for match in _ENCODED_WORD.finditer(value):
        label, kind, payload = match.groups()
        data = _word_bytes(kind, payload)
        adjacent = match.start() == position and label.lower() == charset
        if pending and (data is None or not adjacent):
            out.append(decode(bytes(pending), charset)[0])
            pending.clear()
        out.append(value[position : match.start()])
        if data is None:
            out.append(match.group())
        else:
            pending += data
            charset = label.lower()
        position = match.end()
    if pending:
        out.append(decode(bytes(pending), charset)[0])
    return clean("".join(out) + value[position:]).replace("\n", " ").replace("\r", " ")


def _word_bytes(kind: str, payload: str) -> bytes | None:
    try:
        raw = payload.encode("ascii")
        if kind in "qQ":
            return quopri.decodestring(raw.replace(b"_", b"=20"), header=False)
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None


def addresses(value: str) -> tuple[Address, ...]:
    """The addresses of a From, To, Cc or Reply-To value, at most `MAX_ADDRESSES`.

    The address in angle brackets wins over one in the display name. An unquoted comma in a name ("Doe, Jane
    <jane@x.test>") does not make two addresses.
    """
    if not value:
        return ()
    found: list[Address] = []
    carried = ""
    for chunk in _chunks(value):
        address, name = _address_and_name(chunk)
        if not address and "@" not in chunk:
            carried = (f"{carried}, {name}" if carried else name)[:MAX_NAME]
            continue
        name = f"{carried}, {name}" if carried and name else name or carried
        found.append(Address(address, name[:MAX_NAME]))
        carried = ""
        if len(found) >= MAX_ADDRESSES:
            break
    if carried and not found:
        found.append(Address("", carried))
    return tuple(found)


def _chunks(value: str) -> list[str]:
    """Split at commas, semicolons and group colons outside quotes, brackets and comments."""
    if not _DIVIDES.search(value):
        return [value.strip()] if value.strip() else []
    chunks: list[str] = []
    current: list[str] = []
    quoted = escaped = angle = False
    depth = 0
    for char in value:
        if escaped:
            escaped = False
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif quoted:
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char == "(":
            depth += 1
        elif char == ")":
            depth = max(0, depth - 1)
        elif depth == 0 and char in "<>":
            angle = char == "<"
        elif depth == 0 and not angle and char in ",;:":
            if char != ":":
                chunks.append("".join(current))
            current = []
            continue
        current.append(char)
    chunks.append("".join(current))
    return [chunk for chunk in (c.strip() for c in chunks) if chunk]


def _address_and_name(chunk: str) -> tuple[str, str]:
    """(address in lower case or "", display name) of one list item."""
    name, bracket, rest = chunk.rpartition("<")
    if bracket and (match := _ADDRESS.search(rest.partition(">")[0])):
        return match.group().lower(), _name(name)
    match = _ADDRESS.search(re.sub(r'"[^"]*"', " ", chunk))
    if match is None:
        return "", _name(chunk)
    comment = re.search(r"\(([^()]*)\)", chunk)
    return match.group().lower(), _name(comment.group(1)) if comment else ""


def _name(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    return " ".join(decode_words(text).strip("\"' ").split())[:MAX_NAME]


def message_ids(value: str, limit: int = 200) -> tuple[str, ...]:
    """The first `limit` ids in a Message-ID, In-Reply-To or References value, with their brackets."""
    if "<" not in value:
        return ()
    return tuple(match.group() for match, _ in zip(_MESSAGE_ID.finditer(value), range(limit), strict=False))


def first_id(value: str) -> str:
    """The first `<id>`, or a single word without brackets; "" if there is neither."""
    if match := _MESSAGE_ID.search(value):
        return match.group()
    words = value.split()
    return words[0][:998] if len(words) == 1 else ""


# ---- Writing header fields
# Text is written either as printable ASCII, folded at single spaces, or as encoded words (RFC 2047) throughout.
# Programs differ on a space between an encoded word and plain text, and Python's own folding loses it.


WIDTH = 76
"""Longest line with an encoded word (RFC 2047 section 2)."""

_PLAIN = re.compile(r"(?:[!-~]+(?: [!-~]+)*)?")
_BROKEN = re.compile(r"[\x00\r\n]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_OVERHEAD = len("=?utf-8?b??=")
_FOLDER = textwrap.TextWrapper(WIDTH, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False)


def text_field(name: str, text: str) -> str:
    """The header field `name: text` without its line end. Raises `ValueError` if `text` contains a line break, a NUL or
    a lone surrogate."""
    if _BROKEN.search(text):
        raise ValueError(f"not fit for a header: {text[:80]!r}")
    if _is_plain(text):
        # The first word stays on the first line, however long: an empty first line would add a space.
        return "\r\n".join(_FOLDER.wrap(f"{name}:{text}")).replace(":", ": ", 1)
    return f"{name}: " + "\r\n ".join(_encoded(text, WIDTH - len(name) - 2))


def mailbox_field(name: str, person: str, address: str) -> str:
    """The header field `name: person <address>`, without brackets if `person` is ""; raises as `text_field` does.

    `address` is not checked here: it must be `backend.domain.mail.sender.is_writable`.
    """
    if not person:
        return f"{name}: {address}"
    if _is_plain(person) and not _ATOMS.fullmatch(person):
        escaped = person.replace("\\", "\\\\").replace('"', '\\"')
        return f'{name}: "{escaped}"\r\n <{address}>'
    return f"{text_field(name, person)}\r\n <{address}>"


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and "=?" not in text


def _encoded(text: str, room: int) -> Iterator[str]:
    """Encoded words of at most `room` characters; none splits a character. Readers ignore the space between them."""
    most = (room - _OVERHEAD) // 4 * 3
    word = b""
    for character in text:
        encoded = character.encode("utf-8")
        if len(word) + len(encoded) > most:
            yield _encoded_word(word)
            word = b""
        word += encoded
    yield _encoded_word(word)


def _encoded_word(content: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(content).decode('ascii')}?="
