"""The store's methods about an owner's first run, his lists and his leaving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from backend.domain.mailbox.correction import RuleKind
from backend.domain.mailbox.rules import Rule
from backend.domain.policy.rehearsal import Rehearsed, Word
from backend.ports.owner import DatedRule, Looked, PreviewRun, Receipt
from backend.ports.store import DutyJob
from backend.store.driver import Driver
from backend.store.scripts import first_run, lists
from backend.store.statement import EVERY


class OwnerMethods:
    """`backend.ports.owner.OwnerStore`."""

    _driver: Driver

    async def order_preview(self, mailbox_id: str, now: datetime) -> None:
        """See `OwnerStore`."""
        await self._driver.write(mailbox_id, first_run.order, mailbox_id, now)

    async def preview_run(self, mailbox_id: str) -> PreviewRun | None:
        """See `OwnerStore`."""
        return await self._driver.read(mailbox_id, first_run.run, mailbox_id)

    async def list_previews(
        self, job: DutyJob, run: int, found: Sequence[tuple[str, str]], now: datetime
    ) -> None:
        """See `OwnerStore`."""
        await self._driver.write(job.mailbox_id, first_run.list_mails, job, run, found, now)

    async def previews_to_read(self, mailbox_id: str, limit: int) -> tuple[tuple[str, str], ...]:
        """See `OwnerStore`."""
        return await self._driver.read(mailbox_id, first_run.to_read, mailbox_id, limit)

    async def record_previews(self, job: DutyJob, run: int, looked: Sequence[Looked], now: datetime) -> bool:
        """See `OwnerStore`."""
        return await self._driver.write(job.mailbox_id, first_run.record, job, run, looked, now)

    async def previews(self, mailbox_id: str) -> tuple[Rehearsed, ...]:
        """See `OwnerStore`."""
        return await self._driver.read(mailbox_id, first_run.previews, mailbox_id)

    async def say_preview(self, mailbox_id: str, gmail_id: str, word: Word, now: datetime) -> None:
        """See `OwnerStore`."""
        await self._driver.write(mailbox_id, first_run.say, mailbox_id, gmail_id, word, now)

    async def rules(
        self, mailbox_id: str, kind: RuleKind | None, query: str, after: str, limit: int
    ) -> tuple[DatedRule, ...]:
        """See `OwnerStore`."""
        return await self._driver.read(mailbox_id, lists.rules, mailbox_id, kind, query, after, limit)

    async def count_rules(self, mailbox_id: str) -> int:
        """See `OwnerStore`."""
        return await self._driver.read(mailbox_id, lists.count_rules, mailbox_id)

    async def rules_of(self, mailbox_id: str, subjects: Sequence[str]) -> Mapping[str, RuleKind]:
        """See `OwnerStore`."""
        return await self._driver.read(mailbox_id, lists.rules_of, mailbox_id, subjects)

    async def put_rules(self, mailbox_id: str, rules: Sequence[Rule], now: datetime) -> None:
        """See `OwnerStore`."""
        await self._driver.write(mailbox_id, lists.put_rules, mailbox_id, rules, now)

    async def ask_to_leave(self, mailbox_id: str, token_hash: str, now: datetime) -> None:
        """See `OwnerStore`."""
        await self._driver.write(mailbox_id, lists.ask_to_leave, mailbox_id, token_hash, now)

    async def receipt(self, token_hash: str) -> Receipt | None:
        """See `OwnerStore`."""
        return await self._driver.read(EVERY, lists.receipt, token_hash)

    async def drop_receipts(self, before: datetime) -> int:
        """See `OwnerStore`."""
        return await self._driver.write(EVERY, lists.drop_receipts, before)
