"""The row of a message: its columns, and what the domain makes of them. A column is added here, in the migrations, in
`messages.sql`, and in `domain/mailbox/message.py`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, TypedDict

from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.message import MessageView, Placement, Screened, Stage
from backend.domain.reading.topics import Topic
from backend.transactions.records import DutyJob, MessageJob, ScreeningContext, Sighting
from backend.transactions.rows import Flag
from backend.transactions.statement import micros, moment, moment_or_none, packed


class LaneRow(TypedDict):
    """A mailbox with something due."""

    mailbox_id: MailboxId


class DueLaneRow(LaneRow):
    """A mailbox with something due, and how many messages of it are."""

    messages: int


class JobRow(LaneRow):
    """Of `messages`: what is known of it before it is read."""

    gmail_id: str
    thread_id: str
    attempts: int
    deaths: int
    error: str
    revision: int
    labels: str | None
    placement: str | None
    backlog: Flag
    first_seen_at: int


class ClaimedRow(JobRow):
    """Of `messages`: one just claimed."""

    stage: str


class ReachedRow(TypedDict):
    """Of `messages`: one that an owner's decision reaches."""

    gmail_id: str
    placement: str | None
    decided_by: str
    stage: str | None
    authenticated: Flag
    revision: int


class MessageRow(JobRow, ReachedRow):
    """Of `messages`."""

    lease: str | None
    set_aside: Flag
    outcome: str
    policy_row: str
    score: float | None
    model: str
    reasons: str
    guards: str
    cause: str
    decided_at: int | None
    changed_at: int
    sender: str
    sender_name: str
    sender_domain: str
    subject: str
    message_id: str
    received_at: int | None
    reference_ids: str
    reply_to: str
    language: str
    topics: str
    appeal: str


def message_job(row: ClaimedRow, lease: str) -> MessageJob:
    """A message just claimed under `lease`."""
    return MessageJob(
        mailbox_id=row["mailbox_id"],
        gmail_id=row["gmail_id"],
        thread_id=row["thread_id"],
        stage=Stage(row["stage"]),
        attempt=row["attempts"],
        lease=lease,
        revision=row["revision"],
        labels=None if row["labels"] is None else frozenset(json.loads(row["labels"])),
        placement=_placement(row["placement"]),
        backlog=bool(row["backlog"]),
        first_seen_at=moment(row["first_seen_at"]),
        deaths=row["deaths"],
        error=row["error"],
    )


def fresh_job(
    job: DutyJob, seen: Sighting, backlog: bool, now: datetime, begun: ScreeningContext
) -> MessageJob:
    """A message that was first seen just now, in the hands of the worker whose `job` found it."""
    return MessageJob(
        mailbox_id=job.mailbox_id,
        gmail_id=seen.gmail_id,
        thread_id=seen.thread_id,
        stage=seen.stage,
        attempt=1,
        lease=job.lease,
        revision=0,
        labels=seen.labels,
        placement=None,
        backlog=backlog,
        first_seen_at=now,
        begun=begun,
    )


def view(row: MessageRow) -> MessageView:
    """A message as screens show it. A dead letter shows the error that made it one as its cause."""
    dead = bool(row["set_aside"])
    return MessageView(
        mailbox_id=row["mailbox_id"],
        gmail_id=row["gmail_id"],
        thread_id=row["thread_id"],
        stage=None if row["stage"] is None else Stage(row["stage"]),
        placement=_placement(row["placement"]),
        outcome=row["outcome"],
        row=row["policy_row"],
        score=row["score"],
        reasons=tuple(json.loads(row["reasons"])),
        guards=tuple(json.loads(row["guards"])),
        cause=row["error"] if dead else row["cause"],
        sender=row["sender"],
        sender_name=row["sender_name"],
        subject=row["subject"],
        model=row["model"],
        first_seen_at=moment(row["first_seen_at"]),
        received_at=moment_or_none(row["received_at"]),
        decided_at=moment_or_none(row["decided_at"]),
        changed_at=moment(row["changed_at"]),
        dead_letter=dead,
        decided_by=row["decided_by"],
        topics=topics(row["topics"]),
        note=row["appeal"],
    )


def screened(row: MessageRow) -> Screened | None:
    """The kept facts of a message, None before it was screened."""
    if row["received_at"] is None:
        return None
    return Screened(
        sender=row["sender"],
        sender_name=row["sender_name"],
        sender_domain=row["sender_domain"],
        subject=row["subject"],
        message_id=row["message_id"],
        received_at=moment(row["received_at"]),
        authenticated=bool(row["authenticated"]),
        references=tuple(json.loads(row["reference_ids"])),
        reply_to=row["reply_to"],
        language=row["language"],
        topics=topics(row["topics"]),
        note=row["appeal"],
    )


SCREENED = (
    *("sender", "sender_name", "sender_domain", "subject", "message_id", "received_at", "authenticated"),
    *("reference_ids", "reply_to", "language", "topics"),
)


def columns(screened: Screened | None) -> dict[str, Any]:
    """The other way: what `record_verdict` writes. None leaves them as they are."""
    if screened is None:
        return dict.fromkeys(SCREENED)
    return {
        "sender": storable(screened.sender),
        "sender_name": storable(screened.sender_name),
        "sender_domain": storable(screened.sender_domain),
        "subject": storable(screened.subject),
        "message_id": storable(screened.message_id),
        "received_at": micros(screened.received_at),
        "authenticated": screened.authenticated,
        "reference_ids": packed(screened.references),
        "reply_to": storable(screened.reply_to),
        "language": storable(screened.language),
        "topics": packed(sorted(screened.topics)),
    }


def topics(text: str) -> frozenset[Topic]:
    """Topics as they are stored; those of another release are left out."""
    stored = json.loads(text)
    return frozenset(topic for topic in Topic if topic in stored)


def storable(text: str) -> str:
    """Text from outside without NUL, which a server's text cannot hold."""
    return text.replace("\0", "")


def _placement(value: str | None) -> Placement | None:
    return None if value is None else Placement(value)
