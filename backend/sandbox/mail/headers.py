"""Header fields as Gmail's API shows them: order and spelling kept, encoded words decoded."""

import re
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses

Headers = list[tuple[str, str]]

# Gmail leaves the folding of trace fields alone and unfolds the rest.
_TRACE = re.compile(r"\A(received|x-received|authentication-results|dkim-signature|arc-|x-google-)", re.I)
_ADDRESS_FIELDS = frozenset({"from", "to", "cc", "bcc", "reply-to", "sender"})
_FOLD = re.compile(r"\r?\n")  # the white space behind it belongs to the field (RFC 5322, 2.2.3)
_MESSAGE_ID = re.compile(r"<([^<>\s]+)>")
_SPECIALS = re.compile(r'[()<>\[\]:;@\\,."]')
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")

_PARSER = BytesHeaderParser(policy=policy.compat32)


def read_headers(raw: bytes) -> Headers:
    """All header fields of a raw message, in order, values as the API gives them."""
    end = _END_OF_HEADERS.search(raw)
    return message_headers(_PARSER.parsebytes(raw[: end.end()] if end else raw))


def message_headers(message: Message) -> Headers:
    """All header fields of a parsed message or part."""
    return [(name, _shown(name, str(value))) for name, value in message.raw_items()]


def first(headers: Headers, name: str) -> str:
    """The first value of a field (any case), or an empty string."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), "")


def message_ids(value: str) -> list[str]:
    """The ids in a Message-ID, In-Reply-To or References field, without angle brackets."""
    return _MESSAGE_ID.findall(value)


def addresses(value: str) -> list[tuple[str, str]]:
    """(display name, lower-case address) pairs of an address field; nonsense is left out."""
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
