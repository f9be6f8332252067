"""Each authenticated sender with held mail above the challenge threshold has an open link, or a stated moment from
which the next mail gets one, or at which one leaves by itself where only a full count kept it back: over random
histories, through the real policy, guards, stages and transactions."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backend.domain.challenge import token_hash
from backend.domain.errors import Expired, NotFound
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.message import MessageView, Placement, PolicyRow
from backend.domain.policy.guards import COUNT_PERIOD, is_postponed, limits_reached, next_link_at
from backend.pipeline import solve
from tests.unit.pipeline.conftest import FORGED, TRUSTED, Fixture, letter, open_fixture

SENDERS = ("sam@seller.test", "kim@seller.test", "max@seller.test", "lee@other.test")
CHALLENGE = 0.8

deliveries = st.tuples(
    st.just("mail"),
    st.sampled_from(SENDERS),
    st.sampled_from(["pitchy", "pitchy", "pitchy", "perhaps", "maybe", "order"]),
    st.booleans() | st.just(True),
)
solves = st.tuples(st.sampled_from(["solve", "solve", "code"]), st.integers(0, 5))
owner = st.tuples(
    st.just("owner"),
    st.integers(0, 9),
    st.sampled_from([Decision.RELEASE, Decision.ALLOW, Decision.BLOCK, Decision.REPLIED, Decision.SALES]),
)
others = st.sampled_from([("undo",), ("delete",), ("quarantine",), ("challenge",), ("die", "send")])
waits = st.tuples(st.just("wait"), st.sampled_from([0.02, 0.5, 2.0, 5.0, 7.0, 14.0, 31.0]))
acts = st.one_of(deliveries, deliveries, deliveries, solves, solves, owner, others, waits)


@dataclass
class Play:
    """Plays a history in a house, and looks for who was locked out."""

    fixture: Fixture
    numbers: count[int] = field(default_factory=count)
    keys: list[str] = field(default_factory=list)

    async def act(self, *what: object) -> None:
        """One thing happens, and all that follows from it."""
        await getattr(self, str(what[0]))(*what[1:])
        await self.fixture.settle()

    async def mail(self, sender: str, word: str, genuine: bool) -> None:
        trust = TRUSTED if genuine else FORGED
        text = f"a {word} letter, number {next(self.numbers)}"
        self.fixture.gmail.deliver(letter(sender, text, trust=trust))
        await self.fixture.push()

    async def solve(self, number: int) -> None:
        tokens = self.tokens()
        if tokens:
            await self.solved(tokens[number % len(tokens)])

    async def code(self, number: int) -> None:
        """A code is typed behind a link, which a wait follows."""
        tokens = self.tokens()
        if not tokens:
            return
        try:
            opened = await solve.open_challenge(self.fixture.context, tokens[number % len(tokens)])
        except Expired:
            return
        known = await self.fixture.store.challenge_by_token(token_hash(tokens[number % len(tokens)]))
        assert known is not None
        now = self.fixture.now()
        signature = f"answer {next(self.numbers)}"
        soon = now + timedelta(minutes=15)
        await self.fixture.store.schedule_release(
            known.id, signature, soon, known.solved_before, now + opened.wait, now
        )

    async def solved(self, token: str) -> int:
        """Solve behind this link; how many messages were let in (0 if it takes no answer)."""
        try:
            await solve.open_challenge(self.fixture.context, token)
        except Expired:
            return 0
        known = await self.fixture.store.challenge_by_token(token_hash(token))
        assert known is not None
        now = self.fixture.now()
        done = await self.fixture.store.solve(
            known.id, f"answer {next(self.numbers)}", now + timedelta(minutes=15), known.solved_before, now
        )
        return len(done.released)

    async def owner(self, number: int, decision: Decision) -> None:
        held = await self.fixture.store.messages(self.fixture.mailbox_id, Placement.HELD)
        if held:
            key = f"said {next(self.numbers)}"
            wish = Correction(key, held[number % len(held)].gmail_id, decision, Origin.PAGE)
            await self.fixture.store.decide(self.fixture.mailbox_id, wish.order, self.fixture.now())
            self.keys.append(key)

    async def undo(self) -> None:
        if self.keys:
            await self.fixture.store.undo(self.fixture.mailbox_id, self.keys.pop(), self.fixture.now())

    async def delete(self) -> None:
        held = await self.fixture.store.messages(self.fixture.mailbox_id, Placement.HELD)
        if held:
            self.fixture.gmail.delete(held[0].gmail_id)
            await self.fixture.push()

    async def quarantine(self) -> None:
        await self.fixture.save_preferences(mode="quarantine")

    async def challenge(self) -> None:
        await self.fixture.save_preferences(mode="challenge")

    async def die(self, call: str) -> None:
        self.fixture.gmail.die_after.add(call)

    async def wait(self, days: float) -> None:
        self.fixture.wait(days=days)

    def tokens(self) -> list[str]:
        """The tokens of all links that have left."""
        raws = [sent.raw.decode().replace("=\r\n", "") for sent in self.fixture.gmail.sent]
        return [raw.partition("https://gate.test/c/")[2].split()[0] for raw in raws]

    async def stranded(self, sender: str) -> list[MessageView]:
        """Held mail of theirs above the challenge threshold that nobody has decided about."""
        held = await self.fixture.store.messages(self.fixture.mailbox_id, Placement.HELD, limit=500)
        genuine = [
            view
            for view in held
            if view.sender == sender
            and not view.decided_by
            and view.row != PolicyRow.BLOCKED
            and (view.score or 0) >= CHALLENGE
        ]
        facts = [await self.fixture.store.screened(self.fixture.mailbox_id, v.gmail_id) for v in genuine]
        return [view for view, kept in zip(genuine, facts, strict=True) if kept and kept.authenticated]

    async def open_link(self, sender: str) -> str:
        """A link of this sender that takes an answer now; "" if there is none."""
        found = []
        for token in self.tokens():
            try:
                opened = await solve.open_challenge(self.fixture.context, token)
            except (Expired, NotFound):
                continue
            if opened.sender == sender:
                assert 1 <= opened.delivers <= opened.waiting
                found.append(token)
        assert len(found) <= 1, "at most one open link for a sender"
        return found[0] if found else ""

    async def ruled(self, sender: str) -> bool:
        standing = await self.fixture.store.standing(*self._about(sender))
        return standing.rules.kind is not None or standing.corresponded

    async def next_link_at(self, sender: str) -> datetime:
        challenge_history = await self.fixture.store.challenge_history(*self._about(sender))
        assert not challenge_history.open_for_sender, "what the guards take for open can be opened"
        return next_link_at(challenge_history, (await self.fixture.mailbox()).preferences, self.fixture.now())

    async def owed(self, sender: str) -> bool:
        """Whether nothing but a full count keeps a link from this sender."""
        challenge_history = await self.fixture.store.challenge_history(*self._about(sender))
        against = limits_reached(
            challenge_history, (await self.fixture.mailbox()).preferences, self.fixture.now()
        )
        debts = await self.fixture.store.owed_links(
            self.fixture.mailbox_id, self.fixture.now() + COUNT_PERIOD
        )
        return sender in {debt.sender for debt in debts} and (not against or is_postponed(against))

    def _about(self, sender: str) -> tuple[str, str, str, str, datetime]:
        domain = sender.rpartition("@")[2]
        return self.fixture.mailbox_id, sender, domain, "a new thread", self.fixture.now()


async def played(history: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_fixture(Path(folder)) as fixture:
            await fixture.save_preferences(daily_challenges=3, domain_challenges=2, credits_per_solve=2)
            play = Play(fixture)
            for what in history:
                await play.act(*what)
            await play.challenge()
            for sender in SENDERS:
                if await play.stranded(sender) and not await play.ruled(sender):
                    await gets_out(play, sender)
            assert await fixture.store.ledger_differences() == ()


async def gets_out(play: Play, sender: str) -> None:
    """All their mail gets in: behind the link they have, or the one they get at the stated moment, by itself or for the
    next mail."""
    if not await play.open_link(sender):
        owes = await play.owed(sender)
        play.fixture.gmail.now = max(play.fixture.now(), await play.next_link_at(sender))
        await play.fixture.settle()
        assert not owes or await play.open_link(sender), "a link that is owed waits for no other mail"
    if not await play.open_link(sender):
        await play.act("mail", sender, "pitchy", True)
        assert await play.open_link(sender), "the next mail after the stated moment gets a link"
    link = await play.open_link(sender)
    before = len(play.fixture.gmail.sent)
    while await play.stranded(sender):
        assert await play.solved(link) > 0
        await play.fixture.settle()
    assert len(play.fixture.gmail.sent) == before, "one link did it all"


SAM = SENDERS[0]
MANY = [("mail", SAM, "pitchy", True)] * 5
SHORT_OF_CREDITS = [*MANY, ("solve", 0), ("wait", 0.02), *MANY]
EXPIRED = [("mail", SAM, "pitchy", True), ("wait", 14.0), ("mail", SAM, "maybe", True)]
RELEASED = [*MANY, ("owner", 4, Decision.RELEASE)]
SWITCHED = [("quarantine",), *MANY, ("challenge",)]
BLOCKED = [*MANY, ("solve", 0), ("owner", 0, Decision.BLOCK), ("mail", SAM, "pitchy", True), ("undo",)]
FULL = [("mail", sender, "pitchy", True) for sender in SENDERS]
DELETED = [("quarantine",), *MANY[:2], ("delete",)]
DELETED_AND_EXPIRED = [MANY[0], ("wait", 14.0), MANY[0], ("delete",), ("wait", 14.0)]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(acts, max_size=22))
@example(SHORT_OF_CREDITS)
@example(EXPIRED)
@example(RELEASED)
@example(SWITCHED)
@example(BLOCKED)
@example(DELETED)
@example(DELETED_AND_EXPIRED)
@example(FULL)
def test_nobody_is_locked_out(history: list[tuple[object, ...]]) -> None:
    asyncio.run(played(history))


def test_a_doubtful_mail_beside_one_that_was_sure_gets_the_link_that_is_due() -> None:
    async def story() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with open_fixture(Path(folder)) as fixture:
                play = Play(fixture)
                for what in EXPIRED:
                    await play.act(*what)
                assert len(fixture.gmail.sent) == 2

    asyncio.run(story())
