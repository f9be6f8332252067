"""score_unseen: what would have been decided about a message that was never screened. It stays where it is.

A message may be unknown because it is older than the connection, because its row has been deleted with age, or because
it has only just arrived. The last kind must get no row here: otherwise its sync would skip it as known, and it would
never be held or answered. It is judged all the same, and its sync is made due at once.
"""

from __future__ import annotations

from dataclasses import replace

from backend.domain.mail.message import Arrival
from backend.domain.mailbox.mailbox import Mailbox, Mode
from backend.domain.mailbox.message import MessageView, Outcome, Placement, Screened, Stage, Verdict
from backend.domain.policy.table import Facts, decide
from backend.pipeline.context import Context
from backend.pipeline.learn import OWN_MAIL
from backend.pipeline.owner_digest import is_ours
from backend.pipeline.screen import unjudged
from backend.transactions.records import CardData, Duty, Sighting


async def score_unseen(context: Context, mailbox: Mailbox, gmail_id: str) -> tuple[CardData, bool]:
    """Fetch the message (the one Gmail call) and judge it; True if it has only just arrived and is still to be
    screened. Raises `Gone`, `Rejected`, `NeedsReconnect` or `TryLater` as the fetch does, and `ReadingFailed`."""
    digest = await context.reader.screen(await context.gmail.fetch(mailbox.id, gmail_id), mailbox.owner)
    arrival, screened = digest.arrival, digest.kept()
    now = context.clock.now()
    standing, record = await context.store.sender(
        mailbox.id, screened.sender, screened.sender_domain, arrival.thread_id, now
    )
    if await is_ours(context, mailbox.id, arrival):
        verdict = OWN_MAIL
    elif digest.score is None:
        verdict = unjudged(digest)
    else:
        # Judged as in mode observe, without credits: nothing is moved or spent.
        facts = Facts(
            arrival=replace(arrival, labels=_as_if_new(arrival.labels)),
            owner=mailbox.owner,
            authentication=digest.authentication,
            preferences=replace(mailbox.preferences, mode=Mode.OBSERVE, paused_until=None),
            standing=replace(standing, credits=0),
            form=digest.form,
            read_limit=digest.read_limit,
        )
        thresholds = digest.thresholds[mailbox.preferences.strictness]
        verdict = decide(facts, digest.score, thresholds, (), now)
    ignored = verdict.outcome is Outcome.IGNORE
    verdict = replace(verdict, outcome=Outcome.IGNORE if ignored else Outcome.INBOX, spends_credit=False)
    view = _view(mailbox, arrival, screened, verdict)
    coming = arrival.received_at >= mailbox.created_at and "INBOX" in arrival.labels
    if coming:
        await context.store.request_duty(mailbox.id, Duty.SYNC, now)
        context.wake()
    else:
        sighting = Sighting(arrival.gmail_id, arrival.thread_id, None, Stage.SCREEN)
        await context.store.insert_unseen(mailbox.id, sighting, verdict, screened, now)
    return CardData(view, 0, standing, record), coming


def _as_if_new(labels: frozenset[str]) -> frozenset[str]:
    """Archived mail is judged as if it were still in the inbox; the owner's own mail is not."""
    return labels | {"INBOX"}


def _view(mailbox: Mailbox, arrival: Arrival, screened: Screened, verdict: Verdict) -> MessageView:
    score = verdict.score
    reasons = score.reasons if score else ()
    return MessageView(
        mailbox_id=mailbox.id,
        gmail_id=arrival.gmail_id,
        thread_id=arrival.thread_id,
        stage=None,
        placement=None if verdict.outcome is Outcome.IGNORE else Placement.INBOX,
        outcome=verdict.outcome,
        row=verdict.row,
        score=score.probability if score else None,
        reasons=tuple({"text": r.code, "weight": r.weight, "words": list(r.words)} for r in reasons),
        guards=verdict.guards,
        cause=verdict.cause,
        sender=screened.sender,
        sender_name=screened.sender_name,
        subject=screened.subject,
        model=score.model if score else "",
        first_seen_at=arrival.received_at,
        received_at=arrival.received_at,
        decided_at=arrival.received_at,
        changed_at=arrival.received_at,
        dead_letter=False,
        decided_by="",
    )
