"""How soon owners whom another strictness would serve are offered it, and how often those whom it would not.

    python -m tests.simulations.strictness --seeds 200

Owners differ in how much mail strangers write to them, how much of it is pitches, and how it scores: a mailbox's
logits are the shipped model's on the corpus with an error, all shifted alike, and its owner chose *normal*. The next
degree serves an owner if it spares them the worth of `WORTH` missed pitches a week; it does not if it costs them
anything. They answer five questions a week, 10% with "can't say". The last line is JSON: the shares `offered` a degree
that serves them within 26 weeks, and `offered_wrongly`: of those whom neither neighbour serves, and of all who were
offered one that costs them.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Thresholds
from backend.domain.watching.trial import COST, STRATA, Answer, Scored, better_strictness, draw_sample
from backend.scoring.session import ModelSession
from backend.settings import MODELS
from tests.simulations.trial import BUDGET, UNSURE, Logits, logits

WEEKS, ERROR, WORTH = 26, 2.0, 1.0
CHOSEN = Strictness.NORMAL
"""What every owner begins with."""
Array = NDArray[np.float64]


class Life:
    """A mailbox for half a year."""

    def __init__(self, mail: Logits, limits: dict[Strictness, Thresholds], seed: int) -> None:
        self.numbers, self.random = np.random.default_rng(seed), random.Random(seed)
        self.mail, self.limits = mail, limits
        self.size = int(self.numbers.integers(70, 280))
        self.pitches, self.shift = self.numbers.uniform(0.1, 0.4), self.numbers.normal(0.0, 1.5)

    def arrive(self, size: int) -> tuple[NDArray[np.bool_], Array]:
        """Whether each email is a pitch, and its probability."""
        pitch = self.numbers.random(size) < self.pitches
        logit = np.where(pitch, *(self.numbers.choice(self.mail[kind], size) for kind in (True, False)))
        logit = logit + ERROR * self.numbers.standard_normal(size) + self.shift
        return pitch, 1 / (1 + np.exp(-logit))

    def gains(self) -> dict[Strictness, float]:
        """What each neighbour of the chosen degree would spare them a week, in missed pitches."""
        pitch, score = self.arrive(200_000)
        worth = np.where(pitch, 1.0, -COST) * self.size / len(pitch)
        held = {degree: float(worth[score >= limits.hold].sum()) for degree, limits in self.limits.items()}
        return {degree: value - held[CHOSEN] for degree, value in held.items() if degree is not CHOSEN}

    def offered(self) -> Strictness | None:
        """The degree that they are offered first."""
        answered = list[Scored]()
        for week in range(WEEKS):
            pitch, score = self.arrive(self.size)
            order = sorted(range(self.size), key=lambda one: -score[one])
            held = sum(score >= self.limits[CHOSEN].hold)
            near = held + (self.size - held + 9) // 10
            parts = (order[:held], order[held:near], order[near:])
            strata = {name: list(map(str, part)) for name, part in zip(STRATA, parts, strict=True)}
            for one, _, _ in draw_sample(self.random.randbytes(32), str(week), strata, BUDGET):
                if self.random.random() >= UNSURE:
                    said = Answer.YES if pitch[int(one)] else Answer.NO
                    answered.append(Scored(float(score[int(one)]), said))
            if found := better_strictness(CHOSEN, answered, self.limits.__getitem__):
                return found.strictness
        return None


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    seeds, mail = parser.parse_args().seeds, logits()
    session = ModelSession.open(MODELS / "pitchgate.onnx")
    limits = {degree: session.thresholds(degree) for degree in Strictness}
    counts: Counter[str] = Counter()
    for seed in range(seeds):
        life = Life(mail, limits, seed)
        gains = life.gains()
        offered, best = life.offered(), max(gains, key=lambda degree: gains[degree])
        kind = "served" if gains[best] >= WORTH else "not_served" if gains[best] <= 0 else "little"
        counts.update([kind, f"{kind}_{best}"])
        if offered:
            counts.update([f"{kind}_offered", f"{kind}_{best}_offered" if offered is best else "other"])
            counts["costs"] += gains[offered] < 0
    report = {
        "offered": counts["served_offered"] / max(1, counts["served"]),
        "offered_wrongly": counts["not_served_offered"] / max(1, counts["not_served"]),
        "counts": dict(sorted(counts.items())),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
