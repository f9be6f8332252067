"""The review pages as they look: on a desk, on a phone, in the dark, in other languages. Nothing keeps people out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from backend.domain.challenge import LedgerEntry, Posting
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Placement
from tests.browser.checks import ENOUGH, looks_right, watch_console
from tests.browser.review_fixture import DESKTOP, PHONE, Fixture, fixture, visit

pytestmark = pytest.mark.browser

LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "phone": {"viewport": PHONE, "device_scale_factor": 2, "is_mobile": True, "has_touch": True},
    "dark": {"color_scheme": "dark"},
    "phone-dark": {"viewport": PHONE, "is_mobile": True, "color_scheme": "dark"},
    "de-phone": {"viewport": PHONE, "is_mobile": True, "locale": "de-DE"},
}
PAGES = {
    "held": "/review",
    "filters": "/review?view=all&band=pitch&challenged=1",
    "let-in": "/review?view=let_in",
    "nothing": "/review?q=nobody",
    "mail": "/review/mail/m3",
    "sender": "/review/sender?address=carla@vendor.test",
    "stranger": "/review/sender?address=who@x.test",
}
"""Small pages are looked at where axe looks; those an owner spends their time on in all."""

VIEWS = [
    (name, look)
    for name in PAGES
    for look in LOOKS
    if look in ENOUGH or name in ("held", "filters", "mail", "sender")
]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fixture]:
    with fixture(tmp_path_factory.mktemp("looks")) as opened:
        opened.hold("m1", "ann.with.a.very.long.address.indeed@a-very-long-company-name.example", name="Ann")
        for number in range(6):
            opened.hold(f"b{number}", "ben@seller.test", name="Ben Seller", subject=f"Following up, {number}")
        opened.hold("m2", "carla@vendor.test", name="Carla Vendor", subject="An older offer")
        opened.challenge(
            "m3",
            "carla@vendor.test",
            name="Carla Vendor",
            subject="Grow your pipeline by 300 % with an offer that has a rather long subject line to wrap",
        )
        challenge = opened.do(opened.store.challenge_of("ana", "m3"))
        assert challenge is not None
        opened.do(
            opened.store.write_note(
                "ana", challenge.id, "We met at the bee fair in Lisbon.", challenge.created_at
            )
        )
        for key, amount, posting in (("g", 3, Posting.GRANTED), ("r", -1, Posting.REVOKED)):
            opened.do(
                opened.store.post(
                    "ana", LedgerEntry("carla@vendor.test", amount, posting, key), challenge.created_at
                )
            )
        opened.pass_by("p1")
        opened.hold("l1", "eve@let.test", name="Eve Let")
        opened.do(opened.office.story.decide("ana", "l1", Decision.RELEASE))
        assert opened.place("l1") is Placement.INBOX
        yield opened


@pytest.mark.parametrize(("name", "look"), VIEWS)
def test_every_page_in_every_light(
    here: Fixture, browser: Browser, shots: Path, look: str, name: str
) -> None:
    with visit(here, browser, PAGES[name], **({"viewport": DESKTOP} | LOOKS[look])) as page:
        problems = watch_console(page)
        expect(page.locator("h1")).to_be_visible()
        if name == "filters":
            page.locator(".find summary").click()
        looks_right(page, look, shots / f"review-{name}-{look}.png")
        assert problems == []
