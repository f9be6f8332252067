"""The routes over a real store: what acts do, what a repetition does, and what is answered when things are off."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from backend.domain.errors import NeedsReconnect, TryLater
from backend.pipeline.addon import AddonDesk
from backend.ports.store import Placement
from backend.web.app import create_app
from tests.addon.conftest import Desk, Json, _parameters
from tests.addon.host import EMAIL, EXECUTE
from tests.unit.pipeline.conftest import FORGED, House, letter
from tests.web.fakes import world


async def arrived(house: House, **how: str) -> str:
    gmail_id = house.gmail.deliver(letter(**how))
    await house.push()
    await house.settle()
    return gmail_id


async def placement(house: House, gmail_id: str) -> Placement | None:
    return (await house.store.known(house.mailbox_id, [gmail_id]))[gmail_id].placement


@pytest.mark.parametrize("path", ["home", "message", "settings", "act"])
async def test_without_an_add_on_there_is_nothing_here(path: str) -> None:
    client = create_app(world().services).test_client()
    assert (await client.post(f"/addon/{path}", json={})).status_code == 404


@pytest.mark.parametrize("act", ["allow_domain", "block_domain"])
async def test_a_whole_domain_is_not_decided_on_where_anybody_gets_an_address(
    desk: Desk, house: House, act: str
) -> None:
    gmail_id = await arrived(house, sender="sam@gmail.com")
    await desk.post("message", gmail_id)
    version = next(one["version"] for one in _parameters(desk.answer) if "version" in one)
    # No card offers it; a call can say what it likes.
    await desk.post("act", act=act, message=gmail_id, version=version)
    assert desk.toast == "That could not be understood. Open the card again."
    assert await house.store.count_rules(house.mailbox_id) == 0


@pytest.mark.parametrize("path", ["home", "message", "settings", "act"])
async def test_each_endpoint_has_an_audience_of_its_own(desk: Desk, path: str) -> None:
    await desk.post(path)
    assert desk.callers.audiences == [f"https://gate.test/addon/{path}"]


async def test_a_refusal_is_one_constant(desk: Desk) -> None:
    event = {"authorizationEventObject": {"userIdToken": "forged"}}
    answer = await desk.client.post("/addon/home", json=event)
    assert answer.status_code == 401
    assert await answer.get_data() == b'{"code": "unauthenticated"}'
    get = await desk.client.get("/addon/home")
    assert get.status_code == 405


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"authorizationEventObject": 7}'])
async def test_an_event_that_makes_no_sense_asks_who_it_is(desk: Desk, body: bytes) -> None:
    answer = await desk.client.post("/addon/home", data=body)
    assert await answer.get_json() == {"requesting_google_scopes": {"scopes": [EMAIL]}}


async def test_consent_is_compared_every_time(desk: Desk) -> None:
    lacking = {"authorizationEventObject": {"userIdToken": "sub1", "authorizedScopes": [EXECUTE]}}
    assert (await desk.raw("act", lacking))["requesting_google_scopes"] == {"scopes": [EMAIL]}


async def test_the_same_click_twice_is_one_decision_and_a_later_one_another(desk: Desk) -> None:
    house = desk.house
    gmail_id = await arrived(house)
    card = await desk.post("message", gmail_id)
    await desk.click("allow")
    first = desk.answer
    await house.settle()
    await desk.click("undo")
    await house.settle()
    assert await placement(house, gmail_id) is Placement.HELD
    undone = desk.answer

    desk.answer = card  # the old click once more: decided and taken back, and so it stays
    await desk.click("allow")
    await house.settle()
    assert await placement(house, gmail_id) is Placement.HELD
    desk.answer = first
    await desk.click("undo")
    await house.settle()
    assert await placement(house, gmail_id) is Placement.HELD

    desk.answer = undone  # the card as it is now: meant anew
    await desk.click("allow")
    await house.settle()
    assert await placement(house, gmail_id) is Placement.INBOX


async def test_a_credit_is_given_once_a_click(desk: Desk) -> None:
    gmail_id = await arrived(desk.house)
    card = await desk.post("message", gmail_id)
    await desk.click("credit")
    assert desk.toast.endswith(": 1")
    await desk.click("credit")
    assert desk.toast.endswith(": 2")
    desk.answer = card
    await desk.click("credit")
    assert desk.toast.endswith(": 2")
    assert await desk.house.store.ledger_differences() == ()


async def test_pausing_twice_does_not_pause_for_longer(desk: Desk) -> None:
    house = desk.house
    card = await desk.post("home")
    await desk.click("pause")
    until = (await house.mailbox()).preferences.paused_until
    paused = desk.answer
    house.wait(minutes=10)
    desk.answer = card
    await desk.click("pause")
    assert desk.toast == "Paused."
    assert (await house.mailbox()).preferences.paused_until == until
    desk.answer = paused
    await desk.click("resume")
    assert (await house.mailbox()).preferences.paused_until is None
    desk.answer = card  # from before it was resumed
    await desk.click("pause")
    assert desk.toast == "Something changed in the meantime. This is the state now."
    assert (await house.mailbox()).preferences.paused_until is None


async def test_settings_out_of_range_change_nothing(desk: Desk) -> None:
    card = await desk.post("settings")
    desk.answer = card
    event = await _saving(desk, {"mode": ["everything"]})
    await desk.raw("act", event)
    assert desk.toast == "That could not be understood. Open the card again."
    before = (await desk.house.mailbox()).preferences
    await desk.raw("act", await _saving(desk, {"mode": ["observe"], "retention_days": ["1"]}))
    after = (await desk.house.mailbox()).preferences
    assert (after.mode, after.retention_days) == ("observe", before.retention_days)


async def _saving(desk: Desk, inputs: dict[str, list[str]]) -> Json:
    tenant = await desk.house.store.tenant("sub1")
    assert tenant is not None
    return {
        "commonEventObject": {
            "parameters": {"act": "save", "version": str(tenant.version)},
            "formInputs": {name: {"stringInputs": {"value": value}} for name, value in inputs.items()},
        },
        "authorizationEventObject": {"userIdToken": "sub1"},
    }


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"act": "destroy"},
        {"act": "release"},
        {"act": "release", "message": "../x", "version": "1"},
        {"act": "release", "message": "19a3", "version": "<b>"},
        {"act": "undo", "key": "tray-1"},
        {"act": "pause", "until": "soon"},
        {"act": "pause", "until": "2026-11-24T13:00:00"},
        {"act": "pause", "until": "2031-01-01T00:00:00+00:00"},
        {"act": "credit"},
    ],
)
async def test_a_click_nobody_offered_changes_nothing(desk: Desk, parameters: dict[str, str]) -> None:
    before = (await desk.house.mailbox()).preferences
    await desk.post("act", **parameters)
    assert desk.toast == "That could not be understood. Open the card again."
    assert (await desk.house.mailbox()).preferences == before


async def test_a_decision_about_mail_we_do_not_know_is_told_and_not_made(desk: Desk) -> None:
    await desk.post("act", act="release", message="19a3c0ffee000001", version="1")
    assert desk.toast == "Pitchgate does not know this message yet. Look again in a moment."
    await desk.post("act", act="undo", message="19a3c0ffee000001", key="card-" + "0" * 32)
    assert desk.toast == "Pitchgate does not know this message yet. Look again in a moment."


async def test_mail_that_has_just_arrived_is_judged_and_still_sorted_by_its_sync(desk: Desk) -> None:
    house = desk.house
    gmail_id = house.gmail.deliver(letter())  # no push yet
    await desk.post("message", gmail_id)
    assert "This message has just arrived." in json.dumps(desk.answer)
    assert house.gmail.calls == {"fetch": 1}
    assert await house.store.known(house.mailbox_id, [gmail_id]) == {}
    await house.settle()  # its sync was made due
    assert await placement(house, gmail_id) is Placement.HELD
    assert len(house.gmail.sent) == 1  # and its sender was asked, as if nobody had looked


async def test_old_mail_is_judged_once_and_moves_nothing_until_the_owner_says_so(desk: Desk) -> None:
    house = desk.house
    now, house.gmail.now = house.gmail.now, house.gmail.now - timedelta(days=30)
    gmail_id = house.gmail.deliver(letter(trust=FORGED), labels=frozenset({"Label_9"}))
    house.gmail.now = now
    await desk.post("message", gmail_id)
    assert "It was judged just now and stays where it is." in json.dumps(desk.answer)
    await house.settle()
    await desk.post("message", gmail_id)
    assert house.gmail.calls["fetch"] == 1
    assert house.gmail.calls["relabel"] == house.gmail.calls["send"] == 0
    await desk.click("sales")
    await house.settle()
    assert "Label_1" in house.gmail.labels_of(gmail_id)


async def test_a_senders_credit_is_not_spent_on_an_opinion(desk: Desk) -> None:
    house = desk.house
    first = await arrived(house)
    await desk.post("message", first)
    await desk.click("credit")
    now, house.gmail.now = house.gmail.now, house.gmail.now - timedelta(days=30)
    old = house.gmail.deliver(letter(subject="Older"))
    house.gmail.now = now
    await desk.post("message", old)
    assert "Credits: 1" in json.dumps(desk.answer)
    assert await house.store.balance(house.mailbox_id, "sam@seller.test") == 1


async def test_when_gmail_does_not_answer_or_the_grant_is_gone(desk: Desk) -> None:
    house = desk.house
    gmail_id = house.gmail.deliver(letter())
    house.gmail.trouble["fetch"] = TryLater("Slow down.")
    await desk.post("message", gmail_id)
    assert "Gmail does not answer at the moment." in json.dumps(desk.answer)
    house.gmail.trouble["fetch"] = NeedsReconnect("Revoked.")
    answer = await desk.post("message", gmail_id)
    address = answer["basic_authorization_prompt"]["authorization_url"]
    assert address == "https://gate.test/connect"
    found = await (await desk.client.get(address.removeprefix("https://gate.test"))).get_data(as_text=True)
    assert found.count('method="post" action="/connect"') == 1  # one click, and on to Google


async def test_a_gmail_that_takes_too_long_is_told_before_google_gives_up_on_us(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, waited = desk.house, asyncio.Event()

    async def hang(mailbox_id: str, gmail_id: str) -> None:
        await waited.wait()

    monkeypatch.setattr(house.gmail, "fetch", hang)
    hasty = AddonDesk(house.kit, house.store, desk.callers, patience=0.01)
    look = await hasty.look(await house.mailbox(), "19a3c0ffee000001")
    assert (look.reading, look.trouble) == (None, "later")


async def test_from_the_home_card_to_a_message_and_to_the_settings(desk: Desk) -> None:
    gmail_id = await arrived(desk.house)
    home = await desk.post("home")
    await desk.click("show")
    pushed = desk.answer["renderActions"]["action"]["navigations"][0]["pushCard"]
    assert pushed["header"]["title"] == "Held"
    await desk.click("block_domain")
    await desk.house.settle()
    assert desk.toast == "Blocked. This domain’s mail is held from now on."
    second = await arrived(desk.house, sender="other@seller.test", subject="Hello")
    await desk.post("message", second)
    assert "You have blocked this sender." in json.dumps(desk.answer)
    assert await placement(desk.house, gmail_id) is Placement.HELD
    desk.answer = home
    await desk.click("settings")
    pushed = desk.answer["renderActions"]["action"]["navigations"][0]["pushCard"]
    assert pushed["name"] == "settings"
    await desk.post("act", act="show", message="../etc")
    assert "Gmail did not say which message is open." in json.dumps(desk.answer)


async def test_what_was_released_on_the_home_card_is_taken_back_there(desk: Desk) -> None:
    gmail_id = await arrived(desk.house)
    await desk.post("home")
    await desk.click("release")
    await desk.house.settle()
    assert await placement(desk.house, gmail_id) is Placement.INBOX
    await desk.click("undo")
    assert desk.toast == "Undone."
    assert desk.answer["renderActions"]["action"]["navigations"][0]["updateCard"]["name"] == "home"
    await desk.house.settle()
    assert await placement(desk.house, gmail_id) is Placement.HELD


async def test_another_owners_token_finds_nothing_of_ana(desk: Desk) -> None:
    gmail_id = await arrived(desk.house)
    await desk.post("message", gmail_id)
    for sub in ("sub2", "ana@corp.test", "box1"):
        answer = await desk.post("message", gmail_id, sub=sub)
        assert set(answer) == {"basic_authorization_prompt"}
        answer = await desk.post("act", sub=sub, act="release", message=gmail_id, version="1")
        assert set(answer) == {"basic_authorization_prompt"}
    assert await placement(desk.house, gmail_id) is Placement.HELD
