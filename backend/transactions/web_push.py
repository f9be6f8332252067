"""Browsers that are told of new senders. Each belongs to a session, and goes with it."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from backend.domain.errors import Refused
from backend.domain.mailbox.web_push import GIVEN_UP, MOST_BROWSERS
from backend.ports.public_post import Pushed
from backend.transactions import jobs
from backend.transactions.mailboxes import lock
from backend.transactions.records import DutyJob, WebPush
from backend.transactions.statement import Script, micros, moment, moment_or_none, number, q


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


def web_pushes(mailbox_id: str, now: datetime) -> Script[tuple[WebPush, ...]]:
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


def add_web_push(mailbox_id: str, push: WebPush, now: datetime) -> Script[None]:
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


def swap_web_push(mailbox_id: str, push_id: str, old: bytes, new: bytes) -> Script[bool]:
    """Seal it anew, or another address of the same browser; False if it is not `old` any more."""
    return bool((yield from number("swap_web_push", mailbox_id=mailbox_id, id=push_id, old=old, new=new)))


def remove_web_push(mailbox_id: str, session: str) -> Script[None]:
    """That of a session, if there is one."""
    yield q("remove_web_push", mailbox_id=mailbox_id, session=session)


def hand_over_web_push(mailbox_id: str, old: str, new: str) -> Script[None]:
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
