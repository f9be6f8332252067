"""The preview of a first run: its messages are listed, judged, and answered about by the owner."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from backend.domain.errors import LaneLost, NotFound
from backend.domain.mail.message import MailboxId
from backend.domain.policy.preview import PreviewAnswer, PreviewedMail, PreviewFetch, PreviewRun, RunState
from backend.domain.reading.score import Reason, Score
from backend.transactions import rows
from backend.transactions.jobs import progress, request_duty
from backend.transactions.records import Duty, DutyJob
from backend.transactions.rows import Reader
from backend.transactions.script import Script, each, lock, maybe, micros, packed, q, storable
from backend.transactions.senders import write_rule


class PreviewAnswerRow(TypedDict):
    """Of `previews`: the owner's answer."""

    state: str
    sender: str
    said: str
    rule_before: str


def _score(score: float | None, logit: float | None, model: str, reasons: str) -> Score | None:
    found = tuple(Reason(one["text"], one["weight"], tuple(one["words"])) for one in json.loads(reasons))
    return None if score is None else Score(score, logit or 0.0, found, model)


_previewed = Reader(PreviewedMail, score=_score, standing=rows.preview_standing, answer="said")


def order(mailbox_id: MailboxId, now: datetime) -> Script[None]:
    """Begin a preview again and make its duty due. An earlier one's messages are dropped; rules stay.

    Raises `NotFound` for an unknown mailbox.
    """
    yield from lock(mailbox_id)
    yield q("begin_preview", mailbox_id=mailbox_id, now=micros(now))
    yield q("forget_previews", mailbox_id=mailbox_id)
    yield from request_duty(mailbox_id, Duty.PREVIEW, now)


def run(mailbox_id: MailboxId) -> Script[PreviewRun | None]:
    """How far the preview is."""
    return maybe(PreviewRun, "preview_run", mailbox_id=mailbox_id)


def add_previews(job: DutyJob, number: int, found: Sequence[tuple[str, str]], now: datetime) -> Script[None]:
    """Store the messages to judge, (gmail id, thread id), newest first. An older run's list changes nothing.

    Raises `LaneLost`.
    """
    if not (yield from _current(job, number)):
        return
    listed = [(gmail_id, thread_id, place) for place, (gmail_id, thread_id) in enumerate(found)]
    yield q("insert_previews", mailbox_id=job.mailbox_id, rows=packed(listed))
    yield from _state(job.mailbox_id, number, RunState.READING if listed else RunState.DONE, now)


def to_read(mailbox_id: MailboxId, limit: int) -> Script[tuple[tuple[str, str], ...]]:
    """(gmail id, thread id) of messages not judged yet, newest first."""
    return each(tuple[str, str], "previews_to_read", mailbox_id=mailbox_id, limit=limit)


def record(job: DutyJob, number: int, fetched: Sequence[PreviewFetch], now: datetime) -> Script[bool]:
    """Store results; each message counts once. True once all are done. Raises `LaneLost`."""
    if not (yield from _current(job, number)):
        return False
    for preview in fetched:
        yield from _record(job.mailbox_id, preview)
    left = yield from to_read(job.mailbox_id, 1)
    if not left:
        yield from _state(job.mailbox_id, number, RunState.DONE, now)
    return not left


def previews(mailbox_id: MailboxId) -> Script[tuple[PreviewedMail, ...]]:
    """The judged messages that could be read, newest first, with what is now known of their senders."""
    return each(_previewed, "previews", mailbox_id=mailbox_id)


def label_preview(mailbox_id: MailboxId, gmail_id: str, answer: PreviewAnswer, now: datetime) -> Script[None]:
    """The owner's answer: SALES blocks the sender, NOT_SALES allows them, NONE restores the earlier rule, unless it has
    changed since. Moves nothing. Raises `NotFound`."""
    yield from lock(mailbox_id)
    row: PreviewAnswerRow | None = yield q("preview_item", mailbox_id=mailbox_id, gmail_id=gmail_id)
    if row is None or row["state"] != "read":
        raise NotFound("not_found.preview")
    old, before = PreviewAnswer(row["said"]), row["rule_before"]
    if old is answer:
        return
    if sender := row["sender"]:
        present: str | None = yield q("rule", mailbox_id=mailbox_id, subject=sender)
        if old is PreviewAnswer.NONE:
            before = present or ""
        if answer is not PreviewAnswer.NONE:
            yield from write_rule(mailbox_id, sender, answer.rule, now)
        elif present == old.rule:
            yield from write_rule(mailbox_id, sender, before or None, now)
    kept = before if answer is not PreviewAnswer.NONE else ""
    yield q("say_preview", mailbox_id=mailbox_id, gmail_id=gmail_id, said=answer, rule_before=kept)


def _current(job: DutyJob, number: int) -> Script[bool]:
    """Whether this is still the wanted run; the duty goes on. Raises `LaneLost`."""
    try:
        yield from lock(job.mailbox_id)
    except NotFound as error:
        raise LaneLost("conflict.mailbox") from error
    yield from progress(job)
    present = yield from run(job.mailbox_id)
    return present is not None and present.run == number


def _state(mailbox_id: MailboxId, number: int, state: RunState, now: datetime) -> Script[None]:
    ended = micros(now) if state is RunState.DONE else None
    yield q("save_preview_state", mailbox_id=mailbox_id, run=number, state=state, ended_at=ended)


def _record(mailbox_id: MailboxId, one: PreviewFetch) -> Script[None]:
    mail = one.mail
    score = mail.score if mail else None
    reasons = score.reasons if score else ()
    yield q(
        "record_preview",
        mailbox_id=mailbox_id,
        gmail_id=one.gmail_id,
        state="read" if mail else "unread",
        sender=storable(mail.sender) if mail else "",
        sender_name=storable(mail.sender_name) if mail else "",
        sender_domain=storable(mail.sender_domain) if mail else "",
        subject=storable(mail.subject) if mail else "",
        received_at=micros(mail.received_at) if mail else None,
        labels=packed(sorted(mail.labels) if mail else ()),
        authenticated=bool(mail and mail.authenticated),
        form=mail.form if mail else "",
        guards=packed(mail.guards if mail else ()),
        score=score.probability if score else None,
        logit=score.logit if score else None,
        model=score.model if score else "",
        reasons=packed({"text": r.code, "weight": r.weight, "words": list(r.words)} for r in reasons),
    )
