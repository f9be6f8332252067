"""The challenge as an email: a reply in the sender's thread, as text and HTML, without any tracking."""

from __future__ import annotations

import binascii
import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from backend.domain.errors import Refused
from backend.domain.mail.machine_mail import reply_address
from backend.domain.mail.message import Arrival, Message, Owner, mailbox_field, text_field
from backend.domain.mail.sender import is_writable, normalise

# ---- The paragraphs (their words are in the catalogues)


MAX_OWN_WORDING = 2_000
"""Characters of an owner's own paragraph."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The paragraphs in order, with placeholders that are filled in when the email is composed.

    `{owner}` is the owner's name, `{name}` the sender's first name, `{subject}` the subject of their message, `{until}`
    the last day of the link, as written in this language. `greeting_named` and `because_named` are used if the name and
    the subject can be repeated. The owner may replace `because` with their own text. The rest cannot be left out: what
    the link does (`todo`), what that is worth (`more`, "" if it is one delivery), that a program wrote the email, and
    how long the link works (in `sign`). `what` introduces the link to an explanation; `tag` is the language (BCP 47).
    """

    tag: str
    greeting: str
    greeting_named: str
    because: str
    because_named: str
    todo: str
    more: str
    otherwise: str
    sign: str
    what: str
    until: str


# ---- The email
# The message that is answered was written by a stranger. What is taken from it (subject, ids, address) is cleaned and
# cut here, so that it can neither begin a header nor break one.


MARKER_HEADER = "X-Pitchgate-Challenge"
LINK_HEADER = "X-Pitchgate-Link"
"""Repeats the link, so that a server restored from a backup can find it in the Sent folder."""
MAX_SUBJECT = 900
MAX_REPEATED = 120
"""Characters of the sender's name and subject that are repeated in the text."""
MAX_REFERENCES = 20
"""Message ids kept of a long thread: the first, which identifies it, and the latest."""

_ID = re.compile(r"<[!-;=?A-~]{1,200}+@[!-;=?-~]{1,200}+>")  # printable ASCII without angle brackets
_TOKEN = re.compile(r"[A-Za-z0-9._:-]{1,120}")
_LINK = re.compile(r"https?://[!#-;=?-~]{4,1000}")  # no blanks, quotes or angle brackets
_NAME = re.compile(r"[^\W\d_]+\.?(?:[ '’-]{1,2}[^\W\d_]+\.?){0,5}")
_ADDRESS = re.compile(r"[^\s.]\.[^\W\d_]|[@/]")  # what a mail program may make a link of
_REPLY = re.compile(r"\s*re\s*(?:\[\d+\]\s*)?:", re.I)


@dataclass(frozen=True, slots=True)
class Preview:
    """A challenge as its recipient sees it. `text` and `html` have the same content; `html` is a whole document."""

    subject: str
    text: str
    html: str


def compose(
    *,
    arrival: Arrival,
    owner: Owner,
    link: str,
    explained: str,
    message_id: str,
    marker: str,
    wording: Wording,
    own: str,
    now: datetime,
) -> bytes:
    """The email, ready to be sent: CRLF lines, ASCII headers. The same arguments give the same bytes.

    `link` leads to the check, `explained` to an explanation of Pitchgate. `own` is the owner's text for the middle
    paragraph, "" for that of `wording`; `now` is aware UTC. Raises `Refused` (unwritable_address) if the sender's
    address cannot be written to, and `ValueError` for a malformed link, id or marker.
    """
    for value, pattern in ((message_id, _ID), (marker, _TOKEN), (link, _LINK), (explained, _LINK)):
        if not pattern.fullmatch(value):
            raise ValueError(f"not fit for a mail: {value[:80]!r}")
    recipient = reply_address(arrival.message).address
    if not is_writable(recipient):
        raise Refused("unwritable_address")
    if not is_writable(owner.email):
        raise ValueError(f"not an address: {owner.email[:80]!r}")
    seen = preview(owner, arrival.message, link=link, explained=explained, wording=wording, own=own)
    # The marker is as unique as a random boundary, and keeps the mail reproducible.
    boundary = f"=_{re.sub('[^A-Za-z0-9]', '', marker)[:40]}_="
    lines = [
        mailbox_field("From", _line(owner.name, 100), normalise(owner.email)),
        f"To: {normalise(recipient)}",
        text_field("Subject", seen.subject),
        f"Date: {format_datetime(now)}",
        f"Message-ID: {message_id}",
        *_thread(arrival.message),
        "Auto-Submitted: auto-replied",
        "X-Auto-Response-Suppress: All",
        f"{MARKER_HEADER}: {marker}",
        f"{LINK_HEADER}: {link}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
        "",
        *_part("plain", seen.text, boundary),
        *_part("html", seen.html, boundary),
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


def preview(
    owner: Owner, answered: Message, *, link: str, explained: str, wording: Wording, own: str
) -> Preview:
    """What the recipient of a challenge sees, exactly as `compose` writes it.

    From the `answered` message, the sender's name and the subject are repeated, as people do in replies. Never raises.
    """
    subject, name = _line(answered.subject, MAX_REPEATED), _name(answered)
    filled = {
        "owner": _line(owner.name, 100) or owner.email, "name": _first(name), "subject": subject,
        "until": wording.until,
    }  # fmt: skip
    greeting = wording.greeting_named if name else wording.greeting
    because = wording.because_named if subject and not _ADDRESS.search(subject) else wording.because
    before = [greeting.format(**filled), *(_paragraphs(own) or [because.format(**filled)])]
    before.append(f"{wording.todo} {wording.more}".strip())
    after, sign = wording.otherwise.format(**filled), wording.sign.format(**filled)
    seen = reply_subject(answered.subject)
    return Preview(
        subject=seen,
        text="\n\n".join((*before, link, after, f"-- \n{sign}\n{wording.what} {explained}")) + "\n",
        html=_html(wording, seen, before, link, after, sign, explained),
    )


def _name(message: Message) -> str:
    """The sender's name if it consists of letters only, else "": mail programs turn addresses into links."""
    name = _line(message.from_[0].name, MAX_REPEATED) if message.from_ else ""
    return name if _NAME.fullmatch(name) else ""


def _first(name: str) -> str:
    """The first word of a name; all of it if that word is a single letter or an abbreviation."""
    first = name.partition(" ")[0]
    return name if len(first) < 2 or first.endswith(".") else first


def reply_subject(subject: str) -> str:
    """The subject with one "Re: " before it, which Gmail needs to keep a reply in its thread.

    The subject stays as it was written, unusual spaces included, except line breaks, control characters, lone
    surrogates and direction marks. What looks like an encoded word is broken up, because a mail program might decode
    it.
    """
    plain = "".join(
        " " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in _DIRECTION_MARKS else c
        for c in subject[:MAX_SUBJECT]
    )
    plain = plain.replace("=?", "= ?").strip()
    return plain if _REPLY.match(plain) else f"Re: {plain}".strip()


def _thread(parent: Message) -> list[str]:
    """In-Reply-To and References (RFC 5322 section 3.6.4); none if the answered message has no usable id."""
    if not _ID.fullmatch(parent.message_id):
        return []
    earlier = [i for i in dict.fromkeys(parent.references) if _ID.fullmatch(i) and i != parent.message_id]
    if len(earlier) > MAX_REFERENCES:
        earlier = [earlier[0], *earlier[-(MAX_REFERENCES - 1) :]]
    # One id on each line, because an id must not be folded.
    references = "\r\n ".join((*earlier, parent.message_id))
    return [f"In-Reply-To: {parent.message_id}", f"References: {references}"]


def _part(kind: str, text: str, boundary: str) -> list[str]:
    content = binascii.b2a_qp(text.replace("\n", "\r\n").encode("utf-8"))
    return [
        f"--{boundary}",
        f'Content-Type: text/{kind}; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        content.decode("ascii"),
    ]


def _html(
    words: Wording, title: str, before: Sequence[str], link: str, after: str, sign: str, explained: str
) -> str:
    """Plain paragraphs, shown in the mail program's own colours and size; nothing is loaded. The text of each link is
    its address, so that the recipient sees where it leads."""
    lines = [f"<p>{_escaped(text)}</p>" for text in before]
    lines += [f"<p>{_link(link)}</p>", f"<p>{_escaped(after)}</p>"]
    lines += [f"<p>-- <br>\n{_escaped(sign)}<br>\n{_escaped(words.what)} {_link(explained)}</p>"]
    body = "\n".join(lines)
    return (
        f'<!DOCTYPE html>\n<html lang="{words.tag}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{html.escape(title)}</title>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _link(address: str) -> str:
    escaped = html.escape(address, quote=True)
    return f'<a href="{escaped}">{escaped}</a>'


def _escaped(text: str) -> str:
    return html.escape(text).replace("\n", "<br>\n")


def _paragraphs(text: str) -> list[str]:
    """The owner's own text as paragraphs: without control characters, cut to `MAX_OWN_WORDING`."""
    lines = [
        _line(line, MAX_OWN_WORDING) for line in text[:MAX_OWN_WORDING].replace("\r\n", "\n").split("\n")
    ]
    return [block.strip("\n") for block in re.split(r"\n{2,}", "\n".join(lines)) if block.strip()]


def _line(text: str, limit: int) -> str:
    """One line of visible text: control characters, line breaks, direction marks and lone surrogates become spaces.
    What looks like an encoded word is broken up, because a mail program would decode it."""
    plain = "".join(" " if unicodedata.category(c) in _UNSEEN else c for c in text[: limit * 2])
    return " ".join(plain.split()).replace("=?", "= ?")[:limit].strip()


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # Unicode categories
_DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
