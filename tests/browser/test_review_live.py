"""Two windows open: what is decided in one shows in the other, and nothing moves under the reader's fingers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Placement
from tests.browser.axe import assert_accessible
from tests.browser.checks import keep_picture, look_over, watch_console
from tests.browser.review_fixture import Fixture, fixture, visit

pytestmark = pytest.mark.browser


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Fixture]:
    with fixture(tmp_path) as opened:
        yield opened


def subjects(page: Page) -> list[str]:
    return page.locator(".item .line a").all_inner_texts()


def test_two_windows_of_one_owner(here: Fixture, browser: Browser, shots: Path) -> None:
    here.hold("m1", "ann@vendor.test", subject="First")
    here.hold("m2", "ben@seller.test", subject="Second")
    with visit(here, browser) as one, visit(here, browser) as other:
        problems = watch_console(other)
        row = other.locator("[data-id=m1]")
        row.get_by_role("checkbox").check()
        one.get_by_role("button", name="Release First").click()
        expect(one.locator(".flash")).to_contain_text("Released")

        expect(row.locator("[data-state]")).to_have_text("Released")
        expect(row.get_by_role("button", name="Release First", include_hidden=True)).to_be_disabled()
        expect(row.get_by_role("checkbox", include_hidden=True)).not_to_be_checked()
        assert subjects(other) == ["Second", "First"]
        expect(other.locator("[data-id=m2]").get_by_role("button", name="Release")).to_be_enabled()
        keep_picture(other, shots / "review-settled.png")
        look_over(other)
        assert_accessible(other)

        one.get_by_role("button", name="Undo").click()
        expect(row.locator("[data-state]")).to_be_hidden()
        expect(row.get_by_role("button", name="Release First")).to_be_enabled()
        assert problems == []


def test_new_mail_is_offered_and_never_pushed_in(here: Fixture, browser: Browser, shots: Path) -> None:
    here.hold("m1", subject="First")
    with visit(here, browser) as page:
        news = page.get_by_role("status").get_by_role("link")
        expect(news).to_have_count(0)
        for number in (2, 3, 4):
            here.hold(f"m{number}", f"s{number}@x.test", subject=f"Offer {number}")
            expect(news).to_have_text(f"{number - 1} new: show")
        assert subjects(page) == ["First"]
        here.do(here.office.story.decide("ana", "m3", Decision.RELEASE))  # decided elsewhere meanwhile
        expect(news).to_have_text("2 new: show")
        keep_picture(page, shots / "review-new.png")
        look_over(page)
        news.click()
        expect(page.locator(".item")).to_have_count(3)
        expect(news).to_have_count(0)


def test_a_line_of_the_senders_appears(here: Fixture, browser: Browser) -> None:
    here.challenge("m1")
    challenge = here.do(here.store.challenge_of("ana", "m1"))
    assert challenge is not None
    with visit(here, browser) as page:
        quote = page.locator(".sender-note")
        expect(quote).to_be_hidden()
        line = "<b>We met</b> \u202ein Lisbon"
        here.do(here.store.write_note("ana", challenge.id, line, challenge.created_at))
        expect(quote).to_contain_text("The sender’s note to you")
        expect(quote.locator("bdi")).to_have_text("<b>We met</b> in Lisbon")
        expect(quote.locator("b")).to_have_count(0)


def test_a_mail_and_a_sender_that_are_open_are_told_too(here: Fixture, browser: Browser) -> None:
    here.hold("m1")
    with (
        visit(here, browser, "/review/mail/m1") as mail,
        visit(here, browser, "/review/sender?address=bo@pitch.test") as sender,
        visit(here, browser) as page,
    ):
        page.get_by_role("button", name="Block bo@pitch.test").click()
        for open_page in (mail, sender):
            expect(open_page.locator("[data-state]")).to_have_text("Held by your decision")
        assert here.place("m1") is Placement.HELD


def test_who_signs_out_is_told_nothing_more(here: Fixture, browser: Browser) -> None:
    here.hold("m1")
    with visit(here, browser) as page:
        context = page.context
        second = context.new_page()
        second.goto(f"{here.address}/review")
        second.get_by_label("Signed in as").click()
        second.get_by_role("button", name="Sign out").click()
        with page.expect_response("**/review/events*") as found:  # it comes again and is sent away
            here.hold("m2", "eva@x.test")
        assert found.value.status == 204
        expect(page.get_by_role("status").get_by_role("link")).to_have_count(0)
