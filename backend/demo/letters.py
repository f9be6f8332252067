"""The mail that arrives in the demo: what people write to an owner of a small bookshop, pitches among it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

OWNER = "ana@harbourlane.example"
OWNER_NAME = "Ana Duarte"
COLLEAGUES = ("Nadia Petrov", "Oliver Brandt", "Yuki Tanaka", "Ravi Menon", "Lena Ortiz", "Felix Braun")
FIRMS = ("north", "bright", "open", "swift", "clear", "prime", "blue")
"""How domains begin in later rounds: one more than colleagues, so that a pair comes back only after 42 rounds."""
LETTERS = Path(__file__).with_name("letters.json")


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to deliver. `local`: its sender has a mailbox in the sandbox and can solve a challenge;
    `known`: the owner has written to them before."""

    kind: str
    sender: str
    subject: str
    text: str
    local: bool = False
    known: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    dmarc: str = "pass"
    spf: str = "pass"
    dkim: str = "pass"

    @property
    def address(self) -> str:
        """The sender's bare address."""
        return self.sender.rpartition("<")[2].rstrip(">")

    @property
    def name(self) -> str:
        return self.sender.rpartition("<")[0].strip()


def letters() -> tuple[Letter, ...]:
    rows: list[dict[str, Any]] = json.loads(LETTERS.read_text("utf-8"))
    return tuple(Letter(**{**row, "labels": tuple(row.get("labels", ()))}) for row in rows)


def arrivals(seed: int) -> Iterator[Letter]:
    """Letters without end. The first pitch comes first, so that there is something to see; then all follow in an order
    that depends on `seed`, again and again. Later rounds bring new senders."""
    everything = list(letters())
    yield everything[0]
    chance = random.Random(seed)  # noqa: S311 - the order of a play, no secret
    rest, rounds = everything[1:], 0
    while True:
        chance.shuffle(rest)
        for letter in rest:
            yield letter if rounds == 0 else _again(letter, rounds)
        rounds += 1
        rest = list(everything)


def _again(letter: Letter, rounds: int) -> Letter:
    """The letter in a later round: another sender at another firm sells the same, because a firm that wrote three times
    today gets no more replies. A sender with a mailbox here follows up themselves."""
    if letter.local:
        return replace(letter, subject=f"Re: {letter.subject}")
    if letter.kind != "pitch":
        return letter
    domain = f"{FIRMS[rounds % len(FIRMS)]}{letter.address.partition('@')[2]}"
    name = COLLEAGUES[(rounds + len(domain)) % len(COLLEAGUES)]  # two sellers of a round have different names
    sender = f"{name} <{name.lower().replace(' ', '.')}@{domain}>"
    return replace(letter, sender=sender, text=letter.text.replace(letter.name, name))
