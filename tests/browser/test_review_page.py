"""The owner reviews: every order and its undo, by mouse, by keyboard alone, and without any script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from backend.domain.mail.message import Headers
from backend.domain.mailbox.message import Placement
from tests.browser.axe import assert_accessible_without_scripts
from tests.browser.checks import watch_console
from tests.browser.review_fixture import Fixture, fixture, visit
from tests.web.offers import offered

pytestmark = pytest.mark.browser

EACH = 3
"""Mails of the sender who wrote more than once."""

SCRIPTS = pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Fixture]:
    with fixture(tmp_path) as opened:
        yield opened


def says(page: Page, text: str) -> None:
    expect(page.locator(".flash")).to_contain_text(text)


def selected(page: Page) -> Locator:
    return page.get_by_role("group", name="Selected emails", include_hidden=True)


@SCRIPTS
def test_release_allow_and_block_and_each_taken_back(here: Fixture, browser: Browser, script: bool) -> None:
    here.hold("m1", "ann@vendor.test", name="Ann")
    here.hold("m2", "ben@seller.test", name="Ben")
    with visit(here, browser, java_script_enabled=script) as page:
        problems = watch_console(page)
        expect(page.get_by_role("heading", level=1)).to_have_text("2 emails held for your review")
        if not script:
            assert_accessible_without_scripts(page)
        for button, words, placed in (
            ("Release Grow your pipeline", "Released", Placement.INBOX),
            ("Allow sender ben@seller.test", "Allowed", Placement.INBOX),
            ("Allow all of seller.test", "Allowed: emails from the whole domain", Placement.INBOX),
            ("Block ben@seller.test", "Blocked", Placement.HELD),
            ("Keep held ben@seller.test", "Still held", Placement.HELD),
        ):
            if not button.startswith(("Release", "Block")):
                page.get_by_label("More for Ben").click()
            page.get_by_role("button", name=button).first.click()
            says(page, words)
            assert here.place("m2") is placed
            assert here.decided("m2") == ("kept" if "Keep" in button else "owner")
            expect(page.locator(".item")).to_have_count(1)
            page.get_by_role("button", name="Undo").click()
            says(page, "Undone.")
            assert here.place("m2") is Placement.HELD
            assert here.decided("m2") == ""
            expect(page.locator(".item")).to_have_count(2)
        assert problems == []


@SCRIPTS
def test_many_at_once_are_one_order_and_one_undo(here: Fixture, browser: Browser, script: bool) -> None:
    for number in range(4):
        here.hold(f"m{number}", f"s{number}@x.test", subject=f"Offer {number}")
    with visit(here, browser, java_script_enabled=script) as page:
        expect(selected(page)).to_be_hidden()
        for number in (0, 2, 3):
            page.get_by_role("checkbox", name=f"Offer {number}").check()
        selected(page).get_by_role("button", name="Release").click()
        says(page, "Released: 3 emails")
        assert [here.place(f"m{n}") for n in range(4)].count(Placement.INBOX) == 3
        expect(page.locator(".item")).to_have_count(1)

        page.go_back()
        page.go_forward()
        says(page, "Released: 3 emails")
        page.get_by_role("button", name="Undo").click()
        says(page, "Undone.")
        assert [here.place(f"m{n}") for n in range(4)].count(Placement.HELD) == 4

        for number in (0, 1):
            page.get_by_role("checkbox", name=f"Offer {number}").check()
        page.get_by_role("button", name="Block senders").click()
        says(page, "Blocked")
        assert [here.decided(f"m{n}") for n in range(4)] == ["owner", "owner", "", ""]


def test_the_bar_for_the_chosen_shows_when_something_is_chosen(here: Fixture, browser: Browser) -> None:
    here.hold("m1", "ann@vendor.test")
    here.hold("m2", "ben@seller.test")
    with visit(here, browser) as page:
        bar = selected(page)
        expect(bar).to_be_hidden()
        page.get_by_label("Select all").check()
        expect(bar).to_be_visible()
        expect(page.locator("input[name=pick]:checked")).to_have_count(2)
        expect(bar).to_contain_text("2 emails selected")
        page.locator("input[name=pick]").first.uncheck()
        expect(bar).to_be_visible()
        page.locator("input[name=pick]").last.uncheck()
        expect(bar).to_be_hidden()


@SCRIPTS
def test_this_was_sales_after_all(here: Fixture, browser: Browser, script: bool) -> None:
    here.pass_by("p1", subject="Hello")
    here.hold("m1")
    with visit(here, browser, "/review?view=passed", java_script_enabled=script) as page:
        page.get_by_role("button", name="Mark as a pitch Hello").click()
        says(page, "Marked as a pitch")
        assert here.place("p1") is Placement.HELD
        page.get_by_role("button", name="Undo").click()
        says(page, "Undone.")
        assert here.place("p1") is Placement.INBOX

        page.goto(f"{here.address}/review")
        page.get_by_role("button", name="Release Grow").click()
        says(page, "Released")
        page.get_by_role("link", name="Released").click()
        page.get_by_role("button", name="Mark as a pitch Grow").click()
        says(page, "Marked as a pitch")
        assert here.place("m1") is Placement.HELD


@SCRIPTS
def test_credits_given_and_taken(here: Fixture, browser: Browser, script: bool) -> None:
    here.hold("m1")
    with visit(here, browser, java_script_enabled=script) as page:
        page.get_by_label("More for Bo Pitcher").click()
        page.get_by_role("link", name="All about this sender").click()
        page.get_by_label("How many").fill("3")
        page.get_by_role("button", name="Add", exact=True).click()
        says(page, "Credits now: 3")
        page.get_by_label("How many").fill("2")
        page.get_by_role("button", name="Remove", exact=True).click()
        says(page, "Credits now: 1")
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("Credits: 3")).to_be_visible()
        page.get_by_label("How many").fill("9")
        page.get_by_role("button", name="Remove", exact=True).click()
        says(page, "does not have that many credits")
        assert here.do(here.store.balance("ana", "bo@pitch.test")) == 3
        assert here.do(here.store.ledger_differences()) == ()


@SCRIPTS
def test_block_and_be_taken_off_the_list(here: Fixture, browser: Browser, script: bool) -> None:
    here.hold("m1", headers=Headers(offered("pitch.test")))
    here.hold("m2", "eva@other.test")
    lists = here.office.lists
    with visit(here, browser, "/review/mail/m2", java_script_enabled=script) as page:
        expect(page.get_by_role("button", name="Block and unsubscribe")).to_have_count(0)
        page.goto(f"{here.address}/review/mail/m1")
        assert lists.clicked == []  # looking is no order
        if not script:
            assert_accessible_without_scripts(page)
        page.get_by_role("button", name="Block and unsubscribe").click()
        says(page, "Blocked")
        assert lists.clicked == ["https://lists.pitch.test/u?t=1"]
        assert here.decided("m1") == "owner"
        page.goto(f"{here.address}/review/mail/m1")
        expect(page.get_by_text("Unsubscribed at lists.pitch.test.")).to_be_visible()
        expect(page.get_by_role("button", name="Block and unsubscribe")).to_have_count(0)


def test_what_weighed_is_marked_in_the_text(here: Fixture, browser: Browser) -> None:
    here.hold("m1")
    with visit(here, browser, "/review/mail/m1") as page:
        marked = page.locator("pre mark")
        expect(page.locator("pre mark.for")).to_have_text(
            ["pipeline", "15 minutes", "quick call", "qualified"]
        )
        expect(page.locator("pre mark.against")).to_have_text(["bees"])
        expect(marked.first).to_be_visible()
        expect(page.get_by_role("region", name="Text of the email")).to_contain_text("Thanks for your paper")


def test_by_keyboard_alone(here: Fixture, browser: Browser) -> None:
    here.hold("m1", "ann@vendor.test", subject="First")
    here.hold("m2", "ben@seller.test", subject="Second")
    with visit(here, browser) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        for _ in range(3):  # the tick, the subject, the button
            page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Release Second")).to_be_focused()
        page.reload()

        def tab_to(role: str, name: str) -> None:
            target = page.get_by_role(role, name=name)  # type: ignore[arg-type]
            for _ in range(60):
                page.keyboard.press("Tab")
                if target.evaluate("node => node === document.activeElement"):
                    return
            raise AssertionError(f"{name} cannot be reached")

        tab_to("checkbox", "First")
        page.keyboard.press("Enter")  # orders nothing
        page.keyboard.press("Space")
        tab_to("button", "Keep held")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        expect(selected(page).get_by_role("button", name="Release")).to_be_focused()
        outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
        page.keyboard.press("Enter")
        says(page, "Released")
        assert (here.place("m1"), here.place("m2")) == (Placement.INBOX, Placement.HELD)
        tab_to("button", "Undo")
        page.keyboard.press("Enter")
        says(page, "Undone.")
        tab_to("link", "Second")
        page.keyboard.press("Enter")
        expect(page.locator(".panel")).to_contain_text("Thanks for your paper")
        tab_to("button", "Block sender ben@seller.test")
        page.keyboard.press("Enter")
        says(page, "Blocked")
        assert here.decided("m2") == "owner"


@SCRIPTS
def test_a_line_stands_for_all_its_sender_has_waiting(here: Fixture, browser: Browser, script: bool) -> None:
    emails = [here.hold(f"m{number}", subject=f"Offer {number}") for number in range(EACH)]
    with visit(here, browser, java_script_enabled=script) as page:
        for button, words, placed in (
            ("Release", "Released: 3 emails", Placement.INBOX),
            ("Keep held", "3 emails stay held", Placement.HELD),
        ):
            expect(page.locator(".item")).to_have_count(1)
            if button == "Keep held":
                page.get_by_label("More for Bo Pitcher").click()
            page.locator(".item").get_by_role("button", name=button).click()
            says(page, words)
            expect(page.get_by_text("All done")).to_be_visible()
            assert [here.place(mail) for mail in emails] == [placed] * EACH
            page.get_by_role("button", name="Undo").click()
            says(page, "Undone.")
            assert [here.decided(mail) for mail in emails] == [""] * EACH


def test_what_is_open_shows_all_its_sender_has_waiting(here: Fixture, browser: Browser) -> None:
    here.challenge("m0", subject="Offer 0", text="We call you this week.")
    challenge = here.do(here.store.challenge_of("ana", "m0"))
    assert challenge is not None
    here.do(here.store.write_note("ana", challenge.id, "We met in Porto.", challenge.created_at))
    for number in (1, 2):
        here.hold(f"m{number}", subject=f"Offer {number}")
    with visit(here, browser) as page:
        expect(page.locator(".why .sender-note")).to_contain_text(
            "We met in Porto."
        )  # though they wrote again
        page.get_by_role("link", name="Offer 2").click()
        panel = page.locator(".panel")
        expect(panel.locator(".sender-note")).to_contain_text("We met in Porto.")
        expect(panel.get_by_text("3 emails held since")).to_be_visible()
        expect(panel.locator(".reasons q")).to_have_text(["quick call", "pipeline", "qualified", "bees"])
        expect(panel.locator(".emails .line")).to_have_text(["Offer 1", "Offer 0"])
        panel.get_by_role("button", name="Release Offer 1").click()
        says(page, "Released: the email")
        assert [here.decided(f"m{number}") for number in range(3)] == ["", "owner", ""]
        page.get_by_role("button", name="Undo").click()
        says(page, "Undone.")
        panel.get_by_role("button", name="Release all 3 bo@pitch.test").click()
        says(page, "Released: 3 emails")
        assert [here.place(f"m{number}") for number in range(3)] == [Placement.INBOX] * 3
        # Only what the mail says is quoted, as it says it.
        page.goto(f"{here.address}/review/mail/m0")
        expect(page.locator(".reasons q")).to_have_count(0)


@SCRIPTS
def test_all_that_wait_on_every_page_and_nothing_that_came_since(
    here: Fixture, browser: Browser, script: bool
) -> None:
    emails = [here.hold(f"m{number}", f"s{number}@x.test", subject=f"Offer {number}") for number in range(17)]
    with visit(here, browser, java_script_enabled=script) as page:
        expect(page.locator(".item")).to_have_count(15)
        page.get_by_role("checkbox", name="Offer 16").check()
        selected(page).get_by_role("checkbox", name="All 17 held emails").check()
        if script:
            expect(selected(page)).to_contain_text("17 emails selected")
        here.hold("late", "late@x.test")
        selected(page).get_by_role("button", name="Release").click()
        says(page, "Released: 17 emails")
        assert [here.place(mail) for mail in emails] == [Placement.INBOX] * 17
        assert here.place("late") is Placement.HELD
        page.get_by_role("button", name="Undo").click()
        says(page, "Undone.")
        assert [here.decided(mail) for mail in emails] == [""] * 17


def test_keys_move_through_the_list_and_act_where_they_are(here: Fixture, browser: Browser) -> None:
    for number in range(4):
        here.hold(f"m{number}", f"s{number}@x.test", name=f"Seller {number}", subject=f"Offer {number}")
    with visit(here, browser) as page:
        page.keyboard.press("r")  # on no line: releases nothing
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        page.keyboard.press("j")
        expect(page.locator(".row.here")).to_contain_text("Offer 2")
        for _ in range(2):
            page.keyboard.press("x")
        expect(selected(page)).to_be_hidden()
        page.keyboard.press("x")
        expect(selected(page)).to_contain_text("1 email selected")
        page.keyboard.press("x")
        for key, words in (("e", "Still held"), ("a", "Allowed"), ("b", "Blocked"), ("r", "Released")):
            page.keyboard.press(key)
            says(page, words)
            page.keyboard.press("u")
            says(page, "Undone.")
            expect(page.locator(".item")).to_have_count(4)
            expect(page.locator(".row.here")).to_contain_text("Offer 2")
        assert [here.decided(f"m{number}") for number in range(4)] == [""] * 4
        page.keyboard.press("Enter")
        expect(page.locator(".panel")).to_contain_text("Thanks for your paper")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.keyboard.type("rabeu")  # words, no orders
        expect(page.get_by_role("searchbox")).to_have_value("rabeu")


def test_an_act_leaves_the_page_where_it_is(here: Fixture, browser: Browser) -> None:
    for number in range(15):
        here.hold(f"m{number:02}", f"s{number:02}@x.test", subject=f"Offer {number:02}")
    with visit(here, browser, viewport={"width": 390, "height": 700}) as page:
        page.get_by_role("button", name="Release Offer 06").scroll_into_view_if_needed()
        top = page.evaluate("scrollY")
        assert top > 0
        page.get_by_role("button", name="Release Offer 06").click()
        says(page, "Released")
        assert page.evaluate("scrollY") == top
        expect(page.locator(".row.here")).to_contain_text("Offer 05")


@SCRIPTS
def test_search_filters_and_pages(here: Fixture, browser: Browser, script: bool) -> None:
    for number in range(30):
        here.hold(f"m{number:02}", f"s{number:02}@x.test", subject=f"Offer {number:02}")
    here.challenge("asked", "asked@x.test", subject="Übergabe")
    with visit(here, browser, java_script_enabled=script) as page:
        expect(page.locator(".item")).to_have_count(15)
        page.get_by_role("link", name="Older", exact=True).click()
        expect(page.locator(".item")).to_have_count(15)
        page.get_by_role("link", name="Older", exact=True).click()
        expect(page.locator(".item")).to_have_count(1)
        page.get_by_role("link", name="From the newest").click()
        page.get_by_role("searchbox").fill("ÜBERG")
        page.keyboard.press("Enter")
        expect(page.locator(".item")).to_have_count(1)
        page.get_by_role("link", name="Show all").click()
        page.get_by_text("Filters").click()
        if not script:
            assert_accessible_without_scripts(page)
        page.get_by_label("Sender was asked to pass a check").check()
        page.get_by_role("button", name="Filter").click()
        expect(page.locator(".item")).to_have_count(1)
        expect(page.locator(".find summary")).to_have_attribute("aria-label", "Filters 1")
        page.locator(".find summary").click()
        page.get_by_label("How much it reads like a pitch").select_option("unlikely")
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_text("Nothing matches.")).to_be_visible()
