"""The README shows the pages as they are."""

from __future__ import annotations

from tests.browser.pictures import SHOWN, digest


def test_pictures_are_drawn_of_the_pages_there_are() -> None:
    assert SHOWN.read_text(encoding="ascii").strip() == digest(), (
        "the pages have changed: make pictures, and look at them"
    )
