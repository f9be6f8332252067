"""Where the refresh tokens of connected mailboxes are kept, as Google's adapter sees it."""

from __future__ import annotations

from typing import Protocol


class GrantKeeper(Protocol):
    """Keeps one refresh token per mailbox, sealed at rest. Tokens cross this port in the clear."""

    async def refresh_token(self, mailbox_id: str) -> str | None:
        """The mailbox's refresh token; None when there is no such mailbox or it holds no grant.

        Raises `NeedsReconnect` when there is one that no key of ours opens: only a new one helps.
        """
        ...

    async def replace_refresh_token(self, mailbox_id: str, old: str, new: str) -> None:
        """Keep `new` instead of `old`: Google answered a refresh with a new one and the old one may die.

        Does nothing if `old` is no longer what is kept: the owner has connected again meanwhile. May run
        again.
        """
        ...
