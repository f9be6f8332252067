"""Header values: unfolding, encoded words, address lists, message ids. Total functions over any text."""

from __future__ import annotations

import base64
import binascii
import quopri
import re

from backend.domain.mail.charset import clean, decode
from backend.domain.mail.message import Address

MAX_ADDRESSES = 500
MAX_NAME = 200

_FOLD = re.compile(r"\r?\n[ \t]*|\r")
_WORD = re.compile(r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]{1,80}\?[bBqQ]\?)")
_DIVIDES = re.compile(r"[,;:]")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,998})>")
# Begun only where a word begins: from every letter of a long one, the search would read it to its end.
_ADDRESS = re.compile(r"(?<![^\s<>,;:\"()@])[^\s<>,;:\"()@]{1,128}+@[^\s<>,;:\"()@]{1,255}+")


def unfold(value: str) -> str:
    """One line, surrounding blanks gone; 8-bit bytes smuggled in as surrogates are decoded."""
    if value.isascii():
        if "\n" in value or "\r" in value:
            value = _FOLD.sub(" ", value)
        return (value.replace("\0", "\ufffd") if "\0" in value else value).strip()
    try:
        value.encode()
    except UnicodeEncodeError:
        value, _ = decode(value.encode("utf-8", "surrogateescape") if _escaped_only(value) else
                          value.encode("utf-8", "replace"))  # fmt: skip
    return clean(_FOLD.sub(" ", value)).strip()


def _escaped_only(value: str) -> bool:
    return all(not "\ud800" <= c <= "\udfff" or "\udc80" <= c <= "\udcff" for c in value)


def decode_words(value: str) -> str:
    """RFC 2047 words decoded; what does not decode stays as it is written.

    Neighbouring words of one charset are joined as bytes first, because senders split characters.
    """
    if "=?" not in value:
        return value
    value = _BETWEEN_WORDS.sub(r"\1", value)
    out: list[str] = []
    pending, charset, position = bytearray(), "", 0
    for match in _WORD.finditer(value):
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

    The part in angle brackets wins over any address written in the display name. An unquoted comma in
    a name ("Doe, Jane <jane@x.test>") does not make two people of one.
    """
    if not value:
        return ()
    found: list[Address] = []
    carried = ""
    for chunk in _chunks(value):
        address, name = _one(chunk)
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
    """Split at commas, semicolons and group colons that stand outside quotes, brackets and comments."""
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


def _one(chunk: str) -> tuple[str, str]:
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
    """Every `<id>` in a Message-ID, In-Reply-To or References value, brackets kept, first `limit` only."""
    if "<" not in value:
        return ()
    return tuple(match.group() for match, _ in zip(_MESSAGE_ID.finditer(value), range(limit), strict=False))


def first_id(value: str) -> str:
    """The first `<id>`; a lone word without brackets counts too; "" if there is nothing of the kind."""
    if match := _MESSAGE_ID.search(value):
        return match.group()
    words = value.split()
    return words[0][:998] if len(words) == 1 else ""
