"""Insights and the owner's data, as they look, and taking everything away and back in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from backend.domain.mailbox.decisions import Decision, RuleKind
from tests.browser.axe import assert_accessible_without_scripts
from tests.browser.checks import looks_right, watch_console
from tests.browser.review_fixture import LOOKS, Fixture, fixture, visit

pytestmark = pytest.mark.browser

PAGES = {"insights": "/insights", "data": "/settings/data"}
HOSTILE = '"<img src=x onerror=alert(1)>"@pitch.test'


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fixture]:
    with fixture(tmp_path_factory.mktemp("insights")) as opened:
        story = opened.office.story
        begun = story.now
        story.now = begun - timedelta(weeks=10)
        for week in range(10):
            opened.do(story.a_week(12, polish=1 if week < 8 else 11))
        opened.do(opened.store.count_weeks("ana", begun))
        for number in range(28):
            # Thirteen weeks up to now, with more and less in them.
            opened.office.story.now = begun - timedelta(days=84 - 3 * number, hours=2)
            sender = (HOSTILE, "a.very.long.sender.address@a-long-company-name.example", "bo@pitch.test")
            opened.hold(f"m{number}", sender[(number * number) % 3])
            if number % 5 == 0:
                opened.do(opened.office.story.decide("ana", f"m{number}", Decision.RELEASE))
                opened.do(opened.office.story.work())
        for number in range(4):
            opened.challenge(f"c{number}", f"di@shop{number}.test")
        opened.do(opened.office.story.decide("ana", "c0", Decision.ALLOW))
        opened.do(opened.office.story.work())
        opened.pass_by("p1", "slipped@through.test")
        opened.do(opened.office.story.decide("ana", "p1", Decision.SALES))
        yield opened


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_how_it_looks(here: Fixture, browser: Browser, shots: Path, name: str, look: str) -> None:
    with visit(here, browser, PAGES[name], **LOOKS[look]) as page:
        problems = watch_console(page)
        expect(page.locator("h1")).to_be_visible()
        looks_right(page, look, shots / f"{name}-{look}.png")
        assert not problems


def test_the_drawing_and_the_table_behind_it_say_the_same(here: Fixture, browser: Browser) -> None:
    with visit(here, browser, "/insights", java_script_enabled=False) as page:
        page.locator("section:has(svg.weeks) summary").click()
        assert_accessible_without_scripts(page)
        table = [
            int(cell) for cell in page.locator("section:has(svg.weeks) tbody td").all_inner_texts()
        ]  # a week's held, then its delivered
        drawn = [int(text) for text in page.locator("svg.weeks .value").all_text_contents()]

        assert 4 <= len(table) / 2 <= 13
        assert [count for count in table if count] == drawn
        assert sum(table) == 32


def test_how_the_mail_has_changed_stands_above_the_details(here: Fixture, browser: Browser) -> None:
    with visit(here, browser, "/insights", java_script_enabled=False) as page:
        found = page.get_by_text("Your mail has changed since February: more of it is in Polish.")
        expect(found).to_be_visible()
        sums = page.locator(".lead-card").bounding_box()
        place = found.bounding_box()
        assert place is not None
        assert sums is not None
        assert place["y"] < sums["y"]


def test_a_sender_in_the_table_is_only_text(here: Fixture, browser: Browser) -> None:
    with visit(here, browser, "/insights") as page:
        found: list[str] = []
        page.on("dialog", lambda dialog: found.append(dialog.message))
        expect(page.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
        assert page.locator("main img").count() == 0
        assert not found


def test_everything_is_taken_away_and_back_by_keyboard_without_script(
    here: Fixture, browser: Browser, tmp_path: Path
) -> None:
    here.do(here.store.set_rule("ana", "kept.test", RuleKind.BLOCK, here.office.story.now))
    with visit(here, browser, "/settings/data", java_script_enabled=False, accept_downloads=True) as page:
        page.get_by_role("link", name="Export everything").focus()
        with page.expect_download() as downloading:
            page.keyboard.press("Enter")
        downloading.value.save_as(tmp_path / "mine.json")
        here.do(here.store.set_rule("ana", "kept.test", None, here.office.story.now))

        page.get_by_label("The exported file").set_input_files(tmp_path / "mine.json")
        page.get_by_role("button", name="Restore").focus()
        page.keyboard.press("Enter")

        expect(page.get_by_role("status")).to_contain_text("Rules: 1")
    assert json.loads((tmp_path / "mine.json").read_text())["mailbox"]["email"] == "ana@corp.test"
    rules = here.do(here.store.rules("ana", RuleKind.BLOCK, "", "", 9))
    assert [rule.rule.subject for rule in rules] == ["kept.test"]


def test_a_sender_is_blocked_where_they_are_counted_and_that_is_taken_back(
    here: Fixture, browser: Browser
) -> None:
    with visit(here, browser, "/insights", java_script_enabled=False) as page:
        problems = watch_console(page)
        block = page.locator(".most li", has_text="di@shop3.test").get_by_role("button")
        expect(block).to_have_accessible_name("Block Bo Pitcher")
        block.press("Enter")
        expect(page.locator(".toast")).to_contain_text("Blocked:")
        expect(block).to_have_count(0)
        assert here.decided("c3") == "owner"
        page.get_by_role("button", name="Undo").press("Enter")
        expect(block).to_be_visible()
        assert here.decided("c3") == ""
        assert not problems
