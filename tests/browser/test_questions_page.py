"""The card of questions and what becomes of the answers, as they look and by keyboard without script."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from backend.domain.mailbox.decisions import Origin
from backend.domain.watching.trial import Answer
from tests.browser.axe import assert_accessible_without_scripts
from tests.browser.checks import looks_right, watch_console
from tests.browser.review_fixture import LOOKS, Fixture, fixture, visit

pytestmark = pytest.mark.browser

PAGES = {"asked": "/review", "answered": "/insights"}
WEEKS = 8


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fixture]:
    with fixture(tmp_path_factory.mktemp("questions")) as opened:
        story, store = opened.office.story, opened.store
        opened.do(store.change_preferences("ana", {"questions_a_week": 10}, story.now))
        begun = story.now
        for week in range(WEEKS):
            story.now = begun - timedelta(weeks=WEEKS - week)
            for number in range(9):
                opened.hold(f"h{week}-{number}", f"bo{number}@a-long-company-name.example")
                opened.pass_by(f"p{week}-{number}", f"cy{number}@fine.test")
            story.now += timedelta(weeks=1)
            opened.do(store.draw_questions("ana", story.now))
            for place, view in enumerate(opened.do(store.questions("ana", story.now))):
                if week < WEEKS - 1 or place > 2:
                    answer = Answer.YES if view.gmail_id.startswith("h") else Answer.NO
                    opened.do(store.answer_question("ana", view.gmail_id, answer, Origin.PAGE, story.now))
        yield opened


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_how_it_looks(here: Fixture, browser: Browser, shots: Path, name: str, look: str) -> None:
    with visit(here, browser, PAGES[name], **LOOKS[look]) as page:
        problems = watch_console(page)
        expect(page.locator("h1")).to_be_visible()
        looks_right(page, look, shots / f"{name}-{look}.png", full_page=name != "asked")
        assert not problems


def test_a_question_is_answered_by_keyboard_without_script(here: Fixture, browser: Browser) -> None:
    with visit(here, browser, "/review", java_script_enabled=False) as page:
        questions = page.locator(".ask li")
        found = questions.count()
        assert_accessible_without_scripts(page)
        questions.first.get_by_role("button", name="Can’t say").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Your answer counts")
        expect(page.locator(".ask li")).to_have_count(found - 1)
