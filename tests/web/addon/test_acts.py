"""The routes over a real store: what acts do, what a repetition does, and what is answered when things are off."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from backend.domain.errors import NeedsReconnect, TryLater
from backend.domain.mailbox.mailbox import Mode
from backend.domain.mailbox.message import Placement
from backend.pipeline.addon import AddonService
from backend.settings import Environment
from tests.unit.pipeline.conftest import FORGED, Fixture, letter
from tests.web.addon.conftest import Json, Service, _parameters, client_of
from tests.web.addon.host import EMAIL, EXECUTE
from tests.web.service import unopened


async def arrived(fixture: Fixture, **how: str) -> str:
    gmail_id = fixture.gmail.deliver(letter(**how))
    await fixture.push()
    await fixture.settle()
    return gmail_id


async def placement(fixture: Fixture, gmail_id: str) -> Placement | None:
    return (await fixture.store.known(fixture.mailbox_id, [gmail_id]))[gmail_id].placement


@pytest.mark.parametrize("path", ["home", "message", "settings", "act"])
async def test_without_an_add_on_there_is_nothing_here(path: str) -> None:
    client = unopened().app.test_client()
    assert (await client.post(f"/addon/{path}", json={})).status_code == 404


@pytest.mark.parametrize("act", ["allow_domain", "block_domain"])
async def test_a_whole_domain_is_not_decided_on_where_anybody_gets_an_address(
    service: Service, fixture: Fixture, act: str
) -> None:
    gmail_id = await arrived(fixture, sender="sam@gmail.com")
    await service.post("message", gmail_id)
    version = next(one["version"] for one in _parameters(service.answer) if "version" in one)
    # No card offers it; a call can say what it likes.
    await service.post("act", act=act, message=gmail_id, version=version)
    assert service.toast == "That could not be understood. Open the card again."
    assert await fixture.store.count_rules(fixture.mailbox_id) == 0


@pytest.mark.parametrize("path", ["home", "message", "settings", "act"])
async def test_each_endpoint_has_an_audience_of_its_own(service: Service, path: str) -> None:
    await service.post(path)
    assert service.callers.audiences == [f"https://gate.test/addon/{path}"]


async def test_a_refusal_is_one_constant(service: Service) -> None:
    event = {"authorizationEventObject": {"userIdToken": "forged"}}
    answer = await service.client.post("/addon/home", json=event)
    assert answer.status_code == 401
    assert await answer.get_data() == b'{"code": "unauthenticated"}'
    get = await service.client.get("/addon/home")
    assert get.status_code == 405


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"authorizationEventObject": 7}'])
async def test_an_event_that_makes_no_sense_asks_who_it_is(service: Service, body: bytes) -> None:
    answer = await service.client.post("/addon/home", data=body)
    assert await answer.get_json() == {"requesting_google_scopes": {"scopes": [EMAIL]}}


async def test_consent_is_compared_every_time(service: Service) -> None:
    lacking = {"authorizationEventObject": {"userIdToken": "sub1", "authorizedScopes": [EXECUTE]}}
    assert (await service.raw("act", lacking))["requesting_google_scopes"] == {"scopes": [EMAIL]}


async def test_the_same_click_twice_is_one_decision_and_a_later_one_another(service: Service) -> None:
    fixture = service.fixture
    gmail_id = await arrived(fixture)
    card = await service.post("message", gmail_id)
    await service.click("allow")
    first = service.answer
    await fixture.settle()
    await service.click("undo")
    await fixture.settle()
    assert await placement(fixture, gmail_id) is Placement.HELD
    undone = service.answer

    service.answer = card  # the old click once more: decided and taken back, and so it stays
    await service.click("allow")
    await fixture.settle()
    assert await placement(fixture, gmail_id) is Placement.HELD
    service.answer = first
    await service.click("undo")
    await fixture.settle()
    assert await placement(fixture, gmail_id) is Placement.HELD

    service.answer = undone  # the card as it is now: meant again
    await service.click("allow")
    await fixture.settle()
    assert await placement(fixture, gmail_id) is Placement.INBOX


async def test_a_credit_is_given_once_a_click(service: Service) -> None:
    gmail_id = await arrived(service.fixture)
    card = await service.post("message", gmail_id)
    await service.click("credit")
    assert service.toast.endswith(": 1")
    await service.click("credit")
    assert service.toast.endswith(": 2")
    service.answer = card
    await service.click("credit")
    assert service.toast.endswith(": 2")
    assert await service.fixture.store.ledger_differences() == ()


async def test_pausing_twice_does_not_pause_for_longer(service: Service) -> None:
    fixture = service.fixture
    card = await service.post("home")
    await service.click("pause")
    until = (await fixture.mailbox()).preferences.paused_until
    paused = service.answer
    fixture.wait(minutes=10)
    service.answer = card
    await service.click("pause")
    assert service.toast == "Paused."
    assert (await fixture.mailbox()).preferences.paused_until == until
    service.answer = paused
    await service.click("resume")
    assert (await fixture.mailbox()).preferences.paused_until is None
    service.answer = card  # from before it was resumed
    await service.click("pause")
    assert service.toast == "Something changed in the meantime. This is the state now."
    assert (await fixture.mailbox()).preferences.paused_until is None


async def test_settings_out_of_range_change_nothing(service: Service) -> None:
    card = await service.post("settings")
    service.answer = card
    event = await _saving(service, {"mode": ["everything"]})
    await service.raw("act", event)
    assert service.toast == "That could not be understood. Open the card again."
    await service.raw("act", await _saving(service, {}))
    assert service.toast == "That could not be understood. Open the card again."
    before = (await service.fixture.mailbox()).preferences
    await service.raw("act", await _saving(service, {"mode": ["observe"], "retention_days": ["1"]}))
    after = (await service.fixture.mailbox()).preferences
    assert (after.mode, after.retention_days) == ("observe", before.retention_days)


async def _saving(service: Service, inputs: dict[str, list[str]]) -> Json:
    tenant = await service.fixture.store.tenant("sub1")
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
async def test_a_click_nobody_offered_changes_nothing(service: Service, parameters: dict[str, str]) -> None:
    before = (await service.fixture.mailbox()).preferences
    await service.post("act", **parameters)
    assert service.toast == "That could not be understood. Open the card again."
    assert (await service.fixture.mailbox()).preferences == before


async def test_a_decision_about_mail_we_do_not_know_is_told_and_not_made(service: Service) -> None:
    await service.post("act", act="release", message="19a3c0ffee000001", version="1")
    assert service.toast == "Pitchgate does not know this message yet. Look again in a moment."
    await service.post("act", act="undo", message="19a3c0ffee000001", key="card-" + "0" * 32)
    assert service.toast == "Pitchgate does not know this message yet. Look again in a moment."


async def test_mail_that_has_just_arrived_is_judged_and_still_sorted_by_its_sync(service: Service) -> None:
    fixture = service.fixture
    gmail_id = fixture.gmail.deliver(letter())  # no push yet
    await service.post("message", gmail_id)
    assert "This message has just arrived." in json.dumps(service.answer)
    assert fixture.gmail.calls == {"fetch": 1}
    assert await fixture.store.known(fixture.mailbox_id, [gmail_id]) == {}
    await fixture.settle()  # its sync was made due
    assert await placement(fixture, gmail_id) is Placement.HELD
    assert len(fixture.gmail.sent) == 1  # and its sender was asked, as if nobody had looked


async def test_old_mail_is_judged_once_and_moves_nothing_until_the_owner_says_so(service: Service) -> None:
    fixture = service.fixture
    now, fixture.gmail.now = fixture.gmail.now, fixture.gmail.now - timedelta(days=30)
    gmail_id = fixture.gmail.deliver(letter(trust=FORGED), labels=frozenset({"Label_9"}))
    fixture.gmail.now = now
    await service.post("message", gmail_id)
    assert "It was judged just now and stays where it is." in json.dumps(service.answer)
    await fixture.settle()
    await service.post("message", gmail_id)
    assert fixture.gmail.calls["fetch"] == 1
    assert fixture.gmail.calls["relabel"] == fixture.gmail.calls["send"] == 0
    await service.click("sales")
    await fixture.settle()
    assert "Label_1" in fixture.gmail.labels_of(gmail_id)


async def test_a_senders_credit_is_not_spent_on_an_opinion(service: Service) -> None:
    fixture = service.fixture
    first = await arrived(fixture)
    await service.post("message", first)
    await service.click("credit")
    now, fixture.gmail.now = fixture.gmail.now, fixture.gmail.now - timedelta(days=30)
    old = fixture.gmail.deliver(letter(subject="Older"))
    fixture.gmail.now = now
    await service.post("message", old)
    assert "Credits: 1" in json.dumps(service.answer)
    assert await fixture.store.balance(fixture.mailbox_id, "sam@seller.test") == 1


async def test_when_gmail_does_not_answer_or_the_grant_is_gone(service: Service) -> None:
    fixture = service.fixture
    gmail_id = fixture.gmail.deliver(letter())
    fixture.gmail.trouble["fetch"] = TryLater("Slow down.")
    await service.post("message", gmail_id)
    assert "Gmail does not answer at the moment." in json.dumps(service.answer)
    fixture.gmail.trouble["fetch"] = NeedsReconnect("Revoked.")
    answer = await service.post("message", gmail_id)
    address = answer["basic_authorization_prompt"]["authorization_url"]
    assert address == "https://gate.test/connect"
    found = await (await service.client.get(address.removeprefix("https://gate.test"))).get_data(as_text=True)
    assert found.count('method="post" action="/connect"') == 1  # one click, and on to Google


async def test_a_gmail_that_takes_too_long_is_told_before_google_gives_up_on_us(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture, waited = service.fixture, asyncio.Event()

    async def hang(mailbox_id: str, gmail_id: str) -> None:
        await waited.wait()

    monkeypatch.setattr(fixture.gmail, "fetch", hang)
    hasty = AddonService(fixture.context, service.callers, patience=0.01)
    look = await hasty.look(await fixture.mailbox(), "19a3c0ffee000001")
    assert (look.reading, look.trouble) == (None, "later")


async def test_from_the_home_card_to_a_message_and_to_the_settings(service: Service) -> None:
    gmail_id = await arrived(service.fixture)
    home = await service.post("home")
    await service.click("show")
    pushed = service.answer["renderActions"]["action"]["navigations"][0]["pushCard"]
    assert pushed["header"]["title"] == "Held"
    await service.click("block_domain")
    await service.fixture.settle()
    assert service.toast == "Blocked. This domain’s emails are held from now on."
    second = await arrived(service.fixture, sender="other@seller.test", subject="Hello")
    await service.post("message", second)
    assert "You have blocked this sender or their domain." in json.dumps(service.answer)
    assert await placement(service.fixture, gmail_id) is Placement.HELD
    service.answer = home
    await service.click("settings")
    pushed = service.answer["renderActions"]["action"]["navigations"][0]["pushCard"]
    assert pushed["name"] == "settings"
    await service.post("act", act="show", message="../etc")
    assert "Gmail did not say which message is open." in json.dumps(service.answer)


async def test_what_was_released_on_the_home_card_is_taken_back_there(service: Service) -> None:
    gmail_id = await arrived(service.fixture)
    await service.post("home")
    await service.click("release")
    await service.fixture.settle()
    assert await placement(service.fixture, gmail_id) is Placement.INBOX
    await service.click("undo")
    assert service.toast == "Undone."
    assert service.answer["renderActions"]["action"]["navigations"][0]["updateCard"]["name"] == "home"
    await service.fixture.settle()
    assert await placement(service.fixture, gmail_id) is Placement.HELD


async def test_another_owners_token_finds_nothing_of_ana(service: Service) -> None:
    gmail_id = await arrived(service.fixture)
    await service.post("message", gmail_id)
    for sub in ("sub2", "ana@corp.test", "box1"):
        answer = await service.post("message", gmail_id, sub=sub)
        assert set(answer) == {"basic_authorization_prompt"}
        answer = await service.post("act", sub=sub, act="release", message=gmail_id, version="1")
        assert set(answer) == {"basic_authorization_prompt"}
    assert await placement(service.fixture, gmail_id) is Placement.HELD


async def test_where_senders_could_not_open_a_link_the_card_does_not_offer_it_and_says_why(
    service: Service,
) -> None:
    context = service.fixture.context
    home = replace(
        context,
        settings=context.settings.model_copy(
            update={"public_url": "http://127.0.0.1:8400", "environment": Environment.STAGING}
        ),
    )
    addon = AddonService(home, service.callers)
    service.client = client_of(home, addon)
    await service.fixture.store.change_preferences(
        service.fixture.mailbox_id, {"mode": "observe"}, service.fixture.now()
    )
    why = "it needs a public https address that senders can open"
    card = json.dumps(await service.post("settings"))
    assert '"value": "challenge"' not in card
    assert why in card
    await service.raw("act", await _saving(service, {"mode": ["challenge"], "strictness": ["strict"]}))
    assert why in service.toast
    assert (await service.fixture.mailbox()).preferences.mode is not Mode.CHALLENGE
