"""Credits: whatever happens, in whatever order and at once, the books are right."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backend.domain.challenge import LedgerEntry, Posting, refunded, spent
from backend.domain.errors import Conflict, NotFound, Refused
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Outcome
from backend.store.opening import open_store
from backend.transactions.store import Store
from tests import postgres_server
from tests.contract.store.stories import BO, Story, owning

SENDERS = st.sampled_from(["bo@pitch.test", "cy@pitch.test"])


async def test_an_entry_posts_once_whoever_repeats_it(story: Story) -> None:
    await story.mailbox("ana")
    grant = LedgerEntry(BO, 2, Posting.GRANTED, "grant:1")
    assert [await story.store.post("ana", grant, story.now) for _ in range(3)] == [2, 2, 2]
    other = LedgerEntry(BO, 5, Posting.GRANTED, "grant:1")  # a key is what makes an entry the same
    assert await story.store.post("ana", other, story.now) == 2
    assert await story.store.post("ana", spent(BO, "m1"), story.now) == 1
    assert await story.store.post("ana", refunded(BO, "m1"), story.now) == 2
    assert await story.store.balance("ana", "nobody@x.test") == 0
    assert await story.store.ledger_differences() == ()


async def test_nobody_spends_what_is_not_there(story: Story) -> None:
    await story.mailbox("ana")
    await story.store.post("ana", LedgerEntry(BO, 2, Posting.GRANTED, "grant:1"), story.now)
    for entry in (LedgerEntry(BO, -3, Posting.REVOKED, "revoke:1"), spent("cy@x.test", "m1")):
        with pytest.raises(Refused) as refusal:
            await story.store.post("ana", entry, story.now)
        assert refusal.value.code == "no_credit"
    assert await story.store.balance("ana", BO) == 2
    # A refused entry left no trace: its key still works.
    await story.store.post("ana", LedgerEntry(BO, 1, Posting.GRANTED, "grant:2"), story.now)
    assert await story.store.post("ana", LedgerEntry(BO, -3, Posting.REVOKED, "revoke:1"), story.now) == 0
    with pytest.raises(NotFound):
        await story.store.post("nobody", LedgerEntry(BO, 1, Posting.GRANTED, "grant:1"), story.now)
    assert await story.store.ledger_differences() == ()


async def test_sixty_four_tasks_race_for_a_senders_last_credit(story: Story) -> None:
    await story.mailbox("ana")
    for number in range(8):
        await story.store.post("ana", LedgerEntry(BO, 1, Posting.GRANTED, f"grant:{number}"), story.now)
        entries = [spent(BO, f"m{number}-{task}") for task in range(64)]
        posted = await asyncio.gather(
            *(story.store.post("ana", entry, story.now) for entry in entries), return_exceptions=True
        )
        assert [outcome for outcome in posted if not isinstance(outcome, Refused)] == [0]
        assert await story.store.balance("ana", BO) == 0
    assert await story.store.ledger_differences() == ()


async def test_sixty_four_messages_race_for_a_senders_last_credit(story: Story) -> None:
    await story.mailbox("ana")
    await story.store.post("ana", LedgerEntry(BO, 1, Posting.GRANTED, "grant:1"), story.now)
    await story.arrive("ana", *(f"m{number}" for number in range(64)))
    jobs = await story.due()
    judged = await asyncio.gather(
        *(story.judge(job, Outcome.INBOX, spends=True) for job in jobs), return_exceptions=True
    )
    assert [outcome for outcome in judged if not isinstance(outcome, Conflict)] == [None]
    assert await story.store.balance("ana", BO) == 0
    assert await story.store.ledger_differences() == ()


async def test_a_link_opened_in_sixteen_windows_earns_once(story: Story) -> None:
    await story.mailbox("ana", credits_per_solve=5)
    challenge = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert challenge is not None
    solved = await asyncio.gather(*(story.solve(challenge) for _ in range(16)), return_exceptions=True)
    assert sum(not isinstance(outcome, Refused) for outcome in solved) == 1
    assert await story.store.balance("ana", BO) == 4
    assert await story.store.ledger_differences() == ()


class Books(RuleBasedStateMachine):
    """Entries of all kinds, repeats and solves in any order, against a plain sum."""

    runner: ClassVar[asyncio.Runner]
    store: ClassVar[Store]
    boxes: ClassVar[count[int]]

    def __init__(self) -> None:
        super().__init__()
        self.box = f"box{next(self.boxes)}"
        self.story = Story(self.store, prefix=f"{self.box}-")
        self.numbers = count(1)
        self.posted: list[LedgerEntry] = []
        self.sums: dict[str, int] = {}
        self.run(self.story.mailbox(self.box))

    def run(self, story: Any) -> Any:
        return self.runner.run(story)

    def post(self, entry: LedgerEntry) -> None:
        enough = self.sums.get(entry.sender, 0) + entry.amount >= 0
        if not enough:
            with pytest.raises(Refused):
                self.run(self.store.post(self.box, entry, self.story.now))
            return
        self.sums[entry.sender] = self.sums.get(entry.sender, 0) + entry.amount
        self.posted.append(entry)
        assert self.run(self.store.post(self.box, entry, self.story.now)) == self.sums[entry.sender]

    @rule(sender=SENDERS, amount=st.integers(1, 4))
    def grant(self, sender: str, amount: int) -> None:
        self.post(LedgerEntry(sender, amount, Posting.GRANTED, f"grant:{next(self.numbers)}"))

    @rule(sender=SENDERS, amount=st.integers(1, 4))
    def revoke(self, sender: str, amount: int) -> None:
        self.post(LedgerEntry(sender, -amount, Posting.REVOKED, f"revoke:{next(self.numbers)}"))

    @precondition(lambda self: self.posted)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.posted))
        found = self.run(self.store.post(self.box, entry, self.story.now))
        assert found == self.sums[entry.sender]

    @rule(hours=st.integers(1, 40))
    def wait(self, hours: int) -> None:
        self.story.pass_time(hours=hours)

    @rule(sender=SENDERS)
    def spend_on_a_message(self, sender: str) -> None:
        name = f"m{next(self.numbers)}"
        self.run(self.story.arrive(self.box, name))
        job = self.run(self.story.job(name))
        if self.sums.get(sender, 0) > 0:
            self.run(self.story.judge(job, Outcome.INBOX, sender, spends=True))
            self.sums[sender] -= 1
            self.run(self.story.decide(self.box, name, Decision.RELEASE, f"refund {name}"))
            self.sums[sender] += 1
            self.run(self.store.undo(self.box, f"refund {name}", self.story.now))
            self.sums[sender] -= 1
        else:
            with pytest.raises(Conflict):
                self.run(self.story.judge(job, Outcome.INBOX, sender, spends=True))
            self.run(self.story.judge(job, Outcome.INBOX, sender))

    @rule(sender=SENDERS)
    def solve(self, sender: str) -> None:
        self.story.pass_time(days=8)
        challenge = self.run(
            self.story.receive(self.box, f"m{next(self.numbers)}", Outcome.CHALLENGE, sender)
        )
        solved = self.run(self.story.solve_id(challenge.id, f"{self.box}-{next(self.numbers)}"))
        self.run(self.story.work())
        self.sums[sender] = self.sums.get(sender, 0) + 3 - len(solved.released)
        assert (solved.balance, len(solved.released)) == (self.sums[sender], 1)

    @invariant()
    def balances_are_the_sums(self) -> None:
        for sender, expected in self.sums.items():
            assert self.run(self.store.balance(self.box, sender)) == expected >= 0
        assert self.run(self.store.ledger_differences()) == ()


def test_the_books_are_right_whatever_happens(address: str) -> None:
    with asyncio.Runner() as runner:
        if address.startswith("postgresql:"):
            runner.run(postgres_server.empty(address))
        store = open_store(address)
        runner.run(store.open())
        owner = owning(store)
        runner.run(owner.__aenter__())
        machine = type("BooksHere", (Books,), {"runner": runner, "store": store, "boxes": count(1)})
        try:
            run_state_machine_as_test(machine, settings=settings(max_examples=12, stateful_step_count=20))
        finally:
            runner.run(owner.__aexit__(None, None, None))
            runner.run(store.close())
