"""One verified call: who called, what was asked, and what its cards are told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from backend.domain.mailbox.mailbox import Mailbox
from backend.pipeline.addon import AddonService
from backend.transactions.records import Tenant
from backend.web.addon.cards.frame import Frame
from backend.web.addon.event import Event
from backend.web.words import card_words


@dataclass(frozen=True, slots=True)
class Call:
    """Everything a handler needs."""

    service: AddonService
    tenant: Tenant
    event: Event
    frame: Frame

    @classmethod
    def of(cls, service: AddonService, tenant: Tenant, event: Event, base: str, now: datetime) -> Call:
        """The call of `event` by `tenant`."""
        frame = Frame(
            card_words(event.language),
            event.language,
            base,
            now,
            event.offset,
            str(tenant.version),
            service.context.settings.challenges,
        )
        return cls(service, tenant, event, frame)

    @property
    def mailbox(self) -> Mailbox:
        """The caller's own mailbox: no other is ever looked into."""
        return self.tenant.mailbox

    async def renewed(self) -> Call:
        """The same after the mailbox was changed."""
        tenant = await self.service.context.store.tenant(self.mailbox.sub)
        if tenant is None:
            return self
        return replace(self, tenant=tenant, frame=replace(self.frame, version=str(tenant.version)))
