"""The review window by real keys and pointer: every decision, undo, search, the empty list, and 5,000 senders."""

from __future__ import annotations

import pytest

from tests.desktop.fake_backend import FakeBackend
from tests.desktop.fake_mailbox import make_message
from tests.desktop.screen import Screen
from tests.desktop.tray import ICON, first_label, listed, start_app, waiting

pytestmark = pytest.mark.desktop
FIRST_CARD = (238, 262, 640, 282)
LATER_CARD = (180, 600, 620, 680)
ITS_EDGE = (1097, 270, 1104, 300)
HOSTILE = "'); document.title='x' //\u2028</script><img src=x>\\\" &amp;"
NOTE = "We met in Ghent <b>last</b> week"


def go_offline(screen: Screen, backend: FakeBackend) -> None:
    """The app has its list, the server is gone, and the window is asked for."""
    start_app(screen, backend.url, backend.device_token())
    screen.until(lambda: listed(screen, "Ann Seller"), "the list")
    backend.stop()
    screen.until(lambda: first_label(screen).startswith("No connection"), "offline")
    screen.choose(ICON, "Review…")


def search(screen: Screen, *keys: str) -> None:
    screen.keys("slash")
    screen.until(lambda: screen.focused().startswith("Search"), "the search field")
    screen.keys(*keys)


def drawn(screen: Screen, box: tuple[int, int, int, int]) -> bool:
    """Whether there is text in this part of the screen, and no menu over it."""
    return not screen.menus_open() and len(screen.picture().crop(box).getcolors(100_000)) > 8


def ringed(screen: Screen) -> bool:
    """Whether the first card shows that it has the keyboard."""
    return len(screen.picture().crop(ITS_EDGE).getcolors() or ()) > 1


def test_every_decision_by_keys_until_nothing_is_left(screen: Screen, backend: FakeBackend) -> None:
    backend.mailbox.put(make_message(1))
    backend.mailbox.put(make_message(3, sender="ann1@seller1.example", sender_name="Ann Seller 1"))
    backend.mailbox.put(make_message(5))
    backend.mailbox.put(
        make_message(7, sender="bo@seller5.example", sender_name="Bo", domain="seller5.example")
    )
    backend.mailbox.put(make_message(9, note=NOTE))
    go_offline(screen, backend)
    screen.until(lambda: screen.find("article", "Ann Seller"), "the last known list")
    said = f"The sender says: {NOTE}"

    def read() -> bool:
        if any(said in text for text in screen.texts()):
            return True
        # Nothing matches, so all is drawn again: WebKit may leave a text out.
        screen.keys("slash", "z", "q", "Escape")
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


def test_offline_in_the_window_by_keyboard_and_by_pointer(screen: Screen, backend: FakeBackend) -> None:
    """No server: the window shows the last known list, takes every decision, and they arrive once it is back."""
    for number in (1, 2, 3, 5, 7):
        backend.mailbox.put(make_message(number))
    backend.mailbox.put(make_message(9, subject=HOSTILE, sender_name="Eve"))
    backend.mailbox.put(make_message(20, placement="inbox"))
    go_offline(screen, backend)
    screen.until(lambda: screen.find("article", "Eve, 1 message"), "the last known list")
    screen.shot("window-offline")
    screen.until(lambda: screen.find("heading", "Eve ann9@seller9.example"), "their address")
    screen.until(lambda: any(HOSTILE in t for t in screen.texts()), "letter by letter")

    screen.click_on("article", "Ann Seller 7")
    screen.keys("p")
    screen.until(
        lambda: sum("No connection" in text for text in screen.texts()) >= 2, "why there is no preview"
    )
    screen.shot("window-no-preview")
    screen.keys("r")
    screen.until(lambda: not screen.find("article", "Ann Seller 7"), "released by key")
    screen.keys("a")  # the focus went on to the next sender
    screen.until(lambda: not screen.find("article", "Ann Seller 5"), "allowed by key")
    screen.keys("Down", "b")
    screen.until(lambda: not screen.find("article", "Ann Seller 2"), "the next but one blocked by key")
    screen.until(lambda: screen.find("button", "Undo"), "the offer to undo")
    screen.shot("window-undo")
    screen.keys("u")
    screen.until(lambda: screen.find("article", "Ann Seller 2"), "undone by key")

    screen.click_on("page tab", "Released recently")
    screen.click_on("button", "Mark as a pitch")
    screen.until(lambda: not screen.find("article", "Ann Seller 20"), "held after all, by pointer")

    screen.click_on("page tab", "Held")
    screen.until(lambda: screen.find("article", "Eve"), "who is still held")
    search(screen, *"Eve")
    screen.until(lambda: not screen.find("article", "Ann Seller 1"), "the search")
    assert screen.find("article", "Eve"), "the one that was searched for"
    screen.shot("window-search")
    screen.keys("Escape")
    screen.until(lambda: screen.find("article", "Ann Seller 1"), "the search cleared")
    screen.until(lambda: len(waiting(screen)) == 3, "three waiting decisions")

    backend.start()
    screen.click_on("button", "Try again now")
    screen.until(lambda: len(backend.mailbox.applied) == 3, "the decisions at the server")
    assert [(i, d) for _, i, d in backend.mailbox.applied] == [
        ("m00007", "release"),
        ("m00005", "allow"),
        ("m00020", "sales"),
    ]
    screen.until(lambda: screen.find("button", "Open the full review page"), "online again")

    def chosen() -> bool:
        screen.click_on(
            "article", "Eve"
        )  # the list moves up once the server is back, on a busy machine after the aim
        return screen.focused().startswith("Eve")

    screen.until(chosen, "the sender clicked on")
    screen.keys("p")
    screen.until(lambda: any("Hi Olga, m00009" in text for text in screen.texts()), "the preview, on demand")
    screen.shot("window-online")
    screen.click_on("button", "Open the full review page")
    screen.until(lambda: screen.find("heading", "Review page, signed in"), "the server's page")
    screen.shot("window-live")


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
    screen.until(lambda: waiting(screen) == [("m05000", "release")], "the first released")
    screen.keys("Down", "Down", "b")  # from the one after it, whether the list is drawn again yet or not
    screen.until(lambda: waiting(screen)[1:] == [("m04997", "block")], "the third of the rest blocked")
    screen.keys("slash", *"seller", "space", *"2345")
    screen.until(lambda: not drawn(screen, LATER_CARD), "one found by searching")
    screen.keys("Down")
    screen.until(lambda: ringed(screen), "the ring around it")
    screen.keys("a")
    screen.until(lambda: waiting(screen)[2:] == [("m02345", "allow")], "it is allowed")
    screen.until(lambda: any("Nothing matches" in text for text in screen.texts()), "nothing else matches")
    screen.shot("window-five-thousand")
