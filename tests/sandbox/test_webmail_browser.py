"""The webmail and the consent page in a real browser: seen, read aloud, steered by keyboard, kept fresh."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import assert_accessible
from tests.browser.checks import look_over, watch_console
from tests.sandbox.test_webmail import HOSTILE
from tests.sandbox_process import CLIENT_ID, MODIFY, SandboxProcess

pytestmark = pytest.mark.browser

LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 850}},
    "phone": {"viewport": {"width": 360, "height": 740}},
    "dark": {"viewport": {"width": 1280, "height": 850}, "color_scheme": "dark"},
}


@pytest.fixture(scope="module")
def shared() -> Iterator[SandboxProcess]:
    """A sandbox of this file's own: other tests' mailboxes would weigh on the page that lists them."""
    with SandboxProcess() as process:
        yield process


@contextmanager
def opened(browser: Browser, google: SandboxProcess, **options: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=google.url, **options)
    try:
        yield context.new_page()
    finally:
        context.close()


def consent_path(google: SandboxProcess) -> str:
    google.allow_redirect(f"{google.url}/sandbox/health")
    query = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": f"{google.url}/sandbox/health",
        "scope": f"openid email {MODIFY}",
        "state": "from-a-browser",
    }
    return f"/o/oauth2/v2/auth?{urlencode(query)}"


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_can_be_seen_and_read_aloud(
    browser: Browser, google: SandboxProcess, ana: str, look: str, tmp_path: Path
) -> None:
    labels = ["INBOX", "UNREAD", "Pitchgate/Held"]
    got = google.deliver(ana, "Bo <bo@ext.test>", subject="Grow 10x", html=HOSTILE, labels=labels)
    google.deliver(ana, "ceo@corp.test", subject="Urgent " * 30, text="pay", auth={"dmarc": "fail"})
    pages = [
        "/mail/",
        f"/mail/{ana}",
        f"/mail/{ana}/thread/{got['threadId']}",
        f"/mail/{ana}/compose",
        f"/mail/{ana}?q=nothing",
        consent_path(google),
    ]
    with opened(browser, google, **LOOKS[look]) as page:
        problems = watch_console(page)
        outside: list[str] = []
        page.on("request", lambda request: outside.append(request.url))
        for path in pages:
            page.goto(path)
            look_over(page)
            assert_accessible(page)
        assert problems == []
        assert [url for url in outside if not url.startswith(google.url)] == []


def test_a_frame_is_as_high_as_its_mail_and_stays_so(
    browser: Browser, google: SandboxProcess, ana: str
) -> None:
    html = "<style>body { min-height: 100vh; padding: 9px }</style><p>Short.</p>"
    got = google.deliver(ana, "Bo <bo@ext.test>", subject="Short", html=html)
    with opened(browser, google, **LOOKS["desktop"]) as page:
        page.goto(f"/mail/{ana}/thread/{got['threadId']}")
        height = "() => document.querySelector('.mail-frame').clientHeight"
        page.wait_for_function(f"({height})() < 200")
        before = page.evaluate(height)
        page.set_viewport_size({"width": 1280, "height": 900})
        page.set_viewport_size({"width": 1280, "height": 850})
        assert page.evaluate(height) == before


def test_new_mail_appears_by_itself_but_never_under_the_hand(
    browser: Browser, google: SandboxProcess, ana: str
) -> None:
    google.deliver(ana, "p@x.test", subject="First")
    with opened(browser, google) as page:
        page.goto(f"/mail/{ana}")
        google.deliver(ana, "p@x.test", subject="Second")
        expect(page.get_by_text("Second", exact=True)).to_be_visible(timeout=8000)
        expect(page.locator("#news")).to_contain_text("changed")
        box = page.get_by_role("checkbox", name="Choose: Second, from p@x.test")
        box.check()
        google.deliver(ana, "p@x.test", subject="Third")
        with page.expect_response(f"**/mail/{ana}"):
            pass  # the page has asked for the new list
        expect(box).to_be_checked()
        page.get_by_role("button", name="Archive").click()
        expect(page.get_by_text("Third", exact=True)).to_be_visible()
        expect(page.get_by_text("Second", exact=True)).to_have_count(0)


def test_a_reply_with_the_keyboard_alone_and_without_scripts(
    browser: Browser, google: SandboxProcess, ana: str, bo: str
) -> None:
    google.send(bo, ana, subject="Offer", text="Buy")
    with opened(browser, google, java_script_enabled=False) as page:
        page.goto(f"/mail/{ana}")
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to the content")).to_be_focused()
        page.get_by_role("link", name="Offer").focus()
        page.keyboard.press("Enter")
        page.get_by_label("Your reply").focus()
        page.keyboard.type("No, thanks.")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_text("No, thanks.")).to_be_visible()
    assert google.messages(bo, label="INBOX")[0]["subject"] == "Re: Offer"


def test_consent_by_hand(browser: Browser, google: SandboxProcess, ana: str) -> None:
    with opened(browser, google) as page:
        page.goto(consent_path(google))
        page.get_by_label(ana).check()
        page.get_by_role("button", name="Allow").click()
        page.wait_for_url("**/sandbox/health?code=*state=from-a-browser*")
