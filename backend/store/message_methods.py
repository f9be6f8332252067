"""The store's methods about messages: their jobs, verdicts, challenges, credits and views."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from backend.domain.entry.challenge import Challenge, ChallengeIntent
from backend.domain.entry.credits import Entry
from backend.domain.mailbox.correction import Correction, RuleKind
from backend.domain.mailbox.verdict import Verdict
from backend.domain.policy.standing import Standing
from backend.ports.store import MessageJob, MessageView, Placement, Screened, Solved
from backend.store.driver import Driver
from backend.store.mailbox_methods import new_lease
from backend.store.scripts import challenges, corrections, credits, jobs, undoing, verdicts, views
from backend.store.statement import EVERY


class MessageMethods:
    """`VerdictStore`, `ChallengeStore`, `ViewStore` and the part of `JobStore` that is about messages."""

    _driver: Driver

    async def claim_messages(
        self, worker: str, now: datetime, lease_until: datetime, limit: int
    ) -> tuple[MessageJob, ...]:
        """See `JobStore`."""
        return await self._driver.write(
            EVERY, jobs.claim_messages, now, new_lease(worker), lease_until, limit
        )

    async def finish_stage(self, job: MessageJob, now: datetime) -> None:
        """See `JobStore`."""
        await self._driver.write(job.mailbox_id, jobs.finish_stage, job, now)

    async def postpone(
        self, job: MessageJob, at: datetime, error: str, now: datetime, counts: bool = True
    ) -> None:
        """See `JobStore`."""
        await self._driver.write(job.mailbox_id, jobs.postpone, job, at, error, now, counts)

    async def set_aside(self, job: MessageJob, cause: str, now: datetime) -> None:
        """See `JobStore`."""
        await self._driver.write(job.mailbox_id, jobs.set_aside, job, cause, now)

    async def gone(self, job: MessageJob, now: datetime) -> None:
        """See `JobStore`."""
        await self._driver.write(job.mailbox_id, jobs.gone, job, now)

    async def next_due(self, now: datetime) -> datetime | None:
        """See `JobStore`. May name a time at which nothing turns out to be due, never one too late."""
        return await self._driver.read(EVERY, jobs.next_due)

    async def standing(
        self, mailbox_id: str, sender: str, sender_domain: str, thread_id: str, now: datetime
    ) -> Standing:
        """See `VerdictStore`."""
        return await self._driver.read(
            mailbox_id, verdicts.standing, mailbox_id, sender, sender_domain, thread_id, now
        )

    async def record_verdict(
        self,
        job: MessageJob,
        verdict: Verdict,
        screened: Screened | None,
        challenge: ChallengeIntent | None,
        now: datetime,
    ) -> None:
        """See `VerdictStore`."""
        await self._driver.write(
            job.mailbox_id, verdicts.record_verdict, job, verdict, screened, challenge, now
        )

    async def correct(self, mailbox_id: str, correction: Correction, now: datetime) -> tuple[str, ...]:
        """See `VerdictStore`. A decision about a message that is still to be screened waits for that."""
        return await self._driver.write(mailbox_id, corrections.correct, mailbox_id, correction, now)

    async def undo(self, mailbox_id: str, key: str, now: datetime) -> tuple[str, ...]:
        """See `VerdictStore`. Raises `NotFound` for an unknown key."""
        return await self._driver.write(mailbox_id, undoing.undo, mailbox_id, key, now)

    async def set_rule(self, mailbox_id: str, subject: str, kind: RuleKind | None, now: datetime) -> None:
        """See `VerdictStore`. Raises `NotFound` for an unknown mailbox."""
        await self._driver.write(mailbox_id, verdicts.set_rule, mailbox_id, subject, kind, now)

    async def has_block_rules(self, mailbox_id: str) -> bool:
        """See `VerdictStore`."""
        return await self._driver.read(mailbox_id, verdicts.has_block_rules, mailbox_id)

    async def challenge_of(self, mailbox_id: str, gmail_id: str) -> Challenge | None:
        """See `ChallengeStore`."""
        return await self._driver.read(mailbox_id, challenges.challenge_of, mailbox_id, gmail_id)

    async def challenge_by_token(self, token_hash: str) -> Challenge | None:
        """See `ChallengeStore`."""
        return await self._driver.read(EVERY, challenges.challenge_by_token, token_hash)

    async def screened(self, mailbox_id: str, gmail_id: str) -> Screened | None:
        """See `ChallengeStore`."""
        return await self._driver.read(mailbox_id, challenges.screened, mailbox_id, gmail_id)

    async def mark_sending(self, job: MessageJob, challenge_id: str, now: datetime) -> None:
        """See `ChallengeStore`. Raises `Conflict` if the challenge may not leave any more."""
        await self._driver.write(job.mailbox_id, challenges.mark_sending, job, challenge_id, now)

    async def mark_sent(self, job: MessageJob, challenge_id: str, sent_gmail_id: str, now: datetime) -> None:
        """See `ChallengeStore`."""
        await self._driver.write(job.mailbox_id, challenges.mark_sent, job, challenge_id, sent_gmail_id, now)

    async def mark_unsent(self, job: MessageJob, challenge_id: str, cause: str, now: datetime) -> None:
        """See `ChallengeStore`."""
        await self._driver.write(job.mailbox_id, challenges.mark_unsent, job, challenge_id, cause, now)

    async def solve(
        self, challenge_id: str, signature: str, signature_expires: datetime, now: datetime
    ) -> Solved:
        """See `ChallengeStore`."""
        return await self._driver.write(
            EVERY, challenges.solve, challenge_id, signature, signature_expires, now
        )

    async def post(self, mailbox_id: str, entry: Entry, now: datetime) -> int:
        """See `ChallengeStore`. Raises `NotFound` for an unknown mailbox."""
        return await self._driver.write(mailbox_id, credits.post, mailbox_id, entry, now)

    async def balance(self, mailbox_id: str, sender: str) -> int:
        """See `ChallengeStore`."""
        return await self._driver.read(mailbox_id, credits.balance, mailbox_id, sender)

    async def ledger_differences(self) -> tuple[Mapping[str, Any], ...]:
        """See `ChallengeStore`."""
        return await self._driver.read(EVERY, credits.differences)

    async def messages(
        self, mailbox_id: str, placement: Placement | None = None, limit: int = 50, before: str = ""
    ) -> tuple[MessageView, ...]:
        """See `ViewStore`. No page is longer than 500; a `before` without a row gives an empty one."""
        return await self._driver.read(mailbox_id, views.messages, mailbox_id, placement, limit, before)

    async def census(self, now: datetime | None = None) -> Mapping[str, int]:
        """See `ViewStore`. `oldest_due_seconds` is measured at `now`, by default the machine's time."""
        return await self._driver.read(EVERY, views.census, now or datetime.now(UTC))

    async def retain(self, mailbox_id: str, before: datetime, limit: int) -> int:
        """See `ViewStore`."""
        return await self._driver.write(mailbox_id, views.retain, mailbox_id, before, limit)
