"""A sender at a real browser: he opens his link, has the check solved, and is let in. Keyboard only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from backend.domain.entry.challenge import ChallengeState
from backend.domain.errors import Expired
from backend.domain.mailbox.labels import Placement
from backend.domain.mailbox.message_record import Stage
from tests.browser.axe import assert_no_serious
from tests.browser.checks import look_over, watch_console
from tests.browser.sender import LINK, LOOKS, serving, visit
from tests.web.fakes import TOKEN, World, challenge, mailbox, message, open_challenge, world

pytestmark = pytest.mark.browser

SLOW = 400_000  # iterations a step: the check runs for a minute, so that it can be looked at and cancelled


def test_by_keyboard_alone_a_sender_is_let_in(browser: Browser) -> None:
    around = world(cost=2_000)
    with serving(around) as address, visit(browser) as page:
        problems = watch_console(page)
        page.goto(address + LINK)
        expect(page.get_by_role("heading", level=1)).to_have_text("Your message is waiting")

        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Start the check")).to_be_focused()
        expect(page.get_by_role("button", name="Start")).to_have_accessible_description(
            re.compile("runs by itself")
        )
        page.keyboard.press("Enter")

        done = page.get_by_role("heading", level=1, name="Your message was delivered")
        expect(done).to_be_focused()
        expect(page.locator(".figure")).to_have_text("2")
        look_over(page)
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text("This link has been used")

        assert around.entrances.solves == around.entrances.starts == 1
        assert [text for text in problems if "410" not in text] == [], "the page broke its own policy"


def test_progress_is_told_to_eye_and_ear_and_can_be_cancelled(browser: Browser, shots: Path) -> None:
    around = world(cost=60_000)
    with serving(around) as address, visit(browser) as page:
        page.goto(address + LINK)
        page.keyboard.press("Tab")
        page.keyboard.press("Space")

        cancel = page.get_by_role("button", name="Cancel")
        expect(cancel).to_be_focused()
        bar = page.get_by_role("progressbar", name="Progress of the check")
        expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^([1-9]|\d\d)$"))
        expect(page.locator("#numbers")).to_have_text(re.compile(r"Checking… \d+ % · about \d+ s left"))
        expect(page.get_by_role("status")).to_have_text(re.compile("Checking"))
        look_over(page)
        page.keyboard.press("Enter")

        expect(page.get_by_role("status")).to_have_text("Cancelled. You can start again at any time.")
        expect(page.get_by_role("button", name="Start the check")).to_be_focused()
        expect(bar).to_be_hidden()
        page.screenshot(path=shots / "captcha-cancelled.png")
        assert around.entrances.solves == 0


def test_after_cancelling_he_can_start_again_and_be_let_in(browser: Browser) -> None:
    around = world(cost=8_000)
    with serving(around) as address, visit(browser) as page:
        page.goto(address + LINK)
        page.get_by_role("button", name="Start the check").click()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Start the check").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("Your message was delivered")
        assert around.entrances.solves == 1


def test_a_price_that_rose_takes_more_steps_and_is_paid(browser: Browser) -> None:
    around = world(cost=50)
    around.entrances.open[TOKEN] = open_challenge(factor=4)
    with serving(around) as address, visit(browser) as page:
        page.goto(address + LINK)
        expect(page.get_by_text("about 4 times as long")).to_be_visible()
        page.get_by_role("button", name="Start the check").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("Your message was delivered")


def test_an_answer_that_came_too_late_brings_the_page_back(browser: Browser, shots: Path) -> None:
    around = world(cost=50)
    with serving(around) as address, visit(browser) as page:
        page.goto(address + LINK)
        # The price rises between the task and its answer, as when he solves another link in a second window.
        page.route("**/task", lambda route: (_raise_price(around), route.continue_()))
        page.get_by_role("button", name="Start the check").click()

        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("too long or is out of date")
        look_over(page)
        page.screenshot(path=shots / "captcha-again.png")
        page.unroute_all()
        page.get_by_role("button", name="Start the check").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your message was delivered")


def _raise_price(around: World) -> None:
    real = around.captcha.task

    def late(challenge_id: str, factor: int, now: Any) -> dict[str, Any]:
        around.entrances.open[TOKEN] = open_challenge(factor=2)
        around.captcha.task = real  # type: ignore[method-assign]
        return real(challenge_id, factor, now)

    around.captcha.task = late  # type: ignore[method-assign]


def test_a_link_voided_meanwhile_leads_to_the_page_that_says_so(browser: Browser) -> None:
    around = world(cost=50)
    with serving(around) as address, visit(browser) as page:
        page.goto(address + LINK)
        around.entrances.closed[TOKEN] = Expired("Decided.", code="link_voided")
        page.get_by_role("button", name="Start the check").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("This link is no longer needed")


def test_too_fast_is_told_on_the_page(browser: Browser) -> None:
    around = world(cost=50)
    with serving(around) as address, visit(browser) as page:
        page.goto(address + LINK)
        page.route("**/task", lambda route: route.fulfill(status=429))
        page.get_by_role("button", name="Start the check").click()

        expect(page.get_by_role("status")).to_contain_text("Try again in a minute")
        expect(page.get_by_role("button", name="Start the check")).to_be_focused()


def test_without_the_server_it_says_what_to_do(browser: Browser) -> None:
    around = world(cost=50)
    with serving(around) as address, visit(browser) as page:
        page.goto(address + LINK)
        page.route("**/task", lambda route: route.abort())
        page.get_by_role("button", name="Start the check").click()

        expect(page.get_by_role("status")).to_contain_text("The server did not answer")
        expect(page.get_by_role("button", name="Start the check")).to_be_visible()


def test_on_an_insecure_address_it_asks_for_https(browser: Browser) -> None:
    with serving(world()) as address, visit(browser) as page:
        page.goto(address.replace("127.0.0.1", "plain.test") + LINK)

        expect(page.get_by_role("status")).to_contain_text("Open the link with https://")
        expect(page.get_by_role("button", name="Start the check")).to_have_count(0)
        expect(page.get_by_role("link", name="Type a few digits instead")).to_be_visible()


def test_hostile_words_stay_inert_everywhere(browser: Browser) -> None:
    around = world()
    nasty = "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script>"
    around.entrances.open[TOKEN] = open_challenge(owner=nasty, subject=nasty, sender=nasty)
    around.store.boxes = (mailbox(),)
    around.store.views = (message(subject=nasty, sender_name=nasty),)
    with serving(around) as address, visit(browser) as page:
        for path in (LINK, "/live"):
            page.goto(address + path)
            expect(page.get_by_text(nasty).first).to_be_visible()
            assert page.evaluate("window.pwned") is None
        around.store.views = (message("m2", subject=nasty + "2"),)
        expect(page.get_by_text(nasty + "2").first).to_be_visible()
        assert page.evaluate("window.pwned") is None
        assert page.locator("main img:not(noscript img)").count() == 0


def lively() -> World:
    around = world(cost=SLOW)
    around.store.boxes = (mailbox(),)
    passed = {"placement": Placement.INBOX, "outcome": "inbox"}
    around.store.views = (
        message(
            "m6", outcome="", row="", score=None, placement=None, stage=Stage.SCREEN, sender="", subject="",
            sender_name="",
        ),
        message("m5", stage=Stage.CHALLENGE, sender_name="Kim Reach", subject="Quick question about your ads"),
        message("m4"),
        message(
            "m3", **passed | {"outcome": "challenge"}, decided_by="solve", subject="Cooperation", sender_name="Lea"
        ),
        message("m2", **passed, row="below_hold", score=0.04, subject="Lunch on Thursday?", sender_name="Tom"),
        message("m1", **passed, row="correspondent", score=None, subject="Re: the invoice", sender_name="Uma"),
    )  # fmt: skip
    around.store.challenges = {
        "m4": challenge("m4"),
        "m3": challenge("m3", ChallengeState.SOLVED),
    }
    around.store.counts = {
        "messages.undecided": 1, "messages.inbox": 2, "messages.challenge": 3, "challenges.sent": 1,
        "challenges.solved": 1, "released": 1,
    }  # fmt: skip
    return around


def test_the_live_page_moves_by_itself(browser: Browser) -> None:
    around = lively()
    with serving(around) as address, visit(browser) as page:
        problems = watch_console(page)
        page.goto(address + "/live")
        expect(page.get_by_role("status")).to_have_text("Updates by itself.")

        around.store.views = (message("m9", subject="Fresh from the wire"), *around.store.views)
        around.store.counts = around.store.counts | {"messages.undecided": 2}

        expect(page.get_by_role("row").nth(1)).to_contain_text("Fresh from the wire")
        expect(page.locator(".arrived dd")).to_have_text("7")
        assert problems == []


def test_without_javascript_the_live_page_reloads_itself(browser: Browser) -> None:
    with serving(lively()) as address, visit(browser, java_script_enabled=False) as page:
        page.goto(address + "/live")

        expect(page.get_by_role("link", name="Reload")).to_be_visible()
        assert page.locator("meta[http-equiv=refresh]").count() == 1


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_looks_right_everywhere(browser: Browser, shots: Path, look: str) -> None:
    around = lively()
    around.entrances.open["B" * 32] = open_challenge(challenge_id="ch2", factor=2)
    around.entrances.closed["C" * 32] = Expired("Over.", code="link_expired")
    with serving(around) as address, visit(browser, **LOOKS[look]) as page:
        for name, path in {
            "landing": "/",
            "captcha-idle": LINK,
            "captcha-dearer": "/c/" + "B" * 32,
            "captcha-expired": "/c/" + "C" * 32,
            "live": "/live",
        }.items():
            page.goto(address + path)
            assert_no_serious(page)
            look_over(page)
            page.screenshot(path=shots / f"{name}-{look}.png", full_page=True)

        page.goto(address + LINK)
        page.get_by_role("button", name="Start the check").click()
        expect(page.get_by_role("progressbar")).to_have_attribute(
            "aria-valuenow", re.compile(r"^([1-9]|\d\d)$")
        )
        look_over(page)
        page.screenshot(path=shots / f"captcha-running-{look}.png", full_page=True)
        page.get_by_role("button", name="Cancel").click()

    around = world(cost=20)
    with serving(around) as address, visit(browser, **LOOKS[look]) as page:
        page.goto(address + LINK)
        page.get_by_role("button", name="Start the check").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your message was delivered")
        assert_no_serious(page)
        look_over(page)
        page.screenshot(path=shots / f"captcha-solved-{look}.png", full_page=True)
