"""Pages as data: what the templates show."""

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from backend.sandbox.mail import headers as fields
from backend.sandbox.mail.authentication import AUTHSERV_ID
from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.mail.message import StoredMessage
from backend.sandbox.mail.mime_view import html_of
from backend.sandbox.webmail.sanitize import inert_html, linked_text

MAX_TEXT = 200_000
_DMARC = re.compile(r"\bdmarc=(\w+)")

FOLDERS = (
    ("INBOX", "Inbox"),
    ("STARRED", "Starred"),
    ("SENT", "Sent"),
    ("DRAFT", "Drafts"),
    ("ALL", "All mail"),
    ("SPAM", "Spam"),
    ("TRASH", "Trash"),
)
_SHOWN_SYSTEM = {
    "INBOX": "Inbox",
    "SPAM": "Spam",
    "TRASH": "Trash",
    "SENT": "Sent",
    "DRAFT": "Draft",
    "STARRED": "Starred",
}


@dataclass(frozen=True, slots=True)
class Folder:
    """An entry of the side list."""

    id: str
    name: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One message in a list."""

    id: str
    thread_id: str
    who: str
    subject: str
    snippet: str
    when: str
    iso: str
    unread: bool
    chips: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of a thread, opened. `verdict` is the DMARC word of the topmost trusted stamp."""

    row: Row
    sender: str
    address: str
    to: str
    own: bool
    verdict: str
    body: Markup
    files: tuple[str, ...]
    in_inbox: bool
    in_spam: bool


def folders(mailbox: Mailbox, current: str) -> tuple[list[Folder], list[Folder]]:
    """System folders and the owner's own labels. The count is of unread mail in the inbox, else of all."""
    system = [Folder(label, name, _count(mailbox, label), label == current) for label, name in FOLDERS]
    own = [
        Folder(label.id, label.name, mailbox.count(label.id), label.id == current)
        for label in sorted(mailbox.labels.all(), key=lambda item: item.name.lower())
        if not label.system
    ]
    return system, own


def row(mailbox: Mailbox, message: StoredMessage, hide: str = "") -> Row:
    """A message as a row; the chip of the folder being shown is left out."""
    moment = datetime.fromtimestamp(message.internal_date / 1000, UTC)
    sent = "SENT" in message.labels and "INBOX" not in message.labels
    who = message.header("To") if sent else message.header("From")
    return Row(
        id=message.id,
        thread_id=message.thread_id,
        who=("To: " if sent else "") + _people(who),
        subject=message.subject or "(no subject)",
        snippet=html.unescape(message.snippet),
        when=f"{moment.day} {moment:%b %H:%M}",
        iso=moment.isoformat(timespec="seconds"),
        unread="UNREAD" in message.labels,
        chips=tuple(sorted(_chips(mailbox, message, hide))),
    )


def letter(mailbox: Mailbox, message: StoredMessage) -> Letter:
    """A message opened: its body made harmless."""
    rich = html_of(message.root)
    body = inert_html(rich) if rich is not None else linked_text(message.text[:MAX_TEXT])
    named = fields.addresses(message.header("From"))
    return Letter(
        row=row(mailbox, message),
        sender=_people(message.header("From")) or "(nobody)",
        address=named[0][1] if named else "",
        to=message.header("To"),
        own=bool(named) and named[0][1] in mailbox.own_addresses(),
        verdict=_verdict(message),
        # Every character in it was escaped or written by the sanitizer.
        body=Markup(body if rich is not None else f'<div class="plain">{body}</div>'),  # noqa: S704
        files=tuple(part.filename for part in message.root.walk() if part.filename),
        in_inbox="INBOX" in message.labels,
        in_spam="SPAM" in message.labels,
    )


def _people(value: str) -> str:
    names = [name or address for name, address in fields.addresses(value)]
    return ", ".join(names) or value[:100]


def _verdict(message: StoredMessage) -> str:
    stamp = message.header("Authentication-Results")
    if stamp.partition(";")[0].strip() != AUTHSERV_ID:
        return ""
    found = _DMARC.search(stamp)
    return found.group(1) if found else "none"


def _chips(mailbox: Mailbox, message: StoredMessage, hide: str) -> list[str]:
    chips = []
    for label_id in message.labels - {hide, "UNREAD"}:
        label = mailbox.labels.get(label_id)
        if label is not None and not label.system:
            chips.append(label.name)
        elif label_id in _SHOWN_SYSTEM:
            chips.append(_SHOWN_SYSTEM[label_id])
    return chips


def _count(mailbox: Mailbox, label: str) -> int:
    if label == "ALL":
        return len(mailbox)
    if label == "INBOX":
        return len(mailbox.labelled("INBOX") & mailbox.labelled("UNREAD"))
    return mailbox.count(label)
