"""How often the intervals of live quality hold what is true, and how soon they are narrow.

    python -m tests.simulations.asking [--years 400]

Made-up mailboxes: 140 strangers' emails a week, a fifth of them held; of what is held, nearly held and passed a share
are pitches. 15% of the questions get "can't say". The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import random

from backend.domain.mailbox.review import Share
from backend.domain.watching.trial import HELD, STRATA, Answer, TrialLabel, draw_sample, is_narrow, quality

MAIL, HELD_SHARE, UNSURE = 140, 0.2, 0.15
MAILBOXES = {"usual": (0.95, 0.3, 0.017), "worse": (0.8, 0.5, 0.05), "better": (0.98, 0.12, 0.0)}
Totals = dict[str, list[int]]


def main() -> None:
    """Print a line a setting."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--years", type=int, default=400)
    years = parser.parse_args().years
    shares = {}
    for weeks in (13, 52):
        for budget in (3, 5, 10):
            for name, pitches in MAILBOXES.items():
                shares[f"{name}, {budget} a week, {weeks} weeks"] = found = _setting(
                    weeks, budget, pitches, years
                )
                print(f"{name:8} {budget:3} questions, {weeks} weeks: {found}", flush=True)
    print(json.dumps(shares))


def _setting(weeks: int, budget: int, pitches: tuple[float, ...], years: int) -> dict[str, float]:
    rng = random.Random(7)
    held = {"precision": 0, "recall": 0}
    shown = {"precision": 0, "recall": 0}
    for _ in range(years):
        labels, totals = _year(rng, weeks, budget, pitches)
        (every,) = quality(labels)
        true = {
            "precision": totals[HELD][1] / totals[HELD][0],
            "recall": totals[HELD][1] / sum(number for _, number in totals.values()),
        }
        for name, share in (("precision", every.precision), ("recall", every.recall)):
            held[name] += _holds(share, true[name])
            shown[name] += is_narrow(share)
    return {
        **{f"{name}_held": round(count / years, 3) for name, count in held.items()},
        **{f"{name}_shown": round(count / years, 3) for name, count in shown.items()},
    }


def _holds(share: Share | None, true: float) -> bool:
    return share is None or share.low - 1e-9 <= true <= share.high + 1e-9


def _year(
    rng: random.Random, weeks: int, budget: int, pitches: tuple[float, ...]
) -> tuple[list[TrialLabel], Totals]:
    labels: list[TrialLabel] = []
    totals: Totals = {stratum: [0, 0] for stratum in STRATA}
    key = rng.randbytes(32)
    for week in range(weeks):
        held = int(MAIL * HELD_SHARE * rng.uniform(0.6, 1.4))
        near = (MAIL - held) // 10
        truth: dict[str, bool] = {}
        mail: dict[str, list[str]] = {}
        for stratum, size, share in zip(STRATA, (held, near, MAIL - held - near), pitches, strict=True):
            mail[stratum] = [f"{week}-{stratum}-{number}" for number in range(size)]
            for one in mail[stratum]:
                truth[one] = rng.random() < share
                totals[stratum][0] += 1
                totals[stratum][1] += truth[one]
        for one, stratum, weight in draw_sample(key, str(week), mail, budget):
            answer = Answer.YES if truth[one] else Answer.NO
            answer = Answer.UNSURE if rng.random() < UNSURE else answer
            labels.append(TrialLabel(stratum, weight, "m", "en", "latin", answer))
    return labels, totals


if __name__ == "__main__":
    main()
