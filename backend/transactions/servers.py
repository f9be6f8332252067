"""What servers on one database know of one another, and leave one another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from backend.domain.errors import SEARCH_LAG
from backend.transactions.records import Duty
from backend.transactions.statement import Script, micros, number, q


def release_leases_of(now: datetime, worker: str = "") -> Script[None]:
    """Server `worker`, or with "" whoever held jobs, is dead, for sure: what it held is due now, a challenge once
    it could be found if it was sent.
    """
    held = f"{worker}:" if worker else ""
    yield q("inherit_messages", now=micros(now), searchable=micros(now + SEARCH_LAG), held=held)
    yield q("inherit_duties", now=micros(now), held=held)
    yield q("free_lanes", now=micros(now))


def bring_back(now: datetime, latest: Mapping[Duty, timedelta], messages: datetime) -> Script[int]:
    """A clock that was wrong has put jobs off: duties that are due later than so long after `now`, and messages
    that are due after `messages`, are due now, whoever holds them. Nobody was told of what is still to come.
    Returns how many jobs.
    """
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


def heartbeat(name: str, now: datetime, silence: timedelta) -> Script[int]:
    """Server `name` is at work; returns how many are: those that have said so within `silence`, this one too."""
    yield q("server_seen", name=name, now=micros(now))
    yield q("drop_silent_servers", before=micros(now - silence))
    return (yield from number("count_servers"))
