"""When a push is looked after: at once, and when the second is over in which Google drops pushes."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.transactions.records import Duty, Notice, SyncPage
from tests.contract.store.stories import Story

WINDOW = timedelta(seconds=1.1)


async def _push(story: Story, echo: bool = False) -> None:
    """A push of a change nobody has listed yet."""
    number = next(story.numbers)
    notice = Notice(f"p{number}", "ana@corp.test", str(number))
    await story.store.note_push(notice, story.now + WINDOW, story.now, echo)


async def _looks(
    story: Story, seconds: int, *pushes: int, held: tuple[int, ...] = (), echoes: tuple[int, ...] = ()
) -> list[int]:
    """At which of the next tenths of a second the sync is done, each look taking none of them, with pushes at these
    tenths, those of `echoes` taken for echoes. During the tenths of `held` nobody claims."""
    looks = []
    for tenth in range(seconds * 10):
        if tenth in pushes or tenth in echoes:
            await _push(story, tenth in echoes)
        if tenth not in held and (job := await story.claim_duty()):
            looks.append(tenth)
            await story.store.finish_duty(job, None)
        story.pass_time(seconds=0.1)
    return looks


async def test_a_push_is_looked_after_at_once_and_when_its_window_has_closed(story: Story) -> None:
    """Google drops what it would have pushed in the second after a push: a look before that is over sees too little."""
    await story.mailbox("ana")
    assert await _looks(story, 5, 3) == [3, 14]


async def test_each_push_gets_a_look_at_the_end_of_its_window(story: Story) -> None:
    await story.mailbox("ana")
    assert await _looks(story, 5, 0, 9) == [0, 11, 20], (
        "the second is looked after with the first's second look"
    )
    assert await _looks(story, 5, 0, 12) == [0, 11, 12, 23]


async def test_pushes_faster_than_googles_do_not_make_us_look_faster(story: Story) -> None:
    await story.mailbox("ana")
    assert await _looks(story, 6, *range(30)) == [0, 11, 22, 33, 40]


async def test_what_is_listed_already_is_looked_after_at_the_end_of_the_window_alone(story: Story) -> None:
    """A late push, or the echo of our own change; mail of the second after it was told by nobody else."""
    await story.mailbox("ana")
    await story.sync("ana", SyncPage(cursor="1000"))
    assert await _looks(story, 3, 0) == [11]


async def test_one_look_ends_the_windows_of_a_push_and_of_the_echo_that_follows(story: Story) -> None:
    await story.mailbox("ana")
    assert await _looks(story, 5, 0, echoes=(1,)) == [0, 12]
    assert await _looks(story, 5, 0, echoes=(9,)) == [0, 20]
    assert await _looks(story, 5, 0, 4, echoes=(2,)) == [0, 13, 15], "what may be mail puts nothing off"


async def test_echoes_put_a_look_off_by_one_window_at_most(story: Story) -> None:
    await story.mailbox("ana")
    assert await _looks(story, 6, 0, echoes=tuple(range(1, 30))) == [0, 22, 40]


async def test_an_echo_alone_is_looked_after_at_the_end_of_its_window(story: Story) -> None:
    await story.mailbox("ana")
    assert await _looks(story, 3, echoes=(0,)) == [11]


async def test_an_echo_during_a_look_puts_off_what_follows_it(story: Story) -> None:
    await story.mailbox("ana")
    await _push(story)
    job = await story.claim_duty()
    assert job is not None
    story.pass_time(seconds=0.3)
    await _push(story, echo=True)
    await story.store.finish_duty(job, None)
    assert await _looks(story, 4) == [11]


async def test_the_last_of_many_pushes_during_a_sync_gets_its_look_too(story: Story) -> None:
    await story.mailbox("ana")
    await story.store.request_duty("ana", Duty.SYNC, story.now)
    job = await story.claim_duty()
    assert job is not None
    for _ in range(2):
        await _push(story)
        story.pass_time(seconds=1)
    await story.store.finish_duty(job, None)
    assert await _looks(story, 6) == [0, 1]


async def test_a_sync_that_is_tried_again_still_looks_after_the_last_push(story: Story) -> None:
    await story.mailbox("ana")
    await _push(story)
    job = await story.claim_duty()
    assert job is not None
    await story.store.postpone_duty(job, story.now + timedelta(seconds=0.5), "Google is away", story.now)
    assert await _looks(story, 5) == [5, 11]


async def test_a_look_after_the_last_push_is_enough_for_all(story: Story) -> None:
    await story.mailbox("ana")
    assert await _looks(story, 4, 0, 3, 9, held=tuple(range(30))) == [30]


async def test_a_look_to_come_wakes_nobody(story: Story) -> None:
    await story.mailbox("ana")
    await story.sync("ana", SyncPage(cursor="1000"))
    while await story.store.wait(0.5, story.store.rings):
        """A server tells of a commit when it is over: what rang for the sync may still come."""
    heard = story.store.rings
    await _push(story)
    await story.store.request_duty("ana", Duty.WATCH, story.now)
    assert await story.store.wait(20, heard)
    assert story.store.rings == heard + 1, "commits ring in their order, and this is the second one's"
    await story.store.note_push(Notice("new", "ana@corp.test", "2000"), story.now, story.now)


@given(
    mail=st.lists(st.integers(0, 80), min_size=1, max_size=12),
    delays=st.lists(st.integers(0, 15), min_size=12, max_size=12),
    busy=st.frozensets(st.integers(0, 100), max_size=60),
    mistaken=st.frozensets(st.integers(0, 100), max_size=60),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_mail_is_lost_in_googles_window(
    story: Story, mail: list[int], delays: list[int], busy: frozenset[int], mistaken: frozenset[int]
) -> None:
    """Google publishes the first change of each second and drops the others; pushes take their time, and so do we.
    Some pushes are taken for echoes that are none. All mail is seen without any sweep, by at most two looks a push."""
    name = f"box{next(story.numbers)}"
    await story.mailbox(name)
    arrivals, published = sorted(mail), -10
    pushes: dict[int, list[int]] = {}
    for number, tenth in enumerate(arrivals):
        if tenth - published >= 10:
            pushes.setdefault(tenth + delays[number], []).append(number + 1)
            published = tenth
    seen, looks = 0, 0
    for tenth in range(120):
        for number in pushes.get(tenth, ()):
            notice = Notice(f"{name}-{number}", f"{name}@corp.test", str(number))
            await story.store.note_push(notice, story.now + WINDOW, story.now, tenth in mistaken)
        if tenth not in busy and (job := await story.claim_duty()):
            seen, looks = sum(1 for at in arrivals if at <= tenth), looks + 1
            await story.store.commit_sync(job, SyncPage(cursor=str(seen)), story.now)
            await story.store.finish_duty(job, None)
        story.pass_time(seconds=0.1)
    assert seen == len(arrivals)
    assert looks <= 2 * sum(len(some) for some in pushes.values())
