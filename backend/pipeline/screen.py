"""screen: one message is judged: by what history already tells, else fetched once, parsed, scored, decided.

On doubt the message stays in the inbox: whatever cannot be fetched, parsed or scored for good ends as
`FAIL_OPEN` with its cause, and nobody is answered.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from backend.domain.entry.challenge import LIFE, TOKEN_BYTES, ChallengeIntent, token_hash
from backend.domain.entry.challenge_mail import MAX_SUBJECT, language_of
from backend.domain.errors import Conflict, Gone, LeaseLost, NotYet, Rejected
from backend.domain.mail.authentication import Authentication, authenticate
from backend.domain.mail.bounce import is_bounce
from backend.domain.mail.message import Arrival, Owner
from backend.domain.mail.reply import reply_address
from backend.domain.mail.sender import organisational_domain
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.verdict import Outcome, Verdict
from backend.domain.policy.decide import Facts, decide, fail_open, prescreen
from backend.domain.policy.guards import NOT_ADDRESSED, Inquiry, objections
from backend.domain.reading.reasons import illustrate
from backend.domain.reading.score import Score
from backend.domain.reading.wording import read, written
from backend.domain.retry import believed, refusals
from backend.pipeline import learn
from backend.pipeline.kit import Kit
from backend.ports.store import Duty, MessageJob, Screened, Standing

INDEX_WAIT = timedelta(seconds=5)

BELIEVE_GONE = timedelta(seconds=5)
"""A message that is younger than this for us and cannot be found is looked for once more."""

DECISIONS = 4
"""How often a message is decided anew when credits or challenges moved under it."""


async def screen(kit: Kit, job: MessageJob) -> None:
    """Decide one message and commit the verdict with everything that follows from it."""
    mailbox = await kit.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LeaseLost("The mailbox was disconnected.")
    if mailbox.indexed_at is None:
        # Before Sent has been read nobody is known, and everybody would look like a stranger.
        soon = kit.clock.now() + INDEX_WAIT
        raise NotYet("The owner's correspondents are still being read.", reason="indexing", retry_at=soon)
    early = await _from_history(kit, job, mailbox)
    if early is not None:
        await kit.store.record_verdict(job, early, None, None, kit.clock.now())
        return
    try:
        arrival = await kit.gmail.fetch(job.mailbox_id, job.gmail_id)
    except Gone as error:
        ripe = job.first_seen_at + BELIEVE_GONE
        if kit.clock.now() < ripe:
            # History may tell of a message before it can be read; what is really gone is still so a moment later.
            raise NotYet("The message is not there yet.", reason="gone?", retry_at=ripe) from error
        await kit.store.gone(job, kit.clock.now())
        return
    except Rejected as error:
        if not believed(error, refusals(job.error) + 1):
            raise
        verdict = fail_open(f"Gmail would not give the message out: {error.title}")
        await kit.store.record_verdict(job, verdict, None, None, kit.clock.now())
        return
    if "SENT" in arrival.labels and "DRAFT" not in arrival.labels:
        await learn.from_own_mail(kit, job, mailbox, arrival)
        return
    if is_bounce(arrival.message):
        await kit.store.note_bounce(job.mailbox_id, job.thread_id, kit.clock.now())
    await _judge(kit, job, mailbox, arrival)


async def _from_history(kit: Kit, job: MessageJob, mailbox: Mailbox) -> Verdict | None:
    took_part = bool(await kit.store.took_part(job.mailbox_id, [job.thread_id]))
    blocks = await kit.store.has_block_rules(job.mailbox_id)
    return prescreen(job.labels, took_part, mailbox.preferences, blocks, kit.clock.now(), mailbox.labels)


async def _judge(kit: Kit, job: MessageJob, mailbox: Mailbox, arrival: Arrival) -> None:
    authentication = authenticate(arrival.message)
    score, trouble = await scored(kit, mailbox, arrival)
    screened = kept(arrival, authentication)
    for _ in range(DECISIONS):
        now = kit.clock.now()
        standing = await kit.store.standing(
            job.mailbox_id, screened.sender, screened.sender_domain, job.thread_id, now
        )
        verdict = (
            fail_open(trouble)
            if score is None
            else await _decide(kit, job, mailbox, arrival, authentication, standing, score)
        )
        intent = _intent(kit, mailbox, screened) if verdict.outcome is Outcome.CHALLENGE else None
        try:
            await kit.store.record_verdict(job, verdict, screened, intent, now)
            return
        except LeaseLost:
            raise
        except Conflict:
            continue
    undecided = fail_open("The sender's credits or challenges kept changing while it was judged.")
    await kit.store.record_verdict(job, undecided, screened, None, kit.clock.now())


async def scored(kit: Kit, mailbox: Mailbox, arrival: Arrival) -> tuple[Score | None, str]:
    """The score, its reasons with the message's own words, or None and what broke."""
    try:
        reading = read(arrival.message, mailbox.owner)
        return illustrate(await kit.scorer.score(written(reading)), reading), ""
    except Exception as error:
        # Whatever breaks in here must not hold mail back, and a retry would break again.
        return None, f"The message could not be scored ({type(error).__name__})."


async def _decide(
    kit: Kit,
    job: MessageJob,
    mailbox: Mailbox,
    arrival: Arrival,
    authentication: Authentication,
    standing: Standing,
    score: Score,
) -> Verdict:
    now = kit.clock.now()
    thresholds = kit.scorer.thresholds(mailbox.preferences.strictness)
    facts = Facts(
        arrival=arrival,
        owner=mailbox.owner,
        authentication=authentication,
        preferences=mailbox.preferences,
        standing=standing,
        labels=mailbox.labels,
    )
    verdict = decide(facts, score, thresholds, (), now)
    if verdict.outcome is not Outcome.CHALLENGE:
        return verdict
    inquiry = Inquiry(
        arrival=arrival,
        owner=mailbox.owner,
        authentication=authentication,
        preferences=mailbox.preferences,
        dealings=standing.dealings,
        vacation_on=False,
        backlog=job.backlog,
        fresh=timedelta(seconds=kit.settings.fresh_seconds),
        now=now,
    )
    refused = objections(inquiry)
    # Each of these asks Gmail something: only about mail that would be answered.
    if set(refused) <= {NOT_ADDRESSED}:
        owner = await _owner_now(kit, mailbox)
        facts, inquiry = replace(facts, owner=owner), replace(inquiry, owner=owner)
        refused = objections(inquiry)
    if not refused:
        vacation_on = await kit.gmail.vacation_on(job.mailbox_id)
        refused = objections(replace(inquiry, vacation_on=vacation_on))
    return decide(facts, score, thresholds, refused, now)


async def _owner_now(kit: Kit, mailbox: Mailbox) -> Owner:
    """The owner with every address they may write from by now: mail from or to one added since the last look is
    theirs. The watch, whose affair addresses are, then looks too."""
    seen = await kit.gmail.identity(mailbox.id)
    if seen.aliases <= mailbox.owner.addresses:
        return mailbox.owner
    await kit.store.want(mailbox.id, Duty.WATCH, kit.clock.now())
    return replace(mailbox.owner, aliases=mailbox.owner.aliases | seen.aliases)


def kept(arrival: Arrival, authentication: Authentication) -> Screened:
    """The facts that are stored: no body."""
    message = arrival.message
    sender = message.sender
    return Screened(
        sender=sender.address,
        sender_name=sender.name[:200],
        sender_domain=organisational_domain(sender.domain),
        subject=message.subject[:MAX_SUBJECT],
        message_id=message.message_id[:500],
        received_at=arrival.received_at,
        authenticated=authentication.passed,
        references=message.references[-20:],
        reply_to=reply_address(message).address,
        language=language_of(message.text),
    )


def _intent(kit: Kit, mailbox: Mailbox, screened: Screened) -> ChallengeIntent:
    token = kit.tokens.token(TOKEN_BYTES)
    identifier = kit.tokens.identifier()
    return ChallengeIntent(
        id=identifier,
        sender=screened.sender,
        sender_domain=screened.sender_domain,
        token_hash=token_hash(token),
        sealed_token=kit.vault.seal(token),
        message_id=f"<{identifier}.{kit.tokens.identifier()}@{mailbox.owner.domain}>",
        expires_at=kit.clock.now() + LIFE,
    )
