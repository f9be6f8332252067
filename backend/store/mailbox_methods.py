"""The store's methods about mailboxes, duties and syncing."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import LabelIds, Link, Mailbox, Preferences
from backend.ports.owner import Farewell
from backend.ports.store import Duty, DutyJob, MessageView, NewMailbox, Notice, PushFate, SyncPage
from backend.store.driver import Driver
from backend.store.scripts import jobs, mailboxes, sync
from backend.store.statement import EVERY


def new_lease(worker: str) -> str:
    """A name for one claim. Never given twice, so a worker that lost a job cannot mistake it for its own."""
    return f"{worker}:{secrets.token_hex(8)}"


class MailboxMethods:
    """`MailboxStore`, `SyncStore` and the part of `JobStore` that is about duties."""

    _driver: Driver

    async def connect(self, mailbox: NewMailbox, now: datetime) -> Mailbox:
        """See `MailboxStore`. Raises `Conflict` while the mailbox is being disconnected."""
        return await self._driver.write(EVERY, mailboxes.connect, mailbox, now)

    async def mailbox(self, mailbox_id: str) -> Mailbox | None:
        """See `MailboxStore`."""
        return await self._driver.read(mailbox_id, mailboxes.mailbox, mailbox_id)

    async def mailbox_by_email(self, email: str) -> Mailbox | None:
        """See `MailboxStore`."""
        return await self._driver.read(EVERY, mailboxes.mailbox_by_email, email)

    async def mailboxes(self) -> tuple[Mailbox, ...]:
        """See `MailboxStore`."""
        return await self._driver.read(EVERY, mailboxes.mailboxes)

    async def sealed_token(self, mailbox_id: str) -> bytes | None:
        """See `MailboxStore`."""
        return await self._driver.read(mailbox_id, mailboxes.sealed_token, mailbox_id)

    async def save_sealed_token(self, mailbox_id: str, sealed: bytes, now: datetime) -> None:
        """See `MailboxStore`."""
        await self._driver.write(mailbox_id, mailboxes.save_sealed_token, mailbox_id, sealed, now)

    async def swap_sealed_token(self, mailbox_id: str, old: bytes, new: bytes, now: datetime) -> bool:
        """See `MailboxStore`."""
        return await self._driver.write(mailbox_id, mailboxes.swap_sealed_token, mailbox_id, old, new, now)

    async def save_preferences(self, mailbox_id: str, preferences: Preferences, now: datetime) -> None:
        """See `MailboxStore`."""
        await self._driver.write(mailbox_id, mailboxes.save_preferences, mailbox_id, preferences, now)

    async def save_labels(self, mailbox_id: str, labels: LabelIds, owner: Owner) -> None:
        """See `MailboxStore`."""
        await self._driver.write(mailbox_id, mailboxes.save_labels, mailbox_id, labels, owner)

    async def save_watch(self, mailbox_id: str, expires_at: datetime, first_cursor: str) -> None:
        """See `MailboxStore`."""
        await self._driver.write(mailbox_id, mailboxes.save_watch, mailbox_id, expires_at, first_cursor)

    async def set_link(self, mailbox_id: str, link: Link, cause: str, now: datetime) -> None:
        """See `MailboxStore`."""
        await self._driver.write(mailbox_id, mailboxes.set_link, mailbox_id, link, cause, now)

    async def lose_link(self, mailbox_id: str, cause: str, since: datetime, now: datetime) -> bool:
        """See `MailboxStore`."""
        return await self._driver.write(mailbox_id, mailboxes.lose_link, mailbox_id, cause, since, now)

    async def busy(self, mailbox_id: str, now: datetime) -> bool:
        """See `MailboxStore`."""
        return await self._driver.read(mailbox_id, mailboxes.busy, mailbox_id, now)

    async def forget(self, mailbox_id: str, farewell: Farewell | None = None) -> Mapping[str, int]:
        """See `MailboxStore`."""
        return await self._driver.write(mailbox_id, mailboxes.forget, mailbox_id, farewell)

    async def note_push(self, notice: Notice, due_at: datetime, now: datetime) -> PushFate:
        """See `JobStore`. Raises `Refused` (malformed) for a history id that is no number."""
        return await self._driver.write(EVERY, jobs.note_push, notice, due_at, now)

    async def want(self, mailbox_id: str, duty: Duty, due_at: datetime) -> None:
        """See `JobStore`. Nothing happens for an unknown mailbox."""
        await self._driver.write(mailbox_id, jobs.want, mailbox_id, duty, due_at)

    async def claim_duty(self, worker: str, now: datetime, lease_until: datetime) -> DutyJob | None:
        """See `JobStore`."""
        return await self._driver.write(EVERY, jobs.claim_duty, now, new_lease(worker), lease_until)

    async def finish_duty(self, job: DutyJob, next_due: datetime | None, now: datetime) -> None:
        """See `JobStore`."""
        await self._driver.write(job.mailbox_id, jobs.finish_duty, job, next_due, now)

    async def postpone_duty(
        self, job: DutyJob, at: datetime, error: str, now: datetime, counts: bool = True
    ) -> None:
        """See `JobStore`."""
        await self._driver.write(job.mailbox_id, jobs.postpone_duty, job, at, error, now, counts)

    async def commit_sync(self, job: DutyJob, page: SyncPage, now: datetime) -> int:
        """See `SyncStore`."""
        return await self._driver.write(job.mailbox_id, sync.commit_sync, job, page, now)

    async def told(self, mailbox_id: str) -> tuple[int, datetime] | None:
        """See `SyncStore`."""
        return await self._driver.read(mailbox_id, sync.told, mailbox_id)

    async def held_at_rest(self, mailbox_id: str, limit: int) -> tuple[str, ...]:
        """See `SyncStore`."""
        return await self._driver.read(mailbox_id, sync.held_at_rest, mailbox_id, limit)

    async def decided_on(self, mailbox_id: str, gmail_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """See `SyncStore`."""
        return await self._driver.read(mailbox_id, sync.decided_on, mailbox_id, gmail_ids)

    async def ours(self, mailbox_id: str, gmail_ids: Sequence[str]) -> frozenset[str]:
        """See `SyncStore`."""
        return await self._driver.read(mailbox_id, sync.ours, mailbox_id, gmail_ids)

    async def challenge_pending_in(self, mailbox_id: str, thread_id: str) -> bool:
        """See `SyncStore`."""
        return await self._driver.read(mailbox_id, sync.challenge_pending_in, mailbox_id, thread_id)

    async def known(self, mailbox_id: str, gmail_ids: Sequence[str]) -> Mapping[str, MessageView]:
        """See `SyncStore`."""
        return await self._driver.read(mailbox_id, sync.known, mailbox_id, gmail_ids)

    async def learn(self, mailbox_id: str, addresses: frozenset[str], thread_id: str, now: datetime) -> None:
        """See `SyncStore`. Raises `NotFound` for an unknown mailbox."""
        await self._driver.write(mailbox_id, sync.learn, mailbox_id, addresses, thread_id, now)

    async def took_part(self, mailbox_id: str, thread_ids: Sequence[str]) -> frozenset[str]:
        """See `SyncStore`."""
        return await self._driver.read(mailbox_id, sync.took_part, mailbox_id, thread_ids)

    async def held_from(self, mailbox_id: str, addresses: frozenset[str]) -> tuple[tuple[str, str], ...]:
        """See `SyncStore`."""
        return await self._driver.read(mailbox_id, sync.held_from, mailbox_id, addresses)

    async def save_index(
        self, job: DutyJob, page: str, done: int, total: int, finished: bool, now: datetime
    ) -> None:
        """See `SyncStore`."""
        await self._driver.write(job.mailbox_id, sync.save_index, job, page, done, total, finished, now)
