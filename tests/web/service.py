"""The web over the real pipeline and an embedded store: Gmail, Google's consent page and its signatures are faked."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr
from quart import Quart
from quart.typing import TestClientProtocol as Client

from backend.captcha.own_tasks import ProofOfWork, TypedCode
from backend.domain.challenge import Challenge, token_hash
from backend.domain.errors import Refused
from backend.domain.mail.message import Address, Arrival, Message
from backend.domain.mailbox.mailbox import Grant, Preferences, Strictness
from backend.domain.mailbox.message import Outcome, Verdict
from backend.domain.reading.score import Reason, Score, Thresholds
from backend.pipeline.account import ArchiveService
from backend.pipeline.context import Context
from backend.pipeline.devices import DeviceService, WebPushService
from backend.pipeline.review import InsightService, ReviewService
from backend.pipeline.solve import Checks
from backend.pipeline.stages import run_duty
from backend.ports.gmail import Access
from backend.settings import IDENTITY, Settings
from backend.store.opening import open_store
from backend.transactions.records import Duty, NewDevice, OneTimeCode, Purpose, Scope
from backend.transactions.store import Store
from backend.vault import MultiFernetVault, make_key
from backend.web.app import create_app
from backend.web.services import Services
from tests.contract.store.stories import ROWS, Story
from tests.doubles import FixedClock, GlassVault, NoAuthorizer, PlainKeys, SeededTokens
from tests.fakes.gmail import FakeGmail
from tests.fakes.push_service import FakePushService
from tests.fakes.reader import FakeReader
from tests.once import keep_templates, migrated

ALL = frozenset(Scope)
SECRET = "a secret of sufficient length"
TOKEN = "A" * 32
"""Of the link that `Office.link` makes by default."""

LINK = f"/c/{TOKEN}"
MAX = "max@vendor.example"


_TEMPLATES = tempfile.TemporaryDirectory()
keep_templates(_TEMPLATES.name)


@dataclass
class ListServers:
    """Implements `backend.ports.system.Unsubscriber`: every list there is, each of which takes the click."""

    clicked: list[str] = field(default_factory=list)
    trouble: Refused | None = None

    async def one_click(self, url: str) -> None:
        """Noted, or refused as a test has asked for."""
        self.clicked.append(url)
        if self.trouble is not None:
            raise self.trouble


class ConsentPage(NoAuthorizer):
    """Implements `backend.ports.gmail.Authorizer`: Google's consent page, where somebody says yes to everything."""

    def __init__(self, scopes: frozenset[str]) -> None:
        super().__init__()
        self.grant = Grant("sub-ana", "ana@corp.test", "Ana", "refresh-1", scopes)
        self.trouble: Exception | None = None
        self.begun: list[dict[str, str]] = []
        self.redeemed: list[str] = []

    def consent_url(
        self, access: Access, *, state: str, nonce: str, verifier: str, login_hint: str = ""
    ) -> str:
        """Noted, and where Google's page is."""
        self.begun.append({"state": state, "login_hint": login_hint, "access": access.value})
        return f"https://accounts.google.com/o/oauth2/v2/auth?{urlencode({'state': state})}"

    async def redeem(self, access: Access, *, code: str, verifier: str, nonce: str) -> Grant:
        """The `grant`, or the trouble a test has asked for; as much of it as was asked for."""
        self.redeemed.append(code)
        if self.trouble is not None:
            raise self.trouble
        assert access.value == self.begun[-1]["access"]
        if access is Access.IDENTITY:
            return replace(self.grant, refresh_token="", scopes=frozenset(IDENTITY))
        return self.grant

    def back(self, **changes: str) -> str:
        """The address Google leads the browser back to that began last."""
        query = {"code": "4/0Ab", "state": self.begun[-1]["state"], "authuser": "0"} | changes
        return f"/connect/callback?{urlencode(query)}"


@dataclass
class Callers:
    """Implements `backend.ports.gmail.PushCallers`: believes everybody, or refuses as a test has asked for."""

    trouble: Exception | None = None
    seen: list[tuple[str, str | None]] = field(default_factory=list)

    async def verify_push(self, authorization: str, subscription: str | None) -> None:
        self.seen.append((authorization, subscription))
        if self.trouble is not None:
            raise self.trouble


class FixedScorer:
    """Says 0.97 of a text with the word "pitchy", 0.6 of one with "maybe", 0.02 of any other."""

    def score(self, text: str) -> Score:
        probability = 0.97 if "pitchy" in text else 0.6 if "maybe" in text else 0.02
        return Score(probability, 1.0, (Reason("phrase.asks_call", 1.5, ("a quick call",)),), "fixed")

    def thresholds(self, strictness: Strictness) -> Thresholds:
        holds = {Strictness.RELAXED: 0.9, Strictness.NORMAL: 0.7, Strictness.STRICT: 0.5}
        return Thresholds(0.1, holds[strictness], 0.95, 0.5)


@dataclass
class Office:
    """Ana's and Eve's mailboxes, and what the web does with them."""

    services: Services
    story: Story
    gmail: FakeGmail
    google: ConsentPage
    callers: Callers
    app: Quart
    lists: ListServers
    reader: FakeReader
    clock: FixedClock

    @property
    def store(self) -> Store:
        return self.story.store

    @property
    def service(self) -> DeviceService:
        return self.services.devices

    @property
    def context(self) -> Context:
        return self.services.context

    @property
    def settings(self) -> Settings:
        return self.context.settings

    async def link(
        self,
        token: str = TOKEN,
        sender: str = MAX,
        *,
        waiting: int = 1,
        solved: int = 0,
        authenticated: bool = True,
        **facts: Any,
    ) -> Challenge:
        """A sender's open link: `waiting` messages of theirs are held. It has been `solved` so
        often before, which doubled the price each time. `facts` change what is kept of the messages."""
        worth = Preferences().credits_per_solve
        await self._hold_behind(token, sender, waiting + solved * worth, authenticated, facts)
        for _ in range(solved):
            await self.story.solve_id((await self.challenge(token)).id, token=token)
            await self.story.work()
        return await self.challenge(token)

    async def more(self, sender: str = MAX, **facts: Any) -> None:
        """Another message of a sender who has been asked is held."""
        gmail_id = f"more-{next(self.story.numbers)}"
        await self.story.arrive("ana", gmail_id)
        await self.judge(gmail_id, Outcome.HOLD, sender, **facts)
        await self.story.work()

    async def challenge(self, token: str = TOKEN) -> Challenge:
        """What is kept about a link."""
        found = await self.store.challenge_by_token(token_hash(token))
        assert found is not None
        return found

    async def solves(self, token: str = TOKEN) -> int:
        """How often somebody was let in by a link."""
        return (await self.challenge(token)).solves

    async def begun(self) -> int:
        """How many senders began their check, as the owner sees it."""
        return (await self.services.insights.look("ana"))[1].funnel.begun

    async def note(self, token: str = TOKEN) -> str:
        challenge = await self.challenge(token)
        return (await self.story.view(challenge.mailbox_id, challenge.about)).note

    async def at_work(self, mailbox_id: str = "ana") -> None:
        """Google tells us of the mailbox's changes, and we have learnt whom its owner writes to."""
        job = await self.story.hold(mailbox_id, Duty.INDEX)
        await self.store.save_index(job, "", 40, 40, True, self.story.now)
        await self.store.finish_duty(job, None)
        await self.store.save_watch(mailbox_id, self.story.now + timedelta(days=5), "900")

    async def connect(self, client: Client, name: str = "ana", agent: str = "", **form: str) -> Any:
        """The answer to somebody who goes to Google with this account and is led back."""
        headers = {"User-Agent": agent} if agent else {}
        await client.post("/connect", form=form, headers=headers)
        self.google.grant = replace(self.google.grant, sub=f"sub-{name}", email=f"{name}@corp.test")
        return await client.get(self.google.back(), headers=headers)

    async def duties(self) -> None:
        """Duties that are due are done once."""
        while (job := await self.story.due_duty(self.clock.now())) is not None:
            await run_duty(self.context, self.google, job)

    async def token(
        self, mailbox_id: str = "ana", scopes: frozenset[Scope] = ALL, name: str = "laptop"
    ) -> str:
        """The token of a computer that has been let in."""
        token = self.context.tokens.token(32)
        until = self.story.now + timedelta(days=1)
        code = OneTimeCode(token_hash(token), mailbox_id, Purpose.DEVICE, "x", until, name)
        await self.store.add_code(code, self.story.now)
        await self.store.exchange(
            token_hash(token), "x", NewDevice(f"d-{token[:8]}", token_hash(token), scopes), self.story.now
        )
        return token

    async def caller(self, mailbox_id: str = "ana", scopes: frozenset[Scope] = ALL) -> Caller:
        return Caller(self.app.test_client(), await self.token(mailbox_id, scopes))

    async def hold(
        self, gmail_id: str, sender: str = "bo@pitch.test", mailbox_id: str = "ana", **mail: Any
    ) -> str:
        """A held message, and the mail it is at Gmail."""
        await self.story.receive(mailbox_id, gmail_id, Outcome.HOLD, sender)
        message = Message(from_=(Address(sender, "Bo"),), subject="More leads", **({"text": "Hi Ana"} | mail))
        self.gmail.messages[gmail_id] = Arrival(
            gmail_id, f"t-{gmail_id}", frozenset(), self.story.now, message
        )
        return gmail_id

    async def browser(self, mailbox_id: str = "ana") -> Client:
        """A browser whose owner has signed in."""
        client = self.app.test_client()
        secret = await self.service.sign_in(mailbox_id)
        client.set_cookie("localhost", "pitchgate-session", secret)
        return client

    async def _hold_behind(
        self, token: str, sender: str, waiting: int, authenticated: bool, facts: Mapping[str, Any]
    ) -> None:
        for number in range(waiting):
            gmail_id = f"{token[:20]}-{number}"
            await self.story.arrive("ana", gmail_id)
            await self.judge(gmail_id, Outcome.HOLD if number else Outcome.CHALLENGE, sender, token=token,
                             authenticated=authenticated, **facts)  # fmt: skip
            await self.story.work()

    async def judge(
        self, gmail_id: str, outcome: Outcome, sender: str = MAX, *, token: str = TOKEN,
        score: float | None = 0.97, **facts: Any,
    ) -> None:  # fmt: skip
        """The message that is due is judged; what follows is due then."""
        story = self.story
        job = await story.job(gmail_id)
        plain = {"subject": "Grow your pipeline by 300 %", "sender_name": "Max Vendor", "language": "en"}
        screened = story.screened(sender, **(plain | facts))
        intent = story.intent(sender, token) if outcome is Outcome.CHALLENGE else None
        found = None if score is None else Score(score, 3.5, (), "model-7")
        await story.store.record_verdict(
            job, Verdict(outcome, ROWS[outcome], found), screened, intent, story.now
        )


@dataclass
class Caller:
    """A client of the API with a token."""

    client: Client
    token: str

    async def call(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return await self.client.open(f"/api/v1/{path}", method=method, headers=headers, **more)

    async def request(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """Its JSON, if it has this status."""
        answer = await self.call(method, path, **more)
        assert answer.status_code == status, await answer.get_data(as_text=True)
        assert answer.headers["Pitchgate-Api"] == "1"
        return await answer.get_json()


def proof_of_work(cost: int = 10) -> ProofOfWork:
    """The real check, at `cost` iterations a step."""
    return ProofOfWork(SECRET, base_cost=cost, life=900.0, draw=lambda below: 3 * below // 4)


def typed_codes(**more: Any) -> TypedCode:
    vault = MultiFernetVault([SecretStr(make_key())])
    return TypedCode(vault, SeededTokens(), **({"life": 900.0} | more))


def unopened(**settings: Any) -> Office:
    """The same without an open store or anybody's mailbox: for what asks neither."""
    return _office(open_store(Path("never-opened.sqlite3")), None, None, settings)


@asynccontextmanager
async def office(
    folder: Path, stopping: asyncio.Event | None = None, checks: Checks | None = None, **settings: Any
) -> AsyncIterator[Office]:
    """Everything, open."""
    (file := folder / "web.sqlite3").write_bytes(await _owners())
    async with _opened(file) as store:
        yield _office(store, stopping, checks, settings)


_made: list[bytes] = []


async def _owners() -> bytes:
    """The file of a store in which Ana and Eve have connected: the same for everybody, so it is made once."""
    if not _made:
        with tempfile.TemporaryDirectory() as folder:
            file = migrated(Path(folder, "web.sqlite3"))
            async with _opened(file) as store:
                for name in ("ana", "eve"):
                    await Story(store).mailbox(name)
            _made.append(file.read_bytes())
    return _made[0]


@asynccontextmanager
async def _opened(file: Path) -> AsyncIterator[Store]:
    store = open_store(file, PlainKeys())
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def _office(
    store: Store, stopping: asyncio.Event | None, checks: Checks | None, settings: Mapping[str, Any]
) -> Office:
    clock, scorer, lists, callers = FixedClock(), FixedScorer(), ListServers(), Callers()
    gmail, reader = FakeGmail(now=clock.now()), FakeReader(scorer.score, scorer.thresholds)
    fields = Settings(**({"live_page": True} | dict(settings)))
    context = Context(fields, store, gmail, reader, clock, SeededTokens(), GlassVault(), FakePushService())
    google = ConsentPage(frozenset(fields.scopes))
    services = Services(
        context,
        google,
        callers,
        checks or Checks(proof_of_work(), typed_codes()),
        DeviceService(context),
        ReviewService(context, lists),
        InsightService(context),
        ArchiveService(context),
        WebPushService(context),
    )
    app = create_app(services, stopping)
    return Office(services, Story(store), gmail, google, callers, app, lists, reader, clock)
