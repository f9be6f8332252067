"""What every stage is handed: ports and settings, nothing global."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from backend.pipeline.echoes import OwnChanges
from backend.pipeline.judged import VerdictMetrics
from backend.ports.gmail import Gmail
from backend.ports.public_post import Pushed, PushService
from backend.ports.reader import Reader
from backend.ports.system import Clock, TimeCheck, TokenSource, Vault
from backend.settings import Settings, on_this_machine
from backend.transactions.records import MessageJob
from backend.transactions.store import Store


class Believed:
    """`backend.ports.system.TimeCheck` of a clock that is right by definition."""

    settled = True
    skew = timedelta(0)


TOLD_SKEW = timedelta(minutes=1)
"""A clock that is off by more is told of."""


def _nobody() -> None:
    """Nobody to wake: the jobs run in another process, which polls."""


@dataclass(frozen=True, slots=True)
class DutyResult:
    """How a duty tells that it was given back in the commit of its result, due at `due` (None: when wanted again), and
    the messages that this commit left in our hands."""

    due: datetime | None
    following: tuple[MessageJob, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """The outside, as the pipeline may use it."""

    settings: Settings
    store: Store
    gmail: Gmail
    reader: Reader
    clock: Clock
    tokens: TokenSource
    vault: Vault
    web_push: PushService
    wake: Callable[[], None] = _nobody
    """Tells this process's job loop, if it has one, that there may be work."""
    started: datetime = datetime.min.replace(tzinfo=UTC)
    """When this process began to serve."""
    echoes: OwnChanges = field(default_factory=OwnChanges)
    time: TimeCheck = field(default_factory=Believed)
    judged: VerdictMetrics = field(default_factory=VerdictMetrics)
    web_pushed: Counter[Pushed] = field(default_factory=lambda: Counter(dict.fromkeys(Pushed, 0)))
    """What push services said, since the start."""

    def skew_for_owner(self) -> timedelta | None:
        """How far the machine's clock is off, if that is its owner's to mend: on a machine of their own."""
        off = abs(self.time.skew) > TOLD_SKEW and on_this_machine(self.settings.public_url)
        return self.time.skew if off else None

    def lease_until(self) -> datetime:
        """To when a job taken now is held."""
        return self.clock.now() + timedelta(seconds=self.settings.lease_seconds)
