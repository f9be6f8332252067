"""correct: the owner's word, from wherever it comes. It takes effect at once and can be taken back."""

from __future__ import annotations

from backend.domain.mailbox.decisions import Correction
from backend.pipeline.context import Context
from backend.pipeline.notices import owner_acted


async def correct(context: Context, mailbox_id: str, correction: Correction) -> tuple[str, ...]:
    """Apply one decision; returns the gmail ids that are on the move. The same key again changes nothing."""
    moved = await context.store.correct(mailbox_id, correction, context.clock.now())
    await owner_acted(context, mailbox_id)
    return moved


async def undo(context: Context, mailbox_id: str, key: str) -> tuple[str, ...]:
    """Take the decision with this key back; returns the gmail ids that are on the move."""
    moved = await context.store.undo(mailbox_id, key, context.clock.now())
    await owner_acted(context, mailbox_id)
    return moved
