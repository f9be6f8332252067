"""The review window by real keys and pointer: every decision, undo, search, the empty list, and 5,000 senders."""

from __future__ import annotations

import pytest

from tests.desktop.fake_backend import FakeBackend
from tests.desktop.fake_mailbox import make_message
from tests.desktop.screen import Screen
from tests.desktop.test_tray_screen import ICON, first_label, start_app, waiting

pytestmark = pytest.mark.desktop
FIRST_CARD = (238, 262, 640, 282)
LATER_CARD = (180, 600, 620, 680)
ITS_EDGE = (1097, 270, 1104, 300)
NOTE = "We met in Ghent <b>last</b> week"


def go_offline(screen: Screen, backend: FakeBackend) -> None:
    """The app has its list, the server is gone, and the window is asked for."""
    start_app(screen, backend)
    screen.until(lambda: any("Ann Seller" in item["label"] for item in screen.menu()), "the list")
    backend.stop()
    screen.until(lambda: first_label(screen).startswith("No connection"), "offline")
    screen.choose(ICON, "Review…")


def open_offline(screen: Screen, backend: FakeBackend) -> None:
    """The window with the last known list."""
    go_offline(screen, backend)
    screen.until(lambda: screen.find("article", "Ann Seller"), "the window")


def drawn(screen: Screen, box: tuple[int, int, int, int]) -> bool:
    """Whether there is text in this part of the screen, and no menu over it."""
    return not screen.menus_open() and len(screen.picture().crop(box).getcolors(100_000)) > 8


def ringed(screen: Screen) -> bool:
    """Whether the first card shows that it has the keyboard."""
    return len(screen.picture().crop(ITS_EDGE).getcolors() or ()) > 1


def decided(screen: Screen) -> list[tuple[str, str]]:
    """What waits to be sent, in order: see `waiting`."""
    return [(row["gmail_id"], row["decision"]) for row in waiting(screen)]


def test_every_decision_by_keys_until_nothing_is_left(screen: Screen, backend: FakeBackend) -> None:
    backend.mailbox.put(make_message(1))
    backend.mailbox.put(make_message(3, sender="ann1@seller1.example", sender_name="Ann Seller 1"))
    backend.mailbox.put(make_message(5))
    backend.mailbox.put(
        make_message(7, sender="bo@seller5.example", sender_name="Bo", domain="seller5.example")
    )
    backend.mailbox.put(make_message(9, note=NOTE))
    open_offline(screen, backend)
    said = f"The sender says: {NOTE}"

    def read() -> bool:
        if any(said in text for text in screen.texts()):
            return True
        screen.keys(
            "slash", "z", "q", "Escape"
        )  # nothing matches: all is drawn again, for WebKit may leave a text out
        return False

    screen.until(read, "the note, letter by letter")
    screen.shot("window-note")

    screen.click_on("article", "Ann Seller 9")
    screen.keys("b")
    screen.until(lambda: not screen.find("article", "Ann Seller 9"), "blocked")
    screen.keys("d")  # on the next one, Bo, whose domain is Ann Seller 5's too
    screen.until(lambda: not screen.find("article", "Ann Seller 5"), "all of the domain allowed")
    assert not screen.find("article", "Bo")

    screen.until(lambda: screen.find("article", "Ann Seller 1, 2 messages"), "two of this sender")
    screen.keys("r")
    screen.until(lambda: screen.find("article", "Ann Seller 1, 1 message"), "the newest released")
    screen.click_on("button", "Undo")
    screen.until(lambda: screen.find("article", "Ann Seller 1, 2 messages"), "undone by pointer")
    screen.click_on("article", "Ann Seller 1")
    screen.keys("a")
    screen.until(lambda: any("Nothing is held" in text for text in screen.texts()), "the empty list")
    screen.shot("window-done")
    screen.keys("u")
    screen.until(lambda: screen.find("article", "Ann Seller 1, 2 messages"), "undone from the empty list")
    screen.click_on("article", "Ann Seller 1")
    screen.shot("window-opened")
    screen.click_on("button", "Keep held")
    screen.until(lambda: any("Nothing is held" in text for text in screen.texts()), "both kept held")

    backend.start()
    screen.click_on("button", "Try again now")
    screen.until(lambda: len(backend.mailbox.applied) == 3, "the decisions at the server")
    assert [what for _, _, what in backend.mailbox.applied] == ["block", "allow_domain", "keep"]
    assert backend.mailbox.held() == []
    assert backend.mailbox.messages["m00009"]["placement"] == "held", "blocked is not let in"
    assert {backend.mailbox.messages[one]["decided_by"] for one in ("m00001", "m00003")} == {"kept"}


def test_a_preview_without_a_connection_says_why_there_is_none(screen: Screen, backend: FakeBackend) -> None:
    backend.mailbox.put(make_message(1))
    open_offline(screen, backend)
    screen.click_on("article", "Ann Seller 1")
    screen.keys("p")
    screen.until(lambda: sum("No connection" in text for text in screen.texts()) >= 2, "the reason")
    screen.shot("window-no-preview")


def test_five_thousand_senders_by_keys(screen: Screen, backend: FakeBackend) -> None:
    """Followed in what the app keeps: a screen reader's view of 5,000 cards takes longer than the cards.

    How smoothly they scroll is measured (`python -m tests.desktop.measure scroll`), not asserted.
    """
    for number in range(1, 5_001):
        backend.mailbox.put(make_message(number))
    go_offline(screen, backend)
    screen.until(lambda: drawn(screen, FIRST_CARD) and drawn(screen, LATER_CARD), "the cards")
    screen.pointer(FIRST_CARD[0] + 300, FIRST_CARD[1] + 5)
    # A busy page takes clicks and keys in any order: only once the ring is there do keys mean this card.
    screen.until(lambda: screen.keys("Up") or ringed(screen), "the ring around the first card")
    screen.keys("r")
    screen.until(lambda: decided(screen) == [("m05000", "release")], "the first released")
    screen.keys("Down", "Down", "b")  # from the one after it, whether the list is drawn again yet or not
    screen.until(lambda: decided(screen)[1:] == [("m04997", "block")], "the third of the rest blocked")
    screen.keys("slash", *"seller", "space", *"2345")
    screen.until(lambda: not drawn(screen, LATER_CARD), "one found by searching")
    screen.keys("Down")
    screen.until(lambda: ringed(screen), "the ring around it")
    screen.keys("a")
    screen.until(lambda: decided(screen)[2:] == [("m02345", "allow")], "it is allowed")
    screen.until(lambda: any("Nothing matches" in text for text in screen.texts()), "nothing else matches")
    screen.shot("window-five-thousand")
