"""A raw message as Gmail's tree of parts: bodies decoded from transfer encoding, not from charset."""

import html
import re
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import Message

from backend.sandbox.mail.headers import Headers, message_headers, read_headers

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
    children: list["Part"] = field(default_factory=list)

    @property
    def is_attachment(self) -> bool:
        """Whether the API shows an attachment id in place of the bytes."""
        return bool(self.body) and (bool(self.filename) or not self.mime_type.startswith("text/"))

    def walk(self) -> list["Part"]:
        """This part and all below it, in order."""
        found = [self]
        for part in found:
            found.extend(part.children)
        return sorted(found, key=lambda part: _order(part.part_id))


def parse(raw: bytes) -> Part:
    """The part tree of a raw message. Never raises: what cannot be parsed becomes one text part."""
    try:
        budget = [MAX_PARTS]
        return _part(message_from_bytes(raw, policy=policy.compat32), "", 0, budget)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        # The standard parser trips over some broken mail; Gmail shows such mail as plain text.
        return Part("", "text/plain", "", read_headers(raw), body=raw)


def text_of(root: Part) -> str:
    """Readable text of a message: its first plain text, else its HTML without tags."""
    chosen = _first_text(root, "text/plain") or _first_text(root, "text/html")
    if chosen is None:
        return ""
    text = decoded(chosen)
    return without_tags(text) if chosen.mime_type == "text/html" else text


def without_tags(source: str) -> str:
    """The text of some HTML, in time that grows as its length does."""
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
    """The message's HTML body, or None."""
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


def _order(part_id: str) -> list[int]:
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
