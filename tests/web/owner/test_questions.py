"""The card of questions on the review page, the same by API, and what becomes of the answers on Insights."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

from backend.domain.mailbox.decisions import Origin
from backend.domain.mailbox.message import Outcome
from backend.domain.watching.trial import Answer
from backend.transactions.records import EventKind
from tests.web.service import Office


async def drawn(here: Office, held: int = 1, passed: int = 2) -> list[str]:
    """A week's mail and the messages drawn of it, with a subject of a stranger's making."""
    for number in range(held):
        await here.story.receive("ana", f"h{number}", Outcome.HOLD, f"bo@pitch{number}.test")
    for number in range(passed):
        await here.story.receive("ana", f"p{number}", Outcome.INBOX, f"cy@fine{number}.test")
    await here.store.draw_questions("ana", here.story.now + timedelta(days=7))
    return [view.gmail_id for view in await here.store.questions("ana", here.clock.now())]


async def page_of(client: Any, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200
    return str(await answer.get_data(as_text=True))


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]*)"', page)
    assert found
    return unescape(found[1])


async def test_each_drawn_message_has_a_button_for_each_answer(here: Office) -> None:
    one, *others = await drawn(here)
    browser = await here.browser()
    page = await page_of(browser, "/review")
    assert "Were these 3 emails sales pitches?" in page
    assert page.count('name="say"') == 9

    done = await browser.post(
        "/review/answer", form={"csrf": csrf(page), "back": "/review", "say": f"yes {one}"}
    )

    assert done.status_code == 303
    page = await page_of(browser, done.headers["Location"])
    assert "Thank you. Your answer counts." in page
    assert page.count('name="say"') == 3 * len(others)
    assert f'value="yes {one}"' not in page


async def test_the_card_is_on_the_first_page_of_what_is_held_alone(here: Office) -> None:
    await drawn(here)
    browser = await here.browser()
    for path in ("/review?view=passed", "/review?q=pitch", "/review?band=pitch"):
        assert 'name="say"' not in await page_of(browser, path)
    assert 'name="say"' not in await page_of(await here.browser("eve"), "/review")


async def test_an_answer_needs_the_owners_own_form(here: Office) -> None:
    one, *_ = await drawn(here)
    browser = await here.browser()
    page = await page_of(browser, "/review")
    assert (await browser.post("/review/answer", form={"csrf": "x", "say": f"yes {one}"})).status_code == 403
    stranger = here.app.test_client()
    assert (await stranger.post("/review/answer", form={"say": f"yes {one}"})).status_code == 401
    odd = {"csrf": csrf(page), "say": f"perhaps {one}"}
    assert (await browser.post("/review/answer", form=odd)).status_code == 422
    eve = await here.browser("eve")
    theirs = {"csrf": csrf(await page_of(eve, "/review")), "say": f"yes {one}"}
    lost = await eve.post("/review/answer", form=theirs)
    assert "done=lost" in lost.headers["Location"]
    assert all(label.answer == "" for label in await here.store.labels("ana", here.clock.now()))


async def test_a_computer_asks_and_answers_the_same(here: Office) -> None:
    names = await drawn(here)
    ana = await here.caller("ana")
    response = await ana.request("GET", "questions")
    assert [one["gmail_id"] for one in response["messages"]] == names

    for _ in range(2):
        answered = await ana.request("PUT", f"questions/{names[0]}", json={"answer": "unsure"})
        assert answered == {"gmail_id": names[0], "answer": "unsure"}

    assert len((await ana.request("GET", "questions"))["messages"]) == 2
    assert (await ana.request("PUT", "questions/h9", 404, json={"answer": "no"}))["code"] == "not_found"
    odd = await ana.request("PUT", f"questions/{names[0]}", 422, json={"answer": "perhaps"})
    assert odd["field"] == "answer"


async def test_insights_shows_a_share_once_it_is_known(here: Office) -> None:
    for week in range(6):
        for number in range(10):
            await here.story.receive("ana", f"h{week}-{number}", Outcome.HOLD, f"bo@pitch{number}.test")
        here.story.pass_time(days=7)
        await here.store.change_preferences("ana", {"questions_a_week": 10}, here.story.now)
        await here.store.draw_questions("ana", here.story.now)
        for view in await here.store.questions("ana", here.story.now):
            await here.store.answer_question("ana", view.gmail_id, Answer.YES, Origin.PAGE, here.story.now)
        if week == 0:
            page = await page_of(await here.browser(), "/insights")
            assert "You were asked about 10 emails picked at random, and said yes or no to 10." in page
            assert "too few answers" in page

    page = await page_of(await here.browser(), "/insights")

    assert '100% <span class="quiet">(94% to 100%)</span>' in page


async def test_computers_hear_how_many_questions_there_are(here: Office) -> None:
    caller = await here.caller()
    assert (await caller.request("GET", "status"))["questions"] == 0
    one, *others = await drawn(here)
    before = await caller.request("GET", "status")
    assert before["questions"] == 3
    device = await here.service.device(caller.token)

    await caller.request("PUT", f"questions/{one}", json={"answer": "unsure"})

    news = await here.store.news("ana", device.id, int(before["event"]), 10)
    assert [event.kind for event in news.events] == [EventKind.STATUS]
    assert (await caller.request("GET", "status"))["questions"] == len(others)
