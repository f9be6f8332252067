"""Years of a mailbox with a challenger beside the champion: how often the finding is right, and after how many answers.

    python -m tests.simulations.trial --owners honest,half,quarter,correcting,no,random --seeds 200 [--workers 2]

Mail is drawn from the corpus, 140 strangers' emails a week, a fifth of them pitches, five questions a week of which 10%
get "can't say". A model's logit is the shipped one's and an error, the larger the lower its F1; two models learn from
much the same mail, so they share the error of the better one, and the other has one of its own on top. Both walk the
real table. Owners release three of five ordinary emails that are held, and mark one of five pitches that stay, unasked;
what they answer is told by their kind (`OWNERS`).

The rest is the product, on the embedded store: what the two disagree on stands in `messages` by the commit of its
verdict, the daily duty draws, the owner reads and answers by the API, the finding is what `pitchgate models trial
--json` tells, and it is the duty that stops a challenger that lost. Of emails on which both agree only `AGREED` a week
come, enough to ask about; the API's rate limits, which count real minutes, are off. The last line is JSON: for each
kind of owner and challenger what came of it, and the worst over all kinds: of a worse and of an equal challenger the
share found better (`worse_promoted`, `equal_promoted`), of a better one over those who answer honestly
(`better_found`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import math
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import structlog

from backend.commands.models import under_way
from backend.domain.mail.authentication import Authentication
from backend.domain.mail.machine_mail import MailForm
from backend.domain.mail.message import Address, Arrival, Message, Owner
from backend.domain.mailbox.mailbox import Mode, Preferences
from backend.domain.mailbox.message import Shadow, Verdict
from backend.domain.policy.table import Facts, Standing, decide
from backend.domain.reading.score import Score, Thresholds
from backend.domain.watching.trial import HOLDING, Act, Answer, Finding, disagreement
from backend.pipeline.stages import run_duty
from backend.scoring.session import ModelSession
from backend.settings import MODELS
from backend.transactions.records import Duty, StoredModel
from model_export import rows
from tests.web.service import Caller, Office, office

MAIL, PITCHES, BUDGET, UNSURE, WEEKS, AGREED = 140, 0.2, 5, 0.1, 104, 40
RELEASED, MARKED = 0.6, 0.2
"""Of an owner's mistakes seen, the shares that they correct unasked."""
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
class Kind:
    """Of owners: the share of questions that they answer, and how; None: truly."""

    answers: float = 1.0
    says: Callable[[random.Random], Answer] | None = None


OWNERS = {
    "honest": Kind(),
    "half": Kind(0.5),
    "quarter": Kind(0.25),
    "correcting": Kind(0.0),
    "no": Kind(says=lambda _: Answer.NO),
    "random": Kind(says=lambda numbers: numbers.choice([Answer.YES, Answer.NO])),
}


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

    def verdicts(self, logit: float, numbers: random.Random) -> tuple[Verdict, Verdict]:
        """What the table says of an email with this logit."""
        logit += numbers.gauss(0, self.shared)
        ours, theirs = (
            _verdict(
                logit + numbers.gauss(0, math.sqrt(max(0.0, model.error**2 - self.shared**2)))
                >= model.threshold
            )
            for model in (self.champion, self.challenger)
        )
        return ours, theirs


@cache
def _verdict(certain: bool) -> Verdict:
    return decide(_FACTS, Score(float(certain), 0.0, model="old"), LIMITS, (), NOW)


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


class Ended(NamedTuple):
    """What a trial came to, after how many answers and weeks; whether the duty stopped it."""

    finding: str
    answered: int
    weeks: int
    stopped: bool


@dataclass
class Life:
    """A mailbox in which the model "old" decides and "new" is in trial, on a store that others had before it."""

    here: Office
    name: str
    kind: Kind
    pair: Pair
    mail: Logits
    numbers: random.Random

    async def lived(self) -> Ended:
        """Until it is decided or the time is over."""
        story, store = self.here.story, self.here.store
        await story.mailbox(self.name, mode=Mode.QUARANTINE, questions_a_week=BUDGET)
        caller = await self.here.caller(self.name)
        await store.change_models(Act.SHADOW, "new", "operator", story.now)
        for week in range(1, WEEKS + 1):
            truth = await self.arrive(week)
            await self.correct(caller, truth)
            self.pass_days(7)
            await self.duty()
            await self.answer(caller, truth)
            running = await under_way(store)
            assert running is not None
            told = running.as_json()
            if told["finding"] != Finding.OPEN:
                break
        self.pass_days(1)
        await self.duty()
        stopped = (await store.models_in_use()).challenger is None
        if not stopped:
            await store.change_models(Act.STOP, "new", "operator", story.now)
        await store.forget(self.name)
        return Ended(told["finding"], told["answered"], week, stopped)

    async def arrive(self, week: int) -> dict[str, tuple[bool, bool]]:
        """A week's emails on which the models disagree and some others, judged; whether each is a pitch, and held."""
        truth, decided, agreed = dict[str, tuple[bool, bool]](), dict[str, Verdict](), Counter[bool]()
        for number in range(MAIL):
            pitch, gmail_id = self.numbers.random() < PITCHES, f"{self.name}-{week}-{number}"
            ours, theirs = self.pair.verdicts(self.numbers.choice(self.mail[pitch]), self.numbers)
            held = ours.row in HOLDING
            if disagreement(ours.row, theirs.row) is None:
                agreed[held] += 1
                if agreed[held] > AGREED / 2:
                    continue
            truth[gmail_id] = (pitch, held)
            decided[gmail_id] = replace(ours, shadow=Shadow("new", theirs.row, 0.5))
        story = self.here.story
        await story.arrive(self.name, *decided)
        await asyncio.gather(
            *(
                story.store.record_verdict(
                    job, decided[job.gmail_id], story.screened(f"{job.gmail_id}@s.test"), None, story.now
                )
                for job in await story.claim(MAIL)
            )
        )
        await story.work()
        return truth

    async def correct(self, caller: Caller, truth: dict[str, tuple[bool, bool]]) -> None:
        """What the owner sees and mends without being asked."""
        for gmail_id, (pitch, held) in truth.items():
            if held and not pitch and self.numbers.random() < RELEASED:
                decision = "release"
            elif pitch and not held and self.numbers.random() < MARKED:
                decision = "sales"
            else:
                continue
            order = {"key": f"{gmail_id:-<16}", "gmail_id": gmail_id, "decision": decision}
            await caller.request("POST", "corrections", json=order)
        await self.here.story.work()

    async def answer(self, caller: Caller, truth: dict[str, tuple[bool, bool]]) -> None:
        """The owner answers what they are asked, as their kind does."""
        for asked in (await caller.request("GET", "questions"))["messages"]:
            if asked["gmail_id"] not in truth or self.numbers.random() >= self.kind.answers:
                continue
            if self.kind.says:
                answer = self.kind.says(self.numbers)
            elif self.numbers.random() < UNSURE:
                answer = Answer.UNSURE
            else:
                answer = Answer.YES if truth[asked["gmail_id"]][0] else Answer.NO
            await caller.request("PUT", f"questions/{asked['gmail_id']}", json={"answer": answer})

    def pass_days(self, days: int) -> None:
        """Every clock goes on."""
        self.here.clock.advance(days=days)
        self.here.story.now = self.here.clock.now()

    async def duty(self) -> None:
        """What is done once a day."""
        job = await self.here.story.hold(self.name, Duty.RETAIN)
        await run_duty(self.here.context, self.here.google, job)


async def lives(mail: Logits, what: str, kind: Kind, pair: Pair, seeds: Sequence[int]) -> list[Ended]:
    """One after the other, on a store of their own."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        here = await stack.enter_async_context(office(folder))
        here.app.config["QUART_RATE_LIMITER_ENABLED"] = False
        here.story.now = here.clock.now()
        for version in ("old", "new"):
            model = StoredModel(version, version * 21, f"{version}.onnx", version.encode())
            await here.store.add_model(model, "operator", here.story.now)
        await here.store.change_models(Act.FORCE, "old", "operator", here.story.now)
        return [
            await Life(here, f"{what}-{seed}", kind, pair, mail, random.Random(f"{seed} {what}")).lived()
            for seed in seeds
        ]


def lived_through(
    mail: Logits, what: str, owner: str, pair: Pair, seeds: Sequence[int]
) -> tuple[list[Ended], float]:
    """The same in a process of its own, and the processor time it took, in seconds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return asyncio.run(lives(mail, what, OWNERS[owner], pair, seeds)), time.process_time()


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
        "stopped": sum(one.stopped for one in ended) / len(ended),
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
    seeds, workers = options.seeds, options.workers
    found = dict[str, dict[str, dict[str, float | None]]]()
    report: dict[str, object] = {}
    seconds, every = time.process_time(), pairs(mail)
    for what, pair in every.items():
        models = pair.champion, pair.challenger
        report[what] = {
            "f1": [round(shares(mail, model)[2], 3) for model in models],
            "ordinary_held": [round(shares(mail, model)[1], 4) for model in models],
        }
    for owner in options.owners.split(","):
        for what in options.challengers.split(","):
            shared = [range(first, seeds, workers) for first in range(workers)]
            case = (repeat(mail), repeat(what), repeat(owner), repeat(every[what]), shared)
            with ProcessPoolExecutor(workers) as pool:
                parts = list(pool.map(lived_through, *case))
            seconds += sum(took for _, took in parts)
            found.setdefault(owner, {})[what] = told([one for ended, _ in parts for one in ended])
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
