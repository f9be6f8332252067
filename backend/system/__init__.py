"""Time, randomness and secrets at rest: the real ones behind `backend.ports.system`."""

from __future__ import annotations

from backend.system.clock import SystemClock
from backend.system.tokens import SystemTokens
from backend.system.vault import MultiFernetVault, load_or_make_keys, make_key

__all__ = ["MultiFernetVault", "SystemClock", "SystemTokens", "load_or_make_keys", "make_key"]
