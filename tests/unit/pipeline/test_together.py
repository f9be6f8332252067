"""Messages of one mailbox that are screened together: one beginning, one commit, and each its own end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from backend.domain.digest import Digest
from backend.domain.errors import LeaseLost, Refused, StoreAway, TryLater
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import NoticeHint
from backend.domain.mailbox.message import Placement, Stage
from backend.pipeline import together
from backend.pipeline.looks import Looks
from backend.pipeline.stages import run_duty, run_stage
from backend.transactions.records import Duty, MessageJob
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
    """So many ordinary messages, found by one sync and claimed."""
    for index in range(number):
        fixture.gmail.deliver(letter(f"bo@office{index}.test", f"the minutes of day {index}"))
    await fixture.store.request_duty(fixture.mailbox_id, Duty.SYNC, fixture.now())
    duty = await fixture.store.claim_duty("w", fixture.now(), fixture.now() + LEASE)
    assert duty is not None
    await run_duty(fixture.context, fixture.authorizer, duty)
    return await fixture.store.claim_messages("w", fixture.now(), fixture.now() + LEASE, 9)


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


async def test_they_begin_with_one_read_and_end_in_one_commit(fixture: Fixture) -> None:
    jobs, store = await found(fixture, 4), Counting(fixture.store)
    assert {job.stage for job in jobs} == {Stage.SCREEN}
    assert await screened(fixture, jobs, store) == [()] * 4
    asked = [store.asked[name] for name in ("screening_context", "record_stays", "record_verdict")]
    assert asked == [1, 1, 0]
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


# ---- What a look found


async def looked(fixture: Fixture, store: Any = None) -> None:
    """One look, as a push asks for it, and all that it finds screened."""
    fixture.context = replace(fixture.context, store=store or fixture.store)
    await fixture.push()
    look = fixture.context.looks.begin()
    assert look is not None
    async with asyncio.timeout(30):
        await fixture._looked(look)


async def test_a_look_and_the_verdicts_on_what_it_found_are_one_commit(fixture: Fixture) -> None:
    store = Counting(fixture.store)
    for index in range(4):
        fixture.gmail.deliver(letter(f"bo@office{index}.test", f"the minutes of day {index}"))
    await looked(fixture, store)
    writes = ("commit_look", "record_stays", "record_verdict", "note_push", "finish_duty")
    assert {name: store.asked[name] for name in writes} == {"commit_look": 1} | dict.fromkeys(writes[1:], 0)
    assert await rows(fixture) == {"below_hold": 4}
    assert (await fixture.mailbox()).told == (fixture.gmail.position, fixture.now())


@pytest.mark.parametrize("later", ["sam@seller.test", "kim@seller.test"])
async def test_of_a_senders_emails_the_later_one_sees_the_earlier_whichever_is_read_first(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch, later: str
) -> None:
    monkeypatch.setattr(together, "LINGER", 30.0)
    bump_read, fetch = asyncio.Event(), fixture.gmail.fetch
    pitch = fixture.gmail.deliver(letter())
    fixture.wait(seconds=1)
    bump = fixture.gmail.deliver(letter(later, "perhaps you saw my last email"))

    async def later_first(mailbox_id: str, gmail_id: str) -> Any:
        if gmail_id == pitch:
            await bump_read.wait()
        else:
            asyncio.get_running_loop().call_soon(bump_read.set)
        return await fetch(mailbox_id, gmail_id)

    monkeypatch.setattr(fixture.gmail, "fetch", later_first)
    await looked(fixture)
    found = {view.gmail_id: view.row for view in await fixture.store.messages(fixture.mailbox_id)}
    assert found == {pitch: "challenge", bump: "held_with_earlier"}


def held_up(fixture: Fixture, monkeypatch: pytest.MonkeyPatch, gmail_id: str) -> asyncio.Event:
    """Google gives this message out only once the event is set."""
    fetch, released = fixture.gmail.fetch, asyncio.Event()

    async def slow(mailbox_id: str, wanted: str) -> Any:
        if wanted == gmail_id:
            await released.wait()
        return await fetch(mailbox_id, wanted)

    monkeypatch.setattr(fixture.gmail, "fetch", slow)
    return released


async def test_of_two_emails_at_once_the_later_waits_for_none_that_cannot_be_read(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "LINGER", 0.0)
    first, _ = [fixture.gmail.deliver(letter(text=text)) for text in ("pitchy", "perhaps")]
    second_ended = held_up(fixture, monkeypatch, first)
    looking = asyncio.create_task(looked(fixture))
    async with asyncio.timeout(30):
        while (await rows(fixture)) != {"quarantine": 1, "": 1}:  # noqa: ASYNC110 - it stands in the database
            await asyncio.sleep(0)
    second_ended.set()
    await looking
    found = {view.gmail_id: view.row for view in await fixture.store.messages(fixture.mailbox_id)}
    assert found[first] == "held_with_earlier"


async def test_a_look_that_finds_nothing_new_and_was_told_of_nothing_writes_nothing(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    await looked(fixture)
    store = Counting(fixture.store)
    fixture.context = replace(fixture.context, store=store)  # type: ignore[arg-type]
    looks = fixture.context.looks
    fixture.wait(seconds=3)
    told = NoticeHint(fixture.gmail.position, fixture.now())
    looks.hear(fixture.mailbox_id, told, 1.0, seen=True, echo=False)
    await fixture.work_for(0.5)
    assert store.asked["bare_mailbox"] == 0, "not before the window has closed"
    await fixture.work_for(1)
    assert store.asked["commit_look"] == 1, "what was told is kept"
    looks.hear(fixture.mailbox_id, told, 1.0, seen=True, echo=False)
    fixture.wait(seconds=2)
    look = looks.begin()
    assert look is not None
    await fixture._looked(look)
    assert store.asked["commit_look"] == 1


async def test_a_pitch_is_held_and_answered_by_who_found_it(fixture: Fixture) -> None:
    store, pitch = Counting(fixture.store), fixture.gmail.deliver(letter())
    await looked(fixture, store)
    (act,) = fixture.following
    assert (act.gmail_id, act.stage, act.placement) == (pitch, Stage.ACT, Placement.HELD)
    await fixture.settle()
    assert len(fixture.gmail.sent) == 1
    assert [store.asked[name] for name in ("commit_look", "record_verdict", "finish_stage")] == [1, 0, 1]


async def test_what_google_keeps_back_gets_its_row_with_the_look_and_its_verdict_later(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "LINGER", 0.0)
    first, *_ = [
        fixture.gmail.deliver(letter(f"bo@office{index}.test", f"the minutes of day {index}"))
        for index in range(3)
    ]
    others_ended = held_up(fixture, monkeypatch, first)
    looking = asyncio.create_task(looked(fixture))
    async with asyncio.timeout(30):
        while (await rows(fixture)) != {"below_hold": 2, "": 1}:  # noqa: ASYNC110 - it stands in the database
            await asyncio.sleep(0)
    assert await fixture.store.claim_messages("w2", fixture.now(), fixture.now() + LEASE, 9) == ()
    others_ended.set()
    await looking
    assert await rows(fixture) == {"below_hold": 3}


async def test_a_look_is_written_even_if_nothing_can_be_read(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "PATIENCE", 0.0)
    fetch, read = fixture.gmail.fetch, asyncio.Event()

    async def slow(mailbox_id: str, gmail_id: str) -> Any:
        await read.wait()
        return await fetch(mailbox_id, gmail_id)

    monkeypatch.setattr(fixture.gmail, "fetch", slow)
    fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    looking = asyncio.create_task(looked(fixture))
    async with asyncio.timeout(30):
        while (await fixture.mailbox()).cursor != str(fixture.gmail.position):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
    read.set()
    await looking
    assert await rows(fixture) == {"below_hold": 1}


async def test_one_whose_facts_no_row_can_hold_keeps_no_look_from_being_written(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = [
        fixture.gmail.deliver(letter(f"bo@office{index}.test", f"the minutes of day {index}"))
        for index in range(3)
    ]
    kept = Digest.kept

    def half(digest: Digest) -> Any:
        facts = kept(digest)
        return replace(facts, subject="\ud800") if digest.arrival.gmail_id == letters[1] else facts

    monkeypatch.setattr(Digest, "kept", half)
    await looked(fixture)
    assert await rows(fixture) == {"below_hold": 2, "": 1}
    assert (await fixture.mailbox()).cursor == str(fixture.gmail.position)
    assert fixture.failed.total() == 1


async def test_of_two_processes_that_look_at_once_one_counts(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has found the message and judged it; the other has written it a moment before."""
    fixture.gmail.deliver(letter())
    commit = fixture.store.commit_look

    async def second(*about: Any) -> Any:
        monkeypatch.setattr(fixture.store, "commit_look", commit)
        assert await commit(*about)
        return await commit(*about)

    monkeypatch.setattr(fixture.store, "commit_look", second)
    await looked(fixture)
    assert fixture.following == (), "that is the other's, under its lease"
    await fixture.settle()
    assert len(fixture.gmail.sent) == 1
    log = await fixture.store.decisions(fixture.mailbox_id)
    assert len(log.entries) == 1


async def test_a_challenge_that_was_opened_meanwhile_is_seen_before_the_second_decision(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pitches of one sender in one look: only one of them may be answered."""
    for index in range(2):
        fixture.gmail.deliver(letter(subject=f"Offer {index}"), thread_id=f"thread-{index}")
    await looked(fixture)
    await fixture.settle()
    views = await fixture.store.messages(fixture.mailbox_id, Placement.HELD)
    assert len(views) == 2
    assert len(fixture.gmail.sent) == 1


async def test_what_the_store_does_not_take_is_looked_at_again(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    commit, tries = fixture.store.commit_look, 0

    async def away(*about: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise StoreAway("later.store.full")
        return await commit(*about)

    monkeypatch.setattr(fixture.store, "commit_look", away)
    await looked(fixture)
    assert await rows(fixture) == {}
    await fixture.work_for(2)
    assert await rows(fixture) == {"below_hold": 1}
    assert (await fixture.mailbox()).told is not None


async def test_the_first_look_after_a_start_stores_what_it_finds_before_it_is_read(fixture: Fixture) -> None:
    """A message that kills its reader is found out: by then it has a row that says how often."""
    fixture.context = replace(fixture.context, looks=Looks(fixture.context.looks.tick))
    gmail_id, store = fixture.gmail.deliver(letter()), Counting(fixture.store)
    fixture.context = replace(fixture.context, store=store)  # type: ignore[arg-type]
    await fixture.push()
    fixture.gmail.die_before.add("fetch")
    while not fixture.deaths:
        await fixture._turn()
    (job,) = await fixture.store.claim_messages("w2", fixture.now(), fixture.now() + LEASE, 9)
    assert (job.gmail_id, job.deaths) == (gmail_id, 1)
