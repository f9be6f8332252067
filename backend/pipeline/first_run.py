"""first run: which of the last hundred messages in the inbox would have been held. Nothing is moved, labelled or sent.

It is a duty, so it survives a restart: the messages are listed once, then judged in batches, each one commit. They get
no rows of `messages`: new mail among them is still synced and screened.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend.domain.challenge import ChallengeHistory
from backend.domain.errors import (
    REFUSALS_BEFORE_SKIP,
    Gone,
    LaneLost,
    Rejected,
    Unexplained,
    refusal_is_final,
)
from backend.domain.mail.machine_mail import MailForm
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import Mailbox, Mode, Preferences, Strictness
from backend.domain.mailbox.message import STARRED, Verdict
from backend.domain.policy.guards import GuardInput, objections
from backend.domain.policy.preview import (
    CAUGHT_OUTCOMES,
    PreviewAnswer,
    PreviewedMail,
    PreviewFetch,
    PreviewRun,
    RunState,
    preview_verdicts,
)
from backend.pipeline.context import Context
from backend.pipeline.screen import by_joined_list, is_ours
from backend.ports.system import ReadingFailed
from backend.transactions.records import DutyJob

MESSAGES = 100
"""How many messages a preview judges: 20 quota units each, a third of what Gmail grants a mailbox in a minute."""

BATCH = 10
AT_ONCE = 4
INDEX_WAIT = timedelta(seconds=2)
STUCK = timedelta(minutes=10)
"""A preview running for longer may be ordered again."""


async def preview(context: Context, job: DutyJob) -> datetime | None:
    """List, or judge one batch; returns when to go on, None when done or when no preview is wanted."""
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    run = await context.store.preview_run(job.mailbox_id)
    if run is None or run.state is RunState.DONE:
        return None
    now = context.clock.now()
    if mailbox.indexed_at is None:
        # Before Sent has been read, everybody would look like a stranger.
        return now + INDEX_WAIT
    if run.state is RunState.LISTING:
        listed = await context.gmail.list_messages(mailbox.id, "", "", MESSAGES, label="INBOX")
        await context.store.add_previews(job, run.run, listed.ids[:MESSAGES], context.clock.now())
        return context.clock.now()
    found = await _read_batch(context, job, mailbox, await context.store.previews_to_read(mailbox.id, BATCH))
    done = await context.store.record_previews(job, run.run, found, context.clock.now())
    return None if done else context.clock.now()


async def _read_batch(
    context: Context, job: DutyJob, mailbox: Mailbox, batch: Sequence[tuple[str, str]]
) -> list[PreviewFetch]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def read(gmail_id: str) -> PreviewFetch:
        async with gate:
            try:
                return PreviewFetch(gmail_id, await _preview_of(context, mailbox, gmail_id))
            except (Gone, Rejected, Unexplained, ReadingFailed) as error:
                if isinstance(error, Unexplained) and not refusal_is_final(
                    error, job.error, REFUSALS_BEFORE_SKIP
                ):
                    raise
                return PreviewFetch(gmail_id, None)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read(gmail_id)) for gmail_id, _ in batch]
    except BaseExceptionGroup as several:
        # A lane can handle one error from Google, not a group of them.
        raise several.exceptions[0] from several
    return [task.result() for task in tasks]


async def _preview_of(context: Context, mailbox: Mailbox, gmail_id: str) -> PreviewedMail:
    digest = await context.reader.screen(await context.gmail.fetch(mailbox.id, gmail_id), mailbox.owner)
    arrival, facts = digest.arrival, digest.kept()
    if await is_ours(context, mailbox.id, arrival):
        raise Gone("gone", reason="ours")
    inquiry = GuardInput(
        arrival=arrival,
        owner=mailbox.owner,
        authentication=digest.authentication,
        preferences=mailbox.preferences,
        challenge_history=ChallengeHistory(),
        vacation_on=False,
        backlog=False,
        fresh=timedelta(seconds=context.settings.fresh_seconds),
        now=arrival.received_at,  # as if it had just come
        found_in_message=digest.guards,
    )
    return PreviewedMail(
        gmail_id=arrival.gmail_id,
        thread_id=arrival.thread_id,
        sender=facts.sender,
        sender_name=facts.sender_name,
        sender_domain=facts.sender_domain,
        subject=facts.subject,
        received_at=arrival.received_at,
        labels=arrival.labels - {STARRED},  # probably put on by hand since it came
        authenticated=digest.authentication.passed,
        form=MailForm.MACHINE if await by_joined_list(context, mailbox.id, digest) else digest.form,
        guards=objections(inquiry),
        score=digest.score,
    )


@dataclass(frozen=True, slots=True)
class PreviewResult:
    """A preview for one mode and strictness. `caught` are the messages that would have been held (in mode observe:
    labelled), `passed` the others, newest first; `counts` says how many each strictness catches."""

    run: PreviewRun | None
    preferences: Preferences
    caught: tuple[tuple[PreviewedMail, Verdict], ...]
    passed: tuple[tuple[PreviewedMail, Verdict], ...]
    counts: dict[Strictness, int]

    @property
    def ready(self) -> bool:
        """Whether all messages have been judged."""
        return self.run is not None and self.run.state is RunState.DONE

    @property
    def looked_at(self) -> int:
        """How many messages could be judged."""
        return len(self.caught) + len(self.passed)


async def order(context: Context, mailbox_id: MailboxId) -> None:
    """Order a preview. One under way goes on, unless it is too old: each costs Gmail quota."""
    now, run = context.clock.now(), await context.store.preview_run(mailbox_id)
    if run is None or run.state is RunState.DONE or now - run.asked_at > STUCK:
        await context.store.order_preview(mailbox_id, now)
        context.wake()


async def order_first(context: Context, mailbox: Mailbox) -> bool:
    """Order the first preview for an owner who has not chosen any settings yet; False if they have, or it was ordered
    before. May run again."""
    chosen = mailbox.preferences.mode is not Mode.OBSERVE
    if chosen or mailbox.indexed_at is not None or await context.store.preview_run(mailbox.id) is not None:
        return False
    await order(context, mailbox.id)
    return True


async def preview_result(
    context: Context, mailbox: Mailbox, mode: Mode, strictness: Strictness
) -> PreviewResult:
    """The preview for this choice. Reads only; the scores are the ones given when the messages were judged."""
    run = await context.store.preview_run(mailbox.id)
    previews = await context.store.previews(mailbox.id)
    wishes = replace(mailbox.preferences, mode=mode, strictness=strictness)
    counts: Counter[Strictness] = Counter()
    shown: tuple[Verdict, ...] = ()
    for each in Strictness:
        verdicts = preview_verdicts(
            previews, mailbox.owner, wishes, context.reader.thresholds(each), mailbox.labels
        )
        counts[each] = sum(verdict.outcome in CAUGHT_OUTCOMES for verdict in verdicts)
        if each is strictness:
            shown = verdicts
    judged = list(zip(previews, shown, strict=True))
    return PreviewResult(
        run=run,
        preferences=wishes,
        caught=tuple(pair for pair in judged if pair[1].outcome in CAUGHT_OUTCOMES),
        passed=tuple(pair for pair in judged if pair[1].outcome not in CAUGHT_OUTCOMES),
        counts={each: counts[each] for each in Strictness},
    )


async def label_preview(
    context: Context, mailbox_id: MailboxId, gmail_id: str, answer: PreviewAnswer
) -> None:
    """Record the owner's answer about a previewed mail: set a rule for its sender, or bring back the earlier one. Moves
    nothing.

    Raises `NotFound`.
    """
    await context.store.label_preview(mailbox_id, gmail_id, answer, context.clock.now())
