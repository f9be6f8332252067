"""Access tokens: one refresh for all who wait, none for a dead grant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from backend.domain.errors import Cause, GoogleError, NeedsReconnect, TryLater, cause_of, code_of
from backend.gmail.executor import open_session
from backend.gmail.oauth import CLIENT_REFUSED, AccessTokens
from tests.doubles import in_english
from tests.fakes.google import Answer, FakeGoogle, Keeper, StoryClock, fake_google

DEAD = Answer(400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
MODIFY = "https://www.googleapis.com/auth/gmail.modify"


class Story:
    def __init__(self, fake: FakeGoogle, tokens: AccessTokens, keeper: Keeper, clock: StoryClock) -> None:
        self.fake, self.tokens, self.keeper, self.clock = fake, tokens, keeper, clock

    @property
    def refreshes(self) -> int:
        return len(self.fake.calls("/token"))


@asynccontextmanager
async def opened(fake: FakeGoogle) -> AsyncIterator[Story]:
    keeper, clock = Keeper(), StoryClock()
    async with open_session(fake.settings()) as session:
        tokens = AccessTokens(fake.settings(), session, keeper, clock)
        try:
            yield Story(fake, tokens, keeper, clock)
        finally:
            await tokens.close()


@pytest.fixture
async def story() -> AsyncIterator[Story]:
    async with fake_google() as fake, opened(fake) as story:
        yield story


def token(name: str, **more: object) -> dict[str, object]:
    return {"access_token": name, "expires_in": 3599, "token_type": "Bearer", **more}


async def test_twenty_who_ask_at_once_wait_for_one_refresh(story: Story) -> None:
    gate = asyncio.Event()
    story.fake.on("POST /token", Answer(body=token("a1"), gate=gate))
    asking = [asyncio.create_task(story.tokens.access("m1")) for _ in range(20)]
    await story.fake.until_in_flight(1)
    gate.set()
    assert set(await asyncio.gather(*asking)) == {"a1"}
    assert story.refreshes == 1
    form = story.fake.calls("/token")[0].form
    assert form["grant_type"] == "refresh_token"
    assert form["refresh_token"] == "refresh-1"
    assert form["client_secret"]


async def test_the_end_of_the_grant_is_kept_with_the_token_it_speaks_of(story: Story) -> None:
    ends = story.clock.now() + timedelta(seconds=86_400)
    told = token("a1", refresh_token="refresh-2", refresh_token_expires_in=86_400)
    story.fake.on("POST /token", Answer(body=told))
    await story.tokens.access("m1")
    assert story.keeper.ends == [("m1", "refresh-2", ends)]


@pytest.mark.parametrize("odd", [0, -1, "soon", None, True, 10**20])
async def test_an_end_that_is_none_is_not_kept(story: Story, odd: object) -> None:
    story.fake.on("POST /token", Answer(body=token("a1", refresh_token_expires_in=odd)))
    assert await story.tokens.access("m1") == "a1"
    assert story.keeper.ends == []


async def test_one_who_gives_up_takes_the_token_from_nobody(story: Story) -> None:
    gate = asyncio.Event()
    story.fake.on("POST /token", Answer(body=token("a1"), gate=gate))
    first, second = (asyncio.create_task(story.tokens.access("m1")) for _ in range(2))
    await story.fake.until_in_flight(1)
    first.cancel()
    gate.set()
    assert await second == "a1"
    with pytest.raises(asyncio.CancelledError):
        await first
    assert story.refreshes == 1


async def test_mailboxes_do_not_wait_for_one_another(story: Story) -> None:
    gate = asyncio.Event()
    story.keeper.grants["m2"] = "refresh-2"
    story.fake.on("POST /token", Answer(body=token("slow"), gate=gate), Answer(body=token("fast")))
    slow = asyncio.create_task(story.tokens.access("m1"))
    await story.fake.until_in_flight(1)
    assert await story.tokens.access("m2") == "fast"
    gate.set()
    assert await slow == "slow"


async def test_a_token_is_kept_until_shortly_before_its_end(story: Story) -> None:
    first = await story.tokens.access("m1")
    story.clock.pass_(seconds=3_599 - 121)
    assert await story.tokens.access("m1") == first
    story.clock.pass_(seconds=2)
    assert await story.tokens.access("m1") != first
    assert story.refreshes == 2


async def test_a_revoked_grant_is_asked_for_once_and_remembered(story: Story) -> None:
    story.fake.on("POST /token", DEAD)
    for _ in range(5):
        with pytest.raises(NeedsReconnect) as caught:
            await story.tokens.access("m1")
        assert caught.value.reason == "invalid_grant"
        assert "Connect again" in in_english(caught.value)
    assert story.refreshes == 1


async def test_after_reconnecting_work_goes_on_without_being_told(story: Story) -> None:
    # Another process may have taken the owner's new consent; the keeper is where we learn of it.
    story.fake.on("POST /token", DEAD, Answer(body=token("new")))
    with pytest.raises(NeedsReconnect):
        await story.tokens.access("m1")
    story.keeper.grants["m1"] = "refresh-2"
    assert await story.tokens.access("m1") == "new"


async def test_a_grant_announced_again_is_tried_again(story: Story) -> None:
    story.fake.on("POST /token", DEAD, Answer(body=token("new")))
    with pytest.raises(NeedsReconnect):
        await story.tokens.access("m1")
    story.tokens.forget("m1")
    assert await story.tokens.access("m1") == "new"


async def test_the_old_grants_answer_does_not_stick_to_the_new_grant(story: Story) -> None:
    gate = asyncio.Event()
    story.fake.on("POST /token", Answer(body=token("old"), gate=gate), Answer(body=token("new")))
    waiting = asyncio.create_task(story.tokens.access("m1"))
    await story.fake.until_in_flight(1)
    story.tokens.forget("m1")
    story.keeper.grants["m1"] = "refresh-2"
    gate.set()
    assert await waiting == "old"
    assert await story.tokens.access("m1") == "new"


async def test_consent_narrowed_meanwhile_stops_the_mailbox(story: Story) -> None:
    story.fake.on(
        "POST /token", Answer(body=token("a1", scope="openid https://www.googleapis.com/auth/userinfo.email"))
    )
    for _ in range(2):
        with pytest.raises(NeedsReconnect) as caught:
            await story.tokens.access("m1")
        assert "ticked" in in_english(caught.value)
    assert story.refreshes == 1


@pytest.mark.parametrize("scope", [MODIFY, f"openid {MODIFY}", "https://mail.google.com/", f"{MODIFY} extra"])
async def test_scopes_that_suffice_pass(story: Story, scope: str) -> None:
    story.fake.on("POST /token", Answer(body=token("a1", scope=scope)))
    assert await story.tokens.access("m1") == "a1"


async def test_a_refresh_token_that_google_replaced_is_kept(story: Story) -> None:
    story.fake.on("POST /token", Answer(body=token("a1", refresh_token="refresh-9")))
    await story.tokens.access("m1")
    assert story.keeper.grants["m1"] == "refresh-9"


async def test_the_same_refresh_token_sent_back_is_not_written(story: Story) -> None:
    story.fake.on("POST /token", Answer(body=token("a1", refresh_token="refresh-1")))
    await story.tokens.access("m1")
    assert story.keeper.replaced == []


async def test_a_mailbox_without_a_grant_needs_its_owner_and_no_network(story: Story) -> None:
    with pytest.raises(NeedsReconnect):
        await story.tokens.access("unknown")
    assert story.refreshes == 0


PASSING = {
    "down": Answer(503, raw=b"<html>"),
    "overrun": Answer(429, {"error": "slow_down"}),
    "dropped": Answer(cut="before"),
    "cut": Answer(body=token("a1"), cut="middle"),
    "unreadable": Answer(raw=b"access_token=a1&token_type=bearer"),
    "empty": Answer(raw=b"{}"),
    "without a token": Answer(body={"expires_in": 3599}),
    "with a number for a token": Answer(body=token("x") | {"access_token": 7}),
    "a redirect": Answer(302, headers={"Location": "https://evil.test"}),
    "the operator's secret is wrong": Answer(401, {"error": "invalid_client"}),
}


@pytest.mark.parametrize("trouble", PASSING)
async def test_trouble_that_passes_costs_nobody_their_connection(story: Story, trouble: str) -> None:
    story.fake.on("POST /token", PASSING[trouble], Answer(body=token("a1")))
    with pytest.raises(TryLater):
        await story.tokens.access("m1")
    assert await story.tokens.access("m1") == "a1"


async def test_an_administrators_no_is_told_to_the_owner(story: Story) -> None:
    story.fake.on("POST /token", Answer(400, {"error": "admin_policy_enforced"}))
    with pytest.raises(NeedsReconnect) as caught:
        await story.tokens.access("m1")
    assert "administrator" in in_english(caught.value)


REFRESHES: dict[str, tuple[Answer, type[GoogleError], Cause]] = {
    "the grant is over": (DEAD, NeedsReconnect, Cause.RECONNECT),
    **{
        word: (Answer(400, {"error": word}), NeedsReconnect, Cause.RECONNECT)
        for word in ("admin_policy_enforced", "org_internal", "access_denied")
    },
    **{
        word: (Answer(status, {"error": word}), TryLater, Cause.CLIENT)
        for word in sorted(CLIENT_REFUSED)
        for status in (401, 403)
    },
    **{
        word: (Answer(403, {"error": word}), TryLater, Cause.LIMITS)
        for word in ("rate_limit_exceeded", "slow_down")
    },
    **{
        word: (Answer(400, {"error": word}), TryLater, Cause.GOOGLE)
        for word in (
            "invalid_scope",
            "internal_failure",
            "unsupported_grant_type",
            "invalid_request",
            "a new one",
        )
    },
    "an object": (
        Answer(403, {"error": {"code": 403, "status": "PERMISSION_DENIED"}}),
        TryLater,
        Cause.GOOGLE,
    ),
    "a list": (Answer(400, {"error": ["invalid_grant"]}), TryLater, Cause.GOOGLE),
    "nothing": (Answer(400, {"error": None}), TryLater, Cause.GOOGLE),
    "a page": (Answer(403, raw=b"<!DOCTYPE html><title>403</title>"), TryLater, Cause.GOOGLE),
    "no body": (Answer(403, raw=b""), TryLater, Cause.GOOGLE),
    "no token": (Answer(200, {}), TryLater, Cause.GOOGLE),
}


@pytest.mark.parametrize("what", REFRESHES)
async def test_only_a_dead_grant_and_an_administrators_no_are_final(story: Story, what: str) -> None:
    answer, kind, cause = REFRESHES[what]
    story.fake.on("POST /token", answer, Answer(body=token("a1")))
    with pytest.raises(kind) as caught:
        await story.tokens.access("m1")
    assert cause_of(caught.value) is cause
    assert in_english(caught.value)
    assert len(code_of(caught.value)) < 80, "a word, and nothing Google wrote beside it"
    if kind is TryLater:
        assert await story.tokens.access("m1") == "a1"


async def test_closing_calls_off_what_is_under_way() -> None:
    gate = asyncio.Event()
    async with fake_google() as fake:
        fake.on("POST /token", Answer(body=token("a1"), gate=gate))
        async with opened(fake) as story:
            waiting = asyncio.create_task(story.tokens.access("m1"))
            await fake.until_in_flight(1)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gate.set()


async def test_a_refusal_that_comes_late_condemns_the_old_grant_only(story: Story) -> None:
    story.fake.on("POST /token", Answer(body=token("a1")), Answer(body=token("a2")))
    old = await story.tokens.access("m1")
    story.keeper.grants["m1"] = "refresh-2"  # the owner connects again
    story.tokens.discard("m1", old)
    new = await story.tokens.access("m1")
    story.tokens.mark_grant_dead("m1", old, NeedsReconnect("revoked", reason="authError"))
    assert await story.tokens.access("m1") == new
    story.tokens.mark_grant_dead("m1", new, NeedsReconnect("revoked", reason="authError"))
    with pytest.raises(NeedsReconnect):
        await story.tokens.access("m1")


async def test_a_rotated_refresh_token_never_replaces_that_of_a_reconnect(story: Story) -> None:
    gate = asyncio.Event()
    story.fake.on("POST /token", Answer(body=token("a1", refresh_token="rotated"), gate=gate))
    asking = asyncio.create_task(story.tokens.access("m1"))
    await story.fake.until_in_flight(1)
    story.keeper.grants["m1"] = "refresh-2"
    gate.set()
    await asking
    assert story.keeper.grants["m1"] == "refresh-2"
