"""Changes of ours in Gmail, remembered for a moment: Google pushes them back to us."""

from __future__ import annotations

from datetime import datetime, timedelta

SOON = timedelta(seconds=2)
"""For so long after a change of ours a push is taken for its echo."""

MOST = 4096
"""Mailboxes remembered at most. What is forgotten costs one look more."""


class OwnChanges:
    """One a process. Mailboxes by their owner's address, as pushes name them. Wrong either way it does no harm: an echo
    that is not known is looked at once more, mail that is taken for one at the end of the push's window."""

    def __init__(self) -> None:
        self._changed: dict[str, datetime] = {}

    def expect(self, email: str, now: datetime) -> None:
        """A change of ours is about to be made."""
        self._changed.pop(email, None)
        if len(self._changed) >= MOST:
            del self._changed[next(iter(self._changed))]
        self._changed[email] = now

    def heard(self, email: str, now: datetime) -> bool:
        """Whether a push about this mailbox is likely to be one."""
        at = self._changed.get(email)
        return at is not None and now - at < SOON
