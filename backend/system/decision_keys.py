"""Keys of the logs of decisions, sealed by the vault like everything secret."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from functools import lru_cache

from backend.domain.errors import Refused
from backend.domain.watching.chain import KEY_BYTES, SALT_BYTES
from backend.ports.system import Vault

REMEMBERED = 10_000


class VaultKeys:
    """Implements `backend.ports.decisions.DecisionKeys`. What was opened is remembered: opening costs as much as
    all the rest of an entry."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.open = lru_cache(REMEMBERED)(self._open)

    def fresh(self) -> tuple[bytes, bytes]:
        """A new key."""
        key = os.urandom(KEY_BYTES)
        return self.vault.seal(b64encode(key).decode()), key

    def _open(self, sealed: bytes) -> bytes | None:
        try:
            return b64decode(self.vault.open(sealed))
        except Refused:
            return None

    def salt(self) -> bytes:
        """16 random bytes."""
        return os.urandom(SALT_BYTES)
