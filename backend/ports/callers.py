"""Who is calling us?"""

from __future__ import annotations

from typing import Protocol


class PushCallers(Protocol):
    """Checks Pub/Sub's signed push."""

    async def verify_push(self, authorization: str, subscription: str | None) -> None:
        """Raise `Unauthenticated` unless the header's bearer token and the envelope's subscription are ours.

        `subscription` is None for an unwrapped push without metadata, which names none: then the token's account
        and audience must do.

        Raises `TryLater` when Google's keys cannot be had: that is no forgery, so Pub/Sub should push again.
        """


class AddonCallers(Protocol):
    """Checks Google's two tokens. Every refusal is the same `Unauthenticated`; `TryLater` without Google's keys."""

    async def verify_system(self, authorization: str, audience: str) -> None:
        """The header's bearer token is Google's own for our deployment, and for exactly this endpoint."""

    async def verify_user(self, token: str) -> str:
        """The event's user token, meant for our deployment; returns the account's `sub`."""
