"""The real clock."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """`backend.ports.system.Clock` by the machine's own time."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)
