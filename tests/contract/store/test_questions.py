"""Questions to the owner: drawn once a week, answered in three ways, forgotten like the messages they are about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backend.domain.errors import NotFound
from backend.domain.mailbox.decisions import Decision, Origin
from backend.domain.mailbox.message import Outcome, PolicyRow, Verdict
from backend.domain.reading.score import Score
from backend.domain.watching.trial import HELD, NEAR, PASSED, Answer
from tests.contract.store.stories import Story

WEEK = timedelta(days=7)


async def a_week_later(story: Story, held: int = 4, passed: int = 8, **preferences: Any) -> int:
    """Ana's mail of a week, and what is drawn of it in the next."""
    await story.mailbox("ana", **{"questions_a_week": 3, **preferences})
    for number in range(held):
        await story.receive("ana", f"h{number}", Outcome.HOLD, f"s{number}@pitch.test")
    for number in range(passed):
        await story.receive("ana", f"p{number}", Outcome.INBOX, f"t{number}@fine.test")
    story.pass_time(days=7)
    return await story.store.draw_questions("ana", story.now)


async def questions_of(story: Story) -> list[str]:
    return [view.gmail_id for view in await story.store.questions("ana", story.now)]


async def answers(story: Story) -> list[str]:
    return [label.answer for label in await story.store.labels("ana", story.now)]


async def test_three_messages_are_drawn_once_a_week(story: Story) -> None:
    assert await a_week_later(story) == 3
    first = await questions_of(story)
    assert len(first) == 3
    assert sorted(label.weight for label in await story.store.labels("ana", story.now)) == [1.0, 4.0, 7.0]

    assert await story.store.draw_questions("ana", story.now + timedelta(days=1)) == 0
    assert await questions_of(story) == first
    assert await story.store.draw_questions("ana", story.now + WEEK) == 0  # no mail came in that week
    story.pass_time(days=7)
    assert await questions_of(story) == []


async def test_the_highest_tenth_of_what_passed_was_nearly_held(story: Story) -> None:
    await story.mailbox("ana", questions_a_week=10)
    await story.receive("ana", "h1", Outcome.HOLD)
    await story.a_week(1, row=PolicyRow.CREDIT)  # which is not decided on its score
    story.pass_time(weeks=-1)
    await story.a_week(7)  # every third has the highest score

    assert await story.store.draw_questions("ana", story.now) == 8
    strata = {
        row["gmail_id"]: row["stratum"] for row in await story.store.archive_page("ana", "questions", "", 9)
    }
    assert strata.pop("h1") == HELD
    passed = [strata[name] for name in sorted(strata, key=lambda name: int(name[1:]))]
    assert passed == [NEAR, *[PASSED] * 6]  # of three alike the first


async def test_names_in_letters_that_are_rare_are_one_group(story: Story) -> None:
    await story.mailbox("ana", questions_a_week=5)
    for number, name in enumerate(("Bo", "José", "Иван", "李", "42")):
        await story.arrive("ana", f"m{number}")
        verdict = Verdict(Outcome.INBOX, PolicyRow.BELOW_HOLD, Score(0.1, -2.0))
        facts = story.screened(sender_name=name)
        await story.store.record_verdict(await story.job(f"m{number}"), verdict, facts, None, story.now)
    story.pass_time(days=7)
    assert await story.store.draw_questions("ana", story.now) == 5
    found = sorted(label.letters for label in await story.store.labels("ana", story.now))
    assert found == ["", "accents", "latin", "other", "other"]


async def test_who_wants_no_questions_is_asked_none(story: Story) -> None:
    assert await a_week_later(story, questions_a_week=0) == 0
    await story.store.change_preferences("ana", {"questions_a_week": 5}, story.now)
    assert await story.store.draw_questions("ana", story.now) == 5
    await story.store.change_preferences("ana", {"questions_a_week": 0}, story.now)
    assert await questions_of(story) == []


async def test_an_answer_is_kept_and_sealed_and_moves_nothing(story: Story) -> None:
    await a_week_later(story)
    one, two, three = await questions_of(story)
    for gmail_id, answer in ((one, Answer.YES), (two, Answer.UNSURE), (one, Answer.NO)):
        await story.store.answer_question("ana", gmail_id, answer, Origin.PAGE, story.now)
    assert await questions_of(story) == [three]
    assert sorted(map(str, await answers(story))) == ["", "no", "unsure"]
    entries = [entry.data for entry in (await story.store.decisions("ana", one)).entries]
    assert [(says["kind"], says.get("answer")) for says in entries[1:]] == [
        ("answer", "yes"),
        ("answer", "no"),
    ]
    assert await story.work() == []
    with pytest.raises(NotFound):
        await story.store.answer_question("ana", "other", Answer.YES, Origin.PAGE, story.now)


async def test_what_the_owner_does_with_a_drawn_message_stands_beside_its_answer(story: Story) -> None:
    await a_week_later(story)
    held = next(name for name in await questions_of(story) if name.startswith("h"))

    async def known() -> set[tuple[str, str]]:
        return {(label.answer, label.acted) for label in await story.store.labels("ana", story.now)}

    await story.decide("ana", held, Decision.RELEASE, key="k1")
    assert held in await questions_of(story)
    assert await known() == {("", "no"), ("", "")}
    await story.store.answer_question("ana", held, Answer.YES, Origin.PAGE, story.now)
    assert await known() == {("yes", "no"), ("", "")}
    await story.store.undo("ana", "k1", story.now)
    assert await known() == {("yes", ""), ("", "")}


async def test_what_was_decided_before_the_draw_is_asked_all_the_same(story: Story) -> None:
    await story.mailbox("ana")
    await story.receive("ana", "h1", Outcome.HOLD)
    await story.decide("ana", "h1", Decision.ALLOW)
    story.pass_time(days=7)
    assert await story.store.draw_questions("ana", story.now) == 1
    assert await questions_of(story) == ["h1"]
    (label,) = await story.store.labels("ana", story.now)
    assert (label.stratum, label.answer, label.acted) == (HELD, "", Answer.NO)
    assert (label.model, label.language, label.mailbox) == ("m1", "de", "ana")


async def test_answers_come_with_the_score_of_the_model_that_was_asked_for(story: Story) -> None:
    await a_week_later(story)
    first, second, _ = await questions_of(story)
    await story.store.answer_question("ana", second, Answer.NO, Origin.PAGE, story.now)
    await story.store.answer_question("ana", first, Answer.UNSURE, Origin.PAGE, story.now)
    view = await story.view("ana", second)

    assert await story.store.answered("ana", view.model, story.now) == ((view.score, Answer.NO),)
    assert await story.store.answered("ana", "another", story.now) == ()
    assert await story.store.answered("bea", view.model, story.now) == ()

    story.pass_time(days=91)
    while await story.store.retain("ana", story.now, story.now, 100, story.now):
        pass
    assert await story.store.answered("ana", view.model, story.now) == ((view.score, Answer.NO),), (
        "it outlives its message"
    )


async def test_a_decision_about_another_message_answers_nothing(story: Story) -> None:
    await a_week_later(story)
    drawn = await questions_of(story)
    await story.decide("ana", next(f"h{n}" for n in range(4) if f"h{n}" not in drawn), Decision.RELEASE)
    assert await answers(story) == [""] * 3


async def test_an_answer_outlives_its_message_by_a_year_and_no_more(story: Story) -> None:
    await a_week_later(story)
    for gmail_id in await questions_of(story):
        await story.store.answer_question("ana", gmail_id, Answer.YES, Origin.PAGE, story.now)
    story.pass_time(days=100)
    await story.store.retain("ana", story.now, story.now - timedelta(days=90), 500)
    await story.store.draw_questions("ana", story.now)
    rows = await story.store.archive_page("ana", "questions", "", 9)
    assert [(row["gmail_id"], row["answer"]) for row in rows] == [(None, "yes")] * 3
    assert await answers(story) == [Answer.YES] * 3
    story.pass_time(days=300)
    await story.store.draw_questions("ana", story.now)
    assert await story.store.archive_page("ana", "questions", "", 9) == ()


async def test_leaving_takes_the_questions_along(story: Story) -> None:
    await a_week_later(story)
    assert (await story.store.forget("ana"))["questions"] == 3
