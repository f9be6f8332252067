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
        """The sender's name."""
        return self.sender.rpartition("<")[0].strip()


def letters() -> tuple[Letter, ...]:
    """All of them, as written."""
    rows: list[dict[str, Any]] = json.loads(LETTERS.read_text("utf-8"))
    return tuple(Letter(**{**row, "labels": tuple(row.get("labels", ()))}) for row in rows)


def arrivals(seed: int) -> Iterator[Letter]:
    """Letters without end: the first pitch first, so that there is something to see, then all in an order
    that follows from `seed`, again and again. Who sells follows up in later rounds."""
    everything = list(letters())
    yield everything[0]
    chance = random.Random(seed)  # noqa: S311 - the order of a play, no secret
    rest, rounds = everything[1:], 0
    while True:
        chance.shuffle(rest)
        for letter in rest:
            yield letter if rounds == 0 else _again(letter)
        rounds += 1
        rest = list(everything)


def _again(letter: Letter) -> Letter:
    """The same people write once more; who sells follows up."""
    follows_up = letter.kind.startswith("pitch")
    return replace(letter, subject=f"Re: {letter.subject}") if follows_up else letter
