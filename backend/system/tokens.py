"""Randomness from the operating system."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no letter is taken for a digit
_LENGTH = 26
_RANDOM_BITS = 80


class SystemTokens:
    """`backend.ports.system.TokenSource` by `secrets`."""

    def token(self, size: int = 24) -> str:
        """A URL-safe secret of `size` random bytes."""
        return secrets.token_urlsafe(size)

    def identifier(self) -> str:
        """26 characters that sort by the millisecond they were made in; 80 of their bits are random.

        Sorted ids keep new rows together in an index, where random ones would touch every page of it.
        """
        milliseconds = time.time_ns() // 1_000_000
        number = milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))
