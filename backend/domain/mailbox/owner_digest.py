"""How owners hear of held mail outside our pages: the digest email (when it is sent, its links, text and HTML), and
push notifications in browsers."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from backend.domain.errors import Refused
from backend.domain.mail.machine_mail import host_of
from backend.domain.mail.message import INVISIBLE, MailboxId, Owner
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import DigestPace
from backend.domain.mailbox.message import MessageView
from backend.domain.mailbox.review import SenderPile

# ---- Web push


NOTIFICATION_DELAY = timedelta(seconds=5)
"""How long a notification waits for more mail to arrive."""
NOTIFICATION_GAP = timedelta(minutes=5)
"""The least time between two notifications in one browser."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)
BROWSER_GIVEN_UP_AFTER = timedelta(days=3)
"""A browser that could not be reached for this long is removed."""

MOST_BROWSERS = 10
LONGEST_ENDPOINT = 1_000
_POINT = re.compile(r"B[A-Za-z0-9_-]{86}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """A browser's push subscription: the URL at its vendor's push service, the browser's public key and secret
    (base64url), and our private key, whose signature the push service accepts."""

    endpoint: str
    p256dh: str
    auth: str
    key: str


def subscription(endpoint: str, p256dh: str, auth: str, key: str) -> PushSubscription:
    """A validated subscription. Raises `Refused` (malformed) unless the endpoint is an https URL with a host name and
    the usual port, and the keys are a P-256 point and sixteen bytes. The host's IP address is checked when
    connecting."""
    point, secret = p256dh.rstrip("="), auth.rstrip("=")
    if len(endpoint) > LONGEST_ENDPOINT or not host_of(endpoint):
        raise Refused("malformed.web_push", field="endpoint")
    if not (_POINT.fullmatch(point) and _SECRET.fullmatch(secret)):
        raise Refused("malformed.web_push", field="keys")
    return PushSubscription(endpoint, point, secret, key)


def new_senders(piles: Iterable[SenderPile], since: datetime, now: datetime) -> tuple[MessageView, ...]:
    """The newest message of each sender who had nothing held before `since`. Owners hear of each sender once."""
    return tuple(
        pile.messages[0]
        for pile in piles
        if all(since <= (view.decided_at or view.first_seen_at) < now for view in pile.messages)
    )


def next_try(failing_since: datetime, now: datetime, retry_at: datetime | None) -> datetime:
    """When to retry: after as long again as it failed, or at the push service's `retry_at` if later; within limits."""
    wait = max(now - failing_since, (retry_at or now) - now)
    return now + min(max(wait, FIRST_WAIT), LONGEST_WAIT)


# ---- The owner's digest
# When it is due, what its links can do, and how to tell our own digest from a forgery. (`backend.domain.digest` is
# about something else: the facts kept of a message.)


MORNING = time(8)
"""When the digest arrives, in the owner's time zone."""

MONDAY = 0
LINK_DECISIONS = (Decision.RELEASE, Decision.ALLOW, Decision.BLOCK)
"""The decisions that links in the digest can make."""

LINK_LIFE = timedelta(days=14)
LONGEST_AGO = timedelta(days=31)
"""A digest covers at most this time, however long ago the last one was."""

MOST_SENDERS = 20
"""Most senders in a digest; a link leads to the rest."""

ID_PREFIX = "digest."
PLACED_WITHIN = timedelta(days=1)
"""Most time between making a digest's Message-ID and Gmail's date of the message. A later copy is not ours."""


@dataclass(frozen=True, slots=True)
class DigestState:
    """The state of an owner's digests. They have covered all mail before `told_until`. `message_id` is that of the
    latest digest, "" before the first, and `gmail_id` is "" until that digest is known to be in the mailbox. `leaving`
    is set while it is being inserted, to the time up to which it covers mail."""

    told_until: datetime
    message_id: str = ""
    leaving: datetime | None = None
    gmail_id: str = ""


@dataclass(frozen=True, slots=True)
class DigestLink:
    """One link of a digest: a decision about one sender's messages (`gmail_ids`, newest first). It works once, before
    `expires_at`, and can be undone once."""

    token_hash: str
    mailbox_id: MailboxId
    decision: Decision
    gmail_ids: tuple[str, ...]
    expires_at: datetime
    used_at: datetime | None = None
    undone_at: datetime | None = None

    @property
    def order(self) -> str:
        """The key of the link's order, so that it is applied once even if it is posted twice."""
        return f"digest-{self.token_hash[:40]}"


def next_at(after: datetime, pace: DigestPace, zone: tzinfo) -> datetime:
    """When the next digest after `after` is due, in UTC: at eight in the morning in `zone`, weekly ones on Mondays."""
    local = after.astimezone(zone)
    day = local.date()
    while True:
        at = datetime.combine(day, MORNING, zone).astimezone(UTC)
        if at > after and (pace is not DigestPace.WEEKLY or day.weekday() == MONDAY):
            return at
        day += timedelta(days=1)


def sealed_content(mailbox_id: MailboxId, now: datetime) -> str:
    """The text that is encrypted into the Message-ID of a digest."""
    return f"{mailbox_id}.{int(now.timestamp())}"


def sealed_in(message_id: str) -> bytes:
    """The encrypted part of a Message-ID that claims to be a digest's, b"" for any other. It proves nothing until it is
    decrypted."""
    local, _, domain = message_id.strip().strip("<>").partition("@")
    if not domain or not local.startswith(ID_PREFIX) or not local.isascii():
        return b""
    return local.removeprefix(ID_PREFIX).encode()


def message_id(sealed: bytes, domain: str) -> str:
    """The Message-ID that carries `sealed`, which is URL-safe base64."""
    return f"<{ID_PREFIX}{sealed.decode('ascii')}@{domain}>"


def placed_by_us(content: str, mailbox_id: MailboxId, received_at: datetime) -> bool:
    """Whether the decrypted content of a Message-ID shows that we put the message into this mailbox, at about the time
    Gmail gives it. So a copy that somebody sends later does not count."""
    name, _, at = content.rpartition(".")
    if name != mailbox_id or not at.isdecimal():
        return False
    age = received_at - datetime.fromtimestamp(int(at), UTC)
    return -PLACED_WITHIN < age < PLACED_WITHIN


# ---- The digest email
# Names and subjects were written by strangers: they are cleaned and escaped here.


HEADER = "X-Pitchgate-Digest"
MAX_NAME, MAX_SUBJECT, MAX_NOTE = 80, 160, 200


@dataclass(frozen=True, slots=True)
class Button:
    """One link: text, screen-reader text, target."""

    label: str
    spoken: str
    url: str


@dataclass(frozen=True, slots=True)
class SenderBlock:
    """The paragraph about one sender, in the owner's language. `count` is "3 emails", "" for one. `word` stands beside
    the score; `score_band` ("pitch", "maybe" or "unlikely") selects its colour. `note` quotes the sender's line to the
    owner, "" without one. The first of `buttons` is highlighted."""

    name: str
    address: str
    count: str
    score: str
    word: str
    score_band: str
    subject: str
    reason: str
    note: str
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class DigestLetter:
    """All texts of a digest, in the owner's language `tag`. `glance` is what mail programs show beside the subject;
    `ends` are the last paragraphs; `review` and `settings` link to those pages."""

    tag: str
    subject: str
    title: str
    glance: str
    since: str
    blocks: tuple[SenderBlock, ...]
    ends: tuple[str, ...]
    review: Button
    settings: Button


def compose(owner: Owner, letter: DigestLetter, message_id: str, marker: str, now: datetime) -> bytes:
    """The email as it is put into the mailbox: CRLF, ASCII. The same arguments give the same bytes."""
    mail = EmailMessage(policy=SMTP.clone(max_line_length=990))  # no id may be folded
    mail["From"] = Address("Pitchgate", addr_spec=owner.email)
    mail["To"] = Address(addr_spec=owner.email)
    mail["Subject"] = plain(letter.subject, MAX_SUBJECT)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail[HEADER] = marker
    mail.set_content(text(letter), cte="quoted-printable")
    mail.add_alternative(page(letter), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_{re.sub('[^A-Za-z0-9]', '', marker)[:40]}_=")
    return mail.as_bytes()


def plain(words: str, limit: int) -> str:
    """`words` on one line, without control characters and direction marks, cut to `limit` characters."""
    line = " ".join(INVISIBLE.sub(" ", words).split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def text(letter: DigestLetter) -> str:
    """The plain-text part, with the same content as the HTML."""
    lines = [letter.title, f"{letter.since} · {letter.review.label}: {letter.review.url}", ""]
    for block in letter.blocks:
        name, score = _name(block), f"{block.score} {block.word}".strip()
        lines += [" · ".join(filter(None, (name or block.address, block.count, score)))]
        lines += [block.address] if name else []
        texts = (plain(block.subject, MAX_SUBJECT), block.reason, plain(block.note, MAX_NOTE))
        lines += [f"  {line}" for line in texts if line]
        width = max(len(button.label) for button in block.buttons)
        lines += [f"  {button.label:<{width}}  {button.url}" for button in block.buttons]
        lines += [""]
    lines += [*letter.ends, "", f"{letter.settings.label}: {letter.settings.url}", ""]
    return "\n".join(lines)


def page(letter: DigestLetter) -> str:
    """The HTML part, a whole document."""
    since = f"{escape(letter.since)} · {_link(letter.review)}"
    return _page().substitute(
        tag=letter.tag,
        title=escape(letter.title),
        glance=escape(plain(letter.glance, MAX_SUBJECT)),
        since=_paragraph("soft", f"margin:4px 0 0;{_SMALL}", since),
        blocks="\n".join(map(_block, letter.blocks)),
        ends="\n".join(_paragraph("soft", f"margin:0 0 8px;{_SMALL}", escape(each)) for each in letter.ends),
        settings=_paragraph("soft", f"margin:0;{_SMALL}", _link(letter.settings)),
    )


@cache
def _page() -> Template:
    return Template(files(__package__).joinpath("digest.html").read_text(encoding="utf-8"))


def _block(block: SenderBlock) -> str:
    name = _name(block)
    ground, ink = _TONES[zlib.crc32(block.address.encode()) % len(_TONES)]
    address, count = escape(block.address), f" · {escape(block.count)}" if block.count else ""
    looks = "color:#55615e;text-decoration:none;"
    reached = f'<a href="mailto:{address}" class="soft" style="{looks}">{address.replace("@", "<wbr>@")}</a>'
    kind, colours = _SCORE_BANDS[block.score_band]
    badge = (
        f'<span class="{kind}" style="display:inline-block;padding:0 9px;border-radius:11px;{colours}{_FONT}'
        f'font-size:13px;line-height:22px;"><b>{escape(block.score)}</b> {escape(block.word)}</span>'
    )
    cell = f"padding:0;vertical-align:top;{_SMALL}overflow-wrap:anywhere;"
    subject, note = f"<bdi>{escape(plain(block.subject, MAX_SUBJECT))}</bdi>", plain(block.note, MAX_NOTE)
    noted = f"margin:0 0 10px;padding:0 0 0 10px;border-left:3px solid #1f5f5b;{_SMALL}"
    return f"""<tr><td class="line" style="padding:14px 0 16px;border-top:1px solid #e2e0d8;">
{_table()}<tr>
<td{' rowspan="2"' if name else ""} style="width:48px;padding:0;vertical-align:top;">\
<div aria-hidden="true" style="width:36px;height:36px;border-radius:18px;\
background:{ground};color:{ink};{_FONT}font-size:13px;line-height:36px;font-weight:600;text-align:center;">\
{escape(_initials(name or block.address))}</div></td>
<td style="{cell}">
<span class="ink" style="font-size:16px;font-weight:600;color:#1d2523;"><bdi>{escape(name) or reached}</bdi></span>\
<span class="soft" style="color:#55615e;">{count}</span></td>
<td style="padding:0;vertical-align:top;text-align:right;white-space:nowrap;">{badge if block.score else ""}</td>
{f'</tr><tr><td colspan="2" style="{cell}">{reached}</td>' if name else ""}
</tr></table>
{_paragraph("ink", f"margin:6px 0 0;{_FONT}font-size:16px;line-height:22px;font-weight:500;", subject)}
{_paragraph("soft", f"margin:2px 0 10px;{_SMALL}", escape(block.reason)) if block.reason else ""}
{_paragraph("ink", noted, escape(note)) if note else ""}
{_table("max-width:400px;")}<tr>{"".join(_buttons(block.buttons))}</tr></table>
</td></tr>"""


def _buttons(buttons: Iterable[Button]) -> Iterable[str]:
    for place, button in enumerate(buttons):
        kind, line, ink = ("btn", "#7f8986", "#1d2523") if place else ("fill", "#1f5f5b", "#1f5f5b")
        yield (
            f'<td style="width:33%;padding:0 6px 0 0;"><a class="{kind}" href="{escape(button.url)}"'
            f' aria-label="{escape(plain(button.spoken, MAX_SUBJECT))}" style="display:block;background:#ffffff;'
            f"border:1px solid {line};color:{ink};border-radius:10px;{_FONT}font-size:15px;line-height:20px;"
            f'padding:11px 2px;font-weight:600;text-align:center;text-decoration:none;">{escape(button.label)}</a></td>'
        )


def _table(style: str = "") -> str:
    return f'<table role="presentation" style="width:100%;border-collapse:collapse;{style}">'


def _paragraph(kind: str, style: str, content: str) -> str:
    colour = "#1d2523" if kind == "ink" else "#55615e"
    return f'<p class="{kind}" style="{style}color:{colour};">{content}</p>'


def _link(button: Button) -> str:
    return f'<a class="link" href="{escape(button.url)}" style="color:#1f5f5b;">{escape(button.label)}</a>'


def _name(block: SenderBlock) -> str:
    """The sender's display name, "" if it is only their address."""
    name = plain(block.name, MAX_NAME)
    return "" if name == block.address else name


def _initials(name: str) -> str:
    letters = [word[0] for word in re.split(r"[\s.@_-]+", name) if word[:1].isalnum()]
    return "".join((letters[:1] + letters[-1:])[: min(len(letters), 2)]).upper() or "?"


_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;"
_SMALL = f"{_FONT}font-size:14px;line-height:20px;"
_TONES = (
    ("#dbe6f3", "#264a72"),
    ("#f5dfe1", "#772d3a"),
    ("#eadff1", "#583769"),
    ("#efe5cf", "#5f4a19"),
    ("#e1ead2", "#3d531b"),
    ("#d6ebe6", "#1f5f5b"),
)
_SCORE_BANDS = {
    "pitch": ("pi", "background:#fbe3df;color:#9a2219;"),
    "maybe": ("ma", "background:#f7ebcf;color:#6d4a00;"),
    "unlikely": ("un", "background:#eceae3;color:#4a5552;"),
}
