"""A sender at a real browser: they open their link, have the check solved, and are let in. Keyboard only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Outcome
from tests.browser.axe import assert_accessible_without_scripts
from tests.browser.checks import keep_picture, look_over, looks_right, watch_console
from tests.browser.sender import LOOKS, check_server, visit
from tests.web.service import LINK, TOKEN, Office
from tests.web.serving import Server

pytestmark = pytest.mark.browser

SLOW = 400_000  # iterations a step: the check runs for a minute, so that it can be looked at and cancelled


def test_by_keyboard_alone_a_sender_is_let_in(browser: Browser, tmp_path: Path) -> None:
    with check_server(tmp_path, 2_000) as here, visit(browser) as page:
        problems = watch_console(page)
        page.goto(here.address + LINK)
        expect(page.get_by_role("heading", level=1)).to_have_text("Your message is waiting")

        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Start the check")).to_be_focused()
        expect(page.get_by_role("button", name="Start")).to_have_accessible_description(
            re.compile("A few seconds on this device")
        )
        page.keyboard.press("Enter")

        done = page.get_by_role("heading", level=1, name="Your message is on its way")
        expect(done).to_be_focused()
        expect(page.locator(".figure")).to_have_text("2")
        look_over(page)
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text("This link has been used")

        page.locator("summary", has_text="Know Corp Sales? Add a note").press("Enter")
        page.get_by_label("Your note").fill("We met at the fair.")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Corp Sales can see this note now.")).to_be_visible()
        look_over(page)
        assert here.do(here.office.note()) == "We met at the fair."

        assert here.do(here.office.solves()) == here.do(here.office.begun()) == 1
        assert [text for text in problems if "410" not in text] == [], "the page broke its own policy"


def test_progress_is_told_to_eye_and_ear_and_can_be_cancelled(
    browser: Browser, tmp_path: Path, shots: Path
) -> None:
    with check_server(tmp_path, 60_000) as here, visit(browser) as page:
        page.goto(here.address + LINK)
        page.keyboard.press("Tab")
        page.keyboard.press("Space")

        cancel = page.get_by_role("button", name="Cancel")
        expect(cancel).to_be_focused()
        bar = page.get_by_role("progressbar", name="Working on it")
        expect(bar).to_have_attribute("value", re.compile(r"^([1-9]|\d\d)$"))
        expect(page.locator("#numbers")).to_have_text(re.compile(r"Checking… \d+% · about \d+ s left"))
        expect(page.get_by_role("status")).to_have_text(re.compile("Checking"))
        look_over(page)
        page.keyboard.press("Enter")

        expect(page.get_by_role("status")).to_have_text("Cancelled. You can start again at any time.")
        expect(page.get_by_role("button", name="Start the check")).to_be_focused()
        expect(bar).to_be_hidden()
        keep_picture(page, shots / "captcha-cancelled.png")
        assert here.do(here.office.solves()) == 0


def test_after_cancelling_they_can_start_again_and_be_let_in(browser: Browser, tmp_path: Path) -> None:
    with check_server(tmp_path, 8_000) as here, visit(browser) as page:
        page.goto(here.address + LINK)
        page.get_by_role("button", name="Start the check").click()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Start the check").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("Your message is on its way")
        assert here.do(here.office.solves()) == 1


def test_a_price_that_rose_takes_more_steps_and_is_paid(browser: Browser, tmp_path: Path) -> None:
    with check_server(tmp_path, 50, solved=2) as here, visit(browser) as page:
        page.goto(here.address + LINK)
        expect(page.get_by_text("about 4 times as long")).to_be_visible()
        page.get_by_role("button", name="Start the check").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("Your message is on its way")


def test_an_answer_that_came_too_late_brings_the_page_back(
    browser: Browser, tmp_path: Path, shots: Path
) -> None:
    with check_server(tmp_path, 50, waiting=4) as here, visit(browser) as page:
        page.goto(here.address + LINK)
        # The price rises between the task and its answer, as when they solve the link in a second window.
        page.route("**/task", lambda route: _raise_price(here, route))
        page.get_by_role("button", name="Start the check").click()

        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("too long or is out of date")
        look_over(page)
        keep_picture(page, shots / "captcha-again.png")
        page.unroute_all()
        page.get_by_role("button", name="Start the check").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your message is on its way")


def _raise_price(here: Server, route: Route) -> None:
    task = route.fetch()

    async def solve() -> None:
        await here.office.story.solve_id((await here.office.challenge()).id, token=TOKEN)

    here.do(solve())
    route.fulfill(response=task)


def test_a_link_voided_meanwhile_leads_to_the_page_that_says_so(browser: Browser, tmp_path: Path) -> None:
    with check_server(tmp_path, 50) as here, visit(browser) as page:
        page.goto(here.address + LINK)
        here.do(decide(here.office, Decision.BLOCK))
        page.get_by_role("button", name="Start the check").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("This link is no longer needed")


def test_too_fast_is_told_on_the_page(browser: Browser, tmp_path: Path) -> None:
    with check_server(tmp_path, 50) as here, visit(browser) as page:
        page.goto(here.address + LINK)
        page.route("**/task", lambda route: route.fulfill(status=429))
        page.get_by_role("button", name="Start the check").click()

        expect(page.get_by_role("status")).to_contain_text("Try again in a minute")
        expect(page.get_by_role("button", name="Start the check")).to_be_focused()


def test_without_the_server_it_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    with check_server(tmp_path, 50) as here, visit(browser) as page:
        page.goto(here.address + LINK)
        page.route("**/task", lambda route: route.abort())
        page.get_by_role("button", name="Start the check").click()

        expect(page.get_by_role("status")).to_contain_text("The server did not answer")
        expect(page.get_by_role("button", name="Start the check")).to_be_visible()


def test_on_an_insecure_address_it_asks_for_https(browser: Browser, tmp_path: Path) -> None:
    with check_server(tmp_path) as here, visit(browser) as page:
        page.goto(here.address.replace("127.0.0.1", "plain.test") + LINK)

        expect(page.get_by_role("status")).to_contain_text("Open the link with https://")
        expect(page.get_by_role("button", name="Start the check")).to_have_count(0)
        expect(page.get_by_role("link", name="Type a few digits instead")).to_be_visible()


def test_hostile_words_stay_inert_everywhere(browser: Browser, tmp_path: Path) -> None:
    nasty = "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script>"
    facts = {"sender": nasty, "subject": nasty, "sender_name": nasty}
    with check_server(tmp_path, **facts) as here, visit(browser) as page:
        here.do(here.office.story.mailbox("ana", called=nasty))
        for path in (LINK, "/live"):
            page.goto(here.address + path)
            expect(page.get_by_text(nasty).first).to_be_visible()
            assert page.evaluate("window.pwned") is None
        here.do(receive(here.office, "m2", Outcome.HOLD, subject=nasty + "2"))
        expect(page.get_by_text(nasty + "2").first).to_be_visible()
        assert page.evaluate("window.pwned") is None
        assert page.locator("main img:not(noscript img)").count() == 0


async def decide(office: Office, decision: Decision) -> None:
    await office.story.decide("ana", (await office.challenge()).about, decision)


async def receive(office: Office, gmail_id: str, outcome: Outcome, **facts: Any) -> None:
    """A message is judged, and what follows is done."""
    await office.story.arrive("ana", gmail_id)
    await office.judge(gmail_id, outcome, **facts)
    await office.story.work()


async def _lively(office: Office) -> None:
    story, other = office.story, "B" * 32
    await office.link("D" * 32, "dee@dear.example", solved=1)
    await office.link("E" * 32, "eli@used.example")
    await story.solve_id((await office.challenge("E" * 32)).id, token="E" * 32)
    await story.work()
    friend = {"score": 0.04, "sender": "tom@friend.example"}
    await receive(office, "m1", Outcome.INBOX, **friend, subject="Re: the invoice", sender_name="Uma")
    await receive(office, "m2", Outcome.INBOX, **friend, subject="Lunch on Thursday?", sender_name="Tom")
    await office.link(other, "lea@reach.example", subject="Cooperation", sender_name="Lea")
    await story.solve_id((await office.challenge(other)).id, token=other)
    await story.work()
    await story.arrive("ana", "m5")
    fields = {"sender": "kim@other.example", "token": "C" * 32, "sender_name": "Kim Reach"}
    await office.judge("m5", Outcome.CHALLENGE, subject="Quick question about your ads", **fields)
    await story.due()  # a worker has it in hand
    await story.arrive("ana", "m6")


@contextmanager
def lively(folder: Path) -> Iterator[Server]:
    """An app with mail at every step of its way."""
    with check_server(folder, SLOW) as here:
        here.do(_lively(here.office))
        yield here


async def fresh(office: Office) -> None:
    await office.judge("m6", Outcome.HOLD, subject="Fresh from the wire")
    await office.story.arrive("ana", "m7")


def test_the_live_page_moves_by_itself(browser: Browser, tmp_path: Path) -> None:
    with lively(tmp_path) as here, visit(browser) as page:
        problems = watch_console(page)
        page.goto(here.address + "/live")
        expect(page.get_by_role("status")).to_have_text("Updates automatically.")

        here.do(fresh(here.office))

        expect(page.locator("ol.list > li").nth(1)).to_contain_text("Fresh from the wire")
        expect(page.get_by_role("heading", level=1)).to_contain_text("11 emails so far")
        expect(page.locator(".lanes.wide [data-dot='held m6']")).to_be_attached()
        expect(
            page.locator(".lanes.wide .dot.past").first
        ).to_be_attached()  # what was there stays in its place
        assert problems == []


def test_without_javascript_the_live_page_reloads_itself(browser: Browser, tmp_path: Path) -> None:
    with lively(tmp_path) as here, visit(browser, java_script_enabled=False) as page:
        page.goto(here.address + "/live")

        expect(page.get_by_role("link", name="Reload")).to_be_visible()
        assert page.locator("meta[http-equiv=refresh]").count() == 1
        assert_accessible_without_scripts(page)


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_looks_right_everywhere(browser: Browser, tmp_path: Path, shots: Path, look: str) -> None:
    with lively(tmp_path) as here, visit(browser, **LOOKS[look]) as page:
        for name, path in {
            "landing": "/",
            "captcha-idle": LINK,
            "captcha-dearer": "/c/" + "D" * 32,
            "captcha-used": "/c/" + "E" * 32,
            "live": "/live",
        }.items():
            page.goto(here.address + path)
            looks_right(page, look, shots / f"{name}-{look}.png")

        page.goto(here.address + LINK)
        page.get_by_role("button", name="Start the check").click()
        expect(page.get_by_role("progressbar")).to_have_attribute("value", re.compile(r"^([1-9]|\d\d)$"))
        look_over(page)
        keep_picture(page, shots / f"captcha-running-{look}.png", full_page=True)
        page.get_by_role("button", name="Cancel").click()

    (tmp_path / "another").mkdir()
    with check_server(tmp_path / "another", 20) as here, visit(browser, **LOOKS[look]) as page:
        page.goto(here.address + LINK)
        page.get_by_role("button", name="Start the check").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your message is on its way")
        looks_right(page, look, shots / f"captcha-solved-{look}.png")
