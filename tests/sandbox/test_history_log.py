"""History, replayed from any point, arrives at the present."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from backend.sandbox.mail.history import HistoryExpired, HistoryLog, HistoryRecord
from backend.sandbox.mail.mailbox import Mailbox
from tests.sandbox.models import NOW_MS, letter, listening, mailbox, put

LABELS = ("INBOX", "UNREAD", "STARRED", "TRASH", "SPAM", "IMPORTANT")
State = dict[str, frozenset[str]]


def state_of(box: Mailbox) -> State:
    return {message.id: frozenset(message.labels) for message in box.newest_first(hidden=True)}


def replay(state: State, records: list[HistoryRecord]) -> State:
    """What a client that applies the records to `state` believes."""
    now = dict(state)
    for record in records:
        if record.change == "added":
            now[record.message_id] = frozenset(record.labels)
        elif record.change == "deleted":
            del now[record.message_id]
        else:
            changed = (now[record.message_id] | set(record.added)) - set(record.removed)
            now[record.message_id] = changed
            assert changed == set(record.labels)
    return now


def every_page(box: Mailbox, start: int, size: int, empty_pages: int = 0) -> list[HistoryRecord]:
    found: list[HistoryRecord] = []
    token: str | None = None
    for _ in range(10_000):
        page = box.history.page(start, max_results=size, token=token, empty_pages=empty_pages)
        found += page.records
        token = page.next_token
        if token is None:
            return found
    raise AssertionError("the pages never end")


class HistoryMachine(RuleBasedStateMachine):
    """Random acts on a mailbox; snapshots are kept to replay from."""

    @initialize(seed=st.integers(0, 2**32))
    def start(self, seed: int) -> None:
        self.box = mailbox(seed=seed)
        self.now = NOW_MS
        self.snapshots: list[tuple[int, State]] = [(self.box.history.current, {})]
        self.random = random.Random(seed)

    @rule(labels=st.sets(st.sampled_from(LABELS)))
    def arrive(self, labels: set[str]) -> None:
        self.now += 1
        self.box.add(letter(), labels, self.now)

    @rule(
        add=st.sets(st.sampled_from(LABELS)),
        remove=st.sets(st.sampled_from(LABELS)),
        share=st.floats(0, 1),
    )
    def relabel(self, add: set[str], remove: set[str], share: float) -> None:
        chosen = [m for m in self.box.newest_first(hidden=True) if self.random.random() < share]
        self.box.change_labels(chosen, add, remove, self.now)

    @rule()
    def delete_one(self) -> None:
        self.box.delete(list(self.box.newest_first(hidden=True))[:1], self.now)

    @rule()
    def keep_snapshot(self) -> None:
        self.snapshots.append((self.box.history.current, state_of(self.box)))

    @rule(size=st.integers(1, 5), empty_pages=st.integers(0, 2), data=st.data())
    def replay_from_a_snapshot(self, size: int, empty_pages: int, data: Any) -> None:
        start, state = data.draw(st.sampled_from(self.snapshots))
        assert replay(state, every_page(self.box, start, size, empty_pages)) == state_of(self.box)

    @invariant()
    def counts_agree(self) -> None:
        if not hasattr(self, "box"):
            return
        for label in LABELS:
            carrying = [m for m in self.box.newest_first(hidden=True) if label in m.labels]
            assert self.box.count(label) == len(carrying)


TestHistoryMachine = HistoryMachine.TestCase


def test_ids_rise_with_small_gaps_and_stay_below_2_to_the_63() -> None:
    box = mailbox()
    ids = [put(box).history_id for _ in range(200)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(ids)]
    assert all(1 <= gap <= 17 for gap in gaps)
    assert len(set(gaps)) > 1
    assert max(ids) < 2**63


def test_the_start_is_exclusive() -> None:
    box = mailbox()
    first, second = put(box), put(box)
    page = box.history.page(first.history_id)
    assert [record.message_id for record in page.records] == [second.id]


def test_a_start_below_the_floor_or_in_the_future_is_refused() -> None:
    box = mailbox()
    start = box.history.current
    put(box)
    box.history.raise_floor()
    with pytest.raises(HistoryExpired):
        box.history.page(start)
    with pytest.raises(HistoryExpired):
        box.history.page(box.history.current + 1)
    assert box.history.page(box.history.current).records == []


def test_pages_end_at_the_position_of_the_first_page() -> None:
    box = mailbox()
    start = box.history.current
    known = [put(box).id for _ in range(3)]
    first = box.history.page(start, max_results=2)
    put(box)  # arrives while the client is paging
    second = box.history.page(start, max_results=2, token=first.next_token)
    assert [record.message_id for record in first.records + second.records] == known
    assert second.history_id == first.history_id < box.history.current
    assert second.next_token is None


def test_a_page_exactly_full_has_no_successor() -> None:
    box = mailbox()
    start = box.history.current
    put(box)
    put(box)
    assert box.history.page(start, max_results=2).next_token is None


def test_empty_pages_carry_a_token_and_lose_nothing() -> None:
    box = mailbox()
    start = box.history.current
    ids = [put(box).id for _ in range(3)]
    first = box.history.page(start, max_results=2, empty_pages=1)
    assert first.records == []
    assert first.next_token is not None
    assert [record.message_id for record in every_page(box, start, 2, empty_pages=1)] == ids


def test_types_and_label_select_records() -> None:
    box = mailbox()
    start = box.history.current
    kept, other = put(box, "INBOX"), put(box, "SPAM")
    box.change_labels([kept], ["STARRED"], ["INBOX"], NOW_MS)
    box.delete([other], NOW_MS)

    def found(**chosen: Any) -> list[tuple[str, str]]:
        return [(r.change, r.message_id) for r in box.history.page(start, **chosen).records]

    assert found(types=["messageAdded"]) == [("added", kept.id), ("added", other.id)]
    assert found(types=["messageDeleted"]) == [("deleted", other.id)]
    assert found(types=["labelRemoved"]) == found(types=["labelAdded"]) == [("labels", kept.id)]
    assert found(label_id="INBOX") == [("added", kept.id)]


def test_an_index_that_lags_shows_only_what_is_old_enough() -> None:
    log = HistoryLog(random.Random(1), start=100)
    early = log.append("added", "a", "a", [], at=10.0)
    log.append("added", "b", "b", [], at=20.0)
    assert log.visible_at(15.0) == early.id
    assert log.visible_at(5.0) == 100
    assert log.visible_at(None) == log.current


def test_labels_that_change_nothing_leave_no_trace() -> None:
    box, found = listening()
    message = put(box, "INBOX")
    found.clear()
    box.change_labels([message], ["INBOX"], ["STARRED"], NOW_MS)
    assert found == []


def test_one_operation_on_many_messages_is_told_once() -> None:
    box, found = listening()
    messages = [put(box, "INBOX") for _ in range(5)]
    found.clear()
    box.change_labels(messages, [], ["INBOX"], NOW_MS)
    assert [len(records) for records in found] == [5]


def test_mail_that_was_there_before_leaves_no_history() -> None:
    box = mailbox()
    before = box.history.current
    box.add(letter(), ["INBOX"], NOW_MS, quiet=True)
    assert box.history.current == before
    assert box.count("INBOX") == 1


@given(token=st.text(max_size=30))
def test_a_token_that_is_none_is_refused(token: str) -> None:
    box = mailbox()
    put(box)
    parts = token.split(".")
    if len(parts) == 3 and all(part.isdecimal() for part in parts):
        assert box.history.page(box.history.floor, token=token).history_id <= box.history.current
    else:
        with pytest.raises(ValueError, match="pageToken"):
            box.history.page(box.history.floor, token=token)
