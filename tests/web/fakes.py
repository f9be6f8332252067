"""In-memory stand-ins for what the web is given. They behave; they do not record expectations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

from pydantic import SecretStr
from quart.typing import TestClientProtocol as Client

from backend.captcha.proof_of_work import ProofOfWork
from backend.captcha.typed_code import TypedCode
from backend.domain.entry.challenge import Challenge, ChallengeState, Solved, appeal_line
from backend.domain.envelope import Metadata
from backend.domain.errors import Expired, NotFound, Refused
from backend.domain.mail.message import Owner
from backend.domain.mailbox.labels import Placement
from backend.domain.mailbox.mailbox import Link, Mailbox, Preferences
from backend.domain.mailbox.message_record import MessageView
from backend.pipeline.checks import Checks
from backend.pipeline.connect import Connected
from backend.pipeline.solve import CodeDue, OpenChallenge, Promised
from backend.ports.captcha import Kind
from backend.ports.jobs import PushFate
from backend.ports.store import Store
from backend.settings import Settings
from backend.system.vault import MultiFernetVault, make_key
from backend.web.services import Services
from tests.doubles import START as NOW
from tests.doubles import FixedClock, SeededTokens

__all__ = ["NOW", "Client"]

TOKEN = "A" * 32
SECRET = "a secret of sufficient length"


def open_challenge(**changes: Any) -> OpenChallenge:
    """A challenge as its page sees it."""
    plain = OpenChallenge(
        challenge_id="ch1",
        owner="Ana Torres",
        sender="max@vendor.example",
        subject="Grow your pipeline by 300 %",
        language="en",
        factor=1,
        credits=3,
        waiting=1,
        delivers=1,
        expires_at=NOW + timedelta(days=14),
        wait=timedelta(minutes=10),
    )
    return replace(plain, **changes)


@dataclass
class FakeEntrances:
    """The pipeline's entrances over dictionaries. `broken` is raised by every one of them when set."""

    checks: Checks
    clock: FixedClock
    open: dict[str, OpenChallenge] = field(default_factory=lambda: {TOKEN: open_challenge()})
    closed: dict[str, Expired] = field(default_factory=dict)
    signatures: set[str] = field(default_factory=set)
    released: tuple[str, ...] = ("m1",)
    still: int = 0
    solves: int = 0
    starts: int = 0
    tries: dict[str, int] = field(default_factory=dict)
    pushes: list[bytes] = field(default_factory=list)
    metadata: list[Metadata] = field(default_factory=list)
    fate: PushFate | None = PushFate.NEW
    connected: Connected | None = None
    finishes: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    begun: int = 0
    account: str = ""
    broken: Exception | None = None

    async def push(self, authorization: str, body: bytes, metadata: Metadata) -> PushFate | None:
        """Take what Pub/Sub's own bearer brings."""
        self._break()
        self.pushes.append(body)
        self.metadata.append(metadata)
        return self.fate

    async def begin_connect(self, account: str = "") -> tuple[str, str]:
        """A consent page and a sealed state."""
        self._break()
        self.account = account
        self.begun += 1
        return "https://accounts.google.com/o/oauth2/v2/auth?state=s1", "sealed-state"

    async def finish_connect(self, state_cookie: str, query: Mapping[str, str]) -> Connected:
        """Whatever `connected` says."""
        self._break()
        self.finishes.append((state_cookie, dict(query)))
        assert self.connected is not None
        return self.connected

    async def open_challenge(self, token: str) -> OpenChallenge:
        """The challenge behind `token`."""
        self._break()
        if token in self.closed:
            raise self.closed[token]
        if token not in self.open:
            raise NotFound("This link is not one of ours.", "Copy it whole.", code="link_unknown")
        return self.open[token]

    async def begin_check(self, token: str, noted: bool) -> Mapping[str, Any]:
        """A real task; `starts` counts the noted ones."""
        challenge = await self.open_challenge(token)
        self.starts += noted
        return self.checks.first.task(challenge.challenge_id, challenge.factor, self.clock.now())

    async def solve_challenge(
        self, token: str, payload: str, kind: Kind | None = None
    ) -> Solved | CodeDue | Promised:
        """Check for real, bar replays and a fourth try, close the link."""
        challenge = await self.open_challenge(token)
        captcha, now = self.checks.of(kind or self.checks.first.kind), self.clock.now()
        answer = await captcha.verify(payload, challenge.challenge_id, challenge.factor, now)
        if answer.most_tries:
            self.tries[answer.tried] = self.tries.get(answer.tried, 0) + 1
            if self.tries[answer.tried] > answer.most_tries:
                raise Refused("Too often.", "A new one.", code="captcha_code_spent")
            if not answer.right:
                raise Refused("Wrong.", "Look again.", code="captcha_code_wrong")
        elif self.checks.code_follows(challenge.factor):
            made = self.checks.codes.after_work(
                challenge.challenge_id, challenge.factor, answer.signature, now
            )
            return CodeDue(made)
        if answer.alone and challenge.deliver_at is not None:
            return Promised(challenge.deliver_at)
        if answer.signature in self.signatures:
            raise Refused("Used already.", "Start again.", code="captcha_replayed")
        self.signatures.add(answer.signature)
        if answer.alone:
            self.open[token] = replace(challenge, deliver_at=now + challenge.wait)
            return Promised(now + challenge.wait)
        if not self.still:
            self.closed[token] = Expired("Used already.", code="link_used")
        self.solves += 1
        return Solved(self.released, challenge.credits - len(self.released), challenge.sender, self.still)

    async def another_code(self, token: str, ticket: str) -> str:
        """A new code for an old one."""
        challenge = await self.open_challenge(token)
        return self.checks.codes.another(ticket, challenge.challenge_id, self.clock.now())

    async def show_code(self, token: str, ticket: str, spoken: bool) -> bytes:
        """Drawn or spoken for real."""
        challenge = await self.open_challenge(token)
        shown = self.checks.codes.sound if spoken else self.checks.codes.picture
        return await shown(ticket, challenge.challenge_id, self.clock.now())

    async def appeal(self, token: str, text: str) -> str:
        """Kept with the challenge."""
        challenge = await self.open_challenge(token)
        line = appeal_line(text)
        self.open[token] = replace(challenge, appeal=line)
        return line

    def _break(self) -> None:
        if self.broken is not None:
            raise self.broken


@dataclass
class FakeStore:
    """The few reads the web makes itself."""

    counts: dict[str, int] = field(default_factory=dict)
    boxes: tuple[Mailbox, ...] = ()
    views: tuple[MessageView, ...] = ()
    challenges: dict[str, Challenge] = field(default_factory=dict)
    down: bool = False

    async def ping(self) -> None:
        """Answer, unless `down`."""
        if self.down:
            raise ConnectionError("secret-dsn://user:password@host")

    async def census(self) -> Mapping[str, int]:
        """`counts`."""
        await self.ping()
        return self.counts

    async def mailboxes(self) -> tuple[Mailbox, ...]:
        """`boxes`."""
        return self.boxes

    async def messages(
        self, mailbox_id: str, placement: Placement | None = None, limit: int = 50, before: str = ""
    ) -> tuple[MessageView, ...]:
        """`views` of that mailbox."""
        return tuple(view for view in self.views if view.mailbox_id == mailbox_id)[:limit]

    async def challenge_of(self, mailbox_id: str, gmail_id: str) -> Challenge | None:
        """From `challenges`."""
        return self.challenges.get(gmail_id)


@dataclass
class World:
    """One app's surroundings, in the hands of a test."""

    settings: Settings
    clock: FixedClock
    store: FakeStore
    captcha: ProofOfWork
    entrances: FakeEntrances
    checks: Checks

    @property
    def services(self) -> Services:
        """What `create_app` is given."""
        return Services(
            self.settings, self.clock, cast(Store, self.store), self.checks, self.entrances, lambda: "model-7"
        )


def world(
    cost: int = 10, clock: FixedClock | None = None, checks: Checks | None = None, **settings: Any
) -> World:
    """Fakes with a real captcha of `cost` iterations a step."""
    clock = clock or FixedClock()
    captcha = ProofOfWork(SECRET, base_cost=cost, life=900.0, draw=lambda below: 3 * below // 4)
    checks = checks or Checks(captcha, typed_codes())
    entrances = FakeEntrances(checks, clock)
    settings = {"live_page": True} | settings
    return World(Settings(**settings), clock, FakeStore(), captcha, entrances, checks)


def typed_codes() -> TypedCode:
    """Real codes under a key of this moment."""
    return TypedCode(MultiFernetVault([SecretStr(make_key())]), SeededTokens(), life=900.0)


def mailbox(**changes: Any) -> Mailbox:
    """Ana's mailbox, just connected."""
    plain = Mailbox(
        id="mb1",
        sub="1001",
        owner=Owner("ana@corp.test", "Ana Torres"),
        link=Link.CONNECTED,
        preferences=Preferences(),
        scopes=frozenset(),
        created_at=NOW,
    )
    return replace(plain, **changes)


def message(gmail_id: str = "m1", **changes: Any) -> MessageView:
    """A pitch that is held and answered."""
    plain = MessageView(
        mailbox_id="mb1",
        gmail_id=gmail_id,
        thread_id=gmail_id,
        stage=None,
        placement=Placement.HELD,
        outcome="challenge",
        row="challenge",
        score=0.97,
        reasons=(),
        guards=(),
        cause="",
        sender="max@vendor.example",
        sender_name="Max Vendor",
        subject="Grow your pipeline by 300 %",
        model="model-7",
        first_seen_at=NOW,
        received_at=NOW,
        decided_at=NOW,
        changed_at=NOW,
        set_aside=False,
        decided_by="",
    )
    return replace(plain, **changes)


def challenge(gmail_id: str = "m1", state: ChallengeState = ChallengeState.SENT) -> Challenge:
    """The challenge about a message."""
    return Challenge(
        id=f"ch-{gmail_id}",
        mailbox_id="mb1",
        gmail_id=gmail_id,
        thread_id=gmail_id,
        sender="max@vendor.example",
        state=state,
        message_id=f"<{gmail_id}@pitchgate.test>",
        sealed_token=b"",
        created_at=NOW,
        expires_at=NOW + timedelta(days=14),
    )
