"""What the routes are given: everything they may touch, and nothing that knows a brand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from backend.domain.visit import ChallengePage, Connected
from backend.ports.captcha import Captcha
from backend.ports.store import PushFate, Solved, Store
from backend.ports.system import Clock
from backend.settings import Settings


class Pipeline(Protocol):
    """The stages that are entered over HTTP.

    Every error is one of `backend.domain.errors`; the codes named here choose the words on the page.
    """

    async def push(self, authorization: str, body: bytes) -> PushFate | None:
        """Verify and store one push. None: the envelope is malformed, which is acknowledged and counted.

        Raises `Unauthenticated`, and `TryLater` when it could not be verified or stored. May run again.
        """
        ...

    async def begin_connect(self) -> tuple[str, str]:
        """Where to send the owner's browser, and the sealed state its cookie keeps for ten minutes."""
        ...

    async def finish_connect(self, state_cookie: str, query: Mapping[str, str]) -> Connected:
        """The owner is back from Google with `query`; `state_cookie` is "" when he brings none.

        Raises `Expired` (connect_expired: state missing, stale, used or not matching), `Refused`
        (consent_refused: he said no; account_mismatch: another account than the one to reconnect;
        code_refused: Google did not accept the code), or `TryLater`.
        """
        ...

    async def open_challenge(self, token: str) -> ChallengePage:
        """Read the open challenge of a link; changes nothing.

        Raises `NotFound` (link_unknown) or `Expired` (link_expired, link_used, link_voided).
        """
        ...

    async def solve_challenge(self, token: str, payload: str) -> Solved:
        """Check the captcha's answer, earn credits, order the release.

        Raises what `open_challenge` raises, and `Refused` (captcha_wrong, captcha_expired,
        captcha_malformed, captcha_replayed).
        """
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What `create_app` needs. `model_version` is shown by /readyz; "" means that no model is loaded."""

    settings: Settings
    clock: Clock
    store: Store
    captcha: Captcha
    pipeline: Pipeline
    model_version: str
