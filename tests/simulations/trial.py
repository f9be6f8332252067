"""Years of a mailbox with a challenger beside the champion: how often the finding is right, and after how many answers.

    python -m tests.simulations.trial --owners honest,half,quarter,correcting,no,random --seeds 200 [--workers 2]

Mail is drawn from the corpus, 140 strangers' emails a week, a fifth of them pitches, five questions a week of which 10%
get "can't say". A model's logit is the shipped one's and an error, the larger the lower its F1; two models learn from
much the same mail, so they share the error of the better one, and the other has one of its own on top. Owners release
three of five ordinary emails that are held, and mark one of five pitches that stay, unasked; what they answer is told
by their kind (`OWNERS`).

Strata, draws and findings are the product's; that its store, duty and API do the same is for
`tests/journeys/test_lived_trials.py`. The last line is JSON: for each kind of owner and challenger what came of it, and
the worst over all kinds: of a worse and of an equal challenger the share found better (`worse_promoted`,
`equal_promoted`), of a better one over those who answer honestly (`better_found`).
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.domain.watching.trial import (
    CHALLENGER,
    CHAMPION,
    CLEAR_ANSWERS,
    STRATA,
    Answer,
    Finding,
    TrialLabel,
    asked_in_trial,
    draw_sample,
    strata_order,
    trial,
)
from backend.scoring.session import ModelSession
from backend.settings import MODELS
from model_export import rows

MAIL, PITCHES, BUDGET, UNSURE, WEEKS = 140, 0.2, 5, 0.1, 104
RELEASED, MARKED = 0.6, 0.2
"""Of an owner's mistakes seen, the shares that they correct unasked."""
EVERY = 16
"""One in so many emails of the corpus is enough to draw from."""


@dataclass(frozen=True)
class Kind:
    """Of owners: the share of questions that they answer, and how; None: truly."""

    answers: float = 1.0
    says: Callable[[random.Random], Answer] | None = None

    def answer(self, pitch: bool, numbers: random.Random) -> str:
        """To a question about one email; "" for none."""
        if numbers.random() >= self.answers:
            return ""
        if self.says:
            return self.says(numbers)
        if numbers.random() < UNSURE:
            return Answer.UNSURE
        return Answer.YES if pitch else Answer.NO

    def label(self, one: Question, numbers: random.Random) -> TrialLabel:
        """The question with the answer, and what they do unasked."""
        sees = one.held != one.pitch and numbers.random() < (RELEASED if one.held else MARKED)
        acted = (Answer.YES if one.pitch else Answer.NO) if sees else ""
        return TrialLabel(one.stratum, one.weight, "", "", "", self.answer(one.pitch, numbers), acted)


OWNERS = {
    "honest": Kind(),
    "half": Kind(0.5),
    "quarter": Kind(0.25),
    "correcting": Kind(0.0),
    "no": Kind(says=lambda _: Answer.NO),
    "random": Kind(says=lambda numbers: numbers.choice(CLEAR_ANSWERS)),
}


@dataclass(frozen=True)
class Model:
    """The spread of its error, and the logit from which it holds."""

    error: float
    threshold: float

    def logits(
        self, shared: NDArray[np.float64], spread: float, numbers: np.random.Generator
    ) -> NDArray[np.float64]:
        """Of the same emails, given logits with an error of this `spread` that is not its own alone."""
        own = max(0.0, self.error**2 - spread**2) ** 0.5
        return shared + own * numbers.standard_normal(len(shared))


@dataclass(frozen=True)
class Pair:
    """Two models, and the spread of the error that they share."""

    champion: Model
    challenger: Model
    shared: float


Logits = dict[bool, NDArray[np.float64]]


def logits() -> Logits:
    """The shipped model's on a part of the corpus, by whether it is a pitch."""
    session, found = ModelSession.open(MODELS / "pitchgate.onnx"), {True: list[float](), False: list[float]()}
    every = [record for path in sorted(rows.CORPUS.glob("*.jsonl")) for record in rows.records(path)]
    for record in every[::EVERY]:
        if record.get("label") in ("sales", "legit"):
            logit = session.score_alone(rows.row_of(record, "").text).logit
            found[record["label"] == "sales"].append(logit)
    return {pitch: np.array(values) for pitch, values in found.items()}


def shares(mail: Logits, model: Model, draws: int = 20_000) -> tuple[float, float, float]:
    """Of pitches and of ordinary mail the share that it holds; its F1."""
    caught, wrong = (
        float(np.mean(_noisy(mail[kind], model.error, draws) >= model.threshold)) for kind in (True, False)
    )
    held = PITCHES * caught + (1 - PITCHES) * wrong
    return caught, wrong, 2 * PITCHES * caught / (held + PITCHES)


def fitted(mail: Logits, f1: float, wrong: float | None = None, threshold: float = 0.0) -> Model:
    """A model with this F1 that holds this share of ordinary mail, or from this threshold on."""
    low, high = 0.0, 40.0
    for _ in range(18):
        error = (low + high) / 2
        model = Model(error, threshold if wrong is None else _threshold(mail, error, wrong))
        low, high = (error, high) if shares(mail, model)[2] > f1 else (low, error)
    return model


def _threshold(mail: Logits, error: float, wrong: float) -> float:
    return float(np.quantile(_noisy(mail[False], error, 20_000), 1 - wrong))


def _noisy(values: NDArray[np.float64], error: float, draws: int) -> NDArray[np.float64]:
    numbers = np.random.default_rng(1)
    return numbers.choice(values, draws) + error * numbers.standard_normal(draws)


class Ended(NamedTuple):
    """What a trial came to, after how many answers and weeks."""

    finding: str
    answered: int
    weeks: int


class Week(NamedTuple):
    """Emails: whether each is a pitch, and who holds it; how the champion scores it."""

    pitch: NDArray[np.bool_]
    champion: NDArray[np.bool_]
    challenger: NDArray[np.bool_]
    logit: NDArray[np.float64]


def a_week(mail: Logits, pair: Pair, numbers: np.random.Generator) -> Week:
    """Its emails, judged by both."""
    pitch = numbers.random(MAIL) < PITCHES
    logit = np.where(pitch, *(numbers.choice(mail[kind], MAIL) for kind in (True, False)))
    logit += pair.shared * numbers.standard_normal(MAIL)
    ours, theirs = (model.logits(logit, pair.shared, numbers) for model in (pair.champion, pair.challenger))
    return Week(pitch, ours >= pair.champion.threshold, theirs >= pair.challenger.threshold, ours)


class Question(NamedTuple):
    """What is asked about one email, and the truth."""

    stratum: str
    weight: float
    pitch: bool
    held: bool


Questions = tuple[list[Question], list[Question]]
"""A week's: about disagreements, and about all mail."""


class Life:
    """A mailbox in which one model decides and another is in trial. Owners of every kind are asked the same, so it is
    drawn once."""

    def __init__(self, mail: Logits, pair: Pair, seed: str) -> None:
        self.numbers = random.Random(seed)
        mails = np.random.default_rng(self.numbers.getrandbits(64))
        self._drawn = (self._asked(week, a_week(mail, pair, mails)) for week in range(1, WEEKS + 1))
        self._weeks = list[Questions]()

    def weeks(self) -> Iterator[Questions]:
        """Drawn as far as somebody lives."""
        yield from self._weeks
        for week in self._drawn:
            self._weeks.append(week)
            yield week

    def lived(self, kind: Kind, seed: str) -> Ended:
        """Until it is decided or the time is over."""
        numbers, found, lived = random.Random(seed), trial([], []), 0
        labels, usual = list[TrialLabel](), list[TrialLabel]()
        for alone, every in self.weeks():
            lived += 1
            labels += [kind.label(one, numbers) for one in alone]
            usual += [kind.label(one, numbers) for one in every]
            found = trial(labels, usual)
            if found.finding is not Finding.OPEN:
                break
        return Ended(found.finding, found.answered, lived)

    def _asked(self, number: int, week: Week) -> Questions:
        stayed = sorted(np.flatnonzero(~week.champion), key=lambda one: -float(week.logit[one]))
        near, key = (len(stayed) + 9) // 10, self.numbers.randbytes(32)
        every = dict(zip(STRATA, (np.flatnonzero(week.champion), stayed[:near], stayed[near:]), strict=True))
        who = {
            str(one): CHAMPION if week.champion[one] else CHALLENGER
            for one in np.flatnonzero(week.champion != week.challenger)
        }
        alone = draw_sample(key, "", {"": list(who)}, asked_in_trial(BUDGET))
        left = BUDGET - len(alone)
        strata = {name: [str(one) for one in every[name]] for name in strata_order(number, left)}
        usual = draw_sample(key, "all", strata, left)

        def question(one: int, stratum: str, weight: float) -> Question:
            return Question(stratum, weight, bool(week.pitch[one]), bool(week.champion[one]))

        return (
            [question(int(one), who[one], weight) for one, _, weight in alone],
            [question(int(one), stratum, weight) for one, stratum, weight in usual],
        )


def lived_through(
    mail: Logits, what: str, owners: Sequence[str], pair: Pair, seeds: Sequence[int]
) -> tuple[list[dict[str, Ended]], float]:
    """What each kind of owner lives through in one mailbox after the other; the processor time in seconds."""
    began, lives = time.process_time(), list[dict[str, Ended]]()
    for seed in seeds:
        life = Life(mail, pair, f"{seed} {what}")
        lives.append({owner: life.lived(OWNERS[owner], f"{seed} {what} {owner}") for owner in owners})
    return lives, time.process_time() - began


def pairs(mail: Logits) -> dict[str, Pair]:
    """Champion and challenger, by what the challenger is."""
    high = fitted(mail, 0.813, 0.02)
    low = fitted(mail, 0.731, threshold=high.threshold)
    quiet = fitted(mail, 0.813, 0.012)
    loud = Model(quiet.error, _threshold(mail, quiet.error, 0.06))
    return {
        "better": Pair(low, high, high.error),
        "worse": Pair(high, low, high.error),
        "holds_five_times": Pair(quiet, loud, 0.9 * quiet.error),
        "equal": Pair(high, high, 0.8 * high.error),
    }


def told(ended: Sequence[Ended]) -> dict[str, float | None]:
    """Shares of trials, and of those that were decided the median answers and weeks."""
    decided = [one for one in ended if one.finding != Finding.OPEN]
    answers = sorted(one.answered for one in decided)
    return {
        "found_better": sum(one.finding == Finding.BETTER for one in ended) / len(ended),
        "found_worse": sum(one.finding == Finding.WORSE for one in ended) / len(ended),
        "labels_median": statistics.median(answers) if answers else None,
        "labels_p90": answers[len(answers) * 9 // 10] if answers else None,
        "weeks_median": statistics.median(one.weeks for one in decided) if decided else None,
    }


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--owners", default=",".join(OWNERS))
    parser.add_argument("--challengers", default="better,worse,holds_five_times,equal")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--workers", type=int, default=1)
    options, mail = parser.parse_args(), logits()
    seeds, workers, owners = options.seeds, options.workers, options.owners.split(",")
    found: dict[str, dict[str, dict[str, float | None]]] = {owner: {} for owner in owners}
    report: dict[str, object] = {}
    every = pairs(mail)
    for what, pair in every.items():
        models = pair.champion, pair.challenger
        report[what] = {
            "f1": [round(shares(mail, model)[2], 3) for model in models],
            "ordinary_held": [round(shares(mail, model)[1], 4) for model in models],
        }
    seconds = time.process_time()
    with ProcessPoolExecutor(workers) as pool:
        for what in options.challengers.split(","):
            shared = [range(first, seeds, workers) for first in range(workers)]
            case = (repeat(mail), repeat(what), repeat(owners), repeat(every[what]), shared)
            parts = list(pool.map(lived_through, *case))
            seconds += sum(took for _, took in parts)
            for owner in owners:
                found[owner][what] = told([life[owner] for lives, _ in parts for life in lives])
                print(owner, what, found[owner][what], flush=True)
    honest = [found[name] for name in found if not OWNERS[name].says and OWNERS[name].answers]

    def better(some: Iterable[dict[str, dict[str, float | None]]], *whats: str) -> list[float]:
        return [one[what]["found_better"] or 0.0 for one in some for what in whats if what in one]

    report |= {
        "owners": found,
        "worse_promoted": max(better(found.values(), "worse", "holds_five_times"), default=None),
        "equal_promoted": max(better(found.values(), "equal"), default=None),
        "better_found": min(better(honest, "better"), default=None),
        "cpu_seconds": {"all": round(seconds)},
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
