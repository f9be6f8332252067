"""What servers leave one another."""

from __future__ import annotations

from datetime import datetime

from backend.domain.retry import SEARCH_LAG
from backend.transactions.statement import Script, micros, q


def inherit(now: datetime) -> Script[None]:
    """Make due now what a server held that is known to be dead; see the port."""
    yield q("inherit_messages", now=micros(now), searchable=micros(now + SEARCH_LAG))
    yield q("inherit_duties", now=micros(now))
    yield q("free_lanes", now=micros(now))
