"""What happens to a store, told in the words of the product. One clock, moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, cast

from backend.domain.challenge import ChallengeIntent, Solved, token_hash
from backend.domain.mail.message import Address
from backend.domain.mailbox.decisions import Decision, Order, Origin
from backend.domain.mailbox.mailbox import Mailbox, Mode, NoticeHint, Preferences
from backend.domain.mailbox.message import (
    MessageView,
    Outcome,
    Placement,
    PolicyRow,
    Screened,
    Stage,
    Verdict,
)
from backend.domain.mailbox.owner_digest import DigestLink
from backend.domain.reading.score import Reason, Score, ScoreTrace
from backend.store.lane_sessions import LaneSessions, bucket_of
from backend.store.postgres import PostgresDriver
from backend.transactions.records import (
    Duty,
    DutyJob,
    MessageJob,
    NewMailbox,
    PushFate,
    Session,
    Sighting,
    SyncPage,
    WebPush,
)
from backend.transactions.store import Store
from tests.doubles import START

BO = "bo@pitch.test"
ROWS = {
    Outcome.IGNORE: PolicyRow.NOT_INCOMING,
    Outcome.INBOX: PolicyRow.BELOW_HOLD,
    Outcome.MARK: PolicyRow.OBSERVE,
    Outcome.HOLD: PolicyRow.QUARANTINE,
    Outcome.CHALLENGE: PolicyRow.CHALLENGE,
}


ONE_OF_EACH = tuple({bucket_of(name): name for name in map(str, range(9_999))}.values())
"""A mailbox's name for each bucket."""


async def threads(store: Store, mailbox_id: str = "ana") -> set[str]:
    """The threads that an owner has written in."""
    return {row["thread_id"] for row in await store.archive_page(mailbox_id, "threads", "", 1_000)}


def lend(one: Store, other: Store) -> None:
    """What the process of `one` owns is of the same process's `other`, too."""
    if isinstance(other._driver, PostgresDriver):
        other._driver.ownership = cast(LaneSessions, one.ownership)


@asynccontextmanager
async def owning(store: Store) -> AsyncIterator[None]:
    """Every mailbox is this store's process's, as a server's that is alone."""
    stop, changed = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(store.ownership.run(stop, changed.set))
    try:
        async with asyncio.timeout(60):
            while not all(map(store.ownership.owns, ONE_OF_EACH)):
                changed.clear()
                await changed.wait()
        yield
    finally:
        stop.set()
        await running


@dataclass
class Story:
    """Plays syncs, verdicts, stages and solves on one store."""

    store: Store
    now: datetime = START
    numbers: count[int] = field(default_factory=lambda: count(1))
    prefix: str = ""

    def pass_time(self, **parts: float) -> datetime:
        """The clock goes on."""
        self.now += timedelta(**parts)
        return self.now

    async def mailbox(self, name: str = "ana", called: str = "", **preferences: Any) -> Mailbox:
        """A connected mailbox with nothing to do. Its owner is `called` so, or as the mailbox is."""
        connected = await self.connect(name, called, **preferences)
        # The duties a connect asks for are done, the one of the next day too: a story begins with none due.
        tomorrow = self.now + timedelta(days=1)
        for job in (await self.store.lane_work(name, 0)).duties:
            if job.due_at <= tomorrow:
                await self.store.finish_duty(job, None)
        return connected

    async def connect(self, name: str, called: str = "", **preferences: Any) -> Mailbox:
        """The mailbox, with the duties that a connect asks for."""
        wishes = Preferences(mode=Mode.CHALLENGE).changed(**preferences)
        new = NewMailbox(
            id=name,
            sub=f"sub-{name}",
            email=f"{name}@corp.test",
            name=called or name.title(),
            sealed_token=b"sealed",
            scopes=frozenset({"openid"}),
            preferences=wishes,
        )
        return await self.store.connect(new, self.now)

    async def next_due(self) -> datetime | None:
        """When the first thing is due, in whichever mailbox."""
        return min((at for at in (await self.store.lanes()).values() if at is not None), default=None)

    async def due_duty(self, at: datetime | None = None) -> DutyJob | None:
        """The duty that has been due longest, now or `at` another time."""
        now = at or self.now
        due = [
            job
            for name in await self.store.lanes()
            for job in (await self.store.lane_work(name, 0)).duties
            if job.due_at <= now
        ]
        return min(due, key=lambda job: job.due_at, default=None)

    @staticmethod
    def deletion(gmail_id: str) -> SyncPage:
        """History tells that a message was deleted for good."""
        return SyncPage(deleted=(gmail_id,))

    async def hold(self, mailbox_id: str, duty: Duty = Duty.SYNC) -> DutyJob:
        """A duty, wanted and due."""
        await self.store.request_duty(mailbox_id, duty, self.now)
        work = await self.store.lane_work(mailbox_id, 0)
        return next(job for job in work.duties if job.duty is duty and job.due_at <= self.now)

    async def sync(self, mailbox_id: str, page: SyncPage) -> int:
        """One page committed by a duty that is done."""
        job = await self.hold(mailbox_id)
        new = await self.store.commit_sync(job, page, self.now)
        await self.store.finish_duty(job, None)
        return new

    async def preview(self, mailbox_id: str, *gmail_ids: str) -> DutyJob:
        """A preview of these messages, ordered and listed; its duty is done."""
        await self.store.order_preview(mailbox_id, self.now)
        duties = (await self.store.lane_work(mailbox_id, 0)).duties
        (job,) = (job for job in duties if job.duty is Duty.PREVIEW)
        run = await self.store.preview_run(mailbox_id)
        assert run is not None
        found = [(gmail_id, f"t-{gmail_id}") for gmail_id in gmail_ids]
        await self.store.add_previews(job, run.run, found, self.now)
        await self.store.finish_duty(job, None)
        return job

    async def digest(self, mailbox_id: str, *gmail_ids: str, token_hash: str = "h" * 64) -> DigestLink:
        """A digest that was placed, with one link that releases these messages."""
        until = self.now
        link = DigestLink(token_hash, mailbox_id, Decision.RELEASE, gmail_ids, until + timedelta(days=14))
        job = await self.hold(mailbox_id, Duty.DIGEST)
        await self.store.digest_told(job, until, "")
        job = await self.hold(mailbox_id, Duty.DIGEST)
        await self.store.tell_digest(job, f"<{mailbox_id}@x>", until, (link,), until)
        await self.store.digest_told(job, until, f"digest-{mailbox_id}")
        await self.store.finish_duty(job, until + timedelta(days=1))
        return link

    async def browser(self, mailbox_id: str, name: str = "1") -> WebPush:
        """A signed-in browser of theirs that is told of new senders."""
        session = f"s{name}-{mailbox_id}"
        until = self.now + timedelta(days=30)
        await self.store.add_session(Session(session, mailbox_id, until, browser="Firefox/Linux"), self.now)
        push = WebPush(
            f"w{name}-{mailbox_id}", session, b"sealed " + name.encode(), "Firefox/Linux", "en", self.now
        )
        await self.store.add_web_push(mailbox_id, push, self.now)
        return push

    async def push(
        self, position: int = 7, email: str = "ana@corp.test", again_at: datetime | None = None
    ) -> PushFate:
        """A push tells of this position of this address's history."""
        return await self.store.note_push(email, NoticeHint(position, self.now), again_at or self.now)

    async def arrive(self, mailbox_id: str, *gmail_ids: str, stage: Stage = Stage.SCREEN) -> int:
        """Messages seen by a sync; the thread of message x is t-x."""
        seen = tuple(
            Sighting(gmail_id, f"t-{gmail_id}", frozenset({"INBOX", "UNREAD"}), stage)
            for gmail_id in gmail_ids
        )
        return await self.sync(mailbox_id, SyncPage(sightings=seen))

    async def due(self, limit: int = 100) -> tuple[MessageJob, ...]:
        """What is due of messages, up to so many of a mailbox, in the order in which they came."""
        found = [
            job
            for name in await self.store.lanes()
            for job in (await self.store.lane_work(name, limit)).messages
            if job.due_at <= self.now
        ]
        return tuple(sorted(found, key=lambda job: (job.first_seen_at, job.mailbox_id, job.gmail_id)))

    async def job(self, gmail_id: str, mailbox_id: str = "") -> MessageJob:
        """This message, which is due."""
        (job,) = (
            job
            for job in await self.due()
            if job.gmail_id == gmail_id and job.mailbox_id in (mailbox_id or job.mailbox_id)
        )
        return job

    def screened(self, sender: str = BO, *, authenticated: bool = True, **changes: Any) -> Screened:
        """The kept facts of a message of `sender`."""
        plain = Screened(
            sender=sender,
            sender_name="Bo",
            sender_domain=sender.rpartition("@")[2],
            subject="More leads",
            message_id="<1@pitch.test>",
            received_at=self.now,
            authenticated=authenticated,
            references=("<0@pitch.test>",),
            reply_to=sender,
            language="de",
        )
        return replace(plain, **changes)

    def intent(self, sender: str = BO, token: str = "") -> ChallengeIntent:
        """A challenge that could be opened now; the token of challenge c1 is "token-c1" unless given."""
        name = f"{self.prefix}c{next(self.numbers)}"
        return ChallengeIntent(
            id=name,
            sender=sender,
            sender_domain=sender.rpartition("@")[2],
            token_hash=token_hash(token or f"token-{name}"),
            sealed_token=b"sealed-" + name.encode(),
            message_id=f"<{name}@corp.test>",
            expires_at=self.now + timedelta(days=14),
            reply_from=Address("sales@corp.test", "Corp Sales"),
        )

    async def judge(
        self,
        job: MessageJob,
        outcome: Outcome,
        sender: str = BO,
        *,
        authenticated: bool = True,
        spends: bool = False,
        row: PolicyRow | None = None,
    ) -> ChallengeIntent | None:
        """Record a verdict; a CHALLENGE comes with its intent, which is returned."""
        row = row or (PolicyRow.CREDIT if spends else ROWS[outcome])
        score = Score(0.97, 3.5, (Reason("asks for a call", 1.5, ("quick", "call")),), "m1")
        intent = self.intent(sender) if outcome is Outcome.CHALLENGE else None
        await self.store.record_verdict(
            job,
            Verdict(outcome, row, score, spends_credit=spends),
            self.screened(sender, authenticated=authenticated),
            intent,
            self.now,
        )
        return intent

    async def a_week(
        self,
        messages: int,
        polish: int = 0,
        model: str = "a" * 32,
        row: PolicyRow = PolicyRow.BELOW_HOLD,
        name: str = "ana",
    ) -> None:
        """So many messages of strangers, so many of them in Polish; then the next week begins."""
        await self.arrive(name, *(f"w{next(self.numbers)}" for _ in range(messages)))
        jobs = await self.due()
        assert len(jobs) == messages
        for one, job in enumerate(jobs):
            trace = ScoreTrace(f"{model} reading runtime", "t", "s", 100, 95 if one % 2 else 92)
            verdict = Verdict(Outcome.INBOX, row, Score(0.1, -2.0 - one % 3, trace=trace))
            facts = self.screened(language="pl" if one < polish else "en")
            await self.store.record_verdict(job, verdict, facts, None, self.now)
        self.pass_time(weeks=1)

    async def receive(
        self,
        mailbox_id: str,
        gmail_id: str,
        outcome: Outcome,
        sender: str = BO,
        *,
        authenticated: bool = True,
    ) -> ChallengeIntent | None:
        """A message arrives, is judged, and everything that follows is done."""
        await self.arrive(mailbox_id, gmail_id)
        intent = await self.judge(await self.job(gmail_id), outcome, sender, authenticated=authenticated)
        await self.work()
        return intent

    async def work(self) -> list[tuple[Stage, str]]:
        """Finish every due stage but screening, sends included; returns (stage, message) in order."""
        done: list[tuple[Stage, str]] = []
        while jobs := await self.due():
            for job in jobs:
                assert job.stage is not Stage.SCREEN
                done.append((job.stage, job.gmail_id))
                if job.stage is Stage.CHALLENGE:
                    await self.send(job)
                else:
                    await self.store.finish_stage(job, self.now)
        return done

    async def send(self, job: MessageJob) -> str:
        """The challenge of a job leaves; returns the Gmail id of our mail."""
        challenge = await self.store.challenge_of(job.mailbox_id, job.gmail_id)
        assert challenge is not None
        await self.store.mark_sending(job, challenge.id, self.now)
        await self.store.mark_sent(job, challenge.id, f"sent-{challenge.id}", self.now)
        return f"sent-{challenge.id}"

    async def solve(self, challenge: ChallengeIntent, signature: str = "") -> Solved:
        """The captcha is answered."""
        return await self.solve_id(challenge.id, signature)

    async def solve_id(self, challenge_id: str, signature: str = "", token: str = "") -> Solved:
        """The same for a challenge known by its id."""
        answer = signature or f"signature-{next(self.numbers)}"
        known = await self.store.challenge_by_token(token_hash(token or f"token-{challenge_id}"))
        before = known.solved_before if known else 0
        until = self.now + timedelta(minutes=15)
        return await self.store.solve(challenge_id, answer, until, before, self.now)

    async def decide(
        self, mailbox_id: str, gmail_id: str, decision: Decision, key: str = ""
    ) -> tuple[str, ...]:
        """The owner's word, from their tray."""
        name = key or f"key-{next(self.numbers)}"
        order = Order(name, decision, (gmail_id,), Origin.TRAY)
        return (await self.store.decide(mailbox_id, order, self.now)).moved

    async def view(self, mailbox_id: str, gmail_id: str) -> MessageView:
        """One message as screens show it."""
        return (await self.store.known(mailbox_id, [gmail_id]))[gmail_id]

    async def place(self, mailbox_id: str, gmail_id: str) -> Placement | None:
        """Where a message is meant to be."""
        return (await self.view(mailbox_id, gmail_id)).placement


def is_a_store(store: Store) -> Store:
    """Checked by the type checker: the adapter has every method of the port."""
    return store
