"""The review page and the pages about computers, as a browser without script uses them."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from backend.domain.errors import Refused
from backend.pipeline.devices import DeviceRequest, read_request
from tests.onward import onward
from tests.web.service import Caller, Office, office

CHALLENGE = "c" * 43
ASK = {
    "redirect_uri": "http://127.0.0.1:4000/back",
    "code_challenge": CHALLENGE,
    "state": "s",
    "name": "Ana's",
}


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return unescape(found[1])


async def page_of(client: Any, path: str, status: int = 200) -> str:
    answer = await client.get(path)
    assert answer.status_code == status
    return str(await answer.get_data(as_text=True))


async def test_a_stranger_is_asked_to_sign_in_and_shown_nothing(here: Office) -> None:
    await here.hold("m1")
    client = here.app.test_client()
    for path in ("/review", "/review/mail/m1", "/review/sender?address=bo@pitch.test"):
        assert "pitch.test" not in await page_of(client, path, 401)
    for path in ("/review/decide", "/review/undo", "/review/credits", "/review/rule", "/review/unsubscribe"):
        assert (await client.post(path, form={"one": "release m1"})).status_code == 401
    assert (await here.store.held("ana", "", None, 9)).total == 1


async def test_release_and_undo_with_plain_forms(here: Office) -> None:
    await here.hold("m1")
    browser = await here.browser()
    page = await page_of(browser, "/review")
    assert "bo@pitch.test" in page
    assert "<b>97</b> Pitch" in page
    assert "asks for a call" in page
    csrf = hidden(page, "csrf")

    sent = {"csrf": csrf, "order": hidden(page, "order"), "one": "allow_domain m1"}
    done = await browser.post("/review/decide", form=sent)
    assert done.status_code == 303
    page = await page_of(browser, done.headers["Location"])
    assert "emails from the whole domain reach your inbox" in page
    assert "Nothing waits for your review" in page

    undone = await browser.post("/review/undo", form={"csrf": csrf, "key": hidden(page, "key")})
    page = await page_of(browser, undone.headers["Location"])
    assert "Undone" in page
    assert "bo@pitch.test" in page


async def test_a_form_that_is_not_ours_decides_nothing(here: Office) -> None:
    await here.hold("m1")
    browser, other = await here.browser(), await here.browser()
    foreign = hidden(await page_of(other, "/review"), "csrf")
    for csrf in ("", "x", foreign):
        sent = {"csrf": csrf, "order": "o" * 24, "one": "release m1"}
        assert (await browser.post("/review/decide", form=sent)).status_code == 403
    assert (await here.store.held("ana", "", None, 9)).total == 1


async def test_another_owners_mail_is_not_found(here: Office) -> None:
    await here.hold("m1")
    eve = await here.browser("eve")
    assert "bo@pitch.test" not in await page_of(eve, "/review")
    await page_of(eve, "/review/mail/m1", 404)
    csrf = hidden(await page_of(eve, "/review"), "csrf")
    sent = {"csrf": csrf, "order": "o" * 24, "one": "release m1"}
    lost = await eve.post("/review/decide", form=sent)
    assert lost.headers["Location"] == "/review?done=lost"
    assert (await here.store.held("ana", "", None, 9)).total == 1


async def test_hostile_mail_is_text(here: Office) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    await here.hold("m1", f'"{evil}"@pitch.test', text=evil)
    browser = await here.browser()
    for path in ("/review", "/review/mail/m1"):
        page = await page_of(browser, path)
        assert "<script>" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;" in page
    answer = await browser.get("/review")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_ticket_opens_the_page_once_with_a_strict_cookie(here: Office) -> None:
    caller: Caller = await here.caller()
    for page, where in (("review", "/review"), ("settings", "/settings"), ("questions", "/review#ask")):
        url = (await caller.request("POST", "ticket", json={"page": page}))["url"]
        path = url.removeprefix(here.settings.public_url)
        browser = here.app.test_client()
        assert (await browser.head(path)).status_code == 204  # a look ahead uses nothing up
        entered = await browser.get(path)
        assert (entered.status_code, entered.headers["Location"]) == (303, where)
        cookie = entered.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        await page_of(browser, where.partition("#")[0])
        assert (await here.app.test_client().get(path)).status_code == 410


async def test_over_https_the_session_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    async with office(tmp_path, public_url="https://pitchgate.test") as here:
        ticket = await here.service.ticket(await here.service.device(await here.token()), "review")
        entered = await here.app.test_client().get(f"/enter?ticket={ticket}")
        assert entered.headers["Set-Cookie"].startswith("__Host-pitchgate-session=")
        assert "Secure" in entered.headers["Set-Cookie"]


async def test_removing_a_computer_and_signing_out(here: Office) -> None:
    caller = await here.caller()
    browser = await here.browser()
    page = await page_of(browser, "/devices")
    sent = {"csrf": hidden(page, "csrf"), "device_id": hidden(page, "device_id")}
    assert (await browser.post("/devices/remove", form=sent)).status_code == 303
    await caller.request("GET", "status", 401)
    assert "No computer is connected" in await page_of(browser, "/devices")
    await browser.post("/sign-out", form=sent)
    await page_of(browser, "/devices", 401)


async def test_the_owner_confirms_before_a_computer_is_let_in(here: Office) -> None:
    browser = await here.browser()
    answer = await browser.get("/connect/device", query_string=ASK)
    page = await answer.get_data(as_text=True)
    assert "Connect “Ana&#39;s”?" in page
    assert "form-action 'self' http://127.0.0.1:4000" in answer.headers["Content-Security-Policy"]
    sent = {"csrf": hidden(page, "csrf"), "request": hidden(page, "request")}
    refused = await browser.post("/connect/device", form=sent | {"answer": "no"})
    assert refused.headers["Location"] == "http://127.0.0.1:4000/back?error=denied&state=s"
    assert (
        await browser.post("/connect/device", form=sent | {"csrf": "x", "answer": "yes"})
    ).status_code == 403
    allowed = await browser.post("/connect/device", form=sent | {"answer": "yes"})
    assert "code=" in allowed.headers["Location"]
    here.clock.advance(minutes=16)
    late = await browser.post("/connect/device", form=sent | {"answer": "yes"})
    assert (late.status_code, "Location" in late.headers) == (422, False)


async def test_without_a_session_nothing_is_confirmed(here: Office) -> None:
    client = here.app.test_client()
    answer = await client.get("/connect/device", query_string=ASK)
    page = await answer.get_data(as_text=True)
    assert "Continue with Google" in page
    sealed = hidden(page, "request")
    sent = await client.post("/connect/device", form={"request": sealed, "answer": "yes"})
    assert (sent.status_code, "Location" in sent.headers) == (422, False)
    off = await client.post("/connect/device/sign-in", form={"request": sealed})
    assert onward(await off.get_data(as_text=True)).startswith("https://accounts.google.com/")
    forged = await client.post("/connect/device/sign-in", form={"request": "sealed:x"})
    assert forged.status_code == 422


@pytest.mark.parametrize(
    "other",
    [
        {"for": "typed code", "challenge": "c", "id": "i", "code": "2", "factor": 1, "expires": 1},
        {"state": "s", "nonce": "n", "verifier": "v", "sub": "", "until": "2100-01-01T00:00:00+00:00"},
        ["a list"],
        7,
    ],
)
async def test_what_was_sealed_for_something_else_is_no_request(here: Office, other: object) -> None:
    sealed = here.service.context.vault.seal(json.dumps(other)).decode()
    client = here.app.test_client()
    answer = await client.post("/connect/device/sign-in", form={"request": sealed})
    assert answer.status_code == 422


async def test_another_site_cannot_sign_a_browser_in(here: Office) -> None:
    """Whoever lets a stranger's browser into their own mailbox reads what the stranger does there."""
    caller = await here.caller()
    url = (await caller.request("POST", "ticket", json={"page": "review"}))["url"]
    path = url.removeprefix(here.settings.public_url)
    browser = here.app.test_client()
    for site in ("cross-site", "same-site"):
        refused = await browser.get(path, headers={"Sec-Fetch-Site": site})
        assert (refused.status_code, "Set-Cookie" in refused.headers) == (403, False)
    # The app opens it itself, and nothing was used up.
    assert (await browser.get(path, headers={"Sec-Fetch-Site": "none"})).status_code == 303


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"redirect_uri": target}, "redirect_uri")
        for target in (
            "https://127.0.0.1:4000/",
            "http://localhost:4000/",
            "http://127.0.0.1/",
            "http://127.0.0.1:4000@evil.test:1/",
            "http://127.0.0.1:99999/",
            "http://127.0.0.1:4000/#x",
            "http://127.0.0.1:4000\\@evil.test/",
            "http://127.0.0.1:4000/;script-src *",
            "javascript:alert(1)",
        )
    ]
    + [
        ({"code_challenge": "short"}, "code_challenge"),
        ({"code_challenge_method": "plain"}, "code_challenge_method"),
        ({"state": ""}, "state"),
        ({"name": "\u202e"}, "name"),
        ({"name": "x" * 81}, "name"),
    ],
)
def test_a_request_that_is_not_in_order_is_refused(change: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        read_request(ASK | change)
    assert refused.value.field == field


def test_the_v6_loopback_is_one_too() -> None:
    fields = read_request(ASK | {"redirect_uri": "http://[::1]:4000/back"})
    assert fields == DeviceRequest("http://[::1]:4000/back", CHALLENGE, "s", "Ana's")
