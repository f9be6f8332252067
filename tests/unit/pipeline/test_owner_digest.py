"""The owner's digest: one a morning, whoever dies over it; never judged; its links act once."""

from __future__ import annotations

import email
import itertools
import re
from dataclasses import replace
from datetime import datetime, timedelta
from email import policy
from email.message import EmailMessage

import pytest

from backend.domain.errors import SendUncertain
from backend.domain.mailbox.message import Outcome, Placement
from backend.pipeline import owner_digest
from backend.pipeline.addon import score_unseen
from backend.transactions.records import Duty
from tests.fakes.gmail import LABELS
from tests.unit.pipeline.conftest import Fixture, letter

MORNING = timedelta(hours=20)
"""From noon in UTC, at which the stories begin, to eight the next day."""


async def held_by_morning(fixture: Fixture, *senders: str) -> list[str]:
    """A digest is wanted daily; pitches come, and it is eight the next morning."""
    await fixture.save_preferences(digest="daily")
    await fixture.settle()
    ids = [fixture.gmail.deliver(letter(sender)) for sender in senders]
    await fixture.push()
    await fixture.settle()
    fixture.gmail.now = fixture.now().replace(hour=12, minute=0, second=0) + MORNING
    return ids


def placed(fixture: Fixture) -> list[EmailMessage]:
    return [email.message_from_bytes(raw, policy=policy.default) for raw in fixture.gmail.placed.values()]


def links(fixture: Fixture) -> list[str]:
    """The tokens of the latest digest, in its order: release, allow and block of each sender."""
    plain = placed(fixture)[-1].get_body(("plain",))
    assert plain is not None
    return re.findall(r"https://gate\.test/d/(\S+)", plain.get_content())


async def place_of(fixture: Fixture, gmail_id: str) -> Placement | None:
    view = (await fixture.store.known(fixture.mailbox_id, [gmail_id]))[gmail_id]
    return view.placement


async def test_one_comes_in_the_morning_with_what_was_held_by_sender(fixture: Fixture) -> None:
    await held_by_morning(fixture, "sam@seller.test", "bo@other.test", "sam@seller.test")
    await fixture.settle()

    (mail,) = placed(fixture)
    assert str(mail["Subject"]) == "3 emails held from 2 senders"
    (gmail_id,) = fixture.gmail.placed
    assert fixture.gmail.labels_of(gmail_id) == {"INBOX", "UNREAD"}
    assert len(links(fixture)) == 6
    assert not [sent for sent in fixture.gmail.sent if sent.raw in fixture.gmail.placed.values()]


async def test_nothing_held_nothing_placed_and_nothing_is_told_twice(fixture: Fixture) -> None:
    await held_by_morning(fixture, "sam@seller.test")
    for _ in range(3):
        await fixture.settle()
        fixture.wait(days=1)
    assert len(placed(fixture)) == 1

    fixture.gmail.deliver(letter("bo@other.test"))
    await fixture.push()
    await fixture.settle()
    fixture.wait(days=1)
    await fixture.settle()
    assert [str(mail["Subject"]) for mail in placed(fixture)][1:] == ["1 email held from 1 sender"]


async def test_settings_saved_in_between_bring_none_before_its_time(fixture: Fixture) -> None:
    await held_by_morning(fixture, "sam@seller.test")
    fixture.wait(hours=-2)
    await fixture.save_preferences(strictness="strict")
    await fixture.settle()
    assert placed(fixture) == []

    await fixture.save_preferences(digest="off")
    fixture.wait(days=2)
    await fixture.settle()
    assert placed(fixture) == []
    await fixture.save_preferences(digest="daily")
    await fixture.settle()
    assert placed(fixture) == [], "what was held while it was off is not told"


KILLED = [*itertools.product(("die_before", "die_after"), ("place", "find_placed")), ("lost", "place")]


@pytest.mark.parametrize(("how", "call"), KILLED)
@pytest.mark.parametrize("again", [False, True])
async def test_a_death_at_any_call_leaves_one_digest_whose_links_work(
    fixture: Fixture, how: str, call: str, again: bool
) -> None:
    (held,) = await held_by_morning(fixture, "sam@seller.test")
    if call == "find_placed" or again:
        fixture.gmail.die_after.add("place")
    if how == "lost":
        fixture.gmail.trouble["place"] = SendUncertain("send_uncertain", reason="TimeoutError")
    else:
        getattr(fixture.gmail, how).add(call)
    await fixture.settle()

    assert len(placed(fixture)) == 1
    await owner_digest.use(fixture.context, links(fixture)[0])
    await fixture.settle()
    assert await place_of(fixture, held) is Placement.INBOX


async def test_a_process_that_may_have_lost_the_mailbox_places_nothing(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, placed_then = iter([True]), []

    def may_be_lost(_: str) -> bool:
        placed_then.append(len(placed(fixture)))
        return next(lost, False)

    await held_by_morning(fixture, "sam@seller.test")
    monkeypatch.setattr(fixture.store.ownership, "may_be_lost", may_be_lost)
    await fixture.settle()
    assert placed_then == [0, 0], "asked before each try, the second of which looked for the first"
    assert "find_placed" in fixture.gmail.calls
    assert len(placed(fixture)) == 1


async def test_the_commit_that_ends_it_dies_and_the_next_run_finds_the_digest(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await held_by_morning(fixture, "sam@seller.test")
    kept = fixture.store.digest_told

    async def dying(*_: object) -> None:
        monkeypatch.setattr(fixture.store, "digest_told", kept, raising=False)
        raise SendUncertain("send_uncertain", reason="broken")

    monkeypatch.setattr(fixture.store, "digest_told", dying, raising=False)
    await fixture.settle()
    assert len(placed(fixture)) == 1
    state = await fixture.store.digest_state(fixture.mailbox_id)
    assert state is not None
    assert (state.leaving, state.gmail_id) == (None, next(iter(fixture.gmail.placed)))


async def test_asked_for_a_second_time_it_is_not_placed_again(fixture: Fixture) -> None:
    await held_by_morning(fixture, "sam@seller.test")
    await fixture.settle()
    await fixture.store.request_duty(fixture.mailbox_id, Duty.DIGEST, fixture.now())
    await fixture.settle()
    assert len(placed(fixture)) == 1


@pytest.mark.parametrize("known", [True, False], ids=["recorded", "died before it was recorded"])
async def test_a_digest_is_never_judged_nor_counted(fixture: Fixture, known: bool) -> None:
    await held_by_morning(fixture, "sam@seller.test")
    if not known:
        fixture.gmail.die_after.add("place")
        fixture.gmail.outages["find_placed"] = SendUncertain("send_uncertain", reason="broken")
    await fixture.settle() if known else await fixture.work_for(30)
    at = fixture.context.clock.now()
    before = await fixture.store.census(at)
    fetched = fixture.gmail.calls["fetch"]
    await fixture.push()
    await (fixture.settle() if known else fixture.work_for(30))

    (gmail_id,) = fixture.gmail.placed
    views = await fixture.store.known(fixture.mailbox_id, [gmail_id])
    assert (gmail_id in views) is not known, "known by its id it costs no call and no row"
    after = await fixture.store.census(at)
    assert not known or fixture.gmail.calls["fetch"] == fetched
    assert not known or {name: after[name] for name in before if "notices" not in name} == {
        name: count for name, count in before.items() if "notices" not in name
    }
    assert all(view.outcome == Outcome.IGNORE for view in views.values())
    assert fixture.gmail.labels_of(gmail_id) == {"INBOX", "UNREAD"}
    assert not fixture.gmail.sent[1:], "only Sam was answered"


async def test_the_sidebar_gives_no_opinion_of_it(fixture: Fixture) -> None:
    await held_by_morning(fixture, "sam@seller.test")
    await fixture.settle()
    (gmail_id,) = fixture.gmail.placed
    reading, _ = await score_unseen(fixture.context, await fixture.mailbox(), gmail_id)
    assert (reading.view.outcome, reading.view.score) == (Outcome.IGNORE, None)


@pytest.mark.parametrize("forgery", ["made up", "another mailbox", "a copy", "a late copy"])
async def test_a_stranger_who_forges_or_copies_one_is_judged_as_ever(fixture: Fixture, forgery: str) -> None:
    await held_by_morning(fixture, "sam@seller.test")
    await fixture.settle()
    real = next(iter(fixture.gmail.placed))
    identifier = fixture.gmail.messages[real].message.message_id
    if forgery == "made up":
        identifier = "<digest.gAAAAABnothing@corp.test>"
    elif forgery == "another mailbox":
        sealed = fixture.context.vault.seal(f"box2.{int(fixture.now().timestamp())}")
        identifier = f"<digest.{sealed.decode()}@corp.test>"
    elif forgery == "a late copy":
        await fixture.save_preferences(digest="off")  # nothing is known of the real one any more
        fixture.wait(days=2)
    forged = fixture.gmail.deliver(replace(letter("eve@evil.test"), message_id=identifier))
    await fixture.push()
    await fixture.settle()

    assert await place_of(fixture, forged) is Placement.HELD
    assert LABELS.held in fixture.gmail.labels_of(forged)


async def test_a_link_acts_once_and_is_taken_back_once(fixture: Fixture) -> None:
    ids = await held_by_morning(fixture, "sam@seller.test", "sam@seller.test", "bo@other.test")
    await fixture.settle()
    tokens = dict(
        zip(("bo_release", "bo_allow", "bo_block", "release", "allow", "block"), links(fixture), strict=True)
    )
    context = fixture.context

    opened = await owner_digest.offered(context, tokens["release"])
    assert opened is not None
    assert {view.gmail_id for view in opened.messages} == set(ids[:2])
    await fixture.settle()
    assert await place_of(fixture, ids[0]) is Placement.HELD, "looking changes nothing"

    for _ in range(2):
        await owner_digest.use(context, tokens["release"])
        await fixture.settle()
        assert [await place_of(fixture, name) for name in ids] == [
            Placement.INBOX,
            Placement.INBOX,
            Placement.HELD,
        ]
    for _ in range(2):
        taken = await owner_digest.use(context, tokens["release"], back=True)
        await fixture.settle()
        assert taken is not None
        assert taken.link.undone_at is not None
        assert await place_of(fixture, ids[0]) is Placement.HELD
    await owner_digest.use(context, tokens["release"])
    await fixture.settle()
    assert await place_of(fixture, ids[0]) is Placement.HELD, "a used link stays used"

    await owner_digest.use(context, tokens["allow"])
    await owner_digest.use(context, tokens["bo_block"])
    await fixture.settle()
    assert [await place_of(fixture, name) for name in ids] == [
        Placement.INBOX,
        Placement.INBOX,
        Placement.HELD,
    ]
    later = [
        fixture.gmail.deliver(letter(who, subject="More")) for who in ("sam@seller.test", "bo@other.test")
    ]
    await fixture.push()
    await fixture.settle()
    assert [await place_of(fixture, name) for name in later] == [Placement.INBOX, Placement.HELD]
    assert await owner_digest.use(context, "x" * 32) is None


async def test_an_expired_link_does_nothing_and_goes(fixture: Fixture) -> None:
    (held,) = await held_by_morning(fixture, "sam@seller.test")
    await fixture.settle()
    token = links(fixture)[0]
    fixture.wait(days=14)
    late = await owner_digest.use(fixture.context, token)
    assert late is not None
    assert late.expired
    assert await place_of(fixture, held) is Placement.HELD
    fixture.wait(days=91)
    await fixture.settle()
    assert await owner_digest.offered(fixture.context, token) is None


async def test_leaving_takes_the_links_along(fixture: Fixture) -> None:
    await held_by_morning(fixture, "sam@seller.test")
    await fixture.settle()
    deleted = await fixture.store.forget(fixture.mailbox_id)
    assert (deleted["digests"], deleted["digest_links"]) == (1, 3)
    assert await owner_digest.use(fixture.context, links(fixture)[0]) is None


async def test_it_speaks_the_owners_language_and_time(fixture: Fixture) -> None:
    await fixture.save_preferences(language="de", zone="America/New_York", digest="daily")
    await fixture.settle()
    fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()
    due = await fixture.next()
    assert due is not None
    fixture.gmail.now = datetime(2026, 11, 24, 12, 59, 59, tzinfo=due.tzinfo)
    await fixture.work_for(0.5)
    assert placed(fixture) == []
    await fixture.work_for(60)
    (mail,) = placed(fixture)
    assert "von 1 Absender" in str(mail["Subject"])
