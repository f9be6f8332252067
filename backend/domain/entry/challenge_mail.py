"""The challenge as a mail: an RFC 5322 reply in the sender's thread, text and HTML, and nothing that tracks.

The parent mail was written by a stranger. What is taken from it (subject, ids, address) is cleaned and bounded
here, so that it can neither start a header nor break one.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime
from typing import cast

from backend.domain.entry.challenge_wording import (
    DEFAULT,
    LANGUAGES,
    MAX_OWN_WORDING,
    TAGS,
    WORDINGS,
    Wording,
)
from backend.domain.errors import Refused
from backend.domain.mail.message import Arrival, Message, Owner
from backend.domain.mail.reply import reply_address
from backend.domain.mail.sender import is_writable, normalise
from backend.domain.reading.language import language

MARKER_HEADER = "X-Pitchgate-Challenge"
MAX_SUBJECT = 900
MAX_REFERENCES = 20
"""Message ids kept of a long thread: the first, which names it, and the latest."""

_ID = re.compile(r"<[!-;=?-~]{1,200}@[!-;=?-~]{1,200}>")  # printable ASCII without angle brackets
_TOKEN = re.compile(r"[A-Za-z0-9._:-]{1,120}")
_LINK = re.compile(r"https?://[!#-;=?-~]{4,1000}")  # no blanks, quotes or angle brackets
_REPLY = re.compile(r"\s*re\s*(?:\[\d+\]\s*)?:", re.I)


@dataclass(frozen=True, slots=True)
class Preview:
    """A challenge as its reader sees it: `text` and `html` say the same; `html` is a whole document."""

    subject: str
    text: str
    html: str


class _IdList(UnstructuredHeader):
    """Message ids, one a line. The library's own folding turns a long id into an encoded word, which nobody's
    client takes for an id."""

    name: str
    max_count = 1

    def fold(self, *, policy: Policy[EmailMessage]) -> str:
        """The field with its ids on lines of their own."""
        return f"{self.name}: " + "\r\n ".join(str(self).split()) + "\r\n"


def _policy() -> EmailPolicy[EmailMessage]:
    registry = HeaderRegistry()
    for name in ("message-id", "in-reply-to", "references"):
        registry.map_to_type(name, cast("type[BaseHeader]", _IdList))
    return SMTP.clone(header_factory=registry)


_POLICY = _policy()


def compose(
    *,
    arrival: Arrival,
    owner: Owner,
    link: str,
    message_id: str,
    marker: str,
    expires_at: datetime,
    wording: Mapping[str, str],
    language: str,
    now: datetime,
) -> bytes:
    """The mail, ready to be sent: CRLF lines, ASCII headers. The same arguments give the same headers and text.

    `wording` maps a language to the owner's own text for the middle paragraph, `language` is one of
    `LANGUAGES` (anything else is English), `expires_at` and `now` are aware UTC. Raises `Refused`
    (unwritable_address) when nobody can be written to, `ValueError` for a link, id or marker that is not ours.
    """
    for value, pattern in ((message_id, _ID), (marker, _TOKEN), (link, _LINK)):
        if not pattern.fullmatch(value):
            raise ValueError(f"not fit for a mail: {value[:80]!r}")
    recipient = reply_address(arrival.message).address
    if not is_writable(recipient):
        raise Refused("The sender's address cannot be written to.", code="unwritable_address")
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = HeaderAddress(display_name=_line(owner.name, 100), addr_spec=normalise(owner.email))
    mail["To"] = HeaderAddress(addr_spec=normalise(recipient))
    mail["Subject"] = reply_subject(arrival.message.subject)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id
    _thread(mail, arrival.message)
    mail["Auto-Submitted"] = "auto-replied"
    mail["X-Auto-Response-Suppress"] = "All"
    mail[MARKER_HEADER] = marker
    seen = preview(
        owner=owner,
        subject=arrival.message.subject,
        link=link,
        expires_at=expires_at,
        wording=wording,
        language=language,
    )
    _body(mail, seen, marker)
    return mail.as_bytes()


def preview(
    *, owner: Owner, subject: str, link: str, expires_at: datetime, wording: Mapping[str, str], language: str
) -> Preview:
    """What the reader of a challenge gets to see, letter for letter as `compose` sends it.

    `subject` is the one that is answered; `wording` and `language` are those of `compose`. Never raises.
    """
    code = language if language in LANGUAGES else DEFAULT
    words = WORDINGS[code]
    filled = {"owner": _line(owner.name, 100) or owner.email, "until": words.day(expires_at)}
    own = _paragraphs(wording.get(code, ""))
    before = [text.format(**filled) for text in (words.greeting, words.machine)]
    middle = own or [words.because.format(**filled)]
    after = [text.format(**filled) for text in (words.terms, words.otherwise)]
    todo = words.todo.format(**filled)
    return Preview(
        subject=reply_subject(subject),
        text="\n\n".join((*before, *middle, f"{todo}\n{link}", *after)) + "\n",
        html=_html(code, words, before + middle, todo, link, after),
    )


def language_of(text: str) -> str:
    """Which of `LANGUAGES` to answer in: the text's own where it is one of them, else English."""
    found = language(text[:20_000])
    return found if found in LANGUAGES else DEFAULT


def reply_subject(subject: str) -> str:
    """ "Re: " and the subject, which Gmail needs to keep a reply in its thread; one "Re:" is enough."""
    plain = _line(subject, MAX_SUBJECT)
    return plain if _REPLY.match(plain) else f"Re: {plain}".strip()


def _thread(mail: EmailMessage, parent: Message) -> None:
    """In-Reply-To and References (RFC 5322 3.6.4); a parent without a usable id gets neither."""
    if not _ID.fullmatch(parent.message_id):
        return
    earlier = [i for i in dict.fromkeys(parent.references) if _ID.fullmatch(i) and i != parent.message_id]
    if len(earlier) > MAX_REFERENCES:
        earlier = [earlier[0], *earlier[-(MAX_REFERENCES - 1) :]]
    mail["In-Reply-To"] = parent.message_id
    mail["References"] = " ".join((*earlier, parent.message_id))


def _body(mail: EmailMessage, seen: Preview, marker: str) -> None:
    mail.set_content(seen.text, cte="quoted-printable")
    mail.add_alternative(seen.html, subtype="html", cte="quoted-printable")
    # The library draws a random boundary; the marker is as unique and keeps the mail reproducible.
    mail.set_boundary(f"=_{re.sub('[^A-Za-z0-9]', '', marker)[:40]}_=")


def _html(
    code: str, words: Wording, before: Sequence[str], todo: str, link: str, after: Sequence[str]
) -> str:
    """Plain paragraphs that any client shows in its own colours and size; nothing is loaded from anywhere."""
    address = html.escape(link, quote=True)
    named = f'<a href="{address}">{html.escape(words.link)}</a>'
    lines = [f"<p>{_escaped(text)}</p>" for text in (*before, todo)]
    lines += [f"<p>{named}<br>\n{address}</p>", *(f"<p>{_escaped(text)}</p>" for text in after)]
    body = "\n".join(lines)
    return (
        f'<!DOCTYPE html>\n<html lang="{TAGS[code]}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{html.escape(words.link)}</title>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _escaped(text: str) -> str:
    return html.escape(text).replace("\n", "<br>\n")


def _paragraphs(text: str) -> list[str]:
    """The owner's own text as paragraphs: no control characters, no more than `MAX_OWN_WORDING`."""
    lines = [
        _line(line, MAX_OWN_WORDING) for line in text[:MAX_OWN_WORDING].replace("\r\n", "\n").split("\n")
    ]
    return [block.strip("\n") for block in re.split(r"\n{2,}", "\n".join(lines)) if block.strip()]


def _line(text: str, limit: int) -> str:
    """One line of visible text: controls, line breaks of every kind, direction marks and halves of characters
    become blanks. What looks like an encoded word is broken up, or a mail program would decode it."""
    plain = "".join(" " if unicodedata.category(c) in _UNSEEN else c for c in text[: limit * 2])
    return " ".join(plain.split()).replace("=?", "= ?")[:limit].strip()


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
