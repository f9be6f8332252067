"""Notifications in a browser: switched on and off by our form, ended by signing out, moved by the browser."""

from __future__ import annotations

import json

import pytest

from backend.domain.mailbox.owner_digest import MOST_BROWSERS
from tests.fakes.push_service import POINT, SECRET
from tests.web.owner_pages import Visit
from tests.web.service import Office

ADDRESS = {"endpoint": "https://push.maker.test/send/abc", "p256dh": POINT, "auth": SECRET}
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def ana(here: Office) -> Visit:
    return await Visit.begin(here)


async def switch_on(ana: Visit, status: int = 303, **changes: str) -> str:
    await ana.get("/settings/notifications", **{"Accept-Language": "de"})
    fields = ADDRESS | {"key": ana.hidden("key")} | changes
    return await ana.post("/settings/notifications/on", status, **fields)


async def kept(here: Office, mailbox_id: str = "ana") -> list[dict[str, str]]:
    found = await here.store.web_pushes(mailbox_id, here.clock.now())
    return [json.loads(here.context.vault.open(one.sealed)) for one in found]


async def test_they_are_off_until_the_owner_switches_them_on_and_off_again(here: Office, ana: Visit) -> None:
    shown = await ana.get("/settings/notifications")
    assert "Turning them on needs JavaScript." in shown
    assert "On in this browser" not in shown

    assert await switch_on(ana) == "/settings/notifications?done=notified"
    (one,) = await kept(here)
    assert one == ADDRESS | {"key": one["key"]}
    assert f'data-public="public-{one["key"]}"' not in shown, "a page has a key of its own"
    assert "On in this browser" in await ana.get("/settings/notifications?done=notified")

    assert await ana.post("/settings/notifications/off") == "/settings/notifications?done=not_notified"
    assert await kept(here) == []


async def test_one_browser_says_nothing_of_another(here: Office, ana: Visit) -> None:
    await switch_on(ana)
    other = await Visit.begin(here)
    assert "On in this browser" not in await other.get("/settings/notifications")
    await other.post("/settings/notifications/off")
    assert len(await kept(here)) == 1
    eve = await Visit.begin(here, "eve")
    await switch_on(eve)
    assert (len(await kept(here)), len(await kept(here, "eve"))) == (1, 1)


async def test_signing_out_ends_them(here: Office, ana: Visit) -> None:
    await switch_on(ana)
    await ana.get("/settings/notifications")
    await ana.post("/sign-out")
    assert await kept(here) == []


@pytest.mark.parametrize(("who", "left"), [("ana", 1), ("eve", 0)])
async def test_signing_in_again_keeps_them_for_the_same_owner_only(
    here: Office, ana: Visit, who: str, left: int
) -> None:
    await switch_on(ana)
    caller = await here.caller(who)
    url = (await caller.request("POST", "ticket", json={"page": "review"}))["url"]
    answer = await ana.browser.get(url[url.index("/enter") :])
    assert answer.status_code == 303
    assert (len(await kept(here)), len(await kept(here, "eve"))) == (left, 0)
    assert ("On in this browser" in await ana.get("/settings/notifications")) is bool(left)


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "https://192.168.0.1/send"},
        {"endpoint": "http://push.maker.test/send"},
        {"p256dh": "short"},
        {"auth": ""},
        {"key": "not ours"},
    ],
)
async def test_what_is_not_in_order_is_refused(here: Office, ana: Visit, changes: dict[str, str]) -> None:
    await switch_on(ana, 422, **changes)
    assert await kept(here) == []


async def test_a_page_that_is_too_old_and_a_form_that_is_not_ours(here: Office, ana: Visit) -> None:
    await switch_on(ana, 403, csrf="guess")
    await ana.get("/settings/notifications")
    key = ana.hidden("key")
    here.clock.advance(days=2)
    await ana.get("/review")
    await ana.post("/settings/notifications/on", 410, **ADDRESS, key=key)
    assert await kept(here) == []


async def test_too_many_browsers_are_told_so(here: Office, ana: Visit) -> None:
    for _ in range(MOST_BROWSERS):
        await switch_on(await Visit.begin(here))
    assert "10" in await switch_on(ana, 422)
    assert len(await kept(here)) == MOST_BROWSERS


async def test_the_browser_itself_tells_of_a_new_address(here: Office, ana: Visit) -> None:
    await switch_on(ana)
    (before,) = await kept(here)
    elsewhere = ADDRESS | {"endpoint": "https://push.maker.test/send/new"}
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}):
        answer = await ana.browser.post("/settings/notifications/moved", form=elsewhere, headers=headers)
        assert answer.status_code == 403
    answer = await ana.browser.post("/settings/notifications/moved", form=elsewhere, headers=OWN)
    assert answer.status_code == 204
    assert await kept(here) == [elsewhere | {"key": before["key"]}]

    signed_out = await here.app.test_client().post(
        "/settings/notifications/moved", form=elsewhere, headers=OWN
    )
    assert signed_out.status_code == 401
