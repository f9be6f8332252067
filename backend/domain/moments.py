"""Times as the database stores them, in microseconds since 1970; and a check of our clock against Google's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from backend.domain.errors import Refused

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970. Raises `TypeError` for naive times, whose time zone is unknown."""
    return (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    return _EPOCH + value * _MICROSECOND  # twice as fast as timedelta(microseconds=value)


def clock_off(now: datetime, date: str, allowed: float) -> Refused | None:
    """The error if our clock (`now`) and the `date` of a response from Google differ by more than `allowed` seconds;
    None if they agree, or if `date` cannot be read."""
    try:
        off = (now - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return None
    if abs(off) <= max(allowed, 1.0):
        return None
    return Refused("clock_off.ahead" if off > 0 else "clock_off.behind", minutes=max(1, round(abs(off) / 60)))
