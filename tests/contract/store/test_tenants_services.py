"""The same walk over what pages, apps and the add-on ask of the store: another owner's ids, nothing seen or changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from backend.domain.challenge import adjusted_by_owner
from backend.domain.errors import PitchgateError
from backend.domain.mailbox.decisions import Decision, Order, Origin
from backend.domain.mailbox.mailbox import Preferences
from backend.domain.mailbox.message import Outcome, PolicyRow, Verdict
from backend.domain.mailbox.review import ReviewFilter, Shelf, UnsubscribeState
from backend.transactions.records import NewDevice, OneTimeCode, Purpose, Scope, Session, Sighting
from tests.contract.store.dump import dump
from tests.contract.store.stories import BO, Story
from tests.contract.store.test_tenants import SERVED, eve_again, eve_beside_ana

BY_SECRET = {
    "device_by_token": "the hash of a device's token",
    "exchange": "the hash of a code",
    "redeem_ticket": "the hash of a ticket",
    "session": "the hash of a browser's secret",
    "tenant": "a Google account, vouched for by Google",
}
"""Methods that name no mailbox but what only its owner has."""

Calls = dict[str, Callable[[], Awaitable[Any]]]


def reads(story: Story) -> Calls:
    """Eve asks, with every id of Ana's there is."""
    store, now = story.store, story.now
    return {
        "card_data": lambda: store.card_data("eve", "m1", now),
        "sender": lambda: store.sender("eve", BO, "pitch.test", "t-m1", now),
        "archive_page": lambda: store.archive_page("eve", "messages", "", 100),
        "changed": lambda: _rings(story),
        "devices": lambda: store.devices("eve"),
        "held": lambda: store.held("eve", "", None, 100),
        "news": lambda: store.news("eve", "d-ana", None, 100),
        "overview": lambda: store.overview("eve"),
        "sessions": lambda: store.sessions("eve", now),
        "figures": lambda: store.figures("eve", now.replace(year=2000), 10),
        "sender_profile": lambda: store.sender_profile("eve", BO, "pitch.test", None, 100),
        "mail": lambda: store.mail("eve", "m1"),
        "review": lambda: store.review("eve", ReviewFilter(tuple(Shelf)), None, 100),
        "review_news": lambda: store.review_news("eve", "s-ana", 0, 100, now),
    }


async def _rings(story: Story) -> int:
    """How often Eve's notifier rang since anybody held it: never, whatever Ana did."""
    return story.store.changed("eve").rings


def writes(story: Story) -> Calls:
    """Eve orders, with every id of Ana's there is."""
    store, now, later = story.store, story.now, story.now.replace(year=2090)
    verdict = Verdict(Outcome.INBOX, PolicyRow.BELOW_HOLD)
    code = OneTimeCode("code-eve", "eve", Purpose.DEVICE, "x", later)
    return {
        "insert_unseen": lambda: store.insert_unseen(
            "eve", Sighting("m1", "t-m1", None), verdict, story.screened(), now
        ),
        "save_preferences_unless_changed": lambda: store.save_preferences_unless_changed(
            "eve", 1, Preferences(), now
        ),
        "restore_rows": lambda: store.restore_rows("eve", "rules", [], now),
        "add_code": lambda: store.add_code(code, now),
        "add_session": lambda: store.add_session(Session("s-eve", "eve", later, "d-ana"), now),
        "change_preferences": lambda: store.change_preferences("eve", {"mode": "observe"}, now),
        "device_seen": lambda: store.device_seen("eve", "d-ana", now),
        "remove_device": lambda: store.remove_device("eve", "d-ana"),
        "remove_other_sessions": lambda: store.remove_other_sessions("eve", "s-other"),
        "extend_session": lambda: store.extend_session("eve", "s-ana", now),
        "remove_session": lambda: store.remove_session("eve", "s-ana"),
        "begin_unsubscribe": lambda: store.begin_unsubscribe("eve", "m1", now),
        "post of a page": lambda: store.post("eve", adjusted_by_owner(BO, 1, "page:order-ana"), now),
        "decide of a page": lambda: store.decide(
            "eve", Order("order-eve", Decision.RELEASE, ["m1", "m0"], Origin.PAGE), now
        ),
        "finish_unsubscribe": lambda: store.finish_unsubscribe(
            "eve", "m1", UnsubscribeState.DONE, "x.test", "", now
        ),
        "undo of a page": lambda: store.undo("eve", "order-ana", now),
    }


OF_PAGE = {"decide of a page", "undo of a page", "post of a page"}
"""The other walk calls these as the tray does."""


async def outcome(call: Callable[[], Awaitable[Any]]) -> Any:
    """What a call gives, or which error."""
    try:
        return await call()
    except PitchgateError as error:
        return type(error)


async def everything_of_anas(story: Story) -> None:
    """Beside what the first walk makes: a computer, a browser, an order."""
    store, now, later = story.store, story.now, story.now.replace(year=2090)
    await eve_beside_ana(story)
    await store.add_code(OneTimeCode("code-ana", "ana", Purpose.DEVICE, "x", later, "laptop"), now)
    await store.exchange("code-ana", "x", NewDevice("d-ana", "t-ana", frozenset(Scope)), now)
    await store.add_session(Session("s-ana", "ana", later, "d-ana"), now)
    await store.decide("ana", Order("order-ana", Decision.RELEASE, ["m1"], Origin.PAGE), now)


async def test_another_owners_ids_are_nothing(story: Story, address: str) -> None:
    await story.mailbox("eve")
    alone = {name: await outcome(read) for name, read in reads(story).items()}
    await everything_of_anas(story)
    before = await dump(address, "ana")
    assert before["devices"]
    assert before["sessions"]
    assert {name: await outcome(read) for name, read in reads(story).items()} == alone
    found = []
    for name, write in writes(story).items():
        await outcome(write)
        if (after := await dump(address, "ana")) != before:
            found.append(name)
            before = after
        await eve_again(story)
    assert found == []


def test_no_name_in_this_walk_is_stale(story: Story) -> None:
    assert reads(story).keys() | writes(story).keys() | BY_SECRET.keys() == SERVED | OF_PAGE
