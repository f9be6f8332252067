"""Notifications in a real Chromium: the switch on the settings page, and what its worker shows of what is pushed. Its
maker's push service is outside, so the address is made up here, and what was sent there is handed to the browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.pipeline.devices import web_push
from backend.transactions.records import Duty
from tests import browsers
from tests.browser.axe import assert_accessible
from tests.browser.checks import keep_picture
from tests.browser.review_fixture import LOOKS, Fixture, fixture
from tests.fakes.push_service import POINT, SECRET, FakePushService

pytestmark = pytest.mark.browser

CHROMIUM = browsers.whole_chromium

ENDPOINT = "https://push.maker.test/send/abc"
MAKER = f"""
const kept = {{ toJSON: () => ({{ endpoint: "{ENDPOINT}", keys: {{ p256dh: "{POINT}", auth: "{SECRET}" }} }}),
  unsubscribe: async () => sessionStorage.removeItem("kept") }};
PushManager.prototype.getSubscription = async () => (sessionStorage.getItem("kept") ? kept : null);
PushManager.prototype.subscribe = async ({{ applicationServerKey }}) => {{
  sessionStorage.setItem("kept", applicationServerKey.length);
  return kept;
}};
"""
CLICKED = """async () => {
  const opened = [];
  clients.openWindow = async (address) => opened.push(address);
  const [notification] = await registration.getNotifications();
  dispatchEvent(new NotificationEvent("notificationclick", { notification }));
  const shown = async () => (await registration.getNotifications()).length;
  // The browser closes a notification in its own time: 5 s are enough.
  for (let tries = 0; tries < 500 && (!opened.length || (await shown())); tries++)
    await new Promise((done) => setTimeout(done, 10));
  return [opened, await shown()];
}"""
"""A click as the worker hears of it."""
MOVED = """(address) => {
  const newSubscription = { toJSON: () => address };
  dispatchEvent(Object.assign(new ExtendableEvent("pushsubscriptionchange"), { newSubscription }));
}"""
"""The browser has got another address."""
COUNT = """() => {
  const show = registration.showNotification.bind(registration);
  self.shows = 0;
  registration.showNotification = (...all) => show(...all).finally(() => self.shows++);
}"""
BOTH = """async () => {
  const all = async () => (await registration.getNotifications()).map(({ title, body, tag }) => [title, body, tag]);
  // Chromium takes a notification away for a moment while another of its tag replaces it: 5 s are enough.
  for (let tries = 0; tries < 500 && (self.shows < 2 || !(await all()).length); tries++)
    await new Promise((done) => setTimeout(done, 10));
  return self.shows === 2 ? await all() : [];
}"""
"""What the browser shows once the worker has shown the same message twice."""


def told(here: Fixture) -> list[dict[str, Any]]:
    here.do(_work(here))
    return [payload for _, payload in cast(FakePushService, here.office.context.web_push).sent]


async def _work(here: Fixture) -> None:
    story, context = here.office.story, here.office.context
    await web_push(context, await story.hold("ana", Duty.WEB_PUSH))


def address(here: Fixture) -> str:
    """Where Ana's one browser is reached."""
    (kept,) = here.do(here.store.web_pushes("ana", here.office.clock.now()))
    return str(json.loads(here.office.context.vault.open(kept.sealed))["endpoint"])


def deliver(page: Page, origin: str, payload: dict[str, Any]) -> None:
    """Hand a message to the browser's worker, as its maker's service would."""
    wire = page.context.new_cdp_session(page)
    found: list[str] = []
    wire.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda e: found.extend(r["registrationId"] for r in e["registrations"]),
    )
    wire.send("ServiceWorker.enable")
    for _ in range(100):
        if found:
            break
        page.wait_for_timeout(50)
    wire.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": origin, "registrationId": found[-1], "data": json.dumps(payload)},
    )


def test_an_owner_switches_them_on_is_told_of_a_new_sender_and_switches_them_off(
    tmp_path: Path, browser: Browser, shots: Path
) -> None:
    with fixture(tmp_path) as here, here.signed_in(browser, service_workers="allow") as context:
        context.grant_permissions(["notifications"], origin=here.address)
        context.add_init_script(MAKER)
        page = context.new_page()
        page.goto(f"{here.address}/settings/notifications")
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")

        page.get_by_role("button", name="Turn on", exact=True).click()
        expect(page.get_by_text("Notifications are on in this browser.")).to_be_visible()
        expect(page.get_by_text("On in this browser, until you sign out.")).to_be_visible()
        assert page.evaluate("sessionStorage.getItem('kept')") is not None
        expect(page.locator("#notifications").get_by_role("status")).to_be_hidden()
        keep_picture(page.locator("#notifications"), shots / "notifications-on.png")

        here.office.story.now = here.office.clock.now()
        here.hold("g1", subject="Grow your pipeline")
        here.office.clock.advance(minutes=1)
        (payload,) = told(here)
        (worker,) = context.service_workers
        worker.evaluate(COUNT)
        for _ in range(2):
            deliver(page, here.address, payload)
        assert worker.evaluate(BOTH) == [["New sender held: Bo Pitcher", "Grow your pipeline", "held"]]

        assert worker.evaluate(CLICKED) == [["/review"], 0]
        with page.context.expect_event("requestfinished", lambda sent: sent.url.endswith("/moved")):
            worker.evaluate(MOVED, {"endpoint": f"{ENDPOINT}-2", "keys": {"p256dh": POINT, "auth": SECRET}})
        assert address(here) == f"{ENDPOINT}-2"

        page.evaluate("sessionStorage.clear()")
        page.reload()
        lost = "This browser does not show notifications from Pitchgate any more. Turn them on again."
        expect(page.get_by_text(lost)).to_be_visible()
        assert_accessible(page)
        keep_picture(page.locator("#notifications"), shots / "notifications-lost.png")
        page.get_by_role("button", name="Turn on", exact=True).click()

        page.get_by_role("button", name="Turn off", exact=True).click()
        expect(page.get_by_text("Notifications are off in this browser.")).to_be_visible()
        assert page.evaluate("sessionStorage.getItem('kept')") is None
        assert here.do(here.store.web_pushes("ana", here.office.clock.now())) == ()


@pytest.mark.parametrize("look", ["desktop", "phone", "dark", "de-phone-dark"])
def test_how_the_switch_looks(tmp_path: Path, browser: Browser, shots: Path, look: str) -> None:
    with fixture(tmp_path) as here, here.signed_in(browser, **LOOKS[look]) as context:
        page = context.new_page()
        page.goto(f"{here.address}/settings/notifications")
        part = page.locator("#notifications")
        expect(part.get_by_role("button")).to_be_visible()
        keep_picture(part, shots / f"notifications-{look}.png")
        assert_accessible(page)


def test_a_browser_that_cannot_or_may_not_says_so_in_one_line(tmp_path: Path, browser: Browser) -> None:
    with fixture(tmp_path) as here:
        with here.signed_in(browser, service_workers="allow") as context:
            context.add_init_script("Notification.requestPermission = async () => 'denied';")
            page = context.new_page()
            page.goto(f"{here.address}/settings/notifications")
            part = page.locator("#notifications")
            part.get_by_role("button").click()
            expect(part.get_by_role("status")).to_have_text(
                "This browser blocks notifications from this page. You can allow them in its settings."
            )
        with here.signed_in(browser, service_workers="allow") as context:
            context.add_init_script("delete window.PushManager;")
            page = context.new_page()
            page.goto(f"{here.address}/settings/notifications")
            expect(page.locator("#notifications").get_by_role("status")).to_contain_text(
                "cannot show notifications"
            )
            expect(page.locator("#notifications").get_by_role("button")).to_have_count(0)
        with here.signed_in(browser, java_script_enabled=False) as context:
            page = context.new_page()
            page.goto(f"{here.address}/settings/notifications")
            expect(page.locator("#notifications")).to_contain_text("Turning them on needs JavaScript.")
