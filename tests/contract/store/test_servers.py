"""What servers leave one another."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from backend.domain.errors import SEARCH_LAG
from backend.domain.mailbox.mailbox import NoticeHint
from backend.domain.mailbox.message import Stage
from backend.store.sqlite import alone, follows
from backend.transactions.records import Duty
from tests.contract.store.stories import LEASE, Story


async def test_what_a_dead_server_held_is_due_at_once_and_its_death_is_counted(story: Story) -> None:
    await story.mailbox("ana")
    await story.work()
    await story.arrive("ana", "m1")
    (held,) = await story.due()
    sync = await story.hold("ana")
    assert await story.due() == ()
    await story.store.release_leases_of(story.now)
    (again,) = await story.due()
    assert (again.gmail_id, again.deaths) == (held.gmail_id, held.deaths + 1)
    duty = await story.due_duty()
    assert duty is not None
    assert (duty.duty, duty.lease != sync.lease) == (Duty.SYNC, True)


async def test_of_one_dead_server_only_its_own_jobs_are_inherited(story: Story) -> None:
    await story.mailbox("ana")
    await story.work()
    await story.arrive("ana", "m1")
    await story.claim(worker="here:1:a")
    await story.hold("ana")
    for another in ("there:1:a", "here:2:a", "here:1:aa", "ere:1:a"):
        await story.store.release_leases_of(story.now, another)
    assert await story.due() == ()
    assert await story.due_duty() is None
    await story.store.release_leases_of(story.now, "here:1:a")
    assert [job.gmail_id for job in await story.due()] == ["m1"]
    assert await story.due_duty() is None, "another holds it"


async def test_a_challenge_that_may_have_left_waits_until_it_could_be_found(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1", stage=Stage.CHALLENGE)
    await story.due()
    await story.store.release_leases_of(story.now)
    assert await story.due() == ()
    story.pass_time(seconds=SEARCH_LAG / timedelta(seconds=1))
    assert [job.gmail_id for job in await story.due()] == ["m1"]


async def test_what_is_in_nobodys_hands_stays_as_it_is(story: Story) -> None:
    await story.mailbox("ana")
    await story.work()
    later = story.now + timedelta(hours=1)
    job = await story.hold("ana")
    await story.store.finish_duty(job, later)
    await story.store.release_leases_of(story.now)
    assert await story.due_duty() is None


def test_one_server_is_alone_until_it_ends(tmp_path: Path) -> None:
    database = tmp_path / "pitchgate.sqlite3"
    with alone(database) as first:
        with alone(database) as second:
            assert (first, second) == (True, False)
        with alone(tmp_path / "other.sqlite3") as other:
            assert other
    with alone(database) as after:
        assert after


def test_a_server_knows_the_one_before_it_on_its_machine(tmp_path: Path) -> None:
    for before, name in (("", "here:1:a"), ("here:1:a", "here:2:b"), ("here:2:b", "here:3:c")):
        with follows(tmp_path, name) as found:
            assert found == before


def test_a_server_that_lives_is_nobodys_predecessor(tmp_path: Path) -> None:
    with follows(tmp_path, "here:1:a"):
        with follows(tmp_path, "here:2:b") as beside:
            assert beside == ""
        with follows(tmp_path, "here:3:c") as beside:
            assert beside == ""
    with follows(tmp_path, "here:4:d") as after:
        assert after == "here:1:a"


def test_another_machines_server_is_nobodys_predecessor(tmp_path: Path) -> None:
    with follows(tmp_path, "here:1:a"):
        pass
    with follows(tmp_path, "there:1:b") as found:
        assert found == ""


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with follows(tmp_path / "file" / "state", "here:1:a") as found:
        assert found == ""


FAR = timedelta(days=365)


async def test_what_a_clock_a_year_ahead_put_off_is_due_now(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    ahead = story.now + FAR
    for duty in (Duty.WATCH, Duty.RETAIN, Duty.DIGEST):
        await story.store.request_duty("ana", duty, ahead)
    held = await story.store.claim_messages("w1", story.now, ahead, 5)
    assert held
    await story.store.request_duty("ana", Duty.SYNC, story.now + timedelta(hours=1))
    latest = {duty: timedelta(days=2) for duty in Duty}

    brought = await story.store.bring_back(story.now, latest, story.now + timedelta(days=2))

    assert brought == 4
    claimed = await story.store.claim_duties("w2", story.now, story.now + LEASE, 9)
    assert {job.duty for job in claimed} == {Duty.WATCH, Duty.RETAIN, Duty.DIGEST}
    assert [
        job.gmail_id for job in await story.store.claim_messages("w2", story.now, story.now + LEASE, 5)
    ] == ["m1"]
    assert await story.store.bring_back(story.now, latest, story.now + timedelta(days=2)) == 0


async def test_a_push_that_was_put_off_by_a_wrong_clock_is_looked_at_at_once(story: Story) -> None:
    await story.mailbox("ana")
    ahead = story.now + FAR
    await story.store.note_push("ana@corp.test", NoticeHint(7, ahead), ahead)
    latest = {duty: timedelta(days=2) for duty in Duty}
    await story.store.bring_back(story.now, latest, story.now + timedelta(days=2))
    again = story.now + timedelta(seconds=1)
    job = await story.store.claim_duty("w1", story.now, story.now + LEASE)
    assert job is not None
    await story.store.finish_duty(job, None)
    await story.push(8, again_at=again)
    job = await story.store.claim_duty("w1", story.now, story.now + LEASE)
    assert job is not None
    assert job.duty is Duty.SYNC
