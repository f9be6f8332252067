"""What servers on one database know of one another, and leave one another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from backend.domain.retry import SEARCH_LAG
from backend.ports.jobs import Duty
from backend.transactions.statement import Script, micros, number, q


def inherit(now: datetime, worker: str = "") -> Script[None]:
    """Make due now what a server held that is known to be dead; see the port."""
    held = f"{worker}:" if worker else ""
    yield q("inherit_messages", now=micros(now), searchable=micros(now + SEARCH_LAG), held=held)
    yield q("inherit_duties", now=micros(now), held=held)
    yield q("free_lanes", now=micros(now))


def bring_back(now: datetime, latest: Mapping[Duty, timedelta], messages: datetime) -> Script[int]:
    """Make due now what a wrong clock has put off; see the port."""
    at, count = micros(now), 0
    for duty, wait in latest.items():
        count += yield from number("bring_back_duties", duty=duty, now=at, latest=micros(now + wait))
    yield q("bring_back_looks", latest=micros(messages))
    count += yield from number(
        "bring_back_messages", now=at, searchable=micros(now + SEARCH_LAG), latest=micros(messages)
    )
    yield q("free_lanes", now=at)
    yield q("bring_back_digests", now=at)
    yield q("bring_back_web_pushes", now=at)
    return count


def at_work(name: str, now: datetime, silence: timedelta) -> Script[int]:
    """Say that this server is at work, and count those that are; see the port."""
    yield q("server_seen", name=name, now=micros(now))
    yield q("drop_silent_servers", before=micros(now - silence))
    return (yield from number("count_servers"))
