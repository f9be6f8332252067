"""Many at once: no message overlooked, none done twice."""

from __future__ import annotations

import asyncio
from collections import Counter

from backend.domain.mailbox.message import Outcome, Stage
from backend.transactions.records import Sighting, SyncPage
from tests.contract.store.stories import Story

BOXES = 4
PAGES = 12
PER_PAGE = 5


async def test_nothing_due_is_overlooked_while_lanes_and_arrivals_cross(story: Story) -> None:
    """What is committed while a lane reads is found by the next read."""
    names = [f"box{number}" for number in range(BOXES)]
    for name in names:
        await story.mailbox(name)
    duties = {name: await story.hold(name) for name in names}
    done, arrived = Counter[tuple[str, str]](), asyncio.Event()

    async def fill(name: str) -> None:
        for page in range(PAGES):
            seen = tuple(Sighting(f"m{page}-{number}", "t", None) for number in range(PER_PAGE))
            await story.store.commit_sync(duties[name], SyncPage(seen), story.now)

    async def work(name: str) -> None:
        while True:
            last = arrived.is_set()
            found = (await story.store.lane_work(name, 3)).messages
            for job in found:
                done[(job.mailbox_id, f"{job.gmail_id} {job.stage}")] += 1
                if job.stage is Stage.SCREEN:
                    await story.judge(job, Outcome.HOLD, f"{job.gmail_id}@x.test")
                else:
                    await story.store.finish_stage(job, story.now)
            if last and not found:
                return
            await asyncio.sleep(0)  # a read of the embedded file gives nobody else a turn

    workers = [asyncio.create_task(work(name)) for name in names]
    await asyncio.gather(*(fill(name) for name in names))
    arrived.set()
    await asyncio.gather(*workers)
    rest = await story.work()  # a lane may have left when a stage was still to come
    assert len(done) + len(rest) == 2 * BOXES * PAGES * PER_PAGE
    assert set(done.values()) == {1}
    counts = await story.store.census(story.now)
    assert counts["stages.ended"] == BOXES * PAGES * PER_PAGE


async def test_owner_sender_and_lane_may_all_move_the_same_mail(story: Story) -> None:
    """Solves, decisions, undos and the lane of one mailbox at once end in an orderly state."""
    await story.mailbox("ana", credits_per_solve=4, domain_challenges=50)
    links = []
    for number in range(8):
        sender = f"s{number}@x{number}.test"
        links.append(await story.receive("ana", f"c{number}", Outcome.CHALLENGE, sender))
        await story.receive("ana", f"h{number}", Outcome.HOLD, sender)

    async def decide(number: int) -> None:
        from backend.domain.mailbox.decisions import Decision

        kinds = (Decision.ALLOW, Decision.BLOCK, Decision.REPLIED, Decision.RELEASE)
        await story.decide("ana", f"h{number}", kinds[number % 4], f"key{number}")
        await story.store.undo("ana", f"key{number}", story.now)

    outcomes = await asyncio.gather(
        *(story.solve(link) for link in links if link is not None),
        *(decide(number) for number in range(8)),
        story.work(),
        return_exceptions=True,
    )
    unexpected = [error for error in outcomes if isinstance(error, Exception) and "link" not in str(error)]
    assert unexpected == []
    await story.work()
    counts = await story.store.census(story.now)
    assert counts["stages.ended"] == 16
    assert await story.store.ledger_differences() == ()
