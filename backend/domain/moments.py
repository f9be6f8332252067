"""Times as the rows and the log of decisions hold them: microseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970. Refuses naive times: they would be read as some zone's or other's."""
    return (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """Inverse of `micros`."""
    return _EPOCH + timedelta(microseconds=value)
