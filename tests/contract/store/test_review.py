"""The review page's lists: by sender, a page at a time, narrowed; every one on its shelf."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend.domain.errors import NotFound
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Outcome, PolicyRow, Verdict
from backend.domain.mailbox.review import Listing, Position, ReviewFilter, Shelf, shelf_of
from backend.domain.reading.score import Score
from backend.transactions import review as lists
from tests.contract.store.stories import BO, Story

HELD = ReviewFilter((Shelf.HELD,))
ALL = ReviewFilter(tuple(Shelf))


def piles(listed: Listing) -> list[tuple[str, list[str]]]:
    return [(pile.sender, [view.gmail_id for view in pile.messages]) for pile in listed.piles]


async def walked(story: Story, wanted: ReviewFilter, limit: int = 2) -> list[tuple[str, list[str]]]:
    """All pages, one after the other."""
    found: list[tuple[str, list[str]]] = []
    after: Position | None = None
    for _ in range(100):
        page = await story.store.review("ana", wanted, after, limit)
        assert len(page.piles) <= limit
        found += piles(page)
        after = page.position
        if after is None:
            return found
    raise AssertionError("the pages do not end")


async def five_held(story: Story) -> None:
    """Bo writes first and last, Di and Ed in between."""
    await story.mailbox()
    for number, sender in enumerate((BO, "di@x.test", "ed@y.test", "di@x.test", BO)):
        story.pass_time(minutes=1)
        await story.receive("ana", f"m{number}", Outcome.HOLD, sender)


async def test_a_sender_stands_once_where_their_newest_mail_is(story: Story) -> None:
    await five_held(story)

    for limit in (1, 2, 3, 50):
        assert await walked(story, HELD, limit) == [
            (BO, ["m4", "m0"]),
            ("di@x.test", ["m3", "m1"]),
            ("ed@y.test", ["m2"]),
        ]
    page = await story.store.review("ana", HELD, None, 50)
    assert page.waiting == 5
    overview = await story.store.overview("ana")
    assert overview is not None
    assert page.latest == overview.latest


async def test_what_waits_by_how_little_it_is_like_a_pitch(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "CHUNK", 2)
    await story.mailbox()
    scores = {
        "m0": (BO, 0.99),
        "m1": ("di@x.test", 0.6),
        "m2": ("ed@y.test", 0.6),
        "m3": (BO, 0.8),
        "m4": (BO, 0.7),
    }
    for gmail_id, (sender, probability) in scores.items():
        story.pass_time(minutes=1)
        await story.arrive("ana", gmail_id)
        verdict = Verdict(Outcome.HOLD, PolicyRow.QUARANTINE, Score(probability, 0.0))
        job = await story.job(gmail_id)
        await story.store.record_verdict(job, verdict, story.screened(sender), None, story.now)
        await story.work()

    for limit in (1, 2, 50):
        assert await walked(story, replace(HELD, doubtful=True), limit) == [
            ("di@x.test", ["m1"]),
            ("ed@y.test", ["m2"]),
            (BO, ["m4", "m3", "m0"]),
        ]


async def test_mails_of_one_moment_are_neither_lost_nor_doubled_between_pages(story: Story) -> None:
    await story.mailbox()
    for number in range(9):
        await story.receive("ana", f"m{number}", Outcome.HOLD, f"s{number}@x.test")

    found = [gmail_id for _, ids in await walked(story, HELD, 2) for gmail_id in ids]

    assert found == [f"m{number}" for number in reversed(range(9))]


async def test_the_four_shelves_and_all_of_them(story: Story) -> None:
    await story.mailbox()
    await story.receive("ana", "held", Outcome.HOLD, "a@x.test")
    await story.receive("ana", "kept", Outcome.HOLD, "b@x.test")
    await story.decide("ana", "kept", Decision.BLOCK)
    await story.work()
    await story.receive("ana", "let", Outcome.HOLD, "c@x.test")
    await story.decide("ana", "let", Decision.RELEASE)
    await story.work()
    await story.receive("ana", "passed", Outcome.INBOX, "d@x.test")
    await story.receive("ana", "marked", Outcome.MARK, "e@x.test")
    await story.receive("ana", "ignored", Outcome.IGNORE, "f@x.test")
    await story.arrive("ana", "unread")

    shelves = {shelf: [ids for _, ids in await walked(story, ReviewFilter((shelf,)))] for shelf in Shelf}

    assert shelves[Shelf.HELD] == [["held"]]
    assert shelves[Shelf.KEPT] == [["kept"]]
    assert shelves[Shelf.LET_IN] == [["let"]]
    assert sorted(shelves[Shelf.PASSED]) == [["marked"], ["passed"]]
    everything = [gmail_id for _, ids in await walked(story, ALL) for gmail_id in ids]
    assert sorted(everything) == ["held", "kept", "let", "marked", "passed"]
    for shelf, ids in shelves.items():
        for (gmail_id,) in ids:
            assert shelf_of(await story.view("ana", gmail_id)) is shelf


async def test_all_shows_a_sender_once_whatever_shelf_their_mail_is_on(story: Story) -> None:
    await five_held(story)
    await story.decide("ana", "m4", Decision.RELEASE)

    assert (await walked(story, ALL, 1))[0] == (BO, ["m4", "m0"])
    assert len(await walked(story, ALL, 1)) == 3
    assert [ids for sender, ids in await walked(story, HELD, 1) if sender == BO] == [["m0"]]


async def test_what_a_sender_has_beyond_those_shown_is_counted(story: Story) -> None:
    await story.mailbox()
    for number in range(7):
        story.pass_time(seconds=1)
        await story.receive("ana", f"m{number}", Outcome.HOLD)

    (pile,) = (await story.store.review("ana", HELD, None, 5)).piles

    assert [view.gmail_id for view in pile.messages] == ["m6", "m5", "m4"]
    assert pile.more == 4


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"words": "BO@"}, ["m4", "m0"]),
        ({"words": "more LEADS"}, ["m4", "m3", "m2", "m1", "m0"]),
        ({"words": "nobody"}, []),
        ({"least": 0.9}, ["m4", "m3", "m2", "m1", "m0"]),
        ({"least": 0.98}, []),
        ({"below": 0.97}, []),
        ({"below": 0.98}, ["m4", "m3", "m2", "m1", "m0"]),
        ({"challenged": True}, []),
        ({"note": True}, []),
    ],
)
async def test_a_list_narrowed(story: Story, change: dict[str, Any], found: list[str]) -> None:
    await five_held(story)

    pages = await walked(story, replace(HELD, **change), 2)

    assert sorted((gmail_id for _, ids in pages for gmail_id in ids), reverse=True) == found


async def test_narrowed_by_time_note_and_challenge(story: Story) -> None:
    await story.mailbox()
    start = story.now
    intent = await story.receive("ana", "asked", Outcome.CHALLENGE, "a@x.test")
    assert intent is not None
    await story.store.write_note("ana", intent.id, "We met in Lisbon", story.now)
    story.pass_time(days=2)
    await story.receive("ana", "later", Outcome.HOLD, "b@x.test")

    async def ids(**change: Any) -> list[str]:
        return [i for _, found in await walked(story, replace(HELD, **change)) for i in found]

    assert await ids(note=True) == ["asked"]
    assert await ids(words="met in LISBON") == ["asked"]
    assert await ids(challenged=True) == ["asked"]
    assert await ids(since=start + timedelta(days=1)) == ["later"]
    assert await ids(until=start + timedelta(days=1)) == ["asked"]
    assert await ids(since=start, until=story.now) == ["asked"]


async def test_a_narrow_page_looks_only_so_far_and_goes_on(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "CHUNK", 3)
    monkeypatch.setattr(lists, "MOST_WALKED", 6)
    await story.mailbox()
    await story.receive("ana", "oldest", Outcome.HOLD, "wanted@x.test")
    for number in range(13):
        story.pass_time(seconds=1)
        await story.receive("ana", f"m{number}", Outcome.HOLD, f"s{number}@x.test")
    wanted = replace(HELD, words="wanted")

    first = await story.store.review("ana", wanted, None, 5)
    second = await story.store.review("ana", wanted, first.position, 5)
    third = await story.store.review("ana", wanted, second.position, 5)

    assert (piles(first), piles(second)) == ([], [])
    assert first.seen_back_to is not None
    assert second.seen_back_to is not None
    assert second.seen_back_to < first.seen_back_to
    assert (piles(third), third.position) == ([("wanted@x.test", ["oldest"])], None)


async def test_a_plain_page_of_one_tireless_sender_ends_too(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "CHUNK", 3)
    monkeypatch.setattr(lists, "MOST_WALKED", 6)
    await story.mailbox()
    await story.receive("ana", "quiet", Outcome.HOLD, "quiet@x.test")
    for number in range(13):
        story.pass_time(seconds=1)
        await story.receive("ana", f"m{number}", Outcome.HOLD)

    found = await walked(story, HELD, 5)

    assert [sender for sender, _ in found] == [BO, "quiet@x.test"]


async def test_a_mailbox_that_is_gone(story: Story) -> None:
    with pytest.raises(NotFound):
        await story.store.review("ana", HELD, None, 5)
    with pytest.raises(NotFound):
        await story.store.sender_profile("ana", BO, "pitch.test", None, 5)
