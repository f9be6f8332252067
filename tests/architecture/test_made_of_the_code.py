"""What is made from the code shows it as it is: the pictures of the README, the pages of docs/reference."""

from __future__ import annotations

import pytest

from tests.browser.pictures import SHOWN, digest
from tests.reference import FOLDER, PAGES


def test_pictures_are_drawn_of_the_pages_there_are() -> None:
    assert SHOWN.read_text(encoding="ascii").strip() == digest(), (
        "the pages have changed: `make pictures` draws them again; look at them"
    )


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_says_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), (
        "it is stale: `make fix` writes it again; read the difference"
    )
