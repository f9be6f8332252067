"""Years of a mailbox with a challenger beside the champion: how often the finding is right, and after how many answers.

    python -m tests.simulations.trial --seeds 200

Mail is drawn from the corpus, 140 strangers' emails a week, a fifth of them pitches, five questions a week of which 10%
get "can't say". A model's logit is the shipped one's and an error, the larger the lower its F1; two models learn from
much the same mail, so they share the error of the better one, and the other has one of its own on top. Both walk the
real table; draw, payoffs and finding are the product's own. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from backend.domain.mail.authentication import Authentication
from backend.domain.mail.machine_mail import MailForm
from backend.domain.mail.message import Address, Arrival, Message, Owner
from backend.domain.mailbox.mailbox import Mode, Preferences
from backend.domain.policy.decide import decide
from backend.domain.policy.standing import Standing
from backend.domain.policy.table import Facts
from backend.domain.reading.score import Score, Thresholds
from backend.domain.watching.asking import Answer, Label, drawn
from backend.domain.watching.trial import Counted, Finding, Trial, disagreement, trial
from backend.scoring.session import ModelSession
from backend.settings import MODELS
from model_export import rows

MAIL, PITCHES, BUDGET, UNSURE, WEEKS = 140, 0.2, 5, 0.1, 104
NOW = datetime(2026, 11, 27, tzinfo=UTC)
_FACTS = Facts(
    arrival=Arrival("m", "t", frozenset({"INBOX"}), NOW, Message(from_=(Address("s@s.test"),))),
    owner=Owner("o@o.test"),
    authentication=Authentication(True),
    preferences=Preferences(mode=Mode.QUARANTINE),
    standing=Standing(),
    form=MailForm(""),
)


@dataclass(frozen=True)
class Model:
    """The spread of its error, and the logit from which it holds."""

    error: float
    threshold: float


@dataclass(frozen=True)
class Pair:
    """Two models, and the spread of the error that they share."""

    champion: Model
    challenger: Model
    shared: float

    def rows(self, logit: float, numbers: random.Random) -> tuple[str, str]:
        """The rows of the table for an email with this logit."""
        logit += numbers.gauss(0, self.shared)
        ours, theirs = (
            _row(
                logit + numbers.gauss(0, math.sqrt(max(0.0, model.error**2 - self.shared**2)))
                >= model.threshold
            )
            for model in (self.champion, self.challenger)
        )
        return ours, theirs


@cache
def _row(certain: bool) -> str:
    return decide(_FACTS, Score(float(certain), 0.0), LIMITS, (), NOW).row


LIMITS = Thresholds(0.1, 0.5, 0.9, 0.5)
Logits = dict[bool, list[float]]


def logits() -> Logits:
    """The shipped model's on the corpus, by whether it is a pitch."""
    session, found = ModelSession.open(MODELS / "pitchgate.onnx"), {True: list[float](), False: list[float]()}
    for row in rows.corpus():
        if row.label in ("sales", "legit"):
            found[row.label == "sales"].append(session.score_alone(row.text).logit)
    return found


def shares(mail: Logits, model: Model, draws: int = 20_000) -> tuple[float, float, float]:
    """Of pitches and of ordinary mail the share that it holds; its F1."""
    numbers = random.Random("shares")
    caught, wrong = (
        sum(
            numbers.choice(mail[kind]) + numbers.gauss(0, model.error) >= model.threshold
            for _ in range(draws)
        )
        / draws
        for kind in (True, False)
    )
    held = PITCHES * caught + (1 - PITCHES) * wrong
    return caught, wrong, 2 * PITCHES * caught / (held + PITCHES)


def fitted(mail: Logits, f1: float, wrong: float | None = None, threshold: float = 0.0) -> Model:
    """A model with this F1 that holds this share of ordinary mail, or from this threshold on."""
    low, high = 0.0, 40.0
    for _ in range(18):
        error = (low + high) / 2
        model = Model(error, threshold if wrong is None else _threshold(mail, error, wrong))
        low, high = (error, high) if shares(mail, model, 6_000)[2] > f1 else (low, error)
    return model


def _threshold(mail: Logits, error: float, wrong: float) -> float:
    numbers = random.Random("threshold")
    noisy = sorted(numbers.choice(mail[False]) + numbers.gauss(0, error) for _ in range(20_000))
    return noisy[int(len(noisy) * (1 - wrong))]


def lived(mail: Logits, pair: Pair, seed: str) -> tuple[Trial, int]:
    """A trial until it is decided or the time is over, and how many weeks that took."""
    numbers, week = random.Random(seed), 0
    key, labels, counts = numbers.randbytes(32), list[Label](), Counter[str]()
    found = trial(labels)
    while found.finding is Finding.OPEN and week < WEEKS:
        truth: dict[str, bool] = {}
        alone: dict[str, str] = {}
        for number in range(MAIL):
            pitch, name = numbers.random() < PITCHES, f"{week}-{number}"
            stratum = disagreement(*pair.rows(numbers.choice(mail[pitch]), numbers))
            if stratum is not None:
                truth[name], alone[name] = pitch, stratum
        counts.update(alone.values())
        week += 1
        for name, _, weight in drawn(key, f"trial {week}", {"": list(alone)}, BUDGET):
            answer = Answer.YES if truth[name] else Answer.NO
            answer = Answer.UNSURE if numbers.random() < UNSURE else answer
            labels.append(Label(alone[name], weight, "m", "en", "latin", answer))
        found = trial(labels, Counted(week * MAIL, counts["champion"], counts["challenger"]))
    return found, week


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    seeds, began, mail = parser.parse_args().seeds, time.perf_counter(), logits()
    high = fitted(mail, 0.813, 0.02)
    low = fitted(mail, 0.731, threshold=high.threshold)
    quiet = fitted(mail, 0.813, 0.012)
    loud = Model(quiet.error, _threshold(mail, quiet.error, 0.06))
    report: dict[str, dict[str, object]] = {}
    for what, pair in {
        "better": Pair(low, high, high.error),
        "worse": Pair(high, low, high.error),
        "equal": Pair(high, high, 0.8 * high.error),
        "holds_five_times": Pair(quiet, loud, 0.9 * quiet.error),
    }.items():
        ended = [lived(mail, pair, f"{seed} {what}") for seed in range(seeds)]
        champion, challenger = pair.champion, pair.challenger
        decided = sorted(one.answered for one, _ in ended if one.finding is not Finding.OPEN)
        weeks = sorted(week for one, week in ended if one.finding is not Finding.OPEN)
        report[what] = {
            "f1": [round(shares(mail, model)[2], 3) for model in (champion, challenger)],
            "ordinary_held": [round(shares(mail, model)[1], 4) for model in (champion, challenger)],
            "found_better": sum(one.finding is Finding.BETTER for one, _ in ended) / seeds,
            "found_worse": sum(one.finding is Finding.WORSE for one, _ in ended) / seeds,
            "labels_median": statistics.median(decided) if decided else None,
            "labels_p90": decided[len(decided) * 9 // 10] if decided else None,
            "weeks_median": statistics.median(weeks) if weeks else None,
        }
        print(what, report[what], flush=True)
    report["seconds"] = {"all": round(time.perf_counter() - began, 1)}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
