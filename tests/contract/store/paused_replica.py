"""A replica in a process of its own, for tests that pause it.

    python -m tests.contract.store.paused_replica ADDRESS SILENCE

It says on a line of JSON when it owns all buckets. A line on its standard input has it commit twice for ana's lane:
"idle" both after that line, "open" one of them before it waits for another line, with the transaction open.
"""

from __future__ import annotations

import asyncio
import json
import sys

from backend.domain.errors import LaneLost
from backend.store.lane_sessions import BUCKETS, LaneSessions
from backend.store.postgres import PostgresDriver
from backend.transactions.script import Script, Transaction, q


def say(**facts: object) -> None:
    """On a line that the test reads."""
    print(json.dumps(facts), flush=True)


def learn(order: str) -> Script[None]:
    """Two statements of one transaction."""
    yield q("learn_thread", mailbox_id="ana", thread_id="paused 1", now=0)
    if order == "open":
        say(open=True)
        sys.stdin.readline()  # the whole process waits, as a paused one does
    yield q("learn_thread", mailbox_id="ana", thread_id="paused 2", now=0)


async def main(address: str, silence: float) -> None:
    """Own all, then do as the line says."""
    driver = PostgresDriver(address, pool=2)
    sessions = driver.ownership = LaneSessions(address, driver.publish, silence=silence, beat=silence / 5)
    owner = asyncio.Event()

    def changed() -> None:
        if sum(len(one.owned) for one in sessions._sessions) == BUCKETS:
            owner.set()

    await driver.open()
    running = asyncio.create_task(sessions.run(asyncio.Event(), changed))
    await owner.wait()
    say(owner=True)
    order = (await asyncio.to_thread(sys.stdin.readline)).strip()
    owns = sessions.owns("ana")
    try:
        await driver.run(Transaction.WRITE_IN_LANE, "ana", learn, order)
        say(committed=True, owns=owns)
    except LaneLost:
        say(committed=False, owns=owns)
    await running


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
