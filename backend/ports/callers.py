"""Who is calling us?"""

from __future__ import annotations

from typing import Protocol


class PushCallers(Protocol):
    """Checks Pub/Sub's signed push."""

    async def verify_push(self, authorization: str, subscription: str) -> None:
        """Raise `Unauthenticated` unless the header's bearer token and the envelope's subscription are ours.

        Raises `TryLater` when Google's keys cannot be had: that is no forgery, so Pub/Sub should push again.
        """
        ...
