"""Times as the rows and the log of decisions hold them, microseconds since 1970; and our clock against Google's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from backend.domain.errors import Refused

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970. Refuses naive times: they would be read as some zone's or other's."""
    return (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """Inverse of `micros`."""
    return _EPOCH + value * _MICROSECOND  # half the time of timedelta(microseconds=value)


def clock_off(now: datetime, date: str, allowed: float) -> Refused | None:
    """What to say of a clock that says `now` when an answer of Google's says `date`; None where they agree within
    `allowed` seconds, and for what is no date."""
    try:
        off = (now - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return None
    if abs(off) <= max(allowed, 1.0):
        return None
    return Refused("clock_off.ahead" if off > 0 else "clock_off.behind", minutes=max(1, round(abs(off) / 60)))
