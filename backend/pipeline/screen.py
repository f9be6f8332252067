"""screen: judge one message: by what history already shows, else fetch it once, parse, score and decide.

When in doubt it stays in the inbox: a message that can never be fetched, parsed or scored ends as `FAIL_OPEN` with its
cause, and gets no answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from backend.domain.challenge import LINK_LIFE, TOKEN_BYTES, ChallengeIntent, token_hash
from backend.domain.digest import Digest
from backend.domain.errors import (
    Conflict,
    Gone,
    LaneLost,
    NotYet,
    Refused,
    Rejected,
    Unexplained,
    refusal_is_final,
)
from backend.domain.mail.machine_mail import MailForm
from backend.domain.mail.message import Address, Arrival, MailboxId, Owner
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import Mailbox, Mode
from backend.domain.mailbox.message import (
    IMPORTANT,
    PLACEMENT_OF,
    FailOpenCause,
    Outcome,
    Placement,
    PolicyRow,
    Screened,
    Verdict,
    labels_on_arrival,
)
from backend.domain.mailbox.owner_digest import placed_by_us, sealed_in
from backend.domain.policy.evidence import CLEARLY_ORDINARY
from backend.domain.policy.guards import NOT_ADDRESSED, GuardInput, objections
from backend.domain.policy.table import Facts, Standing, decide, fail_open, prescreen
from backend.domain.reading.score import Thresholds
from backend.domain.watching import audit
from backend.domain.watching.trial import shadow_of
from backend.pipeline.context import Context
from backend.pipeline.decide import carry_out
from backend.pipeline.memory import Place
from backend.pipeline.sync import FoundMail
from backend.ports.gmail import Fetched
from backend.ports.system import ReadingFailed
from backend.transactions.records import Duty, MessageJob, Reached, ScreeningContext

log = structlog.get_logger()

INDEX_WAIT = timedelta(seconds=5)

BELIEVE_GONE = timedelta(seconds=5)
"""A message first seen less than this ago that cannot be found is fetched once more."""

DECISIONS = 4
"""How often a message is decided at most, if credits or challenges change meanwhile."""


async def screen(context: Context, job: MessageJob, found: FoundMail | None = None) -> MessageJob | None:
    """Judge one message and commit the verdict with everything that follows; returns the job of the next stage. A
    message that a look has `found` is committed with that look."""
    place = Place(job.gmail_id, context.screening[job.mailbox_id])
    try:
        return await _screen(context, job, found, place)
    finally:
        place.leave()


async def _screen(
    context: Context, job: MessageJob, found: FoundMail | None, place: Place
) -> MessageJob | None:
    screening = found.screening if found else await context.store.screening_context(job.mailbox_id)
    mailbox = screening.mailbox
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    if mailbox.indexed_at is None:
        # Before Sent has been read, everybody would look like a stranger.
        soon = context.clock.now() + INDEX_WAIT
        raise NotYet("later.indexing", reason="indexing", retry_at=soon)
    early = _from_history(context, job, mailbox, screening)
    if early is not None:
        following = await _record(context, Reached(job, early, None), found)
        context.verdict_metrics.note(early, read=False)
        return following
    try:
        fetched = await context.gmail.fetch(job.mailbox_id, job.gmail_id)
        digest = await read(context, fetched, mailbox)
    except Gone as error:
        ripe = job.first_seen_at + BELIEVE_GONE
        if context.clock.now() < ripe:
            # History may list a message before it can be read; one that is really gone is still gone a moment later.
            raise NotYet("later.not_there", reason="gone?", retry_at=ripe) from error
        if found:
            await found.wait_for_row(job)
        await context.store.gone(job, context.clock.now())
        return None
    except (Rejected, Unexplained) as error:
        if not refusal_is_final(error, job.error):
            raise
        cause = FailOpenCause.TOO_LARGE if error.reason == "answerTooLarge" else FailOpenCause.REFUSED
        return await _end(context, job, found, fail_open(cause), None, error.reason)
    except ReadingFailed as error:
        return await _end(context, job, found, fail_open(error.cause), None, error.fault)
    if await _end_own(context, job, found, digest):
        return None
    if digest.bounce:
        await context.store.note_bounce(job.mailbox_id, job.thread_id, context.clock.now())
    screened = digest.kept()
    place.read(screened)
    if digest.score is not None and digest.score.probability >= CLEARLY_ORDINARY:
        await place.others_read()
        while (earlier := place.earlier()) is not None:
            if found:
                found.stop_waiting_for(job)
            await asyncio.wait({earlier})
    return await _judge(context, job, found, mailbox, fetched, digest, screened)


async def _end_own(context: Context, job: MessageJob, found: FoundMail | None, digest: Digest) -> bool:
    """End the job of a message that the owner wrote, or of a digest that we placed; False for any other."""
    if await is_ours(context, job.mailbox_id, digest.arrival):
        if found:
            await found.wait_for_row(job)
        await context.store.record_verdict(job, OWN_MAIL, None, None, context.clock.now())
        return True
    sent = "SENT" in digest.arrival.labels and "DRAFT" not in digest.arrival.labels
    if sent:
        if found:
            await found.wait_for_row(job)
        await from_own_mail(context, job, digest.correspondents)
    return sent


async def is_ours(context: Context, mailbox_id: MailboxId, arrival: Arrival) -> bool:
    """Whether this message is a digest that we put into this mailbox: its Message-ID was sealed with our keys for it,
    Gmail dates it about then, and it is no copy of a known one."""
    claimed = arrival.message.message_id
    sealed = sealed_in(claimed)
    if not sealed:
        return False
    try:
        words = context.vault.open(sealed)
    except Refused:
        return False
    if not placed_by_us(words, mailbox_id, arrival.received_at):
        return False
    state = await context.store.digest_state(mailbox_id)
    latest = state is not None and state.message_id.strip("<>") == claimed.strip("<>")
    return not latest or state is None or state.gmail_id in ("", arrival.gmail_id)


async def read(context: Context, fetched: Fetched, mailbox: Mailbox) -> Digest:
    """Read and score the message; the metrics note how long that took."""
    began = time.perf_counter()
    digest = await context.reader.screen(fetched, mailbox.owner)
    context.verdict_metrics.reading.observe(time.perf_counter() - began)
    if digest.read_limit is not None:
        context.verdict_metrics.unread.labels(digest.read_limit).inc()
        log.warning("not_read_in_full", mailbox=mailbox.id, limit=digest.read_limit, fault=digest.fault)
    if digest.again is not None:
        context.verdict_metrics.read_again.labels(digest.again).inc()
    labels = labels_on_arrival(digest.arrival.labels, mailbox.labels)
    if labels == digest.arrival.labels:
        return digest
    return replace(digest, arrival=replace(digest.arrival, labels=labels))


def _from_history(
    context: Context, job: MessageJob, mailbox: Mailbox, screening: ScreeningContext
) -> Verdict | None:
    now, wishes, blocks = context.clock.now(), mailbox.preferences, screening.blocks
    labels = None if job.labels is None else labels_on_arrival(job.labels, mailbox.labels)
    verdict = prescreen(labels, wishes, blocks, now, mailbox.labels)
    if verdict is None:
        return None
    kept = audit.from_history(labels, wishes, blocks, now, mailbox.labels)
    return replace(verdict, grounds=kept)


async def _judge(
    context: Context,
    job: MessageJob,
    found: FoundMail | None,
    mailbox: Mailbox,
    fetched: Fetched,
    digest: Digest,
    screened: Screened,
) -> MessageJob | None:
    for _ in range(DECISIONS):
        now = context.clock.now()
        standing = await context.store.standing(
            job.mailbox_id, screened.sender, screened.sender_domain, job.thread_id, now, job.gmail_id
        )
        try:
            verdict, writer = await decided(
                context, mailbox, fetched, digest, standing, job.thread_id, backlog=job.backlog
            )
        except ReadingFailed as error:
            verdict, writer = fail_open(error.cause), None
        intent = intended(context, writer, screened) if writer else None
        try:
            return await _end(context, job, found, verdict, screened, digest.fault, intent)
        except LaneLost:
            raise
        except Conflict:
            continue
    return await _end(context, job, found, fail_open(FailOpenCause.UNSETTLED), screened)


async def _end(
    context: Context,
    job: MessageJob,
    found: FoundMail | None,
    verdict: Verdict,
    screened: Screened | None,
    fault: str = "",
    intent: ChallengeIntent | None = None,
) -> MessageJob | None:
    """Commit the verdict; log and count one that lets a message in because it could not be judged."""
    now = context.clock.now()
    following = await _record(context, Reached(job, verdict, screened, intent), found)
    context.verdict_metrics.note(verdict)
    if screened is not None and not job.backlog:
        lag = (now - screened.received_at).total_seconds()
        context.verdict_metrics.lag.observe(max(lag, 0.0))  # the two clocks may differ
    if verdict.row is PolicyRow.FAIL_OPEN:
        log.warning("failed_open", mailbox=job.mailbox_id, cause=verdict.cause, fault=fault)
    return following


async def _record(context: Context, reached: Reached, found: FoundMail | None) -> MessageJob | None:
    if found:
        return await found.record(reached)
    return await context.store.record_verdict(
        reached.job, reached.verdict, reached.screened, reached.challenge, context.clock.now()
    )


def unjudged(digest: Digest) -> Verdict:
    """The verdict on a message that has no score."""
    return fail_open(digest.cause or FailOpenCause.UNREADABLE)


async def decided(
    context: Context,
    mailbox: Mailbox,
    fetched: Fetched,
    digest: Digest,
    standing: Standing,
    thread_id: str,
    *,
    backlog: bool = False,
) -> tuple[Verdict, Address | None]:
    """The verdict, and for a challenge the owner's address and name that it is sent from."""
    now = context.clock.now()
    if digest.score is None:
        return unjudged(digest), None
    thresholds = digest.thresholds[mailbox.preferences.strictness]
    facts = _facts(context, mailbox, digest, standing)
    verdict = decide(facts, digest.score, thresholds, (), now)
    screened = digest.kept()
    if _holds_or_labels(verdict) and await by_joined_list(context, mailbox.id, digest):
        facts = replace(facts, form=MailForm.MACHINE)
        verdict = decide(facts, digest.score, thresholds, (), now)
    if await _by_owners_filter(context, mailbox, facts, screened, verdict):
        facts = replace(facts, filtered=True)
        verdict = decide(facts, digest.score, thresholds, (), now)
    if verdict.outcome is not Outcome.CHALLENGE:
        return _with_grounds(context, verdict, facts, digest, thresholds, (), now), None
    about = (screened.sender, screened.sender_domain, thread_id)
    inquiry = GuardInput(
        arrival=digest.arrival,
        owner=mailbox.owner,
        authentication=digest.authentication,
        preferences=mailbox.preferences,
        challenge_history=await context.store.challenge_history(mailbox.id, *about, now),
        vacation_on=False,
        backlog=backlog,
        fresh=_fresh(context, mailbox, digest),
        now=now,
        found_in_message=digest.guards,
    )
    refused = objections(inquiry)  # only for mail that would be answered, since these checks ask Gmail
    owner, written_to = mailbox.owner, digest.written_to
    if set(refused) <= {NOT_ADDRESSED}:
        owner = await owner_now(context, mailbox)
        if owner.addresses != mailbox.owner.addresses:
            again = await context.reader.screen(fetched, owner)
            facts = replace(facts, owner=owner, form=again.form)
            inquiry = replace(inquiry, owner=owner, found_in_message=again.guards)
            written_to = again.written_to
            refused = objections(inquiry)
    if not refused:
        vacation_on = await context.gmail.vacation_on(mailbox.id)
        refused = objections(replace(inquiry, vacation_on=vacation_on))
    verdict = decide(facts, digest.score, thresholds, refused, now)
    writer = owner.writing_as(written_to) if verdict.outcome is Outcome.CHALLENGE else None
    return _with_grounds(context, verdict, facts, digest, thresholds, refused, now), writer


def _holds_or_labels(verdict: Verdict) -> bool:
    """Whether the verdict holds or labels a message for its content."""
    return (
        PLACEMENT_OF[verdict.outcome] in (Placement.MARKED, Placement.HELD)
        and verdict.row is not PolicyRow.BLOCKED
    )


async def by_joined_list(context: Context, mailbox_id: str, digest: Digest) -> bool:
    """Whether the message certainly came through a mailing list that its owner has written to."""
    if not digest.list_address:
        return False
    now = context.clock.now()
    return (await context.store.standing(mailbox_id, digest.list_address, "", "", now)).corresponded


async def _by_owners_filter(
    context: Context, mailbox: Mailbox, facts: Facts, screened: Screened, verdict: Verdict
) -> bool:
    """Whether the owner's own filter marked as important what would be held or labelled. Gmail marks mail as important
    by itself too, so the filters have to be checked."""
    off = PolicyRow.OWNERS_FILTER in facts.preferences.rows_off
    if (
        not _holds_or_labels(verdict)
        or off
        or not facts.authentication.passed
        or IMPORTANT not in facts.arrival.labels
    ):
        return False
    with suppress(Rejected):  # nothing is known about the filters then
        return await context.gmail.filtered(mailbox.id, screened.message_id, IMPORTANT)
    return False


def _fresh(context: Context, mailbox: Mailbox, digest: Digest) -> timedelta:
    """Up to which age the message may be answered. A held one was judged in time: either its link is owed, or a
    restored database has forgotten the link; then the sent one is searched for, and no new one is sent late."""
    held_before = mailbox.labels.held in digest.arrival.labels
    return LINK_LIFE if held_before else timedelta(seconds=context.settings.fresh_seconds)


def _facts(context: Context, mailbox: Mailbox, digest: Digest, standing: Standing) -> Facts:
    preferences = mailbox.preferences
    if preferences.mode is Mode.CHALLENGE and not context.settings.challenges:
        # Chosen while the address was public; without one the mail is held silently.
        preferences = replace(preferences, mode=Mode.QUARANTINE)
    return Facts(
        arrival=digest.arrival,
        owner=mailbox.owner,
        authentication=digest.authentication,
        preferences=preferences,
        standing=standing,
        labels=mailbox.labels,
        form=digest.form,
        read_limit=digest.read_limit,
    )


def _with_grounds(
    context: Context,
    verdict: Verdict,
    facts: Facts,
    digest: Digest,
    thresholds: Thresholds,
    guards: tuple[str, ...],
    now: datetime,
) -> Verdict:
    """The table's verdict with what the log of decisions keeps of it, and the challenger's verdict."""
    score = digest.score
    assert score is not None
    found = audit.grounds(facts, score, thresholds, guards, now)
    if score.trace is not None and score.trace.counts:
        found = replace(found, counts=context.vault.seal(audit.kept_counts(score.trace)))
    shadow = shadow_of(verdict, digest, facts, guards, now)
    return replace(verdict, grounds=found, shadow=shadow)


async def owner_now(context: Context, mailbox: Mailbox) -> Owner:
    """The owner with all their current addresses and names: mail from or to an address added since the last watch is
    theirs as well. The watch, which keeps the addresses, then renews them."""
    seen = await context.gmail.identity(mailbox.id)
    if not (seen.aliases <= mailbox.owner.addresses and seen.email in ("", mailbox.owner.email)):
        await context.store.request_duty(mailbox.id, Duty.WATCH, context.clock.now())
    aliases = mailbox.owner.aliases | seen.addresses - {""}
    return replace(mailbox.owner, aliases=aliases, names=seen.names)


def intended(context: Context, writer: Address, screened: Screened) -> ChallengeIntent:
    """A new link for the sender of this message, sent by `writer`."""
    token = context.tokens.token(TOKEN_BYTES)
    identifier = context.tokens.identifier()
    return ChallengeIntent(
        id=identifier,
        sender=screened.sender,
        sender_domain=screened.sender_domain,
        token_hash=token_hash(token),
        sealed_token=context.vault.seal(token),
        message_id=f"<{identifier}.{context.tokens.identifier()}@{writer.domain}>",
        expires_at=context.clock.now() + LINK_LIFE,
        reply_from=writer,
    )


# ---- learn: the owner's own mail
# It shows whom they write to, and whether they let a sender in by answering. Our challenges and other automatic replies
# never count, nor does a short refusal ("no thanks").


OWN_MAIL = Verdict(Outcome.IGNORE, PolicyRow.NOT_INCOMING)


async def learn(context: Context, job: MessageJob) -> None:
    """Read one sent message. Our own challenges are known by id and cost no call."""
    now = context.clock.now()
    if await context.store.sent_challenge_ids(job.mailbox_id, [job.gmail_id]):
        await context.store.record_verdict(job, OWN_MAIL, None, None, now)
        return
    if await context.store.challenge_pending_in(job.mailbox_id, job.thread_id):
        raise NotYet("later.challenge", reason="challenge_pending")
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    try:
        fetched = await context.gmail.fetch(job.mailbox_id, job.gmail_id)
        addresses = await context.reader.correspondents(fetched, mailbox.owner)
    except Gone:
        await context.store.gone(job, now)
        return
    except ReadingFailed as error:
        log.warning("own_mail_not_read", mailbox=job.mailbox_id, cause=error.cause, fault=error.fault)
        addresses = ()
    await from_own_mail(context, job, addresses)


async def from_own_mail(context: Context, job: MessageJob, correspondents: Sequence[str]) -> None:
    """Keep the correspondents found in one of the owner's own messages and end its job."""
    addresses = frozenset(correspondents)
    if addresses:
        now = context.clock.now()
        await context.store.learn(job.mailbox_id, addresses, job.thread_id, now)
        for sender, gmail_id in await context.store.held_from(job.mailbox_id, addresses):
            key = f"replied:{job.gmail_id}:{sender}"
            decision = Correction(key, gmail_id, Decision.REPLIED, Origin.GMAIL)
            await carry_out(context, job.mailbox_id, decision.order)
    await context.store.record_verdict(job, OWN_MAIL, None, None, context.clock.now())
