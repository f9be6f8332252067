"""What each state of a mailbox means to its owner, in codes and values: every screen puts its words to these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.domain.errors import Lost
from backend.domain.mailbox.failing import Failing
from backend.domain.mailbox.gap import Gap
from backend.domain.mailbox.mailbox import Condition, Mailbox
from backend.domain.mailbox.notices import Missing, Notices

RECENT_DAYS = 7
"""How long a gap that left something out is shown."""


class Who(StrEnum):
    """Who has to do something."""

    NOBODY = "nobody"
    OWNER = "owner"
    PITCHGATE = "pitchgate"  # it is at it by itself


_QUIET = (Condition.ACTIVE, Condition.OBSERVING, Condition.PAUSED)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One state. `lost` is why access is lost, `late` what waits (the state itself, or beside a pause), `indexed`
    how many sent messages of how many are read, `paused_until` when a pause ends, `polled` whether nobody tells us of
    new mail. To be known beside any state: `missing`, `silent_since` (no notice has come, though there was news),
    `topic_missing` (Gmail has nowhere to tell us of new mail), `watch_lapses`, `grant_ends` (when Google ends our
    access, unless its owner connects again before) and `gap`."""

    condition: Condition
    who: Who
    lost: Lost | None = None
    late: Failing | None = None
    indexed: tuple[int, int] | None = None
    paused_until: datetime | None = None
    polled: bool = False
    missing: Missing | None = None
    silent_since: datetime | None = None
    topic_missing: bool = False
    watch_lapses: bool = False
    grant_ends: datetime | None = None
    gap: Gap | None = None


def explain(mailbox: Mailbox, now: datetime) -> Explanation:
    """What there is to say of `mailbox` at `now`."""
    condition = mailbox.condition(now)
    needs_owner, paused = condition is Condition.NEEDS_RECONNECT, condition is Condition.PAUSED
    indexing = condition is Condition.INDEXING and mailbox.index_total
    lapsed = needs_owner or condition in (Condition.WATCH_LAPSED, Condition.DISCONNECTED)
    gap = mailbox.gap
    recent = gap and (gap.cut or gap.unchecked) and (now - gap.until).days < RECENT_DAYS
    return Explanation(
        condition,
        Who.OWNER if needs_owner else Who.NOBODY if condition in _QUIET else Who.PITCHGATE,
        lost=(mailbox.lost or Lost.GRANT) if needs_owner else None,
        late=mailbox.trouble(now) if paused or condition is Condition.DELAYED else None,
        indexed=(mailbox.index_done, mailbox.index_total) if indexing else None,
        paused_until=mailbox.preferences.paused_until if paused else None,
        polled=mailbox.notices is Notices.POLL,
        missing=mailbox.missing,
        silent_since=mailbox.silent_since(now) if not lapsed and mailbox.missing is None else None,
        topic_missing=not needs_owner and mailbox.topic_missing,
        grant_ends=mailbox.grant_ends(now),
        watch_lapses=not lapsed and mailbox.watch_alarm(now),
        gap=gap if recent else None,
    )
