"""A trial asks about the messages on which its two models disagree, and counts nothing but the answers about those."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

from backend.domain.errors import Refused
from backend.domain.mailbox.decisions import Decision, Origin
from backend.domain.mailbox.message import Outcome, PolicyRow, Shadow, Verdict
from backend.domain.reading.score import Score
from backend.domain.watching.trial import (
    CHALLENGER,
    CHAMPION,
    HELD,
    PASSED,
    Act,
    Answer,
    TrialCounts,
    TrialLabel,
    trial,
)
from backend.transactions.records import StoredModel
from tests.contract.store.stories import Story

TWO = StoredModel("two", "2" * 64, "two.onnx", b"two")
ROWS = {True: (Outcome.HOLD, PolicyRow.QUARANTINE), False: (Outcome.INBOX, PolicyRow.BELOW_HOLD)}


async def in_trial(story: Story) -> datetime:
    await story.store.add_model(TWO, "op", story.now)
    await story.store.change_models(Act.SHADOW, "two", "op", story.now)
    return story.now


async def judged(story: Story, name: str, ours: bool, theirs: bool | None, mailbox: str = "ana") -> None:
    """Whether the champion holds it, and the challenger would; None: it was not asked."""
    await story.arrive(mailbox, name)
    outcome, row = ROWS[ours]
    shadow = None if theirs is None else Shadow("two", ROWS[theirs][1], 0.5)
    verdict = Verdict(outcome, row, Score(0.9 if ours else 0.1, 0.0, model="m1"), shadow=shadow)
    facts = story.screened(f"{name}@pitch.test")
    await story.store.record_verdict(await story.job(name), verdict, facts, None, story.now)
    await story.work()


async def a_week_with_disagreements(story: Story, **preferences: Any) -> datetime:
    """Of each model two messages that it alone holds, six on which they agree, and one from before the trial."""
    await story.mailbox("ana", **preferences)
    await judged(story, "early", True, None)
    since = await in_trial(story)
    for number in range(2):
        await judged(story, f"ours{number}", True, False)
        await judged(story, f"theirs{number}", False, True)
        await judged(story, f"held{number}", True, True)
        for more in "ab":
            await judged(story, f"passed{number}{more}", False, False)
    story.pass_time(days=7)
    return since


async def asked(story: Story) -> set[str]:
    return {view.gmail_id for view in await story.store.questions("ana", story.now)}


async def test_a_trial_asks_about_disagreements_and_as_much_as_a_question_of_each_kind_about_all_mail(
    story: Story,
) -> None:
    since = await a_week_with_disagreements(story, questions_a_week=10)
    assert await story.store.draw_questions("ana", story.now) == 10
    assert await asked(story) >= {"ours0", "ours1", "theirs0", "theirs1"}
    labels = (await story.store.trial_labels("two", since))[0]
    assert sorted((label.stratum, label.weight) for label in labels) == [
        (CHALLENGER, 1.0),
        (CHALLENGER, 1.0),
        (CHAMPION, 1.0),
        (CHAMPION, 1.0),
    ]
    assert len(await story.store.labels("ana", story.now)) == 6
    assert await story.store.draw_questions("ana", story.now) == 0
    assert await story.store.trial_counts("two", since) == TrialCounts(10, 2, 2)


async def test_a_smaller_budget_is_drawn_uniformly_and_none_asks_nothing(story: Story) -> None:
    since = await a_week_with_disagreements(story, questions_a_week=3)
    assert await story.store.draw_questions("ana", story.now) == 3
    labels = (await story.store.trial_labels("two", since))[0]
    assert [label.weight for label in labels] == [4]
    assert len(await story.store.labels("ana", story.now)) == 2

    await story.mailbox("bea", questions_a_week=0)
    await judged(story, "theirs0", False, True, "bea")
    story.pass_time(days=7)
    assert await story.store.draw_questions("bea", story.now) == 0


async def test_an_answer_counts_and_neither_an_act_nor_cannot_say_does(story: Story) -> None:
    since = await a_week_with_disagreements(story, questions_a_week=10)
    await story.store.draw_questions("ana", story.now)
    await story.store.answer_question("ana", "theirs0", Answer.YES, Origin.PAGE, story.now)
    await story.store.answer_question("ana", "theirs1", Answer.UNSURE, Origin.PAGE, story.now)
    await story.decide("ana", "ours0", Decision.RELEASE, key="k")
    asked, usual = await story.store.trial_labels("two", since)
    assert {label.mailbox for label in usual} == {"ana"}
    found = trial(asked, vouching("ana"))
    assert (found.asked, found.answered, found.silent, found.acted) == (4, 1, 2, 1)
    assert found.path[-1].better > 1 > found.path[-1].worse
    assert trial(asked, usual).doubted == 1, "nothing vouches for them yet"


def vouching(mailbox: str) -> list[TrialLabel]:
    """Answers about all mail that tell pitches from ordinary mail."""
    answers = ((HELD, Answer.YES), (PASSED, Answer.NO)) * 9
    return [TrialLabel(stratum, 1.0, "m1", "de", "latin", answer, "", mailbox) for stratum, answer in answers]


async def test_what_was_not_drawn_moves_nothing_whatever_its_owner_does(story: Story) -> None:
    since = await a_week_with_disagreements(story, questions_a_week=3)
    await story.store.draw_questions("ana", story.now)
    before = (await story.store.trial_labels("two", since))[0]
    drawn, numbers = await asked(story), random.Random(3)
    names = ["early", "ours0", "ours1", "theirs0", "theirs1", "held0", "held1", "passed0a", "passed1b"]
    for number in range(40):
        name = numbers.choice([name for name in names if name not in drawn])
        decision = numbers.choice([Decision.RELEASE, Decision.ALLOW, Decision.BLOCK, Decision.SALES])
        try:
            await story.decide("ana", name, decision, key=f"k{number}")
        except Refused:
            continue
    await story.work()
    assert (await story.store.trial_labels("two", since))[0] == before


async def test_a_trial_of_more_than_a_year_keeps_its_first_answers_and_no_other_is_kept_so_long(
    story: Story,
) -> None:
    since = await a_week_with_disagreements(story, questions_a_week=10)
    await story.store.draw_questions("ana", story.now)
    await story.store.answer_question("ana", "theirs0", Answer.YES, Origin.PAGE, story.now)
    before = (await story.store.trial_labels("two", since))[0]
    story.pass_time(weeks=53)
    await story.store.draw_questions("ana", story.now)
    assert (await story.store.trial_labels("two", since))[0] == before
    assert await story.store.archive_page("ana", "questions", "", 20) != ()
    await story.store.change_models(Act.STOP, "two", "op", story.now)
    story.pass_time(weeks=1)
    await story.store.draw_questions("ana", story.now)
    assert await story.store.archive_page("ana", "questions", "", 20) == ()


async def told(story: Story) -> dict[str, int]:
    return {name: n for name, n in (await story.store.census()).items() if name.startswith("trial.")}


async def test_the_census_tells_of_a_trial_what_its_answers_prove(story: Story) -> None:
    assert await told(story) == {"trial.better": 0, "trial.worse": 0, "trial.open": 0}
    await story.mailbox("ana", questions_a_week=10)
    await in_trial(story)
    for week in range(12):
        for number in range(2):
            await judged(story, f"theirs{week}{number}", False, True)
        await judged(story, f"held{week}", True, True)
        for number in range(14):
            await judged(story, f"passed{week}-{number}", False, False)
        story.pass_time(days=7)
        await story.store.draw_questions("ana", story.now)
        if week < 4:
            assert await told(story) == {"trial.better": 0, "trial.worse": 0, "trial.open": 1}
        for name in await asked(story):
            answer = Answer.NO if name.startswith("passed") else Answer.YES
            await story.store.answer_question("ana", name, answer, Origin.PAGE, story.now)
    assert await told(story) == {"trial.better": 1, "trial.worse": 0, "trial.open": 0}
    await story.store.change_models(Act.STOP, "two", "op", story.now)
    assert await told(story) == {"trial.better": 0, "trial.worse": 0, "trial.open": 0}


async def test_another_trial_begins_without_the_answers_of_the_last(story: Story) -> None:
    since = await a_week_with_disagreements(story, questions_a_week=5)
    await story.store.draw_questions("ana", story.now)
    await story.store.change_models(Act.STOP, "two", "op", story.now)
    story.pass_time(minutes=1)
    await story.store.change_models(Act.SHADOW, "two", "op", story.now)
    assert (await story.store.trial_labels("two", since))[0] != ()
    assert (await story.store.trial_labels("two", story.now))[0] == ()
    assert await story.store.trial_counts("two", story.now) == TrialCounts()
