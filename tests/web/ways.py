"""Worlds whose sender passes otherwise than by work: by codes the test knows, or by another company's word."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from backend.captcha.proof_of_work import ProofOfWork
from backend.captcha.typed_code import TypedCode
from backend.captcha.vendors import VENDORS
from backend.pipeline.checks import Checks
from backend.ports.captcha import Answer, Kind, Widget
from backend.system.vault import MultiFernetVault, make_key
from tests.doubles import SeededTokens
from tests.web.fakes import SECRET, World, world

DIGITS = "777777"


def known_codes(life: float = 900.0) -> TypedCode:
    """Codes that are all sevens: wired by the test into its own app, and nowhere else known."""
    vault = MultiFernetVault([SecretStr(make_key())])
    return TypedCode(vault, SeededTokens(), life, draw=lambda _: "7")


def around_codes(first: str = "work", code_after: int = 3) -> World:
    codes = known_codes()
    work = ProofOfWork(SECRET, base_cost=10, life=900.0)
    return world(checks=Checks(work if first == "work" else codes, codes, code_after))


class ToldCheck:
    """Another company's check that was told what to say."""

    def __init__(self, kind: Kind, says: Answer | Exception) -> None:
        self.kind = kind
        self.says = says
        self.given: list[str] = []

    @property
    def widget(self) -> Widget:
        return VENDORS[self.kind].widget("site-key-1")

    def task(self, challenge_id: str, factor: int, now: datetime) -> dict[str, Any]:
        return {"kind": self.kind}

    async def verify(self, payload: str, challenge_id: str, factor: int, now: datetime) -> Answer:
        self.given.append(payload)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def told(kind: Kind, says: Answer | Exception | None = None) -> tuple[World, ToldCheck]:
    found = world()
    check = ToldCheck(kind, says or Answer("vendor:1", found.clock.now() + timedelta(days=1)))
    return world(checks=Checks(check, known_codes())), check
