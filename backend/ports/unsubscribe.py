"""Telling a mailing list, on its owner's order, that they want no more of it."""

from __future__ import annotations

from typing import Protocol


class Unsubscriber(Protocol):
    """Posts RFC 8058's one click to an address a stranger wrote, so it trusts nothing about it."""

    async def one_click(self, url: str) -> None:
        """Post once, within some seconds. Doing it again does the sender no harm: the request says the same.

        Raises `Refused` with a code: unsafe_address (not https, or a host that leads anywhere but to the public
        Internet), unreachable (no answer in time, or none at all), not_accepted (an answer other than 2xx; a
        redirect is one, for RFC 8058 forbids it).
        """
