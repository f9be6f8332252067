"""Claiming messages: the mailboxes take turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from itertools import accumulate

from backend.transactions import message_rows
from backend.transactions.message_rows import ClaimedRow, DueLaneRow
from backend.transactions.records import MessageJob
from backend.transactions.statement import Script, micros, packed, q

ROUNDS = 4
"""How often one claim goes round the mailboxes to fill its batch."""


def claim_messages(
    now: datetime,
    lease: str,
    lease_until: datetime,
    limit: int,
    most: int | None = None,
    full: Collection[str] = (),
) -> Script[tuple[MessageJob, ...]]:
    """See the port."""
    claimed: list[MessageJob] = []
    each: Counter[str] = Counter()
    most = limit if most is None else most
    for _ in range(ROUNDS):
        left = limit - len(claimed)
        if left <= 0:
            break
        served = {*full, *(name for name, had in each.items() if had >= most)}
        names = packed(sorted(served))
        lanes: list[DueLaneRow] = yield q("due_lanes", now=micros(now), limit=left, most=most, full=names)
        if not lanes:
            break
        # What is due of a mailbox is claimed together: it is screened together.
        due_before = accumulate((lane["messages"] for lane in lanes), initial=0)
        listed = [
            lane["mailbox_id"]
            for lane, before in zip(lanes, due_before, strict=False)
            if before + lane["messages"] <= left
        ]
        listed = listed or [lanes[0]["mailbox_id"]]
        names = packed(listed)
        found: list[ClaimedRow] = yield q(
            "claim_rows",
            lanes=names,
            share=min(left, most - max(each[name] for name in listed)),
            now=micros(now),
            lease=lease,
            lease_until=micros(lease_until),
        )
        yield q("turn_lanes", lanes=names, now=micros(now))
        claimed += [message_rows.message_job(row, lease) for row in found]
        each.update(row["mailbox_id"] for row in found)
    return tuple(sorted(claimed, key=lambda job: (job.first_seen_at, job.mailbox_id, job.gmail_id)))
