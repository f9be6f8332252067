"""An owner's computers and browsers: connected, notified, signed out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog

from backend.domain.challenge import token_hash
from backend.domain.errors import Expired, Gone, NotFound, Refused, Rejected, Unauthenticated
from backend.domain.mail.message import INVISIBLE, MailboxId
from backend.domain.mailbox import owner_digest
from backend.domain.mailbox.mailbox import AccessState, Preferences
from backend.domain.mailbox.message import MessageView, Placement
from backend.domain.mailbox.owner_digest import MAX_NAME, MAX_SUBJECT, PushSubscription, plain
from backend.domain.mailbox.review import ReviewFilter, Shelf
from backend.locale import Words, catalogue
from backend.pipeline import decide
from backend.pipeline.context import Context, seal, unseal
from backend.pipeline.review import shown
from backend.ports.system import PushAnswer, Pushed, ReadingFailed
from backend.transactions.records import (
    Device,
    DutyJob,
    HeldPage,
    NewDevice,
    News,
    OneTimeCode,
    Overview,
    Purpose,
    Scope,
    Session,
    WebPush,
)
from backend.transactions.script import Notifier

# ---- Checks of an app's authorization request


LOOPBACK = frozenset({"127.0.0.1", "::1"})
CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """An app's request: where its listener is, its PKCE challenge, its state and its name."""

    redirect_uri: str
    challenge: str
    state: str
    name: str

    def answer(self, **fields: str) -> str:
        """The listener's address with an answer. `fields` are code or error."""
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{joint}{urlencode({**fields, 'state': self.state})}"


def read_request(query: Mapping[str, str]) -> DeviceRequest:
    """Parse a request to `/connect/device`. Raises `Refused` (malformed) naming the parameter."""
    target = query.get("redirect_uri", "")
    if not _is_loopback(target):
        raise malformed("redirect_uri")
    if query.get("code_challenge_method", "S256") != "S256":
        raise malformed("code_challenge_method")
    challenge, state = query.get("code_challenge", ""), query.get("state", "")
    if not CODE_CHALLENGE.fullmatch(challenge):
        raise malformed("code_challenge")
    if not 1 <= len(state) <= 500:
        raise malformed("state")
    name = INVISIBLE.sub("", query.get("name", "")).strip()
    if not 1 <= len(name) <= 80:
        raise malformed("name")
    return DeviceRequest(target, challenge, state, name)


def _is_loopback(target: str) -> bool:
    if len(target) > 500 or not target.isascii() or re.search(r"[\s\\;,'\"<>]", target):
        return False
    try:
        parts = urlsplit(target)
        port = parts.port
    except ValueError:
        return False
    bare = parts.username is None and parts.password is None and not parts.fragment
    return parts.scheme == "http" and parts.hostname in LOOPBACK and port is not None and bare


def malformed(field: str) -> Refused:
    """The error for an invalid parameter."""
    return Refused("malformed.app", name=field, field=field)


# ---- devices: an owner's computers and browsers
# Secrets (tokens, codes, tickets, session ids) are handed out once and stored as hashes. A connected computer is a
# `Device`, a signed-in browser a `Session`; both name the one mailbox they may touch.


log = structlog.get_logger()

CODE_LIFE = timedelta(seconds=120)
TICKET_LIFE = timedelta(seconds=60)
SESSION_LIFE = timedelta(days=30)
SESSION_STEP = timedelta(days=1)
"""A session is renewed in full when it is used, but at most this often."""

REQUEST_PURPOSE = "device request"
REQUEST_LIFE = timedelta(minutes=15)
SEEN_EVERY = timedelta(minutes=1)  # how often a device's use is noted
PAUSE_MOST = timedelta(days=31)
PAGES = ("review", "settings", "questions")
ALL_SCOPES = frozenset(Scope)
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class MessageText:
    """The text of a message, as far as it is shown."""

    text: str
    truncated: bool


@dataclass(frozen=True, slots=True)
class DeviceService:
    """What the devices and the review page call. Errors are those of `backend.domain.errors`."""

    context: Context

    # --- signing in

    def seal(self, request: DeviceRequest) -> str:
        """The request, kept by the browser while its owner signs in."""
        return seal(self.context, REQUEST_PURPOSE, asdict(request), REQUEST_LIFE)

    def unseal(self, sealed: str) -> DeviceRequest:
        """Inverse of `seal`. Raises `Refused` (malformed) or `Expired` (code_expired)."""
        try:
            return DeviceRequest(**unseal(self.context, REQUEST_PURPOSE, sealed))
        except Expired as error:
            raise Expired("code_expired.page") from error
        except Refused as error:
            raise malformed("request") from error

    async def consent(self, mailbox_id: MailboxId, request: DeviceRequest) -> str:
        """The owner agreed: returns where to send their browser, with a code that works once, within 120 s."""
        code, now = self.context.tokens.token(24), self.context.clock.now()
        kept = OneTimeCode(
            token_hash(code), mailbox_id, Purpose.DEVICE, request.challenge, now + CODE_LIFE, request.name
        )
        await self.context.store.add_code(kept, now, self.context.time.settled)
        return request.answer(code=code)

    async def exchange(self, code: str, verifier: str) -> tuple[str, Device, str]:
        """Exchange code and verifier for a token; also returns the device and the owner's address. See
        `Store.exchange`."""
        if not VERIFIER.fullmatch(verifier):
            raise Refused("code_wrong", field="code")
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        token, identifier = self.context.tokens.token(32), self.context.tokens.identifier()
        new = NewDevice(identifier, token_hash(token), ALL_SCOPES)
        device, email = await self.context.store.exchange(
            token_hash(code), challenge, new, self.context.clock.now()
        )
        return token, device, email

    async def device(self, token: str) -> Device:
        """The device with this token. Raises `Unauthenticated`."""
        plausible = 20 <= len(token) <= 200
        found = await self.context.store.device_by_token(token_hash(token)) if plausible else None
        if found is None:
            raise Unauthenticated("unauthenticated.device")
        now = self.context.clock.now()
        if found.last_seen_at is None or now - found.last_seen_at >= SEEN_EVERY:
            await self.context.store.device_seen(found.mailbox_id, found.id, now)
        return found

    async def ticket(self, device: Device, page: str) -> str:
        """A ticket that signs one browser in. Raises `Refused` (malformed) for an unknown page."""
        if page not in PAGES:
            raise Refused("malformed.page", page=page[:20], field="page")
        ticket, now = self.context.tokens.token(24), self.context.clock.now()
        kept = OneTimeCode(
            token_hash(ticket),
            device.mailbox_id,
            Purpose.TICKET,
            page,
            now + TICKET_LIFE,
            device_id=device.id,
        )
        await self.context.store.add_code(kept, now, self.context.time.settled)
        return ticket

    async def enter(self, ticket: str, browser: str = "") -> tuple[str, str]:
        """Exchange a ticket for a session's secret and the page to show. `browser` is its rough name, from its
        User-Agent. Raises `Expired`."""
        secret, now = self.context.tokens.token(32), self.context.clock.now()
        used = await self.context.store.redeem_ticket(
            token_hash(ticket),
            token_hash(secret),
            now + SESSION_LIFE,
            now,
            browser,
            self.context.time.settled,
        )
        return secret, used.detail

    async def sign_in(self, mailbox_id: MailboxId, browser: str = "") -> str:
        """A session's secret, for an owner who signed in with Google."""
        secret, now = self.context.tokens.token(32), self.context.clock.now()
        opened = Session(token_hash(secret), mailbox_id, now + SESSION_LIFE, browser=browser)
        await self.context.store.add_session(opened, now, self.context.time.settled)
        return secret

    async def session(self, secret: str) -> Session | None:
        """The session of a browser, None if it is signed out. It ends `SESSION_LIFE` after its last use."""
        if not 20 <= len(secret) <= 200:
            return None
        now = self.context.clock.now()
        found = await self.context.store.session(token_hash(secret), now)
        if found is not None and found.expires_at - now < SESSION_LIFE - SESSION_STEP:
            await self.context.store.extend_session(found.mailbox_id, found.token_hash, now + SESSION_LIFE)
        return found

    async def sign_out(self, session: Session) -> None:
        """End a session."""
        await self.context.store.remove_session(session.mailbox_id, session.token_hash)

    async def end(self, digest: str, successor: str) -> None:
        """End the session whose secret has this hash, if any. The same owner's `successor` session takes over its
        notifications."""
        found = await self.context.store.session(digest, self.context.clock.now())
        if found is not None:
            await self.context.store.hand_over_web_push(found.mailbox_id, digest, successor)
            await self.sign_out(found)

    async def sessions(self, mailbox_id: MailboxId) -> tuple[Session, ...]:
        """The signed-in browsers of a mailbox, the newest first."""
        return await self.context.store.sessions(mailbox_id, self.context.clock.now())

    async def end_others(self, session: Session) -> int:
        """Sign out every browser of the mailbox but this one; returns how many."""
        return await self.context.store.remove_other_sessions(session.mailbox_id, session.token_hash)

    async def devices(self, mailbox_id: MailboxId) -> tuple[Device, ...]:
        """All computers of a mailbox."""
        return await self.context.store.devices(mailbox_id)

    async def remove(self, mailbox_id: MailboxId, device_id: str) -> None:
        """End a computer's access. Raises `NotFound`."""
        if not await self.context.store.remove_device(mailbox_id, device_id):
            raise NotFound("not_found.computer")

    # --- using

    async def overview(self, mailbox_id: MailboxId) -> Overview:
        """The mailbox and its counts. Raises `NotFound` when it has been disconnected."""
        found = await self.context.store.overview(mailbox_id)
        if found is None:
            raise NotFound("not_found.mailbox")
        return found

    async def held(
        self, mailbox_id: MailboxId, query: str, cursor: tuple[int, str] | None, limit: int
    ) -> HeldPage:
        """See `Store.held`."""
        return await self.context.store.held(mailbox_id, query, cursor, limit)

    async def messages(
        self, mailbox_id: MailboxId, placement: Placement | None, limit: int, before: str
    ) -> tuple[MessageView, ...]:
        """See `Store.messages`."""
        return await self.context.store.messages(mailbox_id, placement, limit, before)

    async def message(self, mailbox_id: MailboxId, gmail_id: str) -> MessageView:
        """One message of this mailbox. Raises `NotFound`."""
        known = await self.context.store.known(mailbox_id, [gmail_id])
        if gmail_id not in known:
            raise NotFound("not_found.message")
        return known[gmail_id]

    async def preview(self, mailbox_id: MailboxId, gmail_id: str) -> MessageText:
        """The message's text, fetched now and kept nowhere. Raises `NotFound`, `Refused` (unreadable), or as
        `Gmail.fetch` does."""
        view, mailbox = await self.message(mailbox_id, gmail_id), await self.context.store.mailbox(mailbox_id)
        if mailbox is None:
            raise NotFound("not_found.mailbox")
        try:
            found = await shown(self.context, view, mailbox.owner)
        except (Gone, Rejected) as error:
            raise NotFound("not_found.gmail") from error
        except ReadingFailed as error:
            log.warning("not_shown", mailbox=mailbox_id, cause=error.cause, fault=error.fault)
            raise Refused("unreadable") from error
        return MessageText(found.text, found.truncated)

    async def questions(self, mailbox_id: MailboxId) -> tuple[MessageView, ...]:
        """See `Store.questions`."""
        return await self.context.store.questions(mailbox_id, self.context.clock.now())

    async def news(self, device: Device, after: int | None, limit: int) -> News:
        """See `Store.news`."""
        return await self.context.store.news(device.mailbox_id, device.id, after, limit)

    def changed(self, device: Device) -> Notifier:
        """See `Store.changed`."""
        return self.context.store.changed(device.mailbox_id)

    async def save_preferences(self, mailbox_id: MailboxId, changes: Mapping[str, Any]) -> Preferences:
        """Save all `changes` or none. Raises `Refused` naming the field."""
        return await decide.save_preferences(self.context, mailbox_id, changes)

    async def pause(self, mailbox_id: MailboxId, until: datetime | None) -> None:
        """Pause until `until`, at most 31 days ahead; None resumes. Raises `Refused` (out_of_range)."""
        if until is not None and not timedelta(0) < until - self.context.clock.now() <= PAUSE_MOST:
            raise Refused("out_of_range.pause", field="until")
        await self.save_preferences(mailbox_id, {"paused_until": until.isoformat() if until else None})

    async def usable(self, mailbox_id: MailboxId) -> bool:
        """Whether the mailbox exists and is not leaving."""
        mailbox = await self.context.store.mailbox(mailbox_id)
        return mailbox is not None and mailbox.link is not AccessState.LEAVING


# ---- web_push: notify browsers
# A push is sent before it is recorded. After a crash in between it is sent again under the same id: the push service
# replaces the first one, and the browser shows it without a second sound.

NAMED = 3
"""How many senders a notification names."""
MOST_SENDERS = 30
KEY_PURPOSE = "web_push"
KEY_LIFE = timedelta(days=1)


async def web_push(context: Context, job: DutyJob) -> datetime | None:
    """Notify each browser of the senders new to it; returns when the next is due, None if none is."""
    now = context.clock.now()
    browsers = await context.store.web_pushes(job.mailbox_id, now)
    if not browsers:
        return None
    held = await context.store.review(job.mailbox_id, ReviewFilter((Shelf.HELD,)), None, MOST_SENDERS)
    due: list[datetime] = []
    ready: list[tuple[WebPush, Sequence[MessageView]]] = []
    for browser in browsers:
        news = owner_digest.new_senders(held.piles, browser.told_until, now)
        if news and browser.told_at is not None and browser.told_at + owner_digest.NOTIFICATION_GAP > now:
            due.append(browser.told_at + owner_digest.NOTIFICATION_GAP)
        elif news:
            ready.append((browser, news))
    if not ready:
        return min(due, default=None)
    answers = await asyncio.gather(*(_tell(context, browser, news) for browser, news in ready))
    answered = [(browser, answer) for (browser, _), answer in zip(ready, answers, strict=True)]
    for browser, answer in answered:
        context.web_pushed[answer.outcome] += 1
        if answer.outcome is Pushed.LATER:
            due.append(owner_digest.next_try(browser.failing_since or now, now, answer.retry_at))
    outcomes = [(browser, answer.outcome) for browser, answer in answered]
    await context.store.web_pushed(job, outcomes, now)
    return min(due, default=None)


async def _tell(context: Context, browser: WebPush, news: Sequence[MessageView]) -> PushAnswer:
    try:
        to = _subscription(context, browser.sealed)
    except Refused:  # none of the current keys opens it
        return PushAnswer(Pushed.GONE)
    title, body = worded(browser.language, news)
    fields = {"id": browser.told_until.isoformat(), "title": title, "body": body}
    return await context.web_push.push(to, json.dumps(fields, ensure_ascii=False).encode())


def worded(language: str, news: Sequence[MessageView]) -> tuple[str, str]:
    """Title and text of a notification about these senders, from a message of each."""
    t = Words(catalogue(language).section("web_push", "digest"))
    names = [plain(view.sender_name or view.sender, MAX_NAME) for view in news]
    if len(news) == 1:
        return t("one", who=names[0]), plain(news[0].subject, MAX_SUBJECT) or t("no_subject")
    shown, rest = ", ".join(names[:NAMED]), len(names) - NAMED
    return t.count("some", len(news)), t.count("glance", rest, names=shown) if rest > 0 else shown


def _subscription(context: Context, sealed: bytes) -> PushSubscription:
    return PushSubscription(**json.loads(context.vault.open(sealed)))


def _sealed(context: Context, subscription: PushSubscription) -> bytes:
    return context.vault.seal(json.dumps(asdict(subscription)))


@dataclass(frozen=True, slots=True)
class WebPushService:
    """What the owner's pages call. A browser is identified by its session."""

    context: Context

    async def on(self, session: Session) -> bool:
        """Whether this browser is notified."""
        return await self._of(session) is not None

    def offer(self) -> tuple[str, str]:
        """A fresh key for one browser: the public part for the browser, and the key itself, sealed, for `switch_on`."""
        key = self.context.web_push.new_key()
        return self.context.web_push.public_key(key), seal(self.context, KEY_PURPOSE, {"key": key}, KEY_LIFE)

    async def switch_on(
        self, session: Session, endpoint: str, p256dh: str, auth: str, sealed: str, language: str
    ) -> None:
        """Notify this browser from now on. Raises `Refused` (malformed, too_many_browsers) or `Expired`."""
        key = unseal(self.context, KEY_PURPOSE, sealed)["key"]
        stored = _sealed(self.context, owner_digest.subscription(endpoint, p256dh, auth, key))
        now, identifier = self.context.clock.now(), self.context.tokens.identifier()
        made = WebPush(identifier, session.token_hash, stored, session.browser, language, now)
        await self.context.store.add_web_push(session.mailbox_id, made, now)

    async def moved(self, session: Session, endpoint: str, p256dh: str, auth: str) -> None:
        """The browser has a new address and the same key. Raises `Refused` (malformed)."""
        known = await self._of(session)
        if known is not None:
            key = _subscription(self.context, known.sealed).key
            stored = _sealed(self.context, owner_digest.subscription(endpoint, p256dh, auth, key))
            await self.context.store.swap_web_push(session.mailbox_id, known.id, known.sealed, stored)

    async def switch_off(self, session: Session) -> None:
        """Stop notifying this browser."""
        await self.context.store.remove_web_push(session.mailbox_id, session.token_hash)

    async def _of(self, session: Session) -> WebPush | None:
        known = await self.context.store.web_pushes(session.mailbox_id, self.context.clock.now())
        return next((one for one in known if one.session == session.token_hash), None)
