"""correct: the owner's word, from wherever it comes. It takes effect at once and can be taken back."""

from __future__ import annotations

from backend.domain.mailbox.correction import Correction
from backend.pipeline.kit import Kit


async def correct(kit: Kit, mailbox_id: str, correction: Correction) -> tuple[str, ...]:
    """Apply one decision; returns the gmail ids that are on the move. The same key again changes nothing."""
    moved = await kit.store.correct(mailbox_id, correction, kit.clock.now())
    kit.wake()
    return moved


async def undo(kit: Kit, mailbox_id: str, key: str) -> tuple[str, ...]:
    """Take the decision with this key back; returns the gmail ids that are on the move."""
    moved = await kit.store.undo(mailbox_id, key, kit.clock.now())
    kit.wake()
    return moved
