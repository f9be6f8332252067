"""A mailbox at a fake Gmail, a real SQLite store, and a lane that can die at any call."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from backend.domain.errors import LaneLost, PitchgateError, StoreAway
from backend.domain.mail.message import Address, Headers, Message
from backend.domain.mailbox.mailbox import Mailbox, Mode, NoticeHint, Preferences, Strictness
from backend.domain.reading.score import Reason, Score, Thresholds
from backend.lanes.running import Runner
from backend.pipeline.context import Context
from backend.pipeline.memory import Look, Looks
from backend.pipeline.stages import run_duty, run_stage
from backend.pipeline.sync import FoundMail, look_at
from backend.settings import Settings
from backend.store.opening import open_store
from backend.transactions.records import Duty, DutyJob, MessageJob, NewMailbox
from backend.transactions.store import Store
from tests.doubles import NoAuthorizer, PlainKeys
from tests.fakes.gmail import Died, FakeGmail
from tests.fakes.push_service import FakePushService
from tests.fakes.reader import FakeReader
from tests.once import migrated

T = TypeVar("T")
TRUSTED = "mx.google.com; dkim=pass header.i=@{0}; spf=pass smtp.mailfrom=x@{0}; dmarc=pass header.from={0}"
FORGED = "mx.google.com; dkim=none; spf=fail smtp.mailfrom=x@{0}; dmarc=fail header.from={0}"


class FakeScorer:
    """Says 0.97 of a text with the word "pitchy", 0.6 of "perhaps", 0.4 of "maybe", 0.02 of any other; breaks when told
    to."""

    def __init__(self) -> None:
        self.broken = False
        self.says = {"pitchy": 0.97, "perhaps": 0.6, "maybe": 0.4}

    def score(self, text: str) -> Score:
        if self.broken:
            raise RuntimeError("the model broke on this text")
        probability = next((one for word, one in self.says.items() if word in text), 0.02)
        return Score(probability, 0.0, (Reason("a word", 1.0, ("pitchy",)),), "fake")

    def thresholds(self, strictness: Strictness) -> Thresholds:
        return Thresholds(0.1, 0.5, 0.8, 0.3)


class Secrets:
    """A token source that counts, and a vault that turns text round."""

    def __init__(self) -> None:
        self.made = 0

    def token(self, size: int = 24) -> str:
        self.made += 1
        return f"token{self.made:0{size}}"

    def identifier(self) -> str:
        self.made += 1
        return f"id{self.made:06}"

    def seal(self, secret: str) -> bytes:
        return secret[::-1].encode()

    def open(self, sealed: bytes) -> str:
        return sealed.decode()[::-1]


@dataclass
class Fixture:
    """Everything one story needs. `settle` runs what is due, over deaths, until nothing is due. After a death each
    message is marked before it is begun, and what was left comes first."""

    context: Context
    gmail: FakeGmail
    store: Store
    scorer: FakeScorer
    reader: FakeReader
    authorizer: NoAuthorizer
    mailbox_id: str
    deaths: int = 0
    following: tuple[MessageJob, ...] = ()
    """What the lane goes on with after the last stage."""
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    screening: list[asyncio.Task[None]] = field(default_factory=list)
    """Messages that a look found."""
    careful: bool = False

    def room(self, mailbox_id: str) -> int:
        """See `Screeners`."""
        return 0 if self.careful else 100

    def take(self, found: FoundMail) -> None:
        """See `Screeners`."""
        self.screening += [asyncio.create_task(self._screen(job, found)) for job in found.jobs]

    async def _screen(self, job: MessageJob, found: FoundMail) -> None:
        try:
            self._go_on(await run_stage(self.context, job, found))
        except PitchgateError as error:
            await Runner(self.context, self.authorizer, self.failed).after(job, error)

    def now(self) -> datetime:
        return self.gmail.now

    def wait(self, **amount: float) -> None:
        """Time passes."""
        self.gmail.now += timedelta(**amount)

    async def mailbox(self) -> Mailbox:
        mailbox = await self.store.mailbox(self.mailbox_id)
        assert mailbox is not None
        return mailbox

    async def duty(self, duty: Duty) -> DutyJob:
        """It is asked for now; as the lane would begin it."""
        await self.store.request_duty(self.mailbox_id, duty, self.now())
        work = await self.store.lane_work(self.mailbox_id, 0)
        return next(job for job in work.duties if job.duty is duty)

    async def push(self) -> None:
        """Google tells of a change."""
        told = NoticeHint(self.gmail.position, self.now())
        if not self.context.looks.has_looked(self.mailbox_id):
            await self.store.note_push("ana@corp.test", told, self.now())
            return
        self.context.looks.after_push(self.mailbox_id, told, 0.0, already_listed=False, echo=False)

    async def save_preferences(self, **changes: object) -> None:
        preferences = (await self.mailbox()).preferences.changed(**changes)
        await self.store.save_preferences(self.mailbox_id, preferences, self.now())

    async def settle(self, turns: int = 60) -> None:
        """Run what is due; a retry waits for its time."""
        for _ in range(turns):
            if not await self._turn():
                return
        raise AssertionError("the jobs never come to rest")

    async def work_for(self, seconds: float) -> None:
        """Run what is due until this much time has passed, whether or not the jobs come to rest."""
        until = self.now() + timedelta(seconds=seconds)
        while self.following or ((due := await self.next()) is not None and due <= until):
            await self._turn()
        self.gmail.now = until

    async def next(self) -> datetime | None:
        """When there is something to do."""
        due, look = (await self.store.lanes()).get(self.mailbox_id), self.context.looks.next()
        at = None if look is None else datetime.fromtimestamp(look, UTC)
        return min((one for one in (due, at) if one is not None), default=None)

    async def _turn(self) -> bool:
        now = self.now()
        work = await self.store.lane_work(self.mailbox_id, 1)
        left = self.careful and any(job.due_at <= now for job in work.messages)
        if not (self.following or left) and (look := self.context.looks.begin()) is not None:
            await self._looked(look)
            return True
        kept, self.following = self.following[:1], self.following[1:]
        # Of duties due at once the one that a connect orders first; a server begins them all.
        duties = sorted(work.duties, key=lambda job: (job.due_at, list(Duty).index(job.duty)))
        due: list[MessageJob | DutyJob] = [*kept, *work.messages, *duties]
        job = next((one for one in due if one in kept or one.due_at <= now), None)
        if job is None:
            self.careful = False
            at = await self.next()
            if at is None or at > now + timedelta(minutes=5):
                return False
            self.gmail.now = max(at, now + timedelta(milliseconds=1))
            return True
        try:
            if isinstance(job, MessageJob):
                if self.careful:
                    await self.store.count_death(job)
                self._go_on(await run_stage(self.context, job))
            else:
                await self._together(run_duty(self.context, self.authorizer, job, self))
        except Died:
            self.die()
        except PitchgateError as error:
            await Runner(self.context, self.authorizer, self.failed).after(job, error)
        return True

    def _go_on(self, following: MessageJob | None) -> None:
        self.following += () if following is None else (following,)

    async def _together(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it to its end, with what it finds, or until the process dies."""
        main = asyncio.create_task(work)
        left: set[asyncio.Task[Any]] = {main}
        try:
            while left:
                done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if isinstance(error := task.exception(), Died):
                        raise error
                left |= {*self.screening} - done
                self.screening.clear()
        finally:
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        return main.result()

    async def _looked(self, look: Look) -> None:
        looks, began = self.context.looks, self.now()
        try:
            again = await self._together(look_at(self.context, look, self))
        except Died:
            self.die()
        except LaneLost:
            looks.end(look, 0.0)
        except StoreAway:
            looks.end(look, 1.0)
        except PitchgateError as error:
            await Runner(self.context, self.authorizer, self.failed).after_look(look, error, began)
            looks.end(look)
        else:
            looks.end(look, again)

    def die(self) -> None:
        """The process ends; another starts a minute later, and looks at every history."""
        self.deaths += 1
        self.following = ()
        self.wait(seconds=61)
        self.context = replace(self.context, looks=Looks(lambda: self.gmail.now.timestamp()))
        self.context.looks.at_once(self.mailbox_id)
        self.careful = True


@pytest.fixture
async def fixture(tmp_path: Path) -> AsyncIterator[Fixture]:
    """Ana's mailbox, connected and indexed, in mode challenge, with two credits a solve."""
    async with open_fixture(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def open_fixture(tmp_path: Path) -> AsyncIterator[Fixture]:
    """What the fixture `house` gives, for tests that need many of them."""
    gmail, scorer, secrets = FakeGmail(), FakeScorer(), Secrets()
    store = open_store(migrated(tmp_path / "store.sqlite3"), PlainKeys())
    await store.open()

    class Now:
        def now(self) -> datetime:
            return gmail.now

    settings = Settings(state_dir=tmp_path, public_url="https://gate.test", index_limit=100)
    reader = FakeReader(scorer.score, scorer.thresholds)
    looks = Looks(lambda: gmail.now.timestamp())
    context = Context(settings, store, gmail, reader, Now(), secrets, secrets, FakePushService(), looks=looks)
    mailbox = await store.connect(
        NewMailbox(
            id="box1",
            sub="sub1",
            email="ana@corp.test",
            name="Ana",
            sealed_token=b"sealed",
            scopes=frozenset(settings.scopes),
            preferences=Preferences(mode=Mode.CHALLENGE, credits_per_solve=2),
        ),
        gmail.now,
    )
    stop = asyncio.Event()
    owning = asyncio.create_task(store.ownership.run(stop, lambda: None))
    while not store.ownership.owns(mailbox.id):  # noqa: ASYNC110 - one turn of the loop
        await asyncio.sleep(0)
    fixture = Fixture(context, gmail, store, scorer, reader, NoAuthorizer(), mailbox.id)
    await fixture.settle()
    assert (await fixture.mailbox()).indexed_at is not None
    gmail.calls.clear()
    try:
        yield fixture
    finally:
        stop.set()
        with suppress(RuntimeError):  # a test has closed the store
            await owning
        await store.close()


def letter(
    sender: str = "sam@seller.test",
    text: str = "a pitchy letter",
    *,
    to: str = "ana@corp.test",
    trust: str = TRUSTED,
    subject: str = "Hello",
    **headers: str,
) -> Message:
    """A mail to Ana; by default an authentic pitch from a stranger."""
    domain = sender.rpartition("@")[2]
    fields = {
        "Authentication-Results": trust.format(domain),
        "Received": "from seller.test by mx.google.com",
        "From": f"Sam <{sender}>",
        "To": to,
        "Subject": subject,
        "Message-ID": f"<{abs(hash((sender, text, subject)))}@{domain}>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return Message(
        headers=Headers(tuple(fields.items())),
        from_=(Address(sender, "Sam"),),
        to=(Address(to),),
        subject=subject,
        message_id=fields["Message-ID"],
        in_reply_to=fields.get("In-Reply-To", ""),
        text=text,
    )


__all__ = ["FORGED", "Fixture", "letter", "open_fixture"]
