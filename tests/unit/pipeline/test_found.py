"""What a look has found: one commit with the verdicts, and each message its own end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from backend.domain.digest import Digest
from backend.domain.errors import StoreAway
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import Mode, NoticeHint
from backend.domain.mailbox.message import Placement, Stage
from backend.pipeline import memory, sync
from backend.pipeline.memory import Looks
from backend.pipeline.stages import run_duty, run_stage
from backend.transactions.records import Duty
from tests.unit.pipeline.conftest import Fixture, letter


class Counting:
    """A store that counts what it is asked."""

    def __init__(self, store: object) -> None:
        self._store = store
        self.asked = Counter[str]()

    def __getattr__(self, name: str) -> Any:
        self.asked[name] += 1
        return getattr(self._store, name)


async def rows(fixture: Fixture) -> Counter[str]:
    """How many messages there are by the row of their verdict, "" for none."""
    return Counter(view.row for view in await fixture.store.messages(fixture.mailbox_id))


async def test_an_owner_who_decides_while_it_is_screened_has_the_last_word(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    await run_duty(fixture.context, fixture.authorizer, await fixture.duty(Duty.SYNC))
    (job,) = (await fixture.store.lane_work(fixture.mailbox_id, 9)).messages
    fetch = fixture.gmail.fetch

    async def decided_meanwhile(mailbox_id: str, gmail_id: str) -> Any:
        wish = Correction("k", gmail_id, Decision.SALES, Origin.PAGE)
        await fixture.store.decide(mailbox_id, wish.order, fixture.now())
        return await fetch(mailbox_id, gmail_id)

    monkeypatch.setattr(fixture.gmail, "fetch", decided_meanwhile)
    assert await run_stage(fixture.context, job) is None
    (view,) = await fixture.store.messages(fixture.mailbox_id)
    assert (view.stage, view.placement) == (Stage.ACT, Placement.HELD)


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
    writes = ("commit_look", "record_verdict", "note_push", "finish_duty")
    assert {name: store.asked[name] for name in writes} == {"commit_look": 1} | dict.fromkeys(writes[1:], 0)
    assert await rows(fixture) == {"below_hold": 4}
    assert (await fixture.mailbox()).hint == (fixture.gmail.position, fixture.now())


async def stored(fixture: Fixture) -> None:
    """The same, where there was no room: both got their rows, and are begun from there at the same time."""
    await run_duty(fixture.context, fixture.authorizer, await fixture.duty(Duty.SYNC))
    jobs = (await fixture.store.lane_work(fixture.mailbox_id, 9)).messages
    async with asyncio.timeout(30):
        await asyncio.gather(*(run_stage(fixture.context, job) for job in jobs))


@pytest.mark.parametrize("begun", [looked, stored])
@pytest.mark.parametrize("later", ["sam@seller.test", "kim@seller.test"])
async def test_of_a_senders_emails_the_later_one_sees_the_earlier_whichever_is_read_first(
    fixture: Fixture,
    monkeypatch: pytest.MonkeyPatch,
    later: str,
    begun: Callable[[Fixture], Coroutine[None, None, None]],
) -> None:
    for module in (sync, memory):
        monkeypatch.setattr(module, "BATCH_WAIT", 30.0)
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
    await begun(fixture)
    decided = {view.gmail_id: view.row for view in await fixture.store.messages(fixture.mailbox_id)}
    assert decided == {pitch: "challenge", bump: "held_with_earlier"}


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
    for module in (sync, memory):
        monkeypatch.setattr(module, "BATCH_WAIT", 0.0)
    first, _ = [fixture.gmail.deliver(letter(text=text)) for text in ("pitchy", "perhaps")]
    second_ended = held_up(fixture, monkeypatch, first)
    looking = asyncio.create_task(looked(fixture))
    async with asyncio.timeout(30):
        while (await rows(fixture)) != {"quarantine": 1, "": 1}:  # noqa: ASYNC110 - it stands in the database
            await asyncio.sleep(0)
    second_ended.set()
    await looking
    decided = {view.gmail_id: view.row for view in await fixture.store.messages(fixture.mailbox_id)}
    assert decided[first] == "held_with_earlier"


async def test_a_look_that_finds_nothing_new_and_was_told_of_nothing_writes_nothing(fixture: Fixture) -> None:
    fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    await looked(fixture)
    store = Counting(fixture.store)
    fixture.context = replace(fixture.context, store=store)  # type: ignore[arg-type]
    looks = fixture.context.looks
    fixture.wait(seconds=3)
    told = NoticeHint(fixture.gmail.position, fixture.now())
    looks.after_push(fixture.mailbox_id, told, 1.0, already_listed=True, echo=False)
    await fixture.work_for(0.5)
    assert store.asked["mailbox_without_failures"] == 0, "not before the window has closed"
    await fixture.work_for(1)
    assert store.asked["commit_look"] == 1, "what was told is kept"
    looks.after_push(fixture.mailbox_id, told, 1.0, already_listed=True, echo=False)
    fixture.wait(seconds=2)
    look = looks.begin()
    assert look is not None
    await fixture._looked(look)
    assert store.asked["commit_look"] == 1


async def test_a_look_goes_by_what_the_one_before_it_read_until_its_owner_changes_it(
    fixture: Fixture,
) -> None:
    fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    await looked(fixture)
    store = Counting(fixture.store)
    fixture.gmail.deliver(letter(text="the minutes of Wednesday"))
    await looked(fixture, store)
    assert (store.asked["mailbox_without_failures"], await rows(fixture)) == (0, {"below_hold": 2})
    await fixture.save_preferences(mode=Mode.OBSERVE)
    pitch = fixture.gmail.deliver(letter())
    await looked(fixture, store)
    assert await rows(fixture) == {"below_hold": 2}, "it would have held mail of an owner who only observes"
    await fixture.settle()
    assert fixture.gmail.sent == []
    view = next(view for view in await fixture.store.messages(fixture.mailbox_id) if view.gmail_id == pitch)
    assert view.placement is Placement.MARKED


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
    monkeypatch.setattr(sync, "BATCH_WAIT", 0.0)
    first, *_ = [
        fixture.gmail.deliver(letter(f"bo@office{index}.test", f"the minutes of day {index}"))
        for index in range(3)
    ]
    others_ended = held_up(fixture, monkeypatch, first)
    looking = asyncio.create_task(looked(fixture))
    async with asyncio.timeout(30):
        while (await rows(fixture)) != {"below_hold": 2, "": 1}:  # noqa: ASYNC110 - it stands in the database
            await asyncio.sleep(0)
    others_ended.set()
    await looking
    assert await rows(fixture) == {"below_hold": 3}


async def test_a_look_is_written_even_if_nothing_can_be_read(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "PATIENCE", 0.0)
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


async def test_of_two_looks_at_once_one_counts(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has found the message and judged it; the other has written it a moment before."""
    fixture.gmail.deliver(letter())
    commit = fixture.store.commit_look

    async def second(*about: Any) -> Any:
        monkeypatch.setattr(fixture.store, "commit_look", commit)
        assert await commit(*about)
        return await commit(*about)

    monkeypatch.setattr(fixture.store, "commit_look", second)
    await looked(fixture)
    assert fixture.following == (), "that is the other's"
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
    assert (await fixture.mailbox()).hint is not None


async def test_in_quiet_times_nothing_is_stored_before_it_is_read(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture.context = replace(fixture.context, looks=Looks(fixture.context.looks.tick))
    fetch, seen = fixture.gmail.fetch, list[int]()

    async def counted(mailbox_id: str, gmail_id: str) -> Any:
        seen.append(len(await fixture.store.messages(mailbox_id)))
        return await fetch(mailbox_id, gmail_id)

    monkeypatch.setattr(fixture.gmail, "fetch", counted)
    fixture.gmail.deliver(letter())
    fixture.context.looks.at_once(fixture.mailbox_id)
    await fixture.settle()
    assert seen == [0]


async def test_after_a_death_what_is_found_is_marked_before_it_is_read(fixture: Fixture) -> None:
    """A message that kills its reader is found out: by then it has a row that says how often."""
    gmail_id = fixture.gmail.deliver(letter())
    for deaths in (0, 1, 2):
        fixture.die()
        fixture.gmail.die_before.add("fetch")
        before = fixture.deaths
        while fixture.deaths == before:
            await fixture._turn()
        (job,) = (await fixture.store.lane_work(fixture.mailbox_id, 9)).messages
        assert (job.gmail_id, job.deaths) == (gmail_id, deaths + 1)
    await fixture.settle()
    assert len(fixture.gmail.sent) == 1
