"""A mailbox at a fake Gmail, a real SQLite store, and a worker that can die at any call."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from backend.domain.errors import PitchgateError
from backend.domain.mail.message import Address, Headers, Message
from backend.domain.mailbox.mailbox import Mailbox, Mode, Preferences, Strictness
from backend.domain.reading.score import Reason, Score, Thresholds
from backend.pipeline.context import Context
from backend.pipeline.stages import run_duty, run_stage
from backend.settings import Settings
from backend.store.opening import open_store
from backend.transactions.records import MessageJob, NewMailbox, Notice
from backend.transactions.store import Store
from backend.worker.endings import Endings
from tests.doubles import NoAuthorizer, PlainKeys
from tests.fakes.gmail import Died, FakeGmail
from tests.fakes.push_service import FakePushService
from tests.fakes.reader import FakeReader
from tests.once import migrated

LEASE = timedelta(seconds=60)
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
    """Everything one story needs. `settle` runs due jobs, over deaths and leases, until nothing is due."""

    context: Context
    gmail: FakeGmail
    store: Store
    scorer: FakeScorer
    reader: FakeReader
    authorizer: NoAuthorizer
    mailbox_id: str
    deaths: int = 0
    pushes: int = field(default=0)
    following: tuple[MessageJob, ...] = ()
    """What the worker that ended the last stage goes on with."""
    failed: Counter[tuple[str, str]] = field(default_factory=Counter)

    def now(self) -> datetime:
        return self.gmail.now

    def wait(self, **amount: float) -> None:
        """Time passes."""
        self.gmail.now += timedelta(**amount)

    async def mailbox(self) -> Mailbox:
        mailbox = await self.store.mailbox(self.mailbox_id)
        assert mailbox is not None
        return mailbox

    async def push(self) -> None:
        """Google tells of a change."""
        self.pushes += 1
        notice = Notice(f"push-{self.pushes}", "ana@corp.test", str(self.gmail.position))
        await self.store.note_push(notice, self.now(), self.now())

    async def save_preferences(self, **changes: object) -> None:
        preferences = (await self.mailbox()).preferences.changed(**changes)
        await self.store.save_preferences(self.mailbox_id, preferences, self.now())

    async def settle(self, turns: int = 60) -> None:
        """Run what is due; a death or a retry waits for its lease or its time."""
        for _ in range(turns):
            if not await self._turn():
                return
        raise AssertionError("the jobs never come to rest")

    async def work_for(self, seconds: float) -> None:
        """Run what is due until this much time has passed, whether or not the jobs come to rest."""
        until = self.now() + timedelta(seconds=seconds)
        while self.following or (
            (due := (await self.store.next_due(self.now())).first) is not None and due <= until
        ):
            await self._turn()
        self.gmail.now = until

    async def _turn(self) -> bool:
        now = self.now()
        kept, self.following = self.following[:1], self.following[1:]
        jobs = kept or await self.store.claim_messages("w", now, now + LEASE, 1)
        duty = None if jobs else await self.store.claim_duty("w", now, now + LEASE)
        job = jobs[0] if jobs else duty
        if job is None:
            due = (await self.store.next_due(now)).first
            if due is None or due > now + timedelta(minutes=5):
                return False
            self.gmail.now = max(due, now + timedelta(milliseconds=1))
            return True
        try:
            if jobs:
                self.following += await run_stage(self.context, jobs[0])
            elif duty is not None:
                self.following += await run_duty(self.context, self.authorizer, duty)
        except Died:
            self.deaths += 1
            self.wait(seconds=61)
        except PitchgateError as error:
            await Endings(self.context, self.failed).after(job, error)
        return True


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
    context = Context(settings, store, gmail, reader, Now(), secrets, secrets, FakePushService())
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
    fixture = Fixture(context, gmail, store, scorer, reader, NoAuthorizer(), mailbox.id)
    await fixture.settle()
    assert (await fixture.mailbox()).indexed_at is not None
    gmail.calls.clear()
    try:
        yield fixture
    finally:
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
