"""Questions to the owner: drawn once a week, answered on their page, by API, or by what they do with the message."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from backend.domain.errors import NotFound
from backend.domain.mail.script import script_of
from backend.domain.mailbox.correction import Decision, Origin
from backend.domain.mailbox.effects import EFFECTS
from backend.domain.mailbox.message_record import MessageView
from backend.domain.watching.asking import QUALITY, Answer, Label, Scored, drawn, stratified
from backend.domain.watching.drift import week_of
from backend.domain.watching.models import AtWork
from backend.domain.watching.trial import CHALLENGER, CHAMPION, TRIAL, Counted, disagreement
from backend.ports.decisions import DecisionKeys
from backend.transactions import decisions, message_rows, models, rows
from backend.transactions.mailboxes import locked
from backend.transactions.message_rows import MessageRow
from backend.transactions.statement import KEYS, Script, each, micros, number, q
from backend.transactions.tables import MailboxRow
from backend.transactions.weeks import beginning

OPEN = timedelta(days=7)
KEPT = timedelta(weeks=52)


class JudgedRow(TypedDict):
    """Of `messages`: one to draw from. `shadow_row` is by the challenger of the trial under way, else `policy_row`."""

    gmail_id: str
    policy_row: str
    logit: float
    sender_name: str
    shadow_row: str


class PairRow(TypedDict):
    """How many messages the champion decided by one row and the challenger by another."""

    policy_row: str
    shadow_row: str
    n: int


def draw_questions(mailbox_id: str, now: datetime) -> Script[int]:
    """Draw from the week before this one, once; see the port. What the owner did with a message before it was drawn is
    its answer. While a trial runs, the messages on which its models disagree come first."""
    mailbox = rows.mailbox((yield from locked(mailbox_id)))
    yield q("retain_questions", mailbox_id=mailbox_id)
    at_work = yield from models.at_work()
    running = at_work.challenger or ""
    trial = {"kind": TRIAL, "challenger": running}
    yield q("drop_questions", mailbox_id=mailbox_id, before=micros(now - KEPT), **trial)
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
    asked = yield from _picked(mailbox_id, key, at_work, week, budget)
    for place, (row, kind, stratum, weight) in enumerate(asked):
        about: dict[str, Any] = {"mailbox_id": mailbox_id, "gmail_id": row["gmail_id"]}
        draw = {"id": f"{kind}-{week:05d}-{place:02d}", "round": week, "stratum": stratum, "weight": weight}
        told_by = {"trial_of": running if kind == TRIAL else "", "script": script_of(row["sender_name"])}
        yield q("ask", **about, **draw, **told_by, kind=kind, now=micros(now))
        decided: str | None = yield q("decision_of", **about)
        if decided is not None:
            yield from acted(**about, decision=Decision(decided), now=now)
    return len(asked)


def _picked(
    mailbox_id: str, key: bytes, at_work: AtWork, week: int, budget: int
) -> Script[list[tuple[JudgedRow, str, str, float]]]:
    """At most `budget` questions: message, kind, stratum, weight."""
    challenger, began = at_work.challenger or "", micros(at_work.since) if at_work.since else 0
    times = {"since": beginning(week), "until": beginning(week + 1), "began": began}
    found: list[JudgedRow] = yield q("judged_between", mailbox_id=mailbox_id, challenger=challenger, **times)
    known = {row["gmail_id"]: row for row in found}
    parted = {row["gmail_id"]: disagreement(row["policy_row"], row["shadow_row"]) for row in found}
    alone = {one: stratum for one, stratum in parted.items() if stratum is not None}
    first = drawn(key, f"{TRIAL} {challenger} {week}", {"": list(alone)}, budget)
    strata = stratified((row["gmail_id"], row["policy_row"], row["logit"]) for row in found)
    others = drawn(key, f"{QUALITY} {week}", strata, budget - len(first))
    asked = [(known[one], TRIAL, alone[one], weight) for one, _, weight in first]
    return asked + [(known[one], QUALITY, stratum, weight) for one, stratum, weight in others]


def open_questions(mailbox_id: str, now: datetime) -> Script[tuple[MessageView, ...]]:
    """See the port."""
    mailbox: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    if mailbox is None or not rows.mailbox(mailbox).preferences.questions_a_week:
        return ()
    found: list[MessageRow] = yield q("open_questions", mailbox_id=mailbox_id, since=micros(now - OPEN))
    return tuple(message_rows.view(row) for row in found)


def answer_question(
    mailbox_id: str, gmail_id: str, answer: Answer, origin: Origin, now: datetime
) -> Script[None]:
    """See the port."""
    yield from locked(mailbox_id)
    how = {"gmail_id": gmail_id, "answer": answer, "by_act": False, "now": micros(now)}
    if not (yield from number("answer_questions", mailbox_id=mailbox_id, **how)):
        raise NotFound("not_found.question")
    told = {"answer": answer, "by": origin}
    yield from decisions.noted(mailbox_id, decisions.ANSWER, [gmail_id], told, now)


def acted(mailbox_id: str, gmail_id: str, decision: Decision, now: datetime) -> Script[None]:
    """The owner decided about a message: if it was drawn, that is its answer."""
    answer = Answer.YES if EFFECTS[decision].teaches == "sales" else Answer.NO
    how = {"gmail_id": gmail_id, "answer": answer, "by_act": True, "now": micros(now)}
    yield q("answer_questions", mailbox_id=mailbox_id, **how)


def labels(mailbox_id: str, now: datetime) -> Script[tuple[Label, ...]]:
    """See the port."""
    return each(Label, "labels", mailbox_id=mailbox_id, kind=QUALITY, since=micros(now - KEPT))


def answered(mailbox_id: str, model: str, now: datetime) -> Script[tuple[Scored, ...]]:
    """See the port."""
    asked = {"kind": QUALITY, "model": model, "since": micros(now - KEPT)}
    return each(Scored, "answered", mailbox_id=mailbox_id, **asked)


def labels_of_model(kind: str, model: str, since: datetime | None = None) -> Script[tuple[Label, ...]]:
    """See the port."""
    return each(Label, "labels_of_model", kind=kind, model=model, since=micros(since) if since else 0)


def trial_counts(challenger: str, since: datetime) -> Script[Counted]:
    """See the port."""
    found: list[PairRow] = yield q("trial_pairs", challenger=challenger, since=micros(since))
    counts: Counter[str | None] = Counter()
    for row in found:
        counts[disagreement(row["policy_row"], row["shadow_row"])] += row["n"]
    return Counted(counts.total(), counts[CHAMPION], counts[CHALLENGER])
