"""What goes wrong between us and Google, and what the job loop gets to see."""

from __future__ import annotations

import asyncio
import gzip
from datetime import timedelta

import aiohttp
import pytest
from pydantic import ValidationError

from backend.domain.errors import GoogleError, NeedsReconnect, Refused, Rejected, SendUncertain, TryLater
from backend.gmail.client import open_google
from tests.doubles import in_english
from tests.fakes.google import Answer, FakeGoogle, Keeper, StoryClock, open_against

PROFILE = "GET /gmail/v1/users/me/profile"
SEND = "POST /gmail/v1/users/me/messages/send"
HISTORY = "GET /gmail/v1/users/me/history"
MODIFY = "POST /gmail/v1/users/me/messages/a1/modify"
ANA = Answer(body={"emailAddress": "Ana@corp.test", "historyId": "884250", "messagesTotal": 5})
OUT_OF_DATE = Answer(
    401, {"error": {"code": 401, "errors": [{"reason": "authError"}], "status": "UNAUTHENTICATED"}}
)


async def test_an_answer_packed_or_not_is_read(fake: FakeGoogle) -> None:
    fake.on(PROFILE, ANA, Answer(body=ANA.body, gzipped=False))
    async with open_against(fake) as google:
        assert (await google.gmail.profile("m1")).email == "ana@corp.test"
        assert (await google.gmail.profile("m1")).history_id == "884250"


async def test_one_connection_serves_many_calls(fake: FakeGoogle) -> None:
    opened = 0
    trace = aiohttp.TraceConfig()

    async def on_new(*_: object) -> None:
        nonlocal opened
        opened += 1

    trace.on_connection_create_end.append(on_new)
    fake.on(PROFILE, ANA)
    async with open_google(fake.settings(), Keeper(), StoryClock(), traces=[trace]) as google:
        for _ in range(20):
            await google.gmail.profile("m1")
    assert opened == 1


# --- access tokens refused -----------------------------------------------------------------------


async def test_an_access_token_that_ran_out_is_renewed_once_and_the_read_repeated(fake: FakeGoogle) -> None:
    fake.on(PROFILE, OUT_OF_DATE, ANA)
    async with open_against(fake) as google:
        await google.gmail.profile("m1")
    assert [seen.token for seen in fake.calls("/profile")] == ["access-1", "access-2"]
    assert len(fake.calls("/token")) == 2


async def test_a_grant_whose_fresh_token_is_refused_needs_the_owner(fake: FakeGoogle) -> None:
    fake.on(PROFILE, OUT_OF_DATE)
    async with open_against(fake) as google:
        with pytest.raises(NeedsReconnect):
            await google.gmail.profile("m1")
        assert len(fake.calls("/profile")) == 2
        with pytest.raises(NeedsReconnect):
            await google.gmail.profile("m1")
    assert len(fake.calls("/profile")) == 2, "a dead grant is not tried again"
    assert len(fake.calls("/token")) == 2


async def test_eight_calls_refused_together_lead_to_one_refresh(fake: FakeGoogle) -> None:
    arrived = asyncio.Event()
    fake.on(PROFILE, *[Answer(401, OUT_OF_DATE.body, gate=arrived) for _ in range(8)], ANA)
    async with open_against(fake) as google:
        calls = [asyncio.create_task(google.gmail.profile("m1")) for _ in range(8)]
        await fake.until_in_flight(8)
        arrived.set()
        await asyncio.gather(*calls)
    assert len(fake.calls("/token")) == 2


async def test_a_send_is_not_repeated_after_its_token_was_refused(fake: FakeGoogle) -> None:
    fake.on(SEND, OUT_OF_DATE, Answer(body={"id": "s1"}))
    async with open_against(fake) as google:
        with pytest.raises(TryLater):
            await google.gmail.send("m1", b"x", "t1")
        assert len(fake.calls("/send")) == 1
        # The stage comes back, and finds a fresh token.
        assert await google.gmail.send("m1", b"x", "t1") == "s1"
    assert fake.calls("/send")[1].token == "access-2"


async def test_a_missing_scope_stops_the_mailbox(fake: FakeGoogle) -> None:
    details = [{"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]
    fake.on(MODIFY, Answer(403, {"error": {"code": 403, "message": "no", "details": details}}))
    fake.on(PROFILE, ANA)
    async with open_against(fake) as google:
        with pytest.raises(NeedsReconnect) as caught:
            await google.gmail.relabel("m1", "a1", frozenset({"X"}), frozenset())
        assert "ticked" in in_english(caught.value)
        with pytest.raises(NeedsReconnect):
            await google.gmail.profile("m1")
    assert fake.calls("/profile") == []


# --- sends ---------------------------------------------------------------------------------------

BROKEN_SENDS = {
    "dropped before an answer": Answer(cut="before"),
    "dropped in the middle of the answer": Answer(body={"id": "s1"}, cut="middle"),
    "answered with 500": Answer(500, {"error": {"code": 500}}),
    "answered with 503 and HTML": Answer(503, raw=b"<html>"),
    "accepted with an answer nobody can read": Answer(raw=b"{"),
    "accepted without an id": Answer(body={"threadId": "t1"}),
    "packed in a way nobody knows": Answer(raw=b"x", headers={"Content-Encoding": "br"}),
}


@pytest.mark.parametrize("story", BROKEN_SENDS)
async def test_a_send_of_unknown_fate_is_said_to_be_one_and_never_repeated(
    fake: FakeGoogle, story: str
) -> None:
    fake.on(SEND, BROKEN_SENDS[story])
    async with open_against(fake) as google:
        with pytest.raises(SendUncertain) as caught:
            await google.gmail.send("m1", b"From: a\r\n\r\nx", "t1")
    assert in_english(caught.value)
    assert len(fake.calls("/send")) == 1


async def test_a_send_dropped_on_a_kept_connection_is_not_repeated_by_the_library(fake: FakeGoogle) -> None:
    # A client may repeat a request whose kept connection turns out dead. For a send it must not.
    fake.on(PROFILE, ANA)
    fake.on(SEND, Answer(cut="before"))
    async with open_against(fake) as google:
        await google.gmail.profile("m1")
        with pytest.raises(SendUncertain):
            await google.gmail.send("m1", b"x", "t1")
    assert len(fake.calls("/send")) == 1


async def test_a_send_too_slow_is_of_unknown_fate(fake: FakeGoogle) -> None:
    never = asyncio.Event()
    fake.on(SEND, Answer(gate=never))
    async with open_against(fake, request_timeout=0.2) as google:
        with pytest.raises(SendUncertain):
            await google.gmail.send("m1", b"x", "t1")
        never.set()
    assert len(fake.calls("/send")) == 1


async def test_a_send_that_never_left_may_simply_be_tried_later(fake: FakeGoogle) -> None:
    async with open_against(fake, gmail_url="http://127.0.0.1:1") as google:
        with pytest.raises(TryLater):
            await google.gmail.send("m1", b"x", "t1")


@pytest.mark.parametrize("status", [400, 403, 404, 429])
async def test_a_send_google_refused_has_not_left(fake: FakeGoogle, status: int) -> None:
    fake.on(SEND, Answer(status, {"error": {"code": status, "message": "no"}}))
    async with open_against(fake) as google:
        with pytest.raises(GoogleError) as caught:
            await google.gmail.send("m1", b"x", "t1")
    assert not isinstance(caught.value, SendUncertain)


# --- reads ---------------------------------------------------------------------------------------

BROKEN_READS = {
    "answered with 500": Answer(500, {"error": {"code": 500, "errors": [{"reason": "backendError"}]}}),
    "dropped in the middle": Answer(body=ANA.body, cut="middle"),
    "no JSON": Answer(raw=b"<html>captive portal</html>"),
    "a JSON list": Answer(raw=b"[]"),
    "JSON nested without end": Answer(raw=b"[" * 100_000),
    "a profile without a position": Answer(body={"emailAddress": "x"}),
    "broken packing": Answer(raw=b"\x1f\x8b\x08hello", headers={"Content-Encoding": "gzip"}),
    "packing that ends early": Answer(
        raw=gzip.compress(b'{"historyId": "1"}' * 50)[:-9], headers={"Content-Encoding": "gzip"}
    ),
    "a redirect": Answer(302, headers={"Location": "https://evil.test/"}),
}


@pytest.mark.parametrize("story", BROKEN_READS)
async def test_a_read_that_broke_is_tried_later(fake: FakeGoogle, story: str) -> None:
    fake.on(PROFILE, BROKEN_READS[story])
    async with open_against(fake) as google:
        with pytest.raises(TryLater):
            await google.gmail.profile("m1")
    assert len(fake.calls("/profile")) == 1


async def test_a_slow_read_is_given_up(fake: FakeGoogle) -> None:
    never = asyncio.Event()
    fake.on(PROFILE, Answer(gate=never))
    async with open_against(fake, request_timeout=0.2) as google:
        with pytest.raises(TryLater):
            await google.gmail.profile("m1")
        never.set()


async def test_an_answer_beyond_the_limit_is_not_read_to_its_end(fake: FakeGoogle) -> None:
    fake.on(PROFILE, Answer(raw=b" " * 3_000_000))
    async with open_against(fake, response_limit=100_000) as google:
        with pytest.raises(Rejected) as caught:
            await google.gmail.profile("m1")
    assert caught.value.reason == "answerTooLarge"


async def test_a_few_kilobytes_that_unpack_to_megabytes_are_stopped_at_the_limit(fake: FakeGoogle) -> None:
    bomb = gzip.compress(b"\0" * 100_000_000, 1)
    fake.on(PROFILE, Answer(raw=bomb, headers={"Content-Encoding": "gzip"}))
    async with open_against(fake, response_limit=1_000_000) as google:
        with pytest.raises(Rejected):
            await google.gmail.profile("m1")


# --- quota ---------------------------------------------------------------------------------------


async def test_no_more_requests_of_a_mailbox_are_under_way_than_set(fake: FakeGoogle) -> None:
    release = asyncio.Event()
    fake.on(PROFILE, Answer(body=ANA.body, gate=release))
    async with open_against(fake, requests_in_flight=3) as google:
        calls = [asyncio.create_task(google.gmail.profile("m1")) for _ in range(12)]
        await fake.until_in_flight(3)
        for _ in range(50):
            await asyncio.sleep(0)
        assert fake.in_flight == 3
        release.set()
        await asyncio.gather(*calls)
    assert fake.most_in_flight == 3
    assert len(fake.calls("/profile")) == 12


async def test_a_stated_time_is_waited_for_without_asking_in_between(fake: FakeGoogle) -> None:
    clock = StoryClock()
    at = (clock.now() + timedelta(minutes=10)).replace(microsecond=0)
    text = f"User-rate limit exceeded.  Retry after {at.strftime('%Y-%m-%dT%H:%M:%S.000Z')}"
    refusal = {"error": {"code": 403, "message": text, "errors": [{"reason": "rateLimitExceeded"}]}}
    fake.on(PROFILE, Answer(403, refusal), ANA)
    fake.on(SEND, Answer(body={"id": "s1"}))
    async with open_against(fake, clock=clock) as google:
        for _ in range(3):
            with pytest.raises(TryLater) as caught:
                await google.gmail.profile("m1")
            assert caught.value.retry_at == at
        assert len(fake.calls("/profile")) == 1
        assert await google.gmail.send("m1", b"x", "") == "s1", "sending has limits of its own"
        clock.pass_(minutes=11)
        await google.gmail.profile("m1")


async def test_a_send_limit_of_hours_does_not_stop_the_reading(fake: FakeGoogle) -> None:
    clock = StoryClock()
    at = clock.now() + timedelta(hours=5)
    text = f"User-rate limit exceeded (Mail sending). Retry after {at.strftime('%Y-%m-%dT%H:%M:%SZ')}"
    fake.on(SEND, Answer(429, {"error": {"code": 429, "message": text}}))
    fake.on(PROFILE, ANA)
    async with open_against(fake, clock=clock) as google:
        with pytest.raises(TryLater):
            await google.gmail.send("m1", b"x", "")
        await google.gmail.profile("m1")


# --- addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["ftp://127.0.0.1", ""])
def test_what_is_no_http_address_the_settings_refuse_already(fake: FakeGoogle, address: str) -> None:
    with pytest.raises(ValidationError, match="token_url"):
        fake.settings(token_url=address)


@pytest.mark.parametrize("address", ["http://gmail.example", "http://127.0.0.1.evil.test"])
async def test_tokens_travel_encrypted_or_not_at_all(fake: FakeGoogle, address: str) -> None:
    with pytest.raises(Refused) as caught:
        async with open_google(fake.settings(token_url=address), Keeper(), StoryClock()):
            raise AssertionError("must not open")
    assert caught.value.field == "token_url"
