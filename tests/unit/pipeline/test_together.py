"""Messages of one mailbox that are screened together: one beginning, one commit, and each its own end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from backend.domain.digest import Digest
from backend.domain.errors import LeaseLost, Refused, TryLater
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.message import Placement, Stage
from backend.pipeline import together
from backend.pipeline.stages import run_duty, run_stage
from backend.transactions.records import MessageJob
from tests.unit.pipeline.conftest import LEASE, Fixture, letter


class Counting:
    """A store that counts what it is asked."""

    def __init__(self, store: object) -> None:
        self._store = store
        self.asked = Counter[str]()

    def __getattr__(self, name: str) -> Any:
        self.asked[name] += 1
        return getattr(self._store, name)


async def found(fixture: Fixture, number: int) -> tuple[MessageJob, ...]:
    """So many ordinary messages, found by one sync."""
    for index in range(number):
        fixture.gmail.deliver(letter(text=f"the minutes of day {index}"))
    await fixture.push()
    duty = await fixture.store.claim_duty("w", fixture.now(), fixture.now() + LEASE)
    assert duty is not None
    return await run_duty(fixture.context, fixture.authorizer, duty)


async def screened(fixture: Fixture, jobs: Sequence[MessageJob], store: Any = None) -> list[Any]:
    """What came of each, all at the same time."""
    context = replace(fixture.context, store=store or fixture.store)
    (some,) = together.together(context.store, context.clock, jobs).values()
    tasks = [asyncio.create_task(run_stage(context, job, some)) for job in jobs]
    async with asyncio.timeout(30):
        return await asyncio.gather(*tasks, return_exceptions=True)


async def rows(fixture: Fixture) -> Counter[str]:
    """How many messages there are by the row of their verdict, "" for none."""
    return Counter(view.row for view in await fixture.store.messages(fixture.mailbox_id))


@pytest.mark.parametrize("claimed", [False, True])
async def test_they_begin_with_one_read_and_end_in_one_commit(fixture: Fixture, claimed: bool) -> None:
    jobs, store = await found(fixture, 4), Counting(fixture.store)
    assert {job.stage for job in jobs} == {Stage.SCREEN}
    if claimed:  # then what the sync read for them is not in hand
        jobs = tuple(replace(job, begun=None) for job in jobs)
    assert await screened(fixture, jobs, store) == [()] * 4
    asked = [store.asked[name] for name in ("screening_context", "record_stays", "record_verdict")]
    assert asked == [claimed, 1, 0]
    assert await rows(fixture) == {"below_hold": 4}


async def test_one_that_google_keeps_back_keeps_back_no_other(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "LINGER", 0.0)
    jobs, fetch, others_ended = await found(fixture, 3), fixture.gmail.fetch, asyncio.Event()

    async def slow(mailbox_id: str, gmail_id: str) -> Any:
        if gmail_id == jobs[0].gmail_id:
            await others_ended.wait()
            raise TryLater("later.broke", reason="broken")
        return await fetch(mailbox_id, gmail_id)

    monkeypatch.setattr(fixture.gmail, "fetch", slow)
    screening = asyncio.create_task(screened(fixture, jobs))
    async with asyncio.timeout(30):
        while (await rows(fixture))["below_hold"] < 2:  # noqa: ASYNC110 - it stands in the database
            await asyncio.sleep(0)
    others_ended.set()
    first, *others = await screening
    assert isinstance(first, TryLater)
    assert others == [(), ()]


async def test_one_whose_facts_no_row_can_hold_takes_no_other_with_it(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, kept = await found(fixture, 3), Digest.kept
    hostile = jobs[1].gmail_id

    def half(digest: Digest) -> Any:
        facts = kept(digest)
        return replace(facts, subject="\ud800") if digest.arrival.gmail_id == hostile else facts

    monkeypatch.setattr(Digest, "kept", half)
    ends = await screened(fixture, jobs)
    assert isinstance(ends[1], Refused)
    assert [ends[0], ends[2]] == [(), ()]
    assert await rows(fixture) == {"below_hold": 2, "": 1}


async def test_one_whose_lease_is_lost_takes_no_other_with_it(fixture: Fixture) -> None:
    jobs = await found(fixture, 3)
    ends = await screened(fixture, [replace(jobs[0], lease="another's"), *jobs[1:]])
    assert isinstance(ends[0], LeaseLost)
    assert ends[1:] == [(), ()]
    assert await rows(fixture) == {"below_hold": 2, "": 1}


async def test_a_pitch_among_them_goes_on_by_itself(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter())
    pitch, *others = await found(fixture, 2)
    (act,), *ends = await screened(fixture, [pitch, *others])
    assert act.stage is Stage.ACT
    assert ends == [(), ()]


async def test_an_owner_who_decides_while_it_is_screened_has_the_last_word(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,), fetch = await found(fixture, 1), fixture.gmail.fetch

    async def decided_meanwhile(mailbox_id: str, gmail_id: str) -> Any:
        wish = Correction("k", gmail_id, Decision.SALES, Origin.PAGE)
        await fixture.store.decide(mailbox_id, wish.order, fixture.now())
        return await fetch(mailbox_id, gmail_id)

    monkeypatch.setattr(fixture.gmail, "fetch", decided_meanwhile)
    assert await run_stage(fixture.context, job) == ()
    (view,) = await fixture.store.messages(fixture.mailbox_id)
    assert (view.stage, view.placement) == (Stage.ACT, Placement.HELD), "at once, not when the lease is over"
