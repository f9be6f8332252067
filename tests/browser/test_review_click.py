"""A press on the review pages does what was aimed at, while mail arrives; and what was decided is not lost, whatever
becomes of the connection, the server or the session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from backend.domain.mailbox.decisions import Decision, Order, Origin
from backend.domain.mailbox.message import Placement
from tests.browser.axe import assert_accessible
from tests.browser.checks import keep_picture, look_over, looks_right, watch_console
from tests.browser.review_fixture import LOOKS, PLACES, SHIFTS, Fixture, fixture, visit

pytestmark = pytest.mark.browser

AIMS = 20
"""With each of the two ways; `python -m tests.browser.counts` does a hundred."""
ROWS = "() => [...document.querySelectorAll('.rows > .item')].map((one) => one.getBoundingClientRect().y)"
AIM = """
(place) => {
  const line = document.querySelectorAll(".rows > .item")[place];
  const button = [...line.querySelectorAll(".acts > button")].findLast((one) => one.checkVisibility());
  button.scrollIntoView({ block: "nearest" });
  const { x, y, width, height } = button.getBoundingClientRect();
  return [line.dataset.id, button.value, [x + width / 2, y + height / 2]];
}
"""
"""Which message stands at a place of the list, and where somebody aims who would decide: with a mouse at *Block*; on a
phone, which has that in the menu, at *Release*."""
STILL = 400
TOUCH = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
WAYS = pytest.mark.parametrize("options", [{}, TOUCH], ids=["mouse", "touch"])
AWAY: dict[str, Any] = {
    "no network": {},
    "a proxy's JSON": {"status": 503, "json": {"error": "upstream"}},
    "a proxy's page": {"status": 502, "body": "<h1>Bad gateway</h1>", "content_type": "text/html"},
    "another site's welcome": {
        "status": 200,
        "body": "<h1>Log in to Wi-Fi</h1>",
        "content_type": "text/html",
    },
    "too many": {"status": 429, "body": "", "headers": {"Retry-After": "1"}},
}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Fixture]:
    with fixture(tmp_path) as opened:
        yield opened


def row(page: Page, sender: str) -> Locator:
    return page.locator(".rows > .item").filter(has=page.get_by_text(sender, exact=True))


def last_button(page: Page, sender: str) -> Locator:
    """*Block*; on a phone, which has that in the menu, *Release*."""
    return row(page, sender).locator(".acts > button:visible").last


def middle(found: Locator) -> tuple[float, float]:
    """Where somebody aims who sees it now."""
    found.scroll_into_view_if_needed()
    box = found.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def hit(page: Page, at: tuple[float, float], options: dict[str, Any]) -> None:
    """A finger or a mouse, that looks no more."""
    if options:
        page.touchscreen.tap(*at)
    else:
        page.mouse.click(*at)


def keep_away(page: Page, how: dict[str, Any]) -> list[str]:
    """No order reaches the server; what was tried is in the list."""
    tried: list[str] = []

    def answer(route: Route) -> None:
        tried.append(route.request.post_data or "")
        if how:
            route.fulfill(**how)
        else:
            route.abort("internetdisconnected")

    page.route("**/review/decide", answer)
    return tried


def unsaved(page: Page) -> list[dict[str, Any]]:
    found = page.evaluate("() => JSON.parse(localStorage.getItem('pitchgate-orders') || '[]')")
    return list(found)


def presses_at_a_list_that_grows(
    here: Fixture, browser: Browser, options: dict[str, Any], aims: int = AIMS
) -> Iterator[tuple[str, list[str]]]:
    """For each press the order that was aimed at, and those that were given."""
    random = Random(7)
    for number in range(12):
        here.hold(f"m{number}", f"s{number}@x.test", name=f"Seller {number}", subject=f"Offer {number}")
    ordered: list[tuple[str, str]] = []
    with visit(here, browser, **options) as page:
        page.clock.install()
        page.on(
            "request",
            lambda sent: (
                ordered.append((parse_qs(sent.post_data or "")["one"][0], sent.url))
                if sent.method == "POST"
                else None
            ),
        )
        for number in range(12, 12 + aims):
            aimed, order, at = page.evaluate(AIM, random.randrange(8))
            here.hold(f"m{number}", f"s{number}@x.test", name=f"Seller {number}", subject=f"Offer {number}")
            page.locator("[data-news] a").wait_for()
            hit(page, at, options)
            page.locator(f".rows > [data-id={aimed}]").wait_for(state="detached")
            yield order, [given for given, _ in ordered]
            ordered.clear()
            # The answer has moved what was below: for a moment that takes no press.
            page.clock.fast_forward(STILL)


@WAYS
def test_aimed_presses_at_a_list_that_grows(here: Fixture, browser: Browser, options: dict[str, Any]) -> None:
    pressed = 0
    for aimed, ordered in presses_at_a_list_that_grows(here, browser, options):
        assert ordered == [aimed]
        pressed += 1
    assert pressed == AIMS


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_moves_on_load_and_while_mail_arrives(
    here: Fixture, browser: Browser, look: str, shots: Path
) -> None:
    for number in range(20):
        here.challenge(f"m{number}", f"s@x{number}.test", name=f"Seller {number}", subject=f"Offer {number}")
    challenge = here.do(here.store.challenge_of("ana", "m15"))
    assert challenge is not None
    for path in ("/review", "/review/sender?address=s@x15.test", "/review/mail/m15"):
        context = here.signed_in(browser, **LOOKS[look])
        context.add_init_script(SHIFTS)
        page = context.new_page()
        problems = watch_console(page)
        page.goto(here.address + path)
        expect(page.locator("[data-news]")).to_be_attached()
        before = page.evaluate(PLACES)
        here.do(here.store.write_note("ana", challenge.id, f"We met in {path}", challenge.created_at))
        if path == "/review":
            here.hold(f"new-{look}", "new@x.test")
            expect(page.locator(".why .sender-note bdi").get_by_text("We met in")).to_be_visible()
        expect(page.locator("[data-news] a")).to_have_text(
            "1 neue: zeigen" if look.startswith("de-") else "1 new: show"
        )
        assert page.evaluate(PLACES) == before
        assert page.evaluate("window.shifted") == []
        looks_right(
            page, look, shots / f"click-news-{look}{path.replace('/', '-')[:12]}.png", full_page=False
        )
        assert problems == []
        context.close()


@WAYS
def test_what_is_decided_elsewhere_moves_nothing_and_takes_no_press(
    here: Fixture, browser: Browser, options: dict[str, Any], shots: Path
) -> None:
    for number in range(8):
        here.hold(f"m{number}", f"s{number}@x.test", name=f"Seller {number}", subject=f"Offer {number}")
    with visit(here, browser, **options) as page:
        tried = keep_away(page, {})
        at = middle(last_button(page, "s4@x.test"))
        before = page.evaluate(ROWS)
        here.do(here.office.story.decide("ana", "m4", Decision.RELEASE))
        expect(row(page, "s4@x.test").locator("[data-state]")).to_have_text("Released")
        hit(page, at, options)
        expect(page.locator(".panel")).to_have_count(0)
        assert (page.evaluate(ROWS), tried) == (before, [])
        keep_picture(page, shots / f"click-settled-{'touch' if options else 'mouse'}.png")


@WAYS
def test_a_press_that_something_came_under_counts_for_nothing(
    here: Fixture, browser: Browser, options: dict[str, Any]
) -> None:
    for number in range(8):
        here.hold(f"m{number}", f"s{number}@x.test", name=f"Seller {number}", subject=f"Offer {number}")
    with visit(here, browser, **options) as page:
        page.clock.install(time=0)
        page.clock.pause_at(1_000)  # the moment lasts until the test says so
        above, at = (middle(last_button(page, f"s{n}@x.test")) for n in (7, 5))
        last_button(page, "s6@x.test").click()
        expect(row(page, "s6@x.test")).to_have_count(0)
        hit(page, at, options)  # where s5 was there is another now
        page.clock.run_for(250)
        hit(page, at, options)
        hit(page, above, options)  # this one has not moved
        expect(row(page, "s7@x.test")).to_have_count(0)
        page.clock.run_for(400)
        expect(page.locator(".still")).to_have_count(0)
        last_button(page, "s5@x.test").click()
        expect(row(page, "s5@x.test")).to_have_count(0)
        assert [here.decided(f"m{number}") for number in range(8)] == [""] * 5 + ["owner"] * 3


def lies(page: Page, where: str) -> None:
    """The toast does. News of the list put another in its place, so it is asked for until it is there."""
    page.wait_for_function(
        f"() => {{ const {{ top, bottom }} = "
        f"document.querySelector('.flash')?.getBoundingClientRect() ?? {{}}; return {where}; }}"
    )


@WAYS
def test_a_toast_stands_aside_of_what_is_aimed_at(
    here: Fixture, browser: Browser, options: dict[str, Any], shots: Path
) -> None:
    for number in range(15):
        here.hold(f"m{number:02}", f"s{number:02}@x.test", name=f"Seller {number}", subject=f"Offer {number}")
    with visit(here, browser, **options) as page:
        height = page.evaluate("innerHeight")
        spot = (200.0 if options else 1100.0, height - 30.0)
        last_button(page, "s14@x.test").focus()
        hit(page, spot, {}) if not options else page.touchscreen.tap(*spot)
        page.keyboard.press("Escape")
        last_button(page, "s14@x.test").press("Enter")
        toast = page.locator(".flash")
        expect(toast).to_contain_text("Released" if options else "Blocked")
        lies(page, "bottom < innerHeight / 2")
        keep_picture(page, shots / f"click-aside-{'touch' if options else 'mouse'}.png")
        page.mouse.move(300, 300)
        last_button(page, "s13@x.test").press("Enter")
        expect(row(page, "s13@x.test")).to_have_count(0)
        lies(page, "top > innerHeight / 2")


@pytest.mark.parametrize("how", AWAY)
def test_a_decision_is_kept_until_the_server_is_back(
    here: Fixture, browser: Browser, how: str, shots: Path
) -> None:
    here.hold("m1", "ann@x.test", name="Ann", subject="First")
    here.hold("m2", "ben@x.test", name="Ben", subject="Second")
    with visit(here, browser) as page:
        tried = keep_away(page, AWAY[how])
        line = row(page, "ben@x.test")
        line.get_by_role("button", name="Block").click()
        expect(line.get_by_text("Not saved.")).to_be_visible()
        expect(line.get_by_role("button", name="Block", pressed=True)).to_be_visible()
        expect(row(page, "ann@x.test").get_by_text("Not saved.")).to_have_count(0)
        keep_picture(page, shots / "click-unsaved.png")
        look_over(page)
        assert_accessible(page)
        assert here.decided("m2") == ""

        line.get_by_role("button", name="Retry").click()
        expect(line.get_by_role("button", name="Retry")).to_be_enabled()
        assert len(tried) >= 2
        page.unroute("**/review/decide")
        line.get_by_role("button", name="Retry").click()
        expect(page.locator(".flash")).to_contain_text("Blocked")
        expect(line).to_have_count(0)
        assert (here.decided("m1"), here.decided("m2")) == ("", "owner")
        assert unsaved(page) == []


def test_kept_orders_go_out_by_themselves(here: Fixture, browser: Browser) -> None:
    here.hold("m1", "ann@x.test", name="Ann", subject="First")
    here.hold("m2", "ben@x.test", name="Ben", subject="Second")
    here.hold("m3", "eva@x.test", name="Eva", subject="Third")
    with visit(here, browser) as page:
        page.context.set_offline(True)
        for sender, button in (("ann", "Block"), ("ben", "Block"), ("ben", "Release")):
            row(page, f"{sender}@x.test").get_by_role("button", name=button).click()
        expect(row(page, "ben@x.test").get_by_role("button", name="Release", pressed=True)).to_be_visible()
        expect(page.get_by_text("Not saved.").locator("visible=true")).to_have_count(2)
        assert [order["pressed"][1] for order in unsaved(page)] == ["block m1", "release +m2"]
        page.context.set_offline(False)  # the browser says so to the page
        expect(page.locator(".rows > .item")).to_have_count(1)
        assert (here.decided("m1"), here.place("m2"), here.decided("m3")) == ("owner", Placement.INBOX, "")
        assert unsaved(page) == []


def test_a_kept_order_undoes_nothing_that_was_decided_elsewhere_meanwhile(
    here: Fixture, browser: Browser
) -> None:
    for number in range(3):
        here.hold(f"m{number}", f"s{number}@x.test", name=f"Seller {number}", subject=f"Offer {number}")
    with visit(here, browser) as page:
        keep_away(page, {})
        row(page, "s1@x.test").get_by_role("button", name="Block").click()
        expect(row(page, "s1@x.test").get_by_text("Not saved.")).to_be_visible()
        page.evaluate(
            """() => {
              const orders = JSON.parse(localStorage.getItem("pitchgate-orders"));
              for (const order of orders) order.at -= 3 * 3600 * 1000;
              localStorage.setItem("pitchgate-orders", JSON.stringify(orders));
            }"""
        )
        then = here.office.clock.advance(hours=1)
        here.do(
            here.store.decide("ana", Order("another-device-1", Decision.RELEASE, ["m1"], Origin.PAGE), then)
        )
        here.office.clock.advance(hours=2)
        page.unroute("**/review/decide")
        page.reload()
        expect(page.locator(".flash")).to_contain_text("You have since decided otherwise")
        assert unsaved(page) == []
        assert here.place("m1") == Placement.INBOX
        expect(row(page, "s1@x.test")).to_have_count(0)
        # Two orders of this browser, both late: the second is no less the owner's word than the first.
        page.context.set_offline(True)
        for number in (0, 2):
            page.get_by_role("checkbox", name=f"Offer {number}").check()
        page.get_by_role("button", name="Block senders").click()
        row(page, "s2@x.test").get_by_role("button", name="Release").click()
        page.context.set_offline(False)
        expect(page.locator(".rows > .item")).to_have_count(0)
        assert (here.place("m0"), here.place("m2")) == (Placement.HELD, Placement.INBOX)


def test_what_is_selected_and_an_undo_are_kept_too(here: Fixture, browser: Browser, shots: Path) -> None:
    for number in range(4):
        here.hold(f"m{number}", f"s{number}@x.test", name=f"Seller {number}", subject=f"Offer {number}")
    with visit(here, browser) as page:
        page.context.set_offline(True)
        for number in (1, 2):
            page.get_by_role("checkbox", name=f"Offer {number}").check()
        page.get_by_role("button", name="Block senders").click()
        kept = page.get_by_role("alert").filter(has_text="Not saved.")
        expect(kept).to_be_visible()
        keep_picture(page, shots / "click-unsaved-bulk.png")
        page.context.set_offline(False)
        expect(page.locator(".flash")).to_contain_text("Blocked")
        assert [here.decided(f"m{number}") for number in range(4)] == ["", "owner", "owner", ""]

        page.context.set_offline(True)
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("button", name="Undo", pressed=True)).to_be_visible()
        expect(kept).to_be_visible()
        page.context.set_offline(False)
        expect(page.locator(".flash")).to_contain_text("Undone.")
        expect(kept).to_be_hidden()
        assert [here.decided(f"m{number}") for number in range(4)] == [""] * 4


def test_an_order_that_arrived_though_its_answer_did_not_is_one_order(
    here: Fixture, browser: Browser
) -> None:
    here.hold("m1", "ann@x.test", name="Ann")
    with visit(here, browser, "/review/sender?address=ann@x.test") as page:

        def swallow(route: Route) -> None:
            route.fetch()
            route.abort("connectionreset")

        page.route("**/review/credits", swallow)
        page.get_by_label("How many").fill("3")
        page.get_by_role("button", name="Add", exact=True).dblclick()
        expect(page.get_by_role("alert").filter(has_text="Not saved.")).to_be_visible()
        page.unroute("**/review/credits")
        page.get_by_role("button", name="Retry").click()
        expect(page.locator(".flash")).to_contain_text("Credits now: 3")
        assert here.do(here.store.balance("ana", "ann@x.test")) == 3


def test_an_order_outlives_its_page_and_its_session(here: Fixture, browser: Browser, shots: Path) -> None:
    here.hold("m1", "ann@x.test", name="Ann", subject="First")
    here.hold("m2", "ben@x.test", name="Ben", subject="Second")
    with visit(here, browser) as page:
        page.context.clear_cookies()
        row(page, "ann@x.test").get_by_role("button", name="Block").click()
        expect(row(page, "ann@x.test").get_by_role("button", name="Block", pressed=True)).to_be_visible()
        said = page.get_by_role("alert").filter(has_text="You are signed out.")
        expect(said).to_be_visible()
        keep_picture(page, shots / "click-signed-out.png")
        look_over(page)
        said.get_by_role("link", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Sign in")
        assert here.decided("m1") == ""

        secret = here.do(here.office.service.sign_in("ana"))  # as Google's answer does
        page.context.add_cookies([{"name": "pitchgate-session", "value": secret, "url": here.address}])
        page.goto(f"{here.address}/review")
        expect(page.locator(".flash")).to_contain_text("Blocked")
        expect(page.locator(".rows > .item")).to_have_count(1)
        assert here.decided("m1") == "owner"


def test_a_form_token_that_ended_is_renewed(here: Fixture, browser: Browser) -> None:
    here.hold("m1", "ann@x.test", name="Ann")
    with visit(here, browser) as page:
        secret = here.do(here.office.service.sign_in("ana"))
        page.context.add_cookies([{"name": "pitchgate-session", "value": secret, "url": here.address}])
        row(page, "ann@x.test").get_by_role("button", name="Block").click()
        expect(page.locator(".flash")).to_contain_text("Blocked")
        assert here.decided("m1") == "owner"


def test_an_order_goes_out_for_nobody_else_and_not_for_ever(here: Fixture, browser: Browser) -> None:
    here.hold("m1", "ann@x.test", name="Ann")
    with visit(here, browser) as page:
        tried = keep_away(page, {})
        row(page, "ann@x.test").get_by_role("button", name="Block").click()
        expect(page.get_by_text("Not saved.").locator("visible=true")).to_have_count(1)
        (order,) = unsaved(page)
        assert "csrf" not in json.dumps(order)
        other, old = {**order, "owner": "eve"}, {**order, "at": order["at"] - 13 * 3_600_000}
        tried.clear()
        page.evaluate(
            "(found) => localStorage.setItem('pitchgate-orders', JSON.stringify(found))", [other, old]
        )
        page.reload()
        expect(page.locator(".rows > .item")).to_have_count(1)
        page.evaluate("dispatchEvent(new Event('online'))")
        expect(page.get_by_text("Not saved.").locator("visible=true")).to_have_count(0)
        page.evaluate("localStorage.setItem('pitchgate-orders', '{broken')")
        page.reload()
        page.unroute("**/review/decide")
        row(page, "ann@x.test").get_by_role("button", name="Block").click()
        expect(page.locator(".flash")).to_contain_text("Blocked")
        assert tried == []


def test_what_the_server_refuses_for_good_is_said_and_dropped(here: Fixture, browser: Browser) -> None:
    here.hold("m1", "ann@x.test", name="Ann")
    with visit(here, browser) as page:
        page.locator("button[value^=block]").first.evaluate("(button) => { button.value = 'burn m1'; }")
        page.get_by_role("button", name="Block ann@x.test").click()
        expect(page.get_by_role("alert").locator("visible=true")).not_to_contain_text("Not saved.")
        expect(page.get_by_role("button", name="Retry")).to_have_count(0)
        assert unsaved(page) == []
        assert here.decided("m1") == ""


def test_two_open_messages_share_no_name(here: Fixture, browser: Browser, shots: Path) -> None:
    for name in ("ann", "ben"):
        here.hold(name, f"{name}@{name}.test", name=name.title(), subject=f"Offer of {name.title()}")
    with visit(here, browser) as page:
        for name in ("Ann", "Ben"):
            page.get_by_role("link", name=f"Offer of {name}").click()
            expect(page.locator(".panel")).to_have_count(1 if name == "Ann" else 2)
        look_over(page)
        assert_accessible(page)
        for name in ("ann", "ben"):
            panel = row(page, f"{name}@{name}.test").locator(".panel")
            panel.get_by_label(f"More for {name}@{name}.test").click()
            for button in (f"Release Offer of {name.title()}", f"Block sender {name}@{name}.test",
                           f"Block all of {name}.test {name}@{name}.test"):  # fmt: skip
                expect(panel.get_by_role("button", name=button, exact=True)).to_have_count(1)
        keep_picture(page, shots / "click-panels.png", full_page=True)
        # What is open stays open when something else was done.
        row(page, "ben@ben.test").locator(".panel").get_by_role("button", name="Block sender").click()
        expect(page.locator(".flash")).to_contain_text("Blocked")
        expect(row(page, "ann@ann.test").locator(".panel")).to_be_visible()
