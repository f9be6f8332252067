"""An app with a real embedded store behind its API and review page, and people who use both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from quart import Quart
from quart.typing import TestClientProtocol as Client

from backend.domain.entry.challenge import token_hash
from backend.domain.errors import Refused
from backend.domain.mail.message import Address, Arrival, Message
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.verdict import Outcome
from backend.domain.reading.score import Reason, Score, Thresholds
from backend.pipeline.archive import ArchiveService
from backend.pipeline.context import Context
from backend.pipeline.devices import DeviceService
from backend.pipeline.insights import InsightService
from backend.pipeline.review import ReviewService
from backend.ports.devices import NewDevice, OneTimeCode, Purpose, Scope
from backend.store import SqlStore, open_store
from backend.web.app import create_app
from tests.contract.store.stories import Story
from tests.doubles import FixedClock, GlassVault, SeededTokens
from tests.fakes.gmail import FakeGmail
from tests.fakes.reader import FakeReader
from tests.web.fakes import World, world

ALL = frozenset(Scope)


@dataclass
class ListServers:
    """Implements `backend.ports.unsubscribe.Unsubscriber`: every list there is, each of which takes the click."""

    clicked: list[str] = field(default_factory=list)
    trouble: Refused | None = None

    async def one_click(self, url: str) -> None:
        """Noted, or refused as a test has asked for."""
        self.clicked.append(url)
        if self.trouble is not None:
            raise self.trouble


class FixedScorer:
    """Says 0.97 of a text with the word "pitchy", 0.6 of one with "maybe", 0.02 of any other."""

    def score(self, text: str) -> Score:
        probability = 0.97 if "pitchy" in text else 0.6 if "maybe" in text else 0.02
        return Score(
            probability, 1.0, (Reason("asks for a call or a meeting", 1.5, ("a quick call",)),), "fixed"
        )

    def thresholds(self, strictness: Strictness) -> Thresholds:
        holds = {Strictness.RELAXED: 0.9, Strictness.NORMAL: 0.7, Strictness.STRICT: 0.5}
        return Thresholds(0.1, holds[strictness], 0.95, 0.5)


@dataclass
class Office:
    """Ana's and Eve's mailboxes, and what the web does with them."""

    around: World
    story: Story
    gmail: FakeGmail
    service: DeviceService
    app: Quart
    lists: ListServers
    reader: FakeReader

    @property
    def store(self) -> SqlStore:
        return self.story.store

    async def token(
        self, mailbox_id: str = "ana", scopes: frozenset[Scope] = ALL, name: str = "laptop"
    ) -> str:
        """The token of a computer that has been let in."""
        token = self.service.context.tokens.token(32)
        code = OneTimeCode(
            token_hash(token), mailbox_id, Purpose.DEVICE, "x", self.story.now.replace(year=2090), name
        )
        await self.store.add_code(code, self.story.now)
        await self.store.exchange(
            token_hash(token), "x", NewDevice(f"d-{token[:8]}", token_hash(token), scopes), self.story.now
        )
        return token

    async def caller(self, mailbox_id: str = "ana", scopes: frozenset[Scope] = ALL) -> Caller:
        """A computer's way to the API."""
        return Caller(self.app.test_client(), await self.token(mailbox_id, scopes))

    async def hold(
        self, gmail_id: str, sender: str = "bo@pitch.test", mailbox_id: str = "ana", **mail: Any
    ) -> str:
        """A held message, and the mail it is at Gmail."""
        await self.story.receive(mailbox_id, gmail_id, Outcome.HOLD, sender)
        message = Message(from_=(Address(sender, "Bo"),), subject="More leads", **({"text": "Hi Ana"} | mail))
        self.gmail.mails[gmail_id] = Arrival(gmail_id, f"t-{gmail_id}", frozenset(), self.story.now, message)
        return gmail_id

    async def browser(self, mailbox_id: str = "ana") -> Client:
        """A browser whose owner has signed in."""
        client = self.app.test_client()
        secret = await self.service.sign_in(mailbox_id)
        client.set_cookie("localhost", "pitchgate-session", secret)
        return client


@dataclass
class Caller:
    """A client of the API with a token."""

    client: Client
    token: str

    async def call(self, method: str, path: str, **more: Any) -> Any:
        """The answer to one call."""
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return await self.client.open(f"/api/v1/{path}", method=method, headers=headers, **more)

    async def told(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """Its JSON, if it has this status."""
        answer = await self.call(method, path, **more)
        assert answer.status_code == status, await answer.get_data(as_text=True)
        assert answer.headers["Pitchgate-Api"] == "1"
        return await answer.get_json()


@asynccontextmanager
async def office(
    folder: Path, stopping: asyncio.Event | None = None, **settings: Any
) -> AsyncIterator[Office]:
    """Everything, open."""
    clock = FixedClock()
    around = world(clock=clock, **settings)
    store = open_store(folder / "web.sqlite3")
    await store.open()
    try:
        gmail = FakeGmail(now=clock.now())
        scorer = FixedScorer()
        reader = FakeReader(scorer.score, scorer.thresholds)
        context = Context(
            settings=around.settings,
            store=store,
            gmail=gmail,
            reader=reader,
            clock=clock,
            tokens=SeededTokens(),
            vault=GlassVault(),
        )
        service = DeviceService(context)
        story, lists = Story(store), ListServers()
        review = ReviewService(context, lists)
        services = {
            "devices": service,
            "review": review,
            "insights": InsightService(context),
            "archive": ArchiveService(context),
            "fail_opens": context.fail_opens,
        }
        app = create_app(replace(around.services, **cast(Any, services)), stopping)
        told = Office(around, story, gmail, service, app, lists, reader)
        await story.mailbox("ana")
        await story.mailbox("eve")
        yield told
    finally:
        await store.close()
