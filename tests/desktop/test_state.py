"""The state's transitions: what an owner does and hears, in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tray_app import state as states
from tray_app.errors import TroubleKind
from tray_app.state import Decision, Icon, Message, Status, TrayState, Trouble

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
STATUS = Status(version="0.1.0", email="o@example.com", condition="active")


def message(number: int, sender: str = "", domain: str = "seller.example") -> Message:
    return Message(
        gmail_id=f"m{number}",
        sender=sender or f"s{number}@seller.example",
        domain=domain,
        received_at=NOW - timedelta(minutes=number),
    )


HELD = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), max_size=12, unique_by=lambda t: t[0]).map(
    lambda pairs: tuple(
        message(n, f"s{s}@d{s % 3}.example", f"d{s % 3}.example" if s % 3 else "") for n, s in sorted(pairs)
    )
)


@pytest.mark.parametrize(
    ("state", "icon"),
    [
        (TrayState(), Icon.ATTENTION),
        (TrayState(signed_in=True), Icon.ACTIVE),
        (TrayState(signed_in=True, status=STATUS, unseen=frozenset({"a"})), Icon.NEW_HELD),
        (TrayState(signed_in=True, status=replace(STATUS, paused_until=NOW + timedelta(1))), Icon.PAUSED),
        (TrayState(signed_in=True, status=replace(STATUS, paused_until=NOW)), Icon.ACTIVE),
        (TrayState(signed_in=True, status=replace(STATUS, condition="watch_lapsed")), Icon.ATTENTION),
        (TrayState(signed_in=True, status=replace(STATUS, condition="delayed")), Icon.ATTENTION),
        (TrayState(signed_in=True, trouble=Trouble(TroubleKind.SLOW, "x")), Icon.OFFLINE),
        (TrayState(signed_in=True, trouble=Trouble(TroubleKind.WRONG_VERSION, "x")), Icon.ATTENTION),
    ],
)
def test_the_icon_tells_the_most_pressing_thing(state: TrayState, icon: Icon) -> None:
    assert states.icon_of(state, NOW) is icon


@given(HELD, st.data())
def test_undo_restores_the_list_whatever_was_decided(held: tuple[Message, ...], data: st.DataObject) -> None:
    if not held:
        return
    before = TrayState(signed_in=True, held=held)
    about = data.draw(st.sampled_from(held))
    decision = data.draw(st.sampled_from([d for d in Decision if d is not Decision.SALES]))
    after = states.decided(before, about, decision, "key", NOW)
    assert about not in after.held
    assert states.undone(after, "key").held == before.held
    assert states.undone(after, "another") == after


@given(HELD, st.data())
def test_a_decision_takes_only_the_sender_or_only_their_domain(
    held: tuple[Message, ...], data: st.DataObject
) -> None:
    if not held:
        return
    about = data.draw(st.sampled_from(held))

    def gone(decision: Decision) -> set[Message]:
        return set(held) - set(states.decided(TrayState(held=held), about, decision, "k", NOW).held)

    for of_sender in (Decision.ALLOW, Decision.BLOCK):
        assert gone(of_sender) == {m for m in held if m.sender == about.sender}
    for of_domain in (Decision.ALLOW_DOMAIN, Decision.BLOCK_DOMAIN):
        assert {m.domain for m in gone(of_domain)} == {about.domain}
        assert all(m.sender == about.sender for m in gone(of_domain)) or about.domain
    assert gone(Decision.RELEASE) == {about}


@given(st.lists(st.integers(0, 6), max_size=15))
def test_being_told_twice_changes_nothing(numbers: list[int]) -> None:
    state = TrayState()
    for number in numbers:
        state = states.message_held(state, message(number))
        assert states.message_held(state, message(number)) == state
    assert {m.gmail_id for m in state.held} == {f"m{n}" for n in numbers} == state.unseen


def test_the_first_list_is_no_news_and_later_ones_are() -> None:
    state = states.list_received(TrayState(), (message(1),), first=True)
    assert state.unseen == frozenset()
    state = states.list_received(state, (message(2), message(1)), first=False)
    assert state.unseen == {"m2"}
    assert states.list_received(state, (message(1),), first=False).unseen == frozenset()
    assert states.marked_seen(state).unseen == frozenset()


def test_sales_after_all_can_be_taken_back_too() -> None:
    passed = replace(message(1), placement="inbox")
    state = states.decided(TrayState(passed=(passed,)), passed, Decision.SALES, "k", NOW)
    assert state.passed == ()
    assert states.undone(state, "k").passed == (passed,)


def test_the_offer_to_undo_ends_after_half_a_minute() -> None:
    state = states.decided(TrayState(held=(message(1),)), message(1), Decision.ALLOW, "k", NOW)
    assert states.expired(state, NOW + timedelta(seconds=29)).undoable
    assert states.expired(state, NOW + timedelta(seconds=30)).undoable is None


def test_a_very_long_list_is_kept_within_its_limit() -> None:
    state = TrayState()
    for number in range(states.HELD_LIMIT + 5):
        state = replace(state, held=(message(number), *state.held[: states.HELD_LIMIT - 1]))
    state = states.message_held(state, message(-1))
    assert len(state.held) == states.HELD_LIMIT
    assert state.held[0].gmail_id == "m-1"
