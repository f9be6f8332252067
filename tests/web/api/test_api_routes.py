"""The API's routes one by one: what they answer, what they refuse, and that nobody reaches another's mail."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from backend.domain.errors import Gone, NeedsReconnect, TryLater
from backend.domain.mailbox.message import FailOpenCause
from backend.pipeline.devices import DeviceRequest
from backend.transactions.records import Scope
from backend.web.api import contract
from backend.web.api.contract import blueprint
from tests.web.service import Caller, Office

KEY = "k" * 20
CALLS = (
    ("GET", "status"),
    ("GET", "held"),
    ("GET", "messages"),
    ("GET", "messages/m1/preview"),
    ("GET", "questions"),
    ("PUT", "questions/m1"),
    ("POST", "corrections"),
    ("POST", f"corrections/{KEY}/undo"),
    ("PATCH", "preferences"),
    ("POST", "pause"),
    ("GET", "events"),
    ("GET", "devices"),
    ("DELETE", "devices/d1"),
    ("POST", "ticket"),
)


@pytest.fixture
async def ana(here: Office) -> Caller:
    return await here.caller("ana")


@pytest.fixture
async def eve(here: Office) -> Caller:
    return await here.caller("eve")


def everything_in(folder: Path) -> bytes:
    """The content of every file there."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_every_route_of_the_api_is_walked_here(here: Office) -> None:
    rules = {rule.rule for rule in here.app.url_map.iter_rules() if rule.endpoint.startswith("api.")}
    assert blueprint.name == "api"
    assert len(rules) == len(CALLS) + 2  # the exchange of a code and the document need no token


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_no_call_without_a_token_or_with_too_few_scopes(here: Office, method: str, path: str) -> None:
    stranger = Caller(here.app.test_client(), "x" * 43)
    assert (await stranger.request(method, path, 401, json={}))["code"] == "unauthenticated"
    bare = await here.caller(scopes=frozenset())
    assert (await bare.request(method, path, 403, json={}))["code"] == "scope_missing"


async def test_another_owners_mail_keys_and_computers_are_not_found(
    here: Office, ana: Caller, eve: Caller
) -> None:
    await here.hold("m1")
    body = {"key": KEY, "gmail_id": "m1", "decision": "release"}
    await ana.request("POST", "corrections", json=body)
    mine = (await ana.request("GET", "devices"))["devices"][0]["device_id"]

    assert (await eve.request("GET", "held"))["senders"] == []
    assert (await eve.request("GET", "messages"))["messages"] == []
    for method, path, sent in (
        ("GET", "messages/m1/preview", None),
        ("POST", "corrections", body | {"key": "e" * 20}),
        ("POST", "corrections", body | {"key": "e" * 20, "decision": "allow_domain"}),
        ("POST", f"corrections/{KEY}/undo", None),
        ("DELETE", f"devices/{mine}", None),
    ):
        assert (await eve.request(method, path, 404, json=sent))["code"] == "not_found"
    assert here.gmail.calls["fetch"] == 0
    assert len((await ana.request("GET", "devices"))["devices"]) == 1


async def test_an_unchanged_status_costs_its_tag(here: Office, ana: Caller) -> None:
    first = await ana.call("GET", "status")
    again = await ana.call("GET", "status", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, await again.get_data()) == (304, b"")
    await here.hold("m1")
    response = await ana.request("GET", "status", headers={"If-None-Match": first.headers["ETag"]})
    assert response["held"] == {"messages": 1, "senders": 1}
    assert response["email"] == "ana@corp.test"


@pytest.mark.parametrize(
    ("path", "code", "field"),
    [
        ("held?limit=0", "out_of_range", "limit"),
        ("held?limit=201", "out_of_range", "limit"),
        ("held?limit=x", "out_of_range", "limit"),
        ("held?cursor=%00", "malformed", "cursor"),
        ("held?cursor=WzFd", "malformed", "cursor"),
        ("held?cursor=" + "W1tb" * 1_500, "malformed", "cursor"),  # six thousand lists in one another
        ("held?cursor=WyJ4IiwieSJd", "malformed", "cursor"),
        (f"held?q={'x' * 201}", "out_of_range", "q"),
        ("messages?placement=attic", "malformed", "placement"),
    ],
)
async def test_wrong_questions_name_their_field(ana: Caller, path: str, code: str, field: str) -> None:
    response = await ana.request("GET", path, 422)
    assert (response["code"], response["field"]) == (code, field)


async def test_a_domain_where_anybody_gets_an_address_is_not_offered(here: Office, ana: Caller) -> None:
    await here.hold("m1", "bo@gmail.com")
    (group,) = (await ana.request("GET", "held"))["senders"]
    assert group["domain"] == group["messages"][0]["domain"] == ""
    body = {"key": KEY, "gmail_id": "m1", "decision": "allow_domain"}
    response = await ana.request("POST", "corrections", 422, json=body)
    assert (response["code"], response["field"]) == ("malformed", "decision")
    assert (await ana.request("GET", "held"))["total"] == 1


async def test_a_preview_is_text_that_is_only_text(here: Office, ana: Caller) -> None:
    html = "<p>Hello</p><script>steal()</script><img src='https://spy.test/1.gif'><p>\u202eevil\x07</p>"
    await here.hold("m1", text="", html=html)
    response = await ana.request("GET", "messages/m1/preview")
    assert response["text"].split() == ["Hello", "live"]  # as it is shown
    await here.hold("m2", text="x" * 30_000)
    response = await ana.request("GET", "messages/m2/preview")
    assert (len(response["text"]), response["truncated"]) == (20_000, True)


async def test_page_and_preview_show_one_text(here: Office, ana: Caller) -> None:
    html = "<p>What the reader of the page sees, and more of it.</p><p style='display:none'>not this</p>"
    await here.hold("m1", text="A text that no reader is shown.", html=html)
    page = await (await (await here.browser()).get("/review/mail/m1")).get_data(as_text=True)
    response = await ana.request("GET", "messages/m1/preview")
    assert response["text"] == "What the reader of the page sees, and more of it."
    assert response["text"] in page
    assert "no reader is shown" not in page


async def test_what_cannot_be_read_is_not_shown_and_says_so(here: Office, ana: Caller) -> None:
    await here.hold("m1")
    here.reader.trouble = FailOpenCause.TOO_SLOW
    response = await ana.request("GET", "messages/m1/preview", 422)
    assert (response["code"], response["remedy"]) == ("unreadable", "Open it in Gmail.")
    page = await (await here.browser()).get("/review/mail/m1")
    assert page.status_code == 200
    assert "too large or too unusual to be read here" in await page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (Gone("gone"), 404, "not_found"),
        (TryLater("later"), 503, "unavailable"),
        (NeedsReconnect("lost"), 503, "unavailable"),
        (RuntimeError("a bug that quotes the mail"), 500, "broken"),
    ],
)
async def test_what_google_says_becomes_an_error_of_the_contract(
    here: Office, ana: Caller, trouble: Exception, status: int, code: str
) -> None:
    await here.hold("m1")
    here.gmail.trouble["fetch"] = trouble
    response = await ana.request("GET", "messages/m1/preview", status)
    assert response["code"] == code
    assert "quotes" not in str(response)


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        ({"retention_days": 1}, "out_of_range", "retention_days"),
        ({"questions_a_week": 4}, "out_of_range", "questions_a_week"),
        ({"mode": "nuclear"}, "out_of_range", "mode"),
        ({"mode": None}, "out_of_range", "mode"),
        ({"rows_off": ["challenge"]}, "out_of_range", "rows_off"),
        ({"rows_off": "challenge"}, "malformed", "rows_off"),
        ({"left_alone": ["INBOX"]}, "out_of_range", "left_alone"),
        ({"left_alone": "x"}, "malformed", "left_alone"),
        ({"paused_until": "2099-01-01T00:00:00"}, "unknown_field", "paused_until"),
    ],
)
async def test_settings_that_do_not_fit_change_nothing(
    ana: Caller, sent: dict[str, object], code: str, field: str
) -> None:
    before = await ana.request("GET", "status")
    response = await ana.request("PATCH", "preferences", 422, json={"strictness": "strict", **sent})
    assert (response["code"], response["field"]) == (code, field)
    assert await ana.request("GET", "status") == before


async def test_bodies_are_small_json_objects(ana: Caller) -> None:
    for sent in (b"", b"[]", b"{", b'"x"', b"\xff", b"[" * 60_000):
        assert (await ana.request("POST", "corrections", 422, data=sent))["code"] == "malformed"
    big = b'{"key": "' + b"x" * 70_000 + b'"}'
    assert (await ana.request("POST", "corrections", 413, data=big))["code"] == "too_large"


async def test_an_old_app_is_told_and_a_newer_one_is_served(ana: Caller) -> None:
    old = await ana.request("GET", "status", 426, headers={"Pitchgate-Client": "tray/0.0.9"})
    assert (old["code"], bool(old["remedy"])) == ("client_too_old", True)
    await ana.request("GET", "status", headers={"Pitchgate-Client": "tray/7.0"})


async def test_even_an_address_that_leads_nowhere_answers_as_the_api(ana: Caller) -> None:
    assert (await ana.request("GET", "nowhere", 404))["code"] == "not_found"
    assert (await ana.request("PUT", "status", 405))["code"] == "wrong_method"


async def test_previews_are_limited_to_thirty_a_minute_and_computer(here: Office, ana: Caller) -> None:
    await here.hold("m1")
    for _ in range(30):
        await ana.request("GET", "messages/m1/preview")
    refused = await ana.call("GET", "messages/m1/preview")
    assert refused.status_code == 429
    assert (await refused.get_json())["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) >= 1
    other = await here.caller("ana")
    await other.request("GET", "messages/m1/preview")


async def test_codes_cannot_be_guessed_faster_than_ten_a_minute(here: Office) -> None:
    client = here.app.test_client()
    sent = {"code": "x" * 32, "verifier": "v" * 43}
    answers = [await client.post("/api/v1/device/token", json=sent) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]


async def test_a_code_is_worth_a_token_that_is_stored_as_a_hash_only(here: Office, tmp_path: Path) -> None:
    verifier = "v" * 60
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    found = DeviceRequest("http://127.0.0.1:9/back?x=1", challenge, "st4te", "laptop")
    back = await here.service.consent("ana", found)
    assert back.startswith("http://127.0.0.1:9/back?x=1&code=")
    code = back.partition("code=")[2].partition("&")[0]
    answer = await here.app.test_client().post(
        "/api/v1/device/token", json={"code": code, "verifier": verifier}
    )
    token = (await answer.get_json())["token"]
    assert (await Caller(here.app.test_client(), token).request("GET", "status"))["email"] == "ana@corp.test"
    await here.store.close()
    stored = await asyncio.to_thread(everything_in, tmp_path)
    assert token.encode() not in stored
    assert code.encode() not in stored


async def test_at_most_five_streams_a_computer(here: Office, ana: Caller) -> None:
    headers = {"Authorization": f"Bearer {ana.token}"}
    async with asyncio.timeout(20):
        open_ones = [ana.client.request("/api/v1/events", headers=headers) for _ in range(5)]
        for stream in open_ones:
            await stream.__aenter__()
            await stream.send_complete()
            assert (await stream.receive()).startswith(b"retry:")
        refused = await ana.call("GET", "events")
        assert refused.status_code == 429
        for stream in open_ones:
            await stream.disconnect()


async def test_a_pause_ends_in_the_future_within_a_month(here: Office, ana: Caller) -> None:
    until = here.clock.now() + timedelta(hours=1)
    await ana.request("POST", "pause", json={"until": until.isoformat()})
    assert (await ana.request("GET", "status"))["preferences"]["paused_until"] == until.isoformat()
    for wrong in ("yesterday", 5, (until - timedelta(hours=2)).isoformat(), "9999-12-31T23:59:59-23:59"):
        response = await ana.request("POST", "pause", 422, json={"until": wrong})
        assert response["field"] == "until"


NEEDED = {
    ("POST", "corrections"): {"key", "gmail_id", "decision"},
    ("POST", "pause"): {"until"},
    ("PUT", "questions/{gmail_id}"): {"answer"},
    ("POST", "device/token"): {"code", "verifier"},
}
"""The fields without which a call is refused; of those left out here each may be missing, and then means nothing, or
what docs/reference/api.md says."""


def test_every_call_that_is_sent_a_body_says_what_it_needs(here: Office) -> None:
    document = contract.document(here.app, "http://here.test")
    bodies = {
        (method.upper(), path.removeprefix("/api/v1/")): one["requestBody"]["content"]["application/json"]
        for path, all_ in document["paths"].items()
        for method, one in all_.items()
        if "requestBody" in one
    }
    shapes = document["components"]["schemas"]
    needed = {
        call: set(shapes[body["schema"]["$ref"].rpartition("/")[2]].get("required", ()))
        for call, body in bodies.items()
    }
    assert needed == NEEDED | {("PATCH", "preferences"): set(), ("POST", "ticket"): set()}


@pytest.mark.parametrize(("method", "path"), NEEDED)
async def test_a_field_left_out_is_refused_and_means_nothing(
    here: Office, ana: Caller, method: str, path: str
) -> None:
    until = (here.clock.now() + timedelta(days=1)).isoformat()
    whole = {
        "key": KEY,
        "gmail_id": "m1",
        "decision": "block",
        "until": until,
        "code": "x",
        "verifier": "y" * 43,
        "answer": "yes",
    }
    await here.hold("m1")
    await ana.request("POST", "pause", json={"until": until})
    before = await ana.request("GET", "status")

    for missing in NEEDED[method, path]:
        sent = {name: whole[name] for name in NEEDED[method, path] - {missing}}
        found = await ana.request(method, path, 422, json=sent)
        assert (found["code"], found["field"]) == ("malformed", missing)
    found = await ana.request(method, path, 422, json={})
    assert found["field"] in NEEDED[method, path]
    assert await ana.request("GET", "status") == before


@pytest.mark.parametrize(("method", "path"), [call for call in CALLS if call[0] in ("PUT", "POST", "PATCH")])
async def test_an_empty_body_changes_nothing_anywhere(
    here: Office, ana: Caller, method: str, path: str
) -> None:
    until = (here.clock.now() + timedelta(days=1)).isoformat()
    await here.hold("m1")
    await ana.request("PATCH", "preferences", json={"mode": "challenge", "strictness": "strict"})
    await ana.request("POST", "pause", json={"until": until})
    before = await ana.request("GET", "status"), await ana.request("GET", "held")

    await ana.call(method, path, json={})
    assert (await ana.request("GET", "status"), await ana.request("GET", "held")) == before


async def test_the_scopes_are_those_of_the_contract() -> None:
    assert {scope.value for scope in Scope} == {"read", "correct", "settings", "devices"}


async def test_half_a_character_is_refused_and_breaks_nothing(here: Office) -> None:
    caller = await here.caller()
    sent = {"key": "k" * 20, "gmail_id": "\ud800", "decision": "release"}
    assert (await caller.request("POST", "corrections", 422, json=sent))["code"] == "malformed"
    code = {"code": "\ud800", "verifier": "v" * 43}
    assert (await caller.request("POST", "device/token", 422, json=code))["code"] == "malformed"
