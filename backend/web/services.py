"""What the routes are given: everything they may touch, and nothing that knows a brand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from backend.domain.entry.challenge import Solved
from backend.domain.envelope import Metadata
from backend.pipeline import connect, notices, solve
from backend.pipeline.addon import AddonService
from backend.pipeline.archive import ArchiveService
from backend.pipeline.checks import Checks
from backend.pipeline.connect import Connected
from backend.pipeline.context import Context
from backend.pipeline.devices import DeviceService
from backend.pipeline.fail_opens import FailOpens
from backend.pipeline.insights import InsightService
from backend.pipeline.review import ReviewService
from backend.pipeline.solve import CodeDue, OpenChallenge, Promised
from backend.ports.callers import PushCallers
from backend.ports.captcha import Kind
from backend.ports.gmail import Authorizer
from backend.ports.jobs import PushFate
from backend.ports.store import Store
from backend.ports.system import Clock
from backend.settings import Settings


class Entrances(Protocol):
    """The stages that are entered over HTTP. Every error is one of `backend.domain.errors`."""

    async def push(self, authorization: str, body: bytes, metadata: Metadata) -> PushFate | None:
        """Verify and store one push. None: the envelope is malformed, which is acknowledged and counted.

        Raises `Unauthenticated`, and `TryLater` when it could not be verified. May run again.
        """
        ...

    async def begin_connect(self, account: str = "") -> tuple[str, str]:
        """Where to send the owner's browser, and the sealed state its cookie keeps.

        With `account`, the address of a mailbox that is to be connected again, coming back with another
        Google account is refused. Nothing tells the caller whether there is such a mailbox.
        """
        ...

    async def finish_connect(self, state_cookie: str, query: Mapping[str, str]) -> Connected:
        """The owner is back from Google with `query`; `state_cookie` is "" when they bring none.

        Raises `Expired` (connect_expired), `Refused` (connect_denied, connect_state, connect_account), or
        `TryLater`.
        """
        ...

    async def open_challenge(self, token: str) -> OpenChallenge:
        """Read the open challenge of a link; changes nothing.

        Raises `NotFound` (link_unknown) or `Expired` (link_expired, link_used, link_released, link_voided).
        """
        ...

    async def begin_check(self, token: str, noted: bool) -> Mapping[str, Any]:
        """A fresh task as public JSON; `noted`: remember that the sender began. Raises as `open_challenge`."""
        ...

    async def solve_challenge(
        self, token: str, payload: str, kind: Kind | None = None
    ) -> Solved | CodeDue | Promised:
        """Check an answer to the check of `kind` (None: the first), earn credits, order the release; or, for a code
        without work, say when that will be done by itself.

        Raises what `open_challenge` raises, `Refused` (captcha_wrong, captcha_expired, captcha_malformed,
        captcha_replayed, captcha_code_wrong, captcha_code_spent, captcha_code_closed), and `TryLater`.
        """
        ...

    async def another_code(self, token: str, ticket: str) -> str:
        """A new ticket for a typed code. Raises as `solve_challenge`."""
        ...

    async def show_code(self, token: str, ticket: str, spoken: bool) -> bytes:
        """A typed code's picture (PNG) or sound (WAV). Raises as `solve_challenge`."""
        ...

    async def appeal(self, token: str, text: str) -> str:
        """Keep the sender's line to the owner; returns it. Raises as `open_challenge`, and `Refused`
        (appeal_long)."""
        ...


@dataclass(frozen=True, slots=True)
class Stages:
    """The real entrances: the pipeline's functions with what they need already handed in."""

    context: Context
    authorizer: Authorizer
    push_callers: PushCallers
    checks: Checks

    async def push(self, authorization: str, body: bytes, metadata: Metadata) -> PushFate | None:
        """See `Entrances.push`."""
        return await notices.push(self.context, self.push_callers, authorization, body, metadata)

    async def begin_connect(self, account: str = "") -> tuple[str, str]:
        """See `Entrances.begin_connect`."""
        return await connect.begin_again(self.context, self.authorizer, account)

    async def finish_connect(self, state_cookie: str, query: Mapping[str, str]) -> Connected:
        """See `Entrances.finish_connect`."""
        return await connect.finish(self.context, self.authorizer, state_cookie, query)

    async def open_challenge(self, token: str) -> OpenChallenge:
        """See `Entrances.open_challenge`."""
        return await solve.open_challenge(self.context, token)

    async def begin_check(self, token: str, noted: bool) -> Mapping[str, Any]:
        """See `Entrances.begin_check`."""
        return await solve.begin_check(self.context, self.checks, token, noted)

    async def solve_challenge(
        self, token: str, payload: str, kind: Kind | None = None
    ) -> Solved | CodeDue | Promised:
        """See `Entrances.solve_challenge`."""
        return await solve.solve_challenge(self.context, self.checks, token, payload, kind)

    async def another_code(self, token: str, ticket: str) -> str:
        """See `Entrances.another_code`."""
        return await solve.another_code(self.context, self.checks, token, ticket)

    async def show_code(self, token: str, ticket: str, spoken: bool) -> bytes:
        """See `Entrances.show_code`."""
        return await solve.show_code(self.context, self.checks, token, ticket, spoken)

    async def appeal(self, token: str, text: str) -> str:
        """See `Entrances.appeal`."""
        return await solve.appeal(self.context, token, text)


@dataclass(frozen=True, slots=True)
class Services:
    """What `create_app` needs. `model` tells the version in use, for /readyz; "" means that none is loaded. Without
    an `addon` desk its endpoints are not there, and neither are those of devices and review without theirs. `failed` is
    the job loop's running count of failed tries by job and cause, for /metrics."""

    settings: Settings
    clock: Clock
    store: Store
    checks: Checks
    pipeline: Entrances
    model: Callable[[], str]
    addon: AddonService | None = None
    devices: DeviceService | None = None
    review: ReviewService | None = None
    insights: InsightService | None = None
    archive: ArchiveService | None = None
    failed: Mapping[tuple[str, str], int] = field(default_factory=dict)
    fail_opens: FailOpens = field(default_factory=FailOpens)
