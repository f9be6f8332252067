"""What every stage receives, and sealed values that a browser keeps."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from backend.domain.errors import Expired, Refused
from backend.domain.mail.message import MailboxId
from backend.pipeline.memory import Looks, OwnChanges, Place, VerdictMetrics
from backend.ports.gmail import Gmail
from backend.ports.system import Clock, Pushed, PushService, Reader, TimeCheck, TokenSource, Vault
from backend.settings import Settings, on_this_machine
from backend.transactions.store import Store


class TrustedClock:
    """`backend.ports.system.TimeCheck` of a clock that needs no confirmation."""

    settled = True
    skew = timedelta(0)


REPORTED_SKEW = timedelta(minutes=1)
"""A clock that is off by more is reported."""


def _wake_nobody() -> None:
    """Does nothing: the lanes run in another process, which polls."""


@dataclass(frozen=True, slots=True)
class Context:
    """The outside world, as the pipeline may use it."""

    settings: Settings
    store: Store
    gmail: Gmail
    reader: Reader
    clock: Clock
    tokens: TokenSource
    vault: Vault
    web_push: PushService
    wake: Callable[[], None] = _wake_nobody
    """Tells this process's lanes, if it runs any, that something may be due."""
    started: datetime = datetime.min.replace(tzinfo=UTC)
    """When this process began to serve."""
    echoes: OwnChanges = field(default_factory=OwnChanges)
    """Our recent changes, to recognise the pushes that they cause."""
    looks: Looks = field(default_factory=Looks)
    """The listings of history that pushes asked for and that are still to come."""
    screening: defaultdict[MailboxId, list[Place]] = field(default_factory=lambda: defaultdict(list))
    """The messages that this process is screening (`Place`: one among them), by mailbox."""
    time: TimeCheck = field(default_factory=TrustedClock)
    verdict_metrics: VerdictMetrics = field(default_factory=VerdictMetrics)
    web_pushed: Counter[Pushed] = field(default_factory=lambda: Counter(dict.fromkeys(Pushed, 0)))
    """What push services said, since the start."""

    def skew_for_owner(self) -> timedelta | None:
        """How far off the machine's clock is, if the owner can set it: on a machine of their own."""
        off = abs(self.time.skew) > REPORTED_SKEW and on_this_machine(self.settings.public_url)
        return self.time.skew if off else None


# ---- Sealed values kept by a browser
# One key seals everything, so each value names its purpose: else one could be used in place of another.


def seal(context: Context, purpose: str, fields: Mapping[str, str], life: timedelta) -> str:
    """Seal the fields: nobody else can read or make the text. Valid for `life`."""
    until = (context.clock.now() + life).isoformat()
    return context.vault.seal(json.dumps({"for": purpose, "until": until, "fields": dict(fields)})).decode()


def unseal(context: Context, purpose: str, sealed: str) -> dict[str, str]:
    """Inverse of `seal`. Raises `Refused` for text that we did not seal for this purpose, `Expired` when it is too
    old."""
    try:
        kept = json.loads(context.vault.open(sealed.encode()))
    except (Refused, ValueError) as error:
        raise _not_ours() from error
    if not isinstance(kept, dict) or kept.get("for") != purpose:
        raise _not_ours()
    if context.clock.now() >= datetime.fromisoformat(kept["until"]):
        raise Expired("expired")
    fields: dict[str, str] = kept["fields"]
    return fields


def _not_ours() -> Refused:
    return Refused("malformed.sealed")
