"""push: a notice arrives, is verified and stored; the mailbox's sync becomes due. No Gmail call here."""

from __future__ import annotations

from datetime import timedelta

from backend.domain.envelope import Metadata, read_push
from backend.pipeline.context import Context
from backend.ports.callers import PushCallers
from backend.ports.jobs import Notice, PushFate


async def receive(
    context: Context, callers: PushCallers, authorization: str, body: bytes, metadata: Metadata
) -> PushFate | None:
    """Verify and store one push. None means: authentic but malformed, acknowledge and count it.

    Raises `Unauthenticated` (401) for a token that is not Pub/Sub's for us, `TryLater` (503) when Google's
    keys cannot be had. Sync becomes due at once, and again after Google's one-second window, in which it drops
    further pushes, has closed: that look sees what they would have told.
    """
    subscription, envelope = read_push(body, metadata)
    await callers.verify_push(authorization, subscription)
    if envelope is None:
        return None
    now = context.clock.now()
    notice = Notice(envelope.push_id, envelope.email, envelope.history_id)
    return await context.store.note_push(notice, now + timedelta(seconds=context.settings.push_settle), now)
