"""The tray app against the real server: its menu, and the server's review page in its own window; real labels in the
local Google's Gmail, nothing but keys and pointer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.desktop.screen import Screen
from tests.desktop.tray import ICON, first_label, listed, start_app
from tests.journeys.real_server import RealServer, RealSubject, real_server

pytestmark = pytest.mark.desktop
RING = 5
"""Pixels around a button in which the ring of the keyboard's focus is drawn."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with real_server(tmp_path_factory.mktemp("server")) as running:
        yield running


def at_work(screen: Screen, server: RealServer) -> RealSubject:
    """The app on a computer that has been let in, and a mailbox in which nothing has happened yet."""
    subject = asyncio.run(server.subject())
    token = asyncio.run(subject.device_token("Olga's laptop"))
    start_app(screen, subject.url, token)
    screen.until(lambda: first_label(screen) == f"Active for {subject.email}", "the state in the menu")
    return subject


def review(screen: Screen, subject: str) -> None:
    """The window, once the list has this mail; the pointer rests in it, so keys go there."""
    screen.until(lambda: listed(screen, subject), "the mail in the menu")
    screen.choose(ICON, "Review…")
    screen.until(lambda: screen.find("link", subject), "the server's page in the window")
    screen.click_on("heading", "")


def shows(screen: Screen, words: str) -> bool:
    return any(words in text for text in screen.texts())


def in_inbox(subject: RealSubject, gmail_id: str) -> Callable[[], bool]:
    def there() -> bool:
        labels = asyncio.run(subject.labels(gmail_id))
        return "INBOX" in labels and "Pitchgate/Held" not in labels

    return there


def in_held(subject: RealSubject, gmail_id: str) -> Callable[[], bool]:
    def there() -> bool:
        labels = asyncio.run(subject.labels(gmail_id))
        return "INBOX" not in labels and "Pitchgate/Held" in labels

    return there


def ring_around(screen: Screen, role: str, name: str) -> int:
    """How many colours there are close around a widget: one where it lies on a card and nothing is drawn."""
    box = screen.find(role, name)
    assert box is not None
    x, y, width, _ = box
    above = screen.picture().crop((x + 8, y - RING, x + width - 8, y))
    return len(above.getcolors() or ())


def test_allow_in_the_menu_releases_the_mail_in_gmail(screen: Screen, server: RealServer) -> None:
    subject = at_work(screen, server)
    gmail_id = asyncio.run(subject.hold(1, "Grow your pipeline"))
    assert "Pitchgate/Held" in asyncio.run(subject.labels(gmail_id))
    screen.until(lambda: listed(screen, "Grow"), "the sender in the menu")
    screen.shot("journey-held")
    screen.choose(ICON, "Ann Seller 1", "Allow ann@seller1.example")

    screen.until(in_inbox(subject, gmail_id), "the mail back in the inbox")
    screen.until(lambda: listed(screen, "Undo: Allowed"), "the undo")
    screen.choose(ICON, "Review…")
    screen.until(lambda: screen.find("heading", "Held mail"), "the server's review page in the window")
    screen.shot("journey-review")


def test_preview_release_and_undo_by_keys(screen: Screen, server: RealServer) -> None:
    subject = at_work(screen, server)
    gmail_id = asyncio.run(subject.hold(1, "Grow your pipeline"))
    review(screen, "Grow your pipeline")
    screen.shot("page-held")

    screen.tab_to("Grow your pipeline")
    screen.tab_to("Grow your pipeline")  # the tick is named after the mail too
    screen.keys("Return")
    screen.until(lambda: shows(screen, "Fetched from Gmail just now"), "the text on demand, under its line")
    assert shows(screen, subject.pitch.text.split("\n")[0][:30])
    screen.shot("page-preview")
    screen.keys("Return")
    screen.until(lambda: not shows(screen, "Fetched from Gmail just now"), "the line alone again")

    plain = ring_around(screen, "button", "Release Grow")
    screen.tab_to("Release Grow")
    assert ring_around(screen, "button", "Release Grow") > plain, "who has the keyboard is seen"
    screen.shot("page-focus")
    screen.keys("Return")
    screen.until(lambda: shows(screen, "Released: the email is on its way"), "the answer")
    screen.until(in_inbox(subject, gmail_id), "the mail in the inbox")
    screen.until(lambda: shows(screen, "Nothing waits for your review."), "the empty list says so")
    screen.shot("page-released")
    screen.tab_to("Undo")
    screen.keys("space")
    screen.until(lambda: shows(screen, "Undone."), "the answer to undo")
    screen.until(in_held(subject, gmail_id), "the mail held again")
    screen.until(lambda: screen.find("button", "Release Grow"), "it is on the list again")


def test_rules_search_and_what_slipped_through(screen: Screen, server: RealServer) -> None:
    subject = at_work(screen, server)
    passed = asyncio.run(subject.pass_by("My order 20418"))
    blocked = asyncio.run(subject.hold(1, "Rank higher"))
    allowed = asyncio.run(subject.hold(2, "Grow your pipeline"))
    domain = [
        asyncio.run(subject.hold(3, f"Leads from {who}", f"{who} <{who.lower()}@leads.example>"))
        for who in ("Bo", "Cy")
    ]
    review(screen, "Leads from Cy")

    screen.click_on("entry", "Search sender")
    screen.keys(*"pipeline", "Return")
    screen.until(lambda: not screen.find("link", "Leads from Cy"), "only what was searched for")
    screen.shot("page-search")
    screen.click_on("heading", "")
    screen.tab_to("Grow your pipeline")
    screen.tab_to("Grow your pipeline")  # the tick is named after the mail too, and takes a key for itself
    screen.keys("a")
    screen.until(lambda: shows(screen, "Allowed: this sender"), "the sender allowed by key")
    screen.until(in_inbox(subject, allowed), "their mail in the inbox")
    screen.until(lambda: shows(screen, "Nothing matches."), "nothing else was searched for")

    screen.click_on("link", "Show all")
    screen.until(lambda: screen.find("link", "Leads from Cy"), "everybody again")
    screen.click_on("heading", "")
    screen.tab_to("More for Cy")
    screen.keys("Return")
    screen.tab_to("Allow all of leads.example")
    screen.keys("Return")
    screen.until(
        lambda: shows(screen, "Allowed: emails from the whole domain"),
        "the domain allowed in the line's menu",
    )
    for gmail_id in domain:
        screen.until(in_inbox(subject, gmail_id), "the domain's mail in the inbox")

    screen.click_on("heading", "")
    screen.tab_to("Block")
    screen.keys("space")
    screen.until(lambda: shows(screen, "Blocked: this sender"), "blocked by key")
    assert in_held(subject, blocked)(), "blocked is not let in"
    screen.until(lambda: shows(screen, "Nothing waits for your review."), "the empty list")
    screen.shot("page-blocked")

    screen.click_on("link", "Not held")
    screen.until(lambda: screen.find("link", "My order 20418"), "what was never held")
    screen.click_on("heading", "")
    screen.tab_to("Mark as a pitch")
    screen.keys("Return")
    screen.until(lambda: shows(screen, "Marked as a pitch and held."), "sales after all")
    screen.until(in_held(subject, passed), "it left the inbox")
    screen.shot("page-sales")


def corrections(subject: RealSubject, token: str) -> dict[str, str]:
    """Who decided about each message, as the server has it."""
    headers = {"Authorization": f"Bearer {token}"}
    page = httpx.get(f"{subject.url}/api/v1/messages", headers=headers, timeout=20).json()
    return {message["gmail_id"]: message["decided_by"] for message in page["messages"]}


def test_the_server_goes_away_under_the_window_and_comes_back(screen: Screen, server: RealServer) -> None:
    """A click on the page that nobody answers is kept there, and goes out when the server is back."""
    subject = at_work(screen, server)
    kept = asyncio.run(subject.hold(1, "Rank higher"))
    released = asyncio.run(subject.hold(2, "Grow your pipeline"))
    review(screen, "Grow your pipeline")
    token = asyncio.run(subject.device_token("looking"))

    asyncio.run(server.over_there(server.running.server.stop()))
    screen.until(lambda: first_label(screen).startswith("No connection"), "offline")
    screen.click_on("button", "Release Grow")
    screen.until(lambda: shows(screen, "Not saved"), "the order kept on the page")
    screen.shot("page-lost")
    assert in_held(subject, released)(), "nobody has heard of it yet"

    asyncio.run(server.over_there(server.running.server.start()))
    asyncio.run(server.over_there(server.running.ready()))
    screen.until(in_inbox(subject, released), "the mail in the inbox")
    assert corrections(subject, token) == {released: "owner", kept: ""}
    assert in_held(subject, kept)()
    screen.until(lambda: not screen.find("link", "Grow your pipeline"), "the list without it")
    assert screen.find("link", "Rank higher")
