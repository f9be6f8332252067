"""Other checks than work: codes the test knows, and another company's word."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backend.captcha.own_tasks import TypedCode
from backend.captcha.vendors import VENDORS
from backend.pipeline.solve import Checks
from backend.ports.system import CaptchaKind, CheckedAnswer, Widget
from tests.doubles import START
from tests.web.service import proof_of_work, typed_codes

DIGITS = "777777"


def known_codes() -> TypedCode:
    """Codes that are all sevens: wired by the test into its own app, and nowhere else known."""
    return typed_codes(draw=lambda _: "7")


def with_codes(first: str = "work", code_after: int = 3) -> Checks:
    """Checks whose codes the test knows. `first`: what is asked of everybody, work or a code."""
    codes = known_codes()
    return Checks(proof_of_work() if first == "work" else codes, codes, code_after)


class ToldCheck:
    """Another company's check, with a fixed answer."""

    def __init__(self, kind: CaptchaKind, says: CheckedAnswer | Exception | None = None) -> None:
        self.kind = kind
        self.says = says or CheckedAnswer("vendor:1", START.replace(year=2090))
        self.given: list[str] = []

    @property
    def widget(self) -> Widget:
        return VENDORS[self.kind].widget("site-key-1")

    def task(self, challenge_id: str, factor: int, now: datetime) -> dict[str, Any]:
        return {"kind": self.kind}

    async def verify(self, payload: str, challenge_id: str, factor: int, now: datetime) -> CheckedAnswer:
        self.given.append(payload)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    @property
    def checks(self) -> Checks:
        return Checks(self, known_codes())
