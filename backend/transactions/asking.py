"""Questions to the owner: drawn once a week, answered on their page, by API, or by what they do with the message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from backend.domain.errors import NotFound
from backend.domain.mail.sender import script_of
from backend.domain.mailbox.decisions import EFFECTS, Decision, Origin
from backend.domain.mailbox.message import MessageView
from backend.domain.watching.drift import week_of
from backend.domain.watching.trial import QUALITY, STRATA, TRIAL, Answer, Label, disagreement, drawn
from backend.ports.system import DecisionKeys
from backend.transactions import decisions, message_rows, models, rows
from backend.transactions.mailboxes import lock, locked
from backend.transactions.message_rows import MessageRow
from backend.transactions.statement import KEYS, Script, each, micros, number, q
from backend.transactions.tables import MailboxRow

OPEN = timedelta(days=7)
KEPT = timedelta(weeks=52)


class JudgedRow(TypedDict):
    """Of `messages`: one to draw from. `shadow_row` is by the challenger of the trial under way, else `policy_row`."""

    gmail_id: str
    policy_row: str
    sender_name: str
    stratum: str
    shadow_row: str


def draw_questions(mailbox_id: str, now: datetime) -> Script[int]:
    """Draw from last week's mail what the owner is asked, once a week; how many. While a trial runs, messages on
    which its models disagree come first. Questions about messages that are gone forget which; all go after a year.
    """
    mailbox = rows.mailbox((yield from locked(mailbox_id)))
    yield q("retain_questions", mailbox_id=mailbox_id)
    at_work = yield from models.at_work()
    running = at_work.challenger or ""
    spared = {"kind": TRIAL, "challenger": running}
    yield q("drop_questions", mailbox_id=mailbox_id, before=micros(now - KEPT), **spared)
    week = week_of(now.astimezone(UTC)) - 1
    latest: int | None = yield q("latest_round", mailbox_id=mailbox_id)
    budget = mailbox.preferences.questions_a_week
    if not budget or (latest is not None and latest >= week):
        return 0
    keys: DecisionKeys | None = yield KEYS
    chain = yield from decisions.head(mailbox_id)
    key = keys.open(chain.sealed_key) if keys and chain else None
    if key is None:
        return 0
    trial = {"challenger": running, "began": micros(at_work.since) if at_work.since else 0}
    found: list[JudgedRow] = yield q("judged_in_week", mailbox_id=mailbox_id, week=week, **trial)
    scripts = {row["gmail_id"]: script_of(row["sender_name"]) for row in found}
    alone = {row["gmail_id"]: disagreement(row["policy_row"], row["shadow_row"]) for row in found}
    parted = {"": [one for one, stratum in alone.items() if stratum]}
    strata = {name: [row["gmail_id"] for row in found if row["stratum"] == name] for name in STRATA}
    picked = drawn(key, f"{TRIAL} {running} {week}", parted, budget)
    asked = [(TRIAL, one, alone[one], weight) for one, _, weight in picked]
    others = drawn(key, f"{QUALITY} {week}", strata, budget - len(asked))
    asked += [(QUALITY, *one) for one in others]
    for place, (kind, one, stratum, weight) in enumerate(asked):
        about: dict[str, Any] = {"mailbox_id": mailbox_id, "gmail_id": one}
        draw = {"id": f"{kind}-{week:05d}-{place:02d}", "round": week, "stratum": stratum, "weight": weight}
        told_by = {"trial_of": running if kind == TRIAL else "", "script": scripts[one]}
        yield q("ask", **about, **draw, **told_by, kind=kind, now=micros(now))
        decided: str | None = yield q("decision_of", **about)
        if decided is not None:
            yield from acted(**about, decision=Decision(decided), now=now)
    return len(asked)


def open_questions(mailbox_id: str, now: datetime) -> Script[tuple[MessageView, ...]]:
    """The messages asked about that have no answer yet; a question is open for a week."""
    mailbox: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    if mailbox is None or not rows.mailbox(mailbox).preferences.questions_a_week:
        return ()
    found: list[MessageRow] = yield q("open_questions", mailbox_id=mailbox_id, since=micros(now - OPEN))
    return tuple(message_rows.view(row) for row in found)


def answer_question(
    mailbox_id: str, gmail_id: str, answer: Answer, origin: Origin, now: datetime
) -> Script[None]:
    """Keep an answer, in place of an earlier one. Raises `NotFound` for a message that was not drawn."""
    yield from lock(mailbox_id)
    how = {"gmail_id": gmail_id, "answer": answer, "by_act": False, "now": micros(now)}
    if not (yield from number("answer_questions", mailbox_id=mailbox_id, **how)):
        raise NotFound("not_found.question")
    told = {"answer": answer, "by": origin}
    yield from decisions.noted(mailbox_id, decisions.ANSWER, [gmail_id], told, now)


def acted(mailbox_id: str, gmail_id: str, decision: Decision, now: datetime) -> Script[None]:
    """The owner decided about a message: if it was drawn, that is its answer."""
    if not (taught := EFFECTS[decision].teaches):
        return
    answer = Answer.YES if taught == "sales" else Answer.NO
    how = {"gmail_id": gmail_id, "answer": answer, "by_act": True, "now": micros(now)}
    yield q("answer_questions", mailbox_id=mailbox_id, **how)


def labels(mailbox_id: str, now: datetime) -> Script[tuple[Label, ...]]:
    """Everything asked about all mail in the last year."""
    return each(Label, "labels", mailbox_id=mailbox_id, kind=QUALITY, since=micros(now - KEPT))
