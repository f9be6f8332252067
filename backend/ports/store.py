"""What is remembered: jobs, messages, owners and devices, behind one connection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from backend.ports.decisions import DecisionStore, QuestionStore
from backend.ports.devices import DeviceStore
from backend.ports.digests import DigestStore
from backend.ports.jobs import Duty, JobStore
from backend.ports.messages import MessageStore
from backend.ports.models import ModelStore
from backend.ports.owner import OwnerStore
from backend.ports.web_push import WebPushStore


class Store(
    JobStore,
    MessageStore,
    DecisionStore,
    QuestionStore,
    ModelStore,
    OwnerStore,
    DeviceStore,
    DigestStore,
    WebPushStore,
    Protocol,
):
    """All of it; `open` also brings the schema up to date."""

    async def open(self) -> None: ...

    async def close(self) -> None:
        """Finish what is queued, then disconnect."""

    async def ping(self) -> None:
        """Raise if the store does not answer."""

    async def inherit(self, now: datetime, worker: str = "") -> None:
        """Server `worker`, or with "" whoever held jobs, is dead, for sure: what it held is due now, a challenge once
        it could be found if it was sent."""

    async def bring_back(self, now: datetime, latest: Mapping[Duty, timedelta], messages: datetime) -> int:
        """A clock that was wrong has put jobs off: duties that are due later than so long after `now`, and messages
        that are due after `messages`, are due now, whoever holds them. Nobody was told of what is still to come.
        Returns how many jobs."""

    async def at_work(self, name: str, now: datetime, silence: timedelta) -> int:
        """Server `name` is at work; returns how many are: those that have said so within `silence`, this one too."""

    async def census(self) -> Mapping[str, int]:
        """Counts for health, metrics, the live page and the demo. A key that is absent counts 0.

        mailboxes, messages.<outcome> (as decided first; "undecided" before), stages.<stage> (still to do;
        "ended" after), released (held once, back by now or on the way), dead_letters, challenges.<state>,
        notices.<fate>, and oldest_due_seconds (how late the oldest due job is).
        """
