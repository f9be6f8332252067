"""What the insights page reads."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from backend.domain.mailbox.insights import Figures


class InsightStore(Protocol):
    """Counts over the owner's mail. Changes nothing."""

    async def figures(self, mailbox_id: str, since: datetime, senders: int) -> Figures:
        """Everything decided since then. `weeks` holds only those with mail, oldest first; of the senders the
        `senders` with most."""
        ...
