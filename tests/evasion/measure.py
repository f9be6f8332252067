"""How much of what is held when it comes plainly stays held in disguise: `make evasion`.

Shown a line a trick; the last line is a JSON object. A star marks what ordinary mail wears too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backend.domain.mailbox.mailbox import Strictness
from backend.offline.archives import ArchivedMessage
from backend.offline.judge import Judge, judge
from backend.scoring import SHIPPED
from tests.evasion.tricks import Mail, Trick, tricks

HERE = Path(__file__).parent
ME = "anna.berg@northwind-tools.test"


def mails(name: str) -> list[Mail]:
    """The mails of a file: a line of language, sender and subject, then the text."""
    found = []
    for block in (HERE / f"{name}.txt").read_text(encoding="utf-8").split("====\n"):
        head, _, text = block.strip("\n").partition("\n")
        language, sender, subject = head.split(" | ")
        found.append(Mail(language, sender, subject, text))
    return found


@cache
def _judge() -> Judge:
    return Judge.of(SHIPPED.read_bytes(), SHIPPED, ME, Strictness.NORMAL)


def held(mail: Mail) -> bool:
    """Whether it leaves the inbox: through the reading and the whole policy, alone."""
    score_messages = _judge().score_message(ArchivedMessage("one", mail.bytes()))
    return judge([score_messages], _judge().session.thresholds(Strictness.NORMAL))[0].held


@dataclass(frozen=True)
class Line:
    """What a trick does: pitches that stay held of those held plainly, ordinary mail newly held."""

    trick: Trick
    stay: int
    pitches: int
    newly: int
    ordinary: int

    @property
    def share(self) -> float:
        return self.stay / self.pitches


def table() -> Iterator[Line]:
    """A line a trick."""
    pitches = [mail for mail in mails("pitches") if held(mail)]
    ordinary = [mail for mail in mails("ordinary") if not held(mail)]
    for one in tricks():
        yield Line(
            one,
            sum(held(one.dress(mail)) for mail in pitches),
            len(pitches),
            sum(held(one.dress(mail)) for mail in ordinary),
            len(ordinary),
        )


def main() -> None:
    lines = []
    print(f"{'trick':22} stay held  ordinary newly held")
    for line in table():
        lines.append(line)
        newly = f"{line.newly:2}/{line.ordinary}{'*' if line.trick.worn else ' '}"
        print(f"{line.trick.name:22} {line.stay:3}/{line.pitches}     {newly}  {line.trick.sentence}")
    worn = [line for line in lines if line.trick.worn]
    print(
        json.dumps(
            {
                "tricks": len(lines),
                "mean": round(sum(line.share for line in lines) / len(lines), 4),
                "least": round(min(line.share for line in lines), 4),
                "under_70": sorted(line.trick.name for line in lines if line.share < 0.7),
                "ordinary_newly_held_worn": round(
                    sum(x.newly for x in worn) / sum(x.ordinary for x in worn), 4
                ),
                "ordinary_newly_held": round(sum(x.newly for x in lines) / sum(x.ordinary for x in lines), 4),
            }
        )
    )


if __name__ == "__main__":
    main()
