"""Devices, one-time codes, sessions and the browsers that are notified. Only hashes are kept."""

from __future__ import annotations

import hmac
import json
from datetime import datetime, timedelta
from typing import TypedDict

from backend.domain.errors import Expired, PitchgateError, Refused
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.owner_digest import GIVEN_UP, MOST_BROWSERS
from backend.ports.public_post import Pushed
from backend.transactions import jobs
from backend.transactions.mailboxes import lock, locked
from backend.transactions.records import (
    Device,
    DutyJob,
    NewDevice,
    OneTimeCode,
    Purpose,
    Scope,
    Session,
    WebPush,
)
from backend.transactions.rows import SessionRow
from backend.transactions.statement import Script, micros, moment, moment_or_none, number, packed, q

# ---- Devices, one-time codes and sessions
# Devices, one-time codes and sessions. Only hashes are kept.


MOST_DEVICES = 50
KEPT = timedelta(hours=1)
"""How long a used or expired code is remembered, to be told from one that never was."""


class DeviceRow(TypedDict):
    """Of `devices`."""

    id: str
    mailbox_id: MailboxId
    name: str
    scopes: str
    created_at: int
    last_seen_at: int | None


class CodeRow(TypedDict):
    """Of `one_time_codes`."""

    code_hash: str
    mailbox_id: MailboxId
    detail: str
    name: str
    device_id: str
    expires_at: int


def device_by_token(token_hash: str) -> Script[Device | None]:
    """Whose token it is."""
    row: DeviceRow | None = yield q("device_by_token", token_hash=token_hash)
    return None if row is None else _device(row)


def device_seen(mailbox_id: MailboxId, device_id: str, now: datetime) -> Script[None]:
    """It was heard of."""
    yield q("device_seen", mailbox_id=mailbox_id, id=device_id, now=micros(now))


def devices(mailbox_id: MailboxId) -> Script[tuple[Device, ...]]:
    """All of a mailbox, oldest first."""
    found: list[DeviceRow] = yield q("devices", mailbox_id=mailbox_id)
    return tuple(_device(row) for row in found)


def remove_device(mailbox_id: MailboxId, device_id: str) -> Script[bool]:
    """Its token, tickets and sessions are dead at once. False if there is no such device."""
    yield q("remove_device_codes", mailbox_id=mailbox_id, id=device_id)
    yield q("remove_device_sessions", mailbox_id=mailbox_id, id=device_id)
    return bool((yield from number("remove_device", mailbox_id=mailbox_id, id=device_id)))


def add_code(code: OneTimeCode, now: datetime, settled: bool = True) -> Script[None]:
    """Keep a code. Codes long past their life are dropped, if it is `settled` what time it is. Raises `NotFound` for an
    unknown mailbox."""
    if settled:
        yield q("drop_codes", mailbox_id=code.mailbox_id, before=micros(now - KEPT))
    yield q(
        "insert_code",
        code_hash=code.code_hash,
        mailbox_id=code.mailbox_id,
        purpose=code.purpose,
        detail=code.detail,
        name=code.name,
        device_id=code.device_id,
        expires_at=micros(code.expires_at),
    )


def exchange(
    code_hash: str, challenge: str, device: NewDevice, now: datetime
) -> Script[tuple[Device, str] | PitchgateError]:
    """A code against a device. An error is returned, not raised: the code stays used up."""
    row: CodeRow | None = yield q("code", code_hash=code_hash, purpose=Purpose.DEVICE)
    if row is None:
        return _wrong_code()
    mailbox = yield from locked(row["mailbox_id"])
    if not (yield from _use(row, now)):
        return _old_code()
    if not hmac.compare_digest(row["detail"].encode(), challenge.encode()):
        return _wrong_code()
    if (yield from number("count_devices", mailbox_id=row["mailbox_id"])) >= MOST_DEVICES:
        return Refused("too_many_devices", most=MOST_DEVICES)
    yield q(
        "insert_device",
        id=device.id,
        mailbox_id=row["mailbox_id"],
        token_hash=device.token_hash,
        name=row["name"],
        scopes=packed(sorted(device.scopes)),
        now=micros(now),
    )
    return Device(device.id, row["mailbox_id"], row["name"], device.scopes, now, now), mailbox["email"]


def redeem_ticket(
    code_hash: str, session: str, until: datetime, now: datetime, browser: str = "", settled: bool = True
) -> Script[OneTimeCode]:
    """Use a ticket up and open a session with the token hash `session`. Raises `Expired` (code_expired),
    for an unknown ticket too.
    """
    row: CodeRow | None = yield q("code", code_hash=code_hash, purpose=Purpose.TICKET)
    if row is None or not (yield from _use(row, now)):
        raise _old_code()
    opened = Session(session, row["mailbox_id"], until, row["device_id"], browser)
    yield from add_session(opened, now, settled)
    return OneTimeCode(
        code_hash, row["mailbox_id"], Purpose.TICKET, row["detail"], moment(row["expires_at"]),
        device_id=row["device_id"],
    )  # fmt: skip


def _use(row: CodeRow, now: datetime) -> Script[bool]:
    """Use a code up; False if somebody did before, or it is too old."""
    used = yield from number(
        "use_code", mailbox_id=row["mailbox_id"], code_hash=row["code_hash"], now=micros(now)
    )
    return bool(used) and micros(now) < row["expires_at"]


def add_session(session: Session, now: datetime, settled: bool = True) -> Script[None]:
    """Keep it, drop those that are over, if it is `settled` what time it is."""
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
    row: SessionRow | None = yield q("session", token_hash=token_hash)
    if row is None or row["expires_at"] <= micros(now):
        return None
    return _session(row)


def extend_session(mailbox_id: MailboxId, token_hash: str, expires_at: datetime) -> Script[None]:
    """Let a session run to that moment."""
    yield q("extend_session", mailbox_id=mailbox_id, token_hash=token_hash, expires_at=micros(expires_at))


def remove_session(mailbox_id: MailboxId, token_hash: str) -> Script[None]:
    """Signed out."""
    yield q("remove_session", mailbox_id=mailbox_id, token_hash=token_hash)


def sessions(mailbox_id: MailboxId, now: datetime) -> Script[tuple[Session, ...]]:
    """Those that still run, the newest first."""
    found: list[SessionRow] = yield q("sessions", mailbox_id=mailbox_id, now=micros(now))
    return tuple(_session(row) for row in found)


def remove_other_sessions(mailbox_id: MailboxId, token_hash: str) -> Script[int]:
    """End all but this one; returns how many."""
    return (yield from number("remove_other_sessions", mailbox_id=mailbox_id, token_hash=token_hash))


def _session(row: SessionRow) -> Session:
    return Session(
        token_hash=row["token_hash"],
        mailbox_id=row["mailbox_id"],
        expires_at=moment(row["expires_at"]),
        device_id=row["device_id"],
        browser=row["browser"],
        created_at=moment(row["created_at"]),
    )


def _device(row: DeviceRow) -> Device:
    return Device(
        id=row["id"],
        mailbox_id=row["mailbox_id"],
        name=row["name"],
        scopes=frozenset(Scope(scope) for scope in json.loads(row["scopes"])),
        created_at=moment(row["created_at"]),
        last_seen_at=moment_or_none(row["last_seen_at"]),
    )


def _old_code() -> Expired:
    return Expired("code_expired", field="code")


def _wrong_code() -> Refused:
    return Refused("code_wrong", field="code")


# ---- Browsers to notify
# Each belongs to a session, and goes with it.


class WebPushRow(TypedDict):
    """Of `web_pushes`."""

    id: str
    session: str
    sealed: bytes
    browser: str
    language: str
    told_until: int
    told_at: int | None
    failing_since: int | None


def web_pushes(mailbox_id: MailboxId, now: datetime) -> Script[tuple[WebPush, ...]]:
    """Those of a mailbox whose sessions run, oldest first."""
    found: list[WebPushRow] = yield q("web_pushes", mailbox_id=mailbox_id, now=micros(now))
    return tuple(
        WebPush(
            row["id"],
            row["session"],
            row["sealed"],
            row["browser"],
            row["language"],
            moment(row["told_until"]),
            moment_or_none(row["told_at"]),
            moment_or_none(row["failing_since"]),
        )
        for row in found
    )


def add_web_push(mailbox_id: MailboxId, push: WebPush, now: datetime) -> Script[None]:
    """Keep it in place of what its session had; nothing, if that has ended. What is held by `now` is known to it.
    Raises `Refused` (too_many_browsers).
    """
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
    """Seal it anew, or another address of the same browser; False if it is not `old` any more."""
    return bool((yield from number("swap_web_push", mailbox_id=mailbox_id, id=push_id, old=old, new=new)))


def remove_web_push(mailbox_id: MailboxId, session: str) -> Script[None]:
    """That of a session, if there is one."""
    yield q("remove_web_push", mailbox_id=mailbox_id, session=session)


def hand_over_web_push(mailbox_id: MailboxId, old: str, new: str) -> Script[None]:
    """That of session `old` is session `new`'s from now on, if both are of this mailbox."""
    yield q("hand_over_web_push", mailbox_id=mailbox_id, old=old, new=new)


def web_pushed(
    job: DutyJob, answers: list[tuple[WebPush, Pushed]], now: datetime, next_due: datetime | None
) -> Script[None]:
    """What became of a round that told up to `now`; those that are gone, or failed for too long, are removed.
    Ends the duty. Raises `LeaseLost`.
    """
    yield from jobs.finish_duty(job, next_due)
    for push, outcome in answers:
        about = {"mailbox_id": job.mailbox_id, "id": push.id, "sealed": push.sealed}
        lost = push.failing_since is not None and now - push.failing_since >= GIVEN_UP
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
