"""Years of mailboxes drawn from the corpus: how often the test of drift rings for nothing, how soon it finds a change.

    python -m tests.simulations.drift --seeds 50

The logits are the shipped model's own on the corpus it was trained on, for no file of logits with the writer left out
is kept: pitches and ordinary mail lie further apart in them than in mail of strangers. Prints one JSON object as its
last line.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence

from backend.domain.watching.drift import REFERENCE, change, classed, counted
from backend.scoring.session import ModelSession
from backend.settings import MODELS
from model_export import rows

WEEKS = 52
AT = 26
WOBBLE = 0.15
"""Spread of the logarithm of a class of mail's share from week to week."""
VARIANTS = ("plain", "broken", "evading")

Mail = Sequence[str]
"""The classes of one message."""


def pool() -> dict[str, dict[tuple[bool, str], list[Mail]]]:
    """The corpus's messages as classes, by variant, and by whether they are pitches and their language."""
    session = ModelSession.open(MODELS / "pitchgate.onnx")
    emails = [row for row in rows.corpus() if row.label in ("sales", "legit")]
    loud = _loudest(session, emails)
    found: dict[str, dict[tuple[bool, str], list[Mail]]] = {name: defaultdict(list) for name in VARIANTS}
    for row in emails:
        key = (row.label == "sales", row.language)
        for variant in VARIANTS:
            score = session.score(_told(row.text, variant, loud if key[0] else frozenset()), explain=False)
            found[variant][key].append(list(counted(0, [(classed(score, row.language), 1)]).counts))
    return found


def _loudest(session: ModelSession, emails: Sequence[rows.Row]) -> frozenset[str]:
    """The eight words that speak loudest for a pitch over all of them."""
    counts: Counter[str] = Counter()
    for row in emails[::7]:
        if row.label == "sales":
            for term in set(row.text.split(" ")):
                counts[term] += 1
    for row in emails[::7]:
        if row.label == "legit":
            for term in set(row.text.split(" ")):
                counts[term] -= 1
    return frozenset(term for term, _ in counts.most_common(8))


def _told(text: str, variant: str, loud: frozenset[str]) -> str:
    words = text.split(" ")
    if (
        variant == "broken"
    ):  # a parser that takes another character set: no word with a letter beside the usual
        return " ".join(word if word[1:2] == "_" else word[::-1] + "x" for word in words)
    if variant == "evading":
        return " ".join(word for word in words if word not in loud)
    return text


def year(
    emails: dict[str, dict[tuple[bool, str], list[Mail]]],
    size: int,
    what: str,
    numbers: random.Random,
    wobble: float,
) -> int | None:
    """The week of the first alarm; None if it never rang. `what` begins in week `AT`."""
    weeks = []
    tongues = sorted({tongue for _, tongue in emails["plain"]})
    home = {
        tongue: 1.0 / (place + 1) ** 1.5
        for place, tongue in enumerate(["en", *[t for t in tongues if t != "en"]])
    }
    foreign = "pl" if "pl" in tongues else tongues[-1]
    for number in range(WEEKS):
        late = number >= AT
        pitches = 0.4 if late and what == "pitches" else 0.2
        pitches = min(0.95, pitches * math.exp(numbers.gauss(0, wobble)))
        shares = {tongue: share * math.exp(numbers.gauss(0, wobble)) for tongue, share in home.items()}
        rest = sum(share for tongue, share in shares.items() if tongue != foreign)
        shares[foreign] = (
            rest * (1.5 if late and what == "language" else 0.11) * math.exp(numbers.gauss(0, wobble))
        )
        week: Counter[str] = Counter()
        arrived = max(0, round(numbers.gauss(size, math.sqrt(size))))
        chosen = numbers.choices(list(shares), list(shares.values()), k=arrived)
        for tongue in chosen:
            pitch = numbers.random() < pitches
            variant = what if late and what in VARIANTS else "plain"
            kind = emails[variant].get((pitch, tongue)) or emails[variant][pitch, "en"]
            week.update(numbers.choice(kind))
        weeks.append(week)
        if number >= REFERENCE and change(weeks) is not None:
            return number
    return None


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    seeds, began, emails, report = parser.parse_args().seeds, time.perf_counter(), pool(), {}
    for size in (35, 140, 700):
        for what, wobble in (
            ("nothing", WOBBLE), ("restless", 2 * WOBBLE), ("broken", WOBBLE), ("language", WOBBLE),
            ("pitches", WOBBLE), ("evading", WOBBLE),
        ):  # fmt: skip
            rung = [
                year(emails, size, what, random.Random(f"{seed} {size} {what}"), wobble)
                for seed in range(seeds)
            ]
            if what in ("nothing", "restless"):
                fields = {"false": sum(week is not None for week in rung) / seeds}
            else:
                fields = {
                    f"within_{weeks}": sum(w is not None and AT <= w < AT + weeks for w in rung) / seeds
                    for weeks in (2, 4, 8)
                }
            report[f"{what}_{size}"] = fields
            print(size, what, fields, flush=True)
    report["seconds"] = {"all": round(time.perf_counter() - began, 1)}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
