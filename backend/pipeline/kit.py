"""What every stage is handed: ports and settings, nothing global."""

from __future__ import annotations

from dataclasses import dataclass

from backend.ports.gmail import Gmail
from backend.ports.scorer import Scorer
from backend.ports.store import Store
from backend.ports.system import Clock, TokenSource, Vault
from backend.settings import Settings


@dataclass(frozen=True, slots=True)
class Kit:
    """The outside, as the pipeline may use it."""

    settings: Settings
    store: Store
    gmail: Gmail
    scorer: Scorer
    clock: Clock
    tokens: TokenSource
    vault: Vault
