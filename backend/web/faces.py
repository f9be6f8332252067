"""What templates make of people and scores: a face for a sender, a score and its word. The same on every page."""

from __future__ import annotations

from hashlib import blake2s

from quart import Quart

from backend.domain.mail.headers import UNSEEN
from backend.domain.reading.score import likeness, points

TINTS = 6
"""Pairs of colours in the style sheet."""


def initials(name: str) -> str:
    """One or two letters for a name or an address, upper-case; "?" where there is none."""
    words = UNSEEN.sub("", name).partition("@")[0].replace(".", " ").split()
    letters = [found for word in words if (found := next((sign for sign in word if sign.isalnum()), ""))]
    return "".join(letters[:1] + letters[1:][-1:]).upper()[:2] or "?"


def tint(address: str) -> str:
    """The class of a face's colours: always the same for an address."""
    return f"t{blake2s(address.lower().encode(errors='replace')).digest()[0] % TINTS + 1}"


def install(app: Quart) -> None:
    """Give templates these filters."""
    app.jinja_env.filters |= {"initials": initials, "tint": tint, "points": points, "likeness": likeness}
