"""The host page in a real browser: a person clicks through the add-on beside the mail, without JavaScript."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.demo.letters import OWNER
from tests.browser.axe import assert_accessible
from tests.browser.checks import keep_picture, look_over, watch_console
from tests.journeys.conftest import Journey, begin_journey

pytestmark = pytest.mark.browser

LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 360, "height": 740}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
}


class Running:
    """A journey in a thread of its own, since the browser blocks this one."""

    def __init__(self, journey: Journey, loop: asyncio.AbstractEventLoop) -> None:
        self.journey = journey
        self._loop = loop

    def do(self, work: Any) -> Any:
        """Run a coroutine of the journey to its end."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(90)

    @property
    def url(self) -> str:
        """Where the host page is."""
        return f"{self.journey.stage.sandbox.url}/addon"


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    ready, stop = threading.Event(), asyncio.Event()
    found: list[Running] = []
    broken: list[BaseException] = []

    async def life() -> None:
        try:
            async with begin_journey(folder) as journey:
                found.append(Running(journey, asyncio.get_running_loop()))
                ready.set()
                await stop.wait()
        except BaseException as error:
            broken.append(error)
            raise
        finally:
            ready.set()

    thread = threading.Thread(target=asyncio.run, args=(life(),))
    thread.start()
    assert ready.wait(90)
    assert found, broken
    try:
        yield found[0]
    finally:
        found[0]._loop.call_soon_threadsafe(stop.set)
        thread.join(60)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("addon")) as found:
        yield found


@pytest.fixture(scope="module")
def held(stage: Running) -> str:
    """A pitch with a hostile name and subject, held."""
    return hold(stage, subject='Grow <img src=x onerror=alert(1)> 10× "now" & cheap')


def hold(stage: Running, **changes: str) -> str:
    async def story() -> str:
        # Gmail drops notices that come within a second of another: let what was clicked before come to rest.
        await stage.journey.quiet()
        gmail_id = await stage.journey.write(stage.journey.pitch, **changes)
        await stage.journey.settled(gmail_id, held=True)
        await stage.journey.quiet()
        return gmail_id

    return str(stage.do(story()))


def opened(browser: Browser, **options: Any) -> Page:
    return browser.new_context(
        java_script_enabled=options.pop("java_script_enabled", True), **options
    ).new_page()


@pytest.mark.parametrize("look", LOOKS)
def test_every_card_can_be_seen_and_read_aloud(
    browser: Browser, stage: Running, held: str, look: str, shots: Path
) -> None:
    page = opened(browser, **LOOKS[look])
    problems = watch_console(page)
    pages = {
        "owners": f"{stage.url}/",
        "home": f"{stage.url}/{OWNER}",
        "message": f"{stage.url}/{OWNER}/message/{held}",
        "not-connected": f"{stage.url}/{stage.journey.pitch.address}",
    }
    for name, url in pages.items():
        page.goto(url)
        look_over(page)
        assert_accessible(page)
        keep_picture(page, shots / f"addon-{name}-{look}.png", full_page=True)
    page.goto(f"{stage.url}/{OWNER}")
    page.locator(".panel-bar").get_by_role("button", name="Settings").click()
    expect(page.get_by_role("radio", name="Normal")).to_be_checked()
    look_over(page)
    keep_picture(page, shots / f"addon-settings-{look}.png", full_page=True)
    assert problems == []
    page.context.close()


def test_release_and_undo_by_hand_without_javascript(browser: Browser, stage: Running, shots: Path) -> None:
    gmail_id = hold(stage, subject="A quick question about your pipeline")
    page = opened(browser, java_script_enabled=False, **LOOKS["desktop"])
    page.goto(f"{stage.url}/{OWNER}/message/{gmail_id}")
    expect(page.get_by_role("heading", name="Held")).to_be_visible()
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("status")).to_have_text("Released. It goes back to the inbox.")
    keep_picture(page, shots / "addon-released.png", full_page=True)
    stage.do(stage.journey.settled(gmail_id, held=False))
    page.goto(f"{stage.url}/{OWNER}/message/{gmail_id}?stay=1")
    expect(page.locator(".chip", has_text="Inbox")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_have_text("Undone.")
    stage.do(stage.journey.settled(gmail_id, held=True))
    page.context.close()


CLICKS = {
    "Add a credit": "One credit added. Credits now: 1",
    "Allow sender": "Allowed. This sender’s emails reach your inbox from now on.",
    "Block sender": "Blocked. This sender’s emails are held from now on.",
    "Allow domain": "Allowed. This domain’s emails reach your inbox from now on.",
    "Block domain": "Blocked. This domain’s emails are held from now on.",
    "Release": "Released. It goes back to the inbox.",
    "Mark as a pitch": "Marked as a pitch and held.",
    "Undo": "Undone.",
}


def test_every_click_says_what_it_did(browser: Browser, stage: Running, shots: Path) -> None:
    gmail_id = hold(stage, sender="Kim Park <kim@everyclick.example>", subject="Ten more meetings a month")
    page = opened(browser, **LOOKS["phone"])
    page.goto(f"{stage.url}/{OWNER}/message/{gmail_id}")
    for number, (button, toast) in enumerate(CLICKS.items(), 1):
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_role("status")).to_have_text(toast)
        look_over(page)
        keep_picture(page, shots / f"addon-click-{number}.png", full_page=True)
    page.context.close()


def test_from_home_to_a_message_and_to_settings_and_back(
    browser: Browser, stage: Running, shots: Path
) -> None:
    hold(stage, sender="Lou Bell <lou@fromhome.example>", subject="Grow <b>now</b> & cheap")
    page = opened(browser, java_script_enabled=False, **LOOKS["desktop"])
    page.goto(f"{stage.url}/{OWNER}")
    page.get_by_role("button", name="Lou Bell Grow <b>now</b> & cheap").click()
    expect(page.get_by_role("heading", name="Held", exact=True)).to_be_visible()
    keep_picture(page, shots / "addon-home-to-message.png", full_page=True)
    page.get_by_role("button", name="Back").click()
    page.locator(".addon-card").get_by_role("button", name="Settings").click()
    page.get_by_role("radio", name="Strict: hold more").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    page.get_by_role("radio", name="Normal").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_text("Active")).to_be_visible()
    page.get_by_role("button", name="Pause until tomorrow").click()
    expect(page.get_by_role("status")).to_have_text("Paused.")
    keep_picture(page, shots / "addon-paused.png", full_page=True)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("status")).to_have_text("Resumed.")
    page.context.close()


def test_connecting_begins_in_the_panel_with_one_click_on_our_page(
    browser: Browser, stage: Running, shots: Path
) -> None:
    zoe = "zoe@second.example"
    stage.do(stage.journey.stage.sandbox.create(zoe, "Zoe Marsh"))
    page = opened(browser, **LOOKS["phone"])
    page.goto(f"{stage.url}/{zoe}")
    with page.context.expect_page() as found:
        page.get_by_role("link", name="Connect", exact=True).click()
    ours = found.value
    ours.wait_for_load_state()
    look_over(ours)
    keep_picture(ours, shots / "addon-connect.png", full_page=True)
    ours.get_by_role("button", name="Continue with Google").click()
    ours.get_by_role("radio", name="Zoe Marsh").check()
    ours.get_by_role("button", name="Allow").click()
    expect(ours.get_by_role("main")).to_contain_text(zoe)
    page.reload()
    expect(page.get_by_role("heading", name="Pitchgate", exact=True)).to_be_visible()
    keep_picture(page, shots / "addon-connected.png", full_page=True)
    page.context.close()


def test_what_gmail_would_show_for_a_refusal(browser: Browser, stage: Running, shots: Path) -> None:
    async def forged() -> None:
        url = f"{stage.journey.stage.sandbox.url}/sandbox/addon/open"
        async with stage.journey.stage.http.post(url, json={"mailbox": OWNER, "forge": {"stranger": "user"}}):
            pass

    stage.do(forged())
    page = opened(browser, **LOOKS["desktop"])
    page.goto(f"{stage.url}/{OWNER}?stay=1")
    expect(page.get_by_role("alert")).to_contain_text("answered 401")
    keep_picture(page, shots / "addon-refused.png", full_page=True)
    page.context.close()


def test_every_language_fits(browser: Browser, stage: Running, held: str, shots: Path) -> None:
    page = opened(browser, **LOOKS["desktop"])
    page.goto(f"{stage.url}/{OWNER}/message/{held}")
    titles = {"de-DE": "Zurückgehalten", "fr-FR": "Retenu", "es-ES": "Retenido", "pt-BR": "Retida"}
    for locale, title in titles.items():
        page.get_by_label("Language of Gmail").select_option(locale)
        page.get_by_role("button", name="Set", exact=True).click()
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        look_over(page)
        keep_picture(page, shots / f"addon-message-{locale}.png", full_page=True)
    page.get_by_label("Language of Gmail").select_option("en-US")
    page.get_by_role("button", name="Set", exact=True).click()
    page.context.close()


def test_a_missing_consent_is_given_on_the_page(browser: Browser, stage: Running, shots: Path) -> None:
    async def narrow() -> None:
        url = f"{stage.journey.stage.sandbox.url}/sandbox/addon/grants"
        async with stage.journey.stage.http.put(url, json={"mailbox": OWNER, "scopes": []}) as answer:
            assert answer.status == 200

    stage.do(narrow())
    page = opened(browser, **LOOKS["desktop"])
    page.goto(f"{stage.url}/{OWNER}")
    expect(page.get_by_role("heading", name="asks for more access")).to_be_visible()
    look_over(page)
    keep_picture(page, shots / "addon-consent.png", full_page=True)
    page.get_by_role("button", name="Allow", exact=True).click()
    expect(page.get_by_text("Active")).to_be_visible()
    page.context.close()
