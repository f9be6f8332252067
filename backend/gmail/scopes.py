"""Scopes as Google names them."""

from __future__ import annotations

from collections.abc import Iterable

EVERYTHING = "https://mail.google.com/"
_LONG = {
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
}
_IDENTITY = frozenset({"openid", *_LONG.values()})


def named(scopes: Iterable[str]) -> frozenset[str]:
    """`scopes` under their long names: Google answers `email` with its long twin."""
    return frozenset(_LONG.get(scope, scope) for scope in scopes if scope)


def lacking(granted: Iterable[str], wanted: Iterable[str]) -> frozenset[str]:
    """What of `wanted` is needed for work on the mailbox and was not granted."""
    have = named(granted)
    if EVERYTHING in have:
        return frozenset()
    return named(wanted) - have - _IDENTITY
