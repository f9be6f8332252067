"""How an owner is reached: computers, browsers, notifications, and the digest with its links. Only hashes of tokens and
codes are kept."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from backend.domain.errors import Expired, NotFound, PitchgateError, Refused
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.decisions import Order, Origin
from backend.domain.mailbox.owner_digest import BROWSER_GIVEN_UP_AFTER, MOST_BROWSERS, DigestLink, DigestState
from backend.ports.system import Pushed
from backend.transactions import decide, jobs
from backend.transactions.records import (
    Device,
    DutyJob,
    NewDevice,
    OneTimeCode,
    Purpose,
    Session,
    WebPush,
)
from backend.transactions.script import (
    Script,
    columns,
    each,
    lock,
    locked,
    maybe,
    micros,
    packed,
    q,
    row_count,
)

# ---- Devices, one-time codes and sessions
# Only hashes of secrets are kept.


MOST_DEVICES = 50
KEPT = timedelta(hours=1)
"""How long a used or expired code is remembered, to distinguish it from an unknown one."""


def device_by_token(token_hash: str) -> Script[Device | None]:
    """The device with this token."""
    return maybe(Device, "device_by_token", token_hash=token_hash)


def device_seen(mailbox_id: MailboxId, device_id: str, now: datetime) -> Script[None]:
    """The device has been used."""
    yield q("device_seen", mailbox_id=mailbox_id, id=device_id, now=micros(now))


def devices(mailbox_id: MailboxId) -> Script[tuple[Device, ...]]:
    """All of a mailbox, oldest first."""
    return each(Device, "devices", mailbox_id=mailbox_id)


def remove_device(mailbox_id: MailboxId, device_id: str) -> Script[bool]:
    """Remove the device; its token, tickets and sessions end at once. False if there is no such device."""
    yield q("remove_device_codes", mailbox_id=mailbox_id, id=device_id)
    yield q("remove_device_sessions", mailbox_id=mailbox_id, id=device_id)
    return bool((yield from row_count("remove_device", mailbox_id=mailbox_id, id=device_id)))


def add_code(code: OneTimeCode, now: datetime, settled: bool = True) -> Script[None]:
    """Keep a code. Codes long past their life are dropped if the time is `settled` (see `TimeCheck`). Raises `NotFound`
    for an unknown mailbox."""
    if settled:
        yield q("drop_codes", mailbox_id=code.mailbox_id, before=micros(now - KEPT))
    yield q("insert_code", **columns(code))


def exchange(
    code_hash: str, challenge: str, device: NewDevice, now: datetime
) -> Script[tuple[Device, str] | PitchgateError]:
    """Exchange a code for a device. An error is returned, not raised, so that the code stays used up."""
    code = yield from maybe(OneTimeCode, "code", code_hash=code_hash, purpose=Purpose.DEVICE)
    if code is None:
        return _wrong_code()
    mailbox = yield from locked(code.mailbox_id)
    if not (yield from _use(code, now)):
        return _old_code()
    if not hmac.compare_digest(code.detail.encode(), challenge.encode()):
        return _wrong_code()
    if (yield from row_count("count_devices", mailbox_id=code.mailbox_id)) >= MOST_DEVICES:
        return Refused("too_many_devices", most=MOST_DEVICES)
    yield q(
        "insert_device",
        id=device.id,
        mailbox_id=code.mailbox_id,
        token_hash=device.token_hash,
        name=code.name,
        scopes=packed(sorted(device.scopes)),
        now=micros(now),
    )
    return Device(device.id, code.mailbox_id, code.name, device.scopes, now, now), mailbox["email"]


def redeem_ticket(
    code_hash: str, session: str, until: datetime, now: datetime, browser: str = "", settled: bool = True
) -> Script[OneTimeCode]:
    """Use a ticket up and open a session with the token hash `session`. Raises `Expired` (code_expired),
    for an unknown ticket too.
    """
    ticket = yield from maybe(OneTimeCode, "code", code_hash=code_hash, purpose=Purpose.TICKET)
    if ticket is None or not (yield from _use(ticket, now)):
        raise _old_code()
    opened = Session(session, ticket.mailbox_id, until, ticket.device_id, browser)
    yield from add_session(opened, now, settled)
    return ticket


def _use(code: OneTimeCode, now: datetime) -> Script[bool]:
    """Use a code up; False if it was used before or is too old."""
    used = yield from row_count(
        "use_code", mailbox_id=code.mailbox_id, code_hash=code.code_hash, now=micros(now)
    )
    return bool(used) and now < code.expires_at


def add_session(session: Session, now: datetime, settled: bool = True) -> Script[None]:
    """Keep the session; drop expired ones if the time is `settled` (see `TimeCheck`)."""
    if settled:
        yield q("drop_sessions", mailbox_id=session.mailbox_id, before=micros(now))
    yield q(
        "insert_session",
        token_hash=session.token_hash,
        mailbox_id=session.mailbox_id,
        device_id=session.device_id,
        browser=session.browser,
        now=micros(now),
        expires_at=micros(session.expires_at),
    )


def session(token_hash: str, now: datetime) -> Script[Session | None]:
    """The session, if its life is not over."""
    found = yield from maybe(Session, "session", token_hash=token_hash)
    return found if found is not None and found.expires_at > now else None


def extend_session(mailbox_id: MailboxId, token_hash: str, expires_at: datetime) -> Script[None]:
    """Extend a session to that moment."""
    yield q("extend_session", mailbox_id=mailbox_id, token_hash=token_hash, expires_at=micros(expires_at))


def remove_session(mailbox_id: MailboxId, token_hash: str) -> Script[None]:
    """Signed out."""
    yield q("remove_session", mailbox_id=mailbox_id, token_hash=token_hash)


def sessions(mailbox_id: MailboxId, now: datetime) -> Script[tuple[Session, ...]]:
    """Those that still run, the newest first."""
    return each(Session, "sessions", mailbox_id=mailbox_id, now=micros(now))


def remove_other_sessions(mailbox_id: MailboxId, token_hash: str) -> Script[int]:
    """End all sessions but this one; returns how many."""
    return (yield from row_count("remove_other_sessions", mailbox_id=mailbox_id, token_hash=token_hash))


def _old_code() -> Expired:
    return Expired("code_expired", field="code")


def _wrong_code() -> Refused:
    return Refused("code_wrong", field="code")


# ---- Browsers to notify
# Each belongs to a session, and goes with it.


def web_pushes(mailbox_id: MailboxId, now: datetime) -> Script[tuple[WebPush, ...]]:
    """The subscribed browsers of a mailbox whose sessions run, oldest first."""
    return each(WebPush, "web_pushes", mailbox_id=mailbox_id, now=micros(now))


def add_web_push(mailbox_id: MailboxId, push: WebPush, now: datetime) -> Script[None]:
    """Keep it, replacing the session's earlier one; do nothing if the session has ended. Mail held by `now` counts as
    announced. Raises `Refused` (too_many_browsers)."""
    yield from lock(mailbox_id)
    yield q("remove_web_push", mailbox_id=mailbox_id, session=push.session)
    if len((yield from web_pushes(mailbox_id, now))) >= MOST_BROWSERS:
        raise Refused("too_many_browsers", most=MOST_BROWSERS)
    yield q(
        "insert_web_push",
        id=push.id,
        mailbox_id=mailbox_id,
        session=push.session,
        sealed=push.sealed,
        language=push.language,
        now=micros(now),
    )


def swap_web_push(mailbox_id: MailboxId, push_id: str, old: bytes, new: bytes) -> Script[bool]:
    """Replace what is sealed of a browser: sealed again, or its new address. False if `old` is no longer stored."""
    return bool((yield from row_count("swap_web_push", mailbox_id=mailbox_id, id=push_id, old=old, new=new)))


def remove_web_push(mailbox_id: MailboxId, session: str) -> Script[None]:
    """End the notifications of a session, if it has any."""
    yield q("remove_web_push", mailbox_id=mailbox_id, session=session)


def hand_over_web_push(mailbox_id: MailboxId, old: str, new: str) -> Script[None]:
    """Move the notifications of session `old` to session `new`, if both are of this mailbox."""
    yield q("hand_over_web_push", mailbox_id=mailbox_id, old=old, new=new)


def web_pushed(job: DutyJob, answers: list[tuple[WebPush, Pushed]], now: datetime) -> Script[None]:
    """Record a round of notifications up to `now`; remove browsers that are gone or failed for too long. Raises
    `LaneLost`."""
    yield from jobs.duty_row(job)
    for push, outcome in answers:
        about = {"mailbox_id": job.mailbox_id, "id": push.id, "sealed": push.sealed}
        lost = push.failing_since is not None and now - push.failing_since >= BROWSER_GIVEN_UP_AFTER
        if outcome is Pushed.SENT:
            yield q("web_push_told", now=micros(now), failing_since=None, **about)
        elif outcome is Pushed.GONE or lost:
            yield q("drop_web_push", **about)
        elif outcome is Pushed.REFUSED:
            yield q(
                "web_push_told", now=micros(now), failing_since=micros(push.failing_since or now), **about
            )
        else:
            yield q("web_push_fails", since=micros(push.failing_since or now), **about)


# ---- The owner's digest
# What it covers is committed before it is placed; its links give the orders that a page would.


def digest_state(mailbox_id: MailboxId) -> Script[DigestState | None]:
    """How far the digests have come; None if they were never on, or are off now."""
    return maybe(DigestState, "digest", mailbox_id=mailbox_id)


def tell_digest(
    job: DutyJob, message_id: str, until: datetime, links: Sequence[DigestLink], now: datetime
) -> Script[None]:
    """The intent: a digest with this Message-ID, covering mail up to `until`, is about to be placed with these links.
    Expired links, and those of an earlier try at the same digest, are removed."""
    yield from jobs.duty_row(job)
    yield q("drop_digest_links", mailbox_id=job.mailbox_id, now=micros(now))
    yield q("intend_digest", mailbox_id=job.mailbox_id, message_id=message_id, until=micros(until))
    for link in links:
        yield q(
            "insert_digest_link",
            token_hash=link.token_hash,
            mailbox_id=job.mailbox_id,
            message_id=message_id,
            decision=link.decision,
            gmail_ids=packed(link.gmail_ids),
            expires_at=micros(link.expires_at),
        )


def digest_told(job: DutyJob, until: datetime, gmail_id: str) -> Script[None]:
    """The owner has been informed up to `until`, by the message `gmail_id` ("": there was nothing to report)."""
    yield from jobs.duty_row(job)
    yield q("digest_told", mailbox_id=job.mailbox_id, until=micros(until), gmail_id=gmail_id)


def digest_link(token_hash: str) -> Script[DigestLink | None]:
    """The link with this token, used or not."""
    return maybe(DigestLink, "digest_link", token_hash=token_hash)


def use_digest_link(token_hash: str, now: datetime) -> Script[DigestLink | None]:
    """Carry out the link's order, once, in one commit; returns the link as it is then, None if unknown. A used or
    expired link orders nothing."""
    link = yield from _locked(token_hash)
    if link is None or link.used_at is not None or link.expires_at <= now:
        return link
    yield q("use_digest_link", token_hash=token_hash, now=micros(now))
    order = Order(link.order, link.decision, link.gmail_ids, Origin.PAGE)
    yield from decide.decide(link.mailbox_id, order, now)
    return (yield from digest_link(token_hash))


def undo_digest_link(token_hash: str, now: datetime) -> Script[DigestLink | None]:
    """Undo its order, once, before it expires."""
    link = yield from _locked(token_hash)
    if link is None or link.used_at is None or link.undone_at is not None or link.expires_at <= now:
        return link
    yield q("undo_digest_link", token_hash=token_hash, now=micros(now))
    with suppress(NotFound):  # nothing was left to decide
        yield from decide.undo(link.mailbox_id, link.order, now)
    return (yield from digest_link(token_hash))


def _locked(token_hash: str) -> Script[DigestLink | None]:
    """The link, read with its mailbox locked."""
    found = yield from digest_link(token_hash)
    if found is None:
        return None
    yield from lock(found.mailbox_id)
    return (yield from digest_link(token_hash))
