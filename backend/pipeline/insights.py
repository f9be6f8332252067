"""insights: what was held for an owner, and what they thought of it. Reads; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from backend.domain.errors import NotFound
from backend.domain.mailbox.insights import Figures, filled, first_monday
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.watching.drift import Drift
from backend.domain.watching.strictness_offer import Offer, better_degree
from backend.domain.watching.trial import Quality, quality
from backend.pipeline.context import Context

SENDERS = 10


@dataclass(frozen=True, slots=True)
class InsightService:
    """The entrance of the insights page."""

    context: Context

    async def look(self, mailbox_id: str) -> tuple[Mailbox, Figures]:
        """The mailbox and the figures of its last weeks, every week there. Raises `NotFound` when it has been
        disconnected."""
        mailbox = await self.context.store.mailbox(mailbox_id)
        if mailbox is None:
            raise NotFound("not_found.mailbox")
        today = self.context.clock.now().astimezone(UTC).date()
        since = datetime.combine(first_monday(today), time(), UTC)
        figures = await self.context.store.figures(mailbox_id, since, SENDERS)
        return mailbox, replace(figures, weeks=filled(figures.weeks, today))

    async def drift(self, mailbox_id: str) -> Drift:
        """Whether the mailbox's mail has changed."""
        return await self.context.store.drift(mailbox_id)

    async def quality(self, mailbox_id: str) -> list[Quality]:
        """What the owner's answers say of the verdicts: of all first."""
        return quality(await self.context.store.labels(mailbox_id, self.context.clock.now()))

    async def better_degree(self, mailbox: Mailbox) -> Offer | None:
        """The strictness that the answers say would serve the owner better."""
        reader, now = self.context.reader, self.context.clock.now()
        answered = await self.context.store.answered(mailbox.id, reader.model_version, now)
        return better_degree(mailbox.preferences.strictness, answered, reader.thresholds)
