"""Every refusal Google knows, and its quota, met against a whole Google in its own process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backend.domain.errors import Gone, GoogleError, NeedsReconnect, Rejected, TryLater, Unexplained
from backend.gmail.client import Google
from backend.settings import GMAIL_MODIFY
from tests.contract.gmail.sandbox_story import Story
from tests.doubles import in_english

# --- every refusal Google knows ------------------------------------------------------------------

REFUSALS: dict[str, type[GoogleError]] = {
    "rate_limit": TryLater,
    "user_rate_limit": TryLater,
    "daily_limit": TryLater,
    "domain_policy": NeedsReconnect,
    "insufficient_scope": NeedsReconnect,
    "access_not_configured": TryLater,
    "forbidden_page": TryLater,
    "too_many_requests": TryLater,
    "too_many_concurrent": TryLater,
    "failed_precondition": Unexplained,
    "invalid_argument": Rejected,
    "not_found": Gone,
    "backend_500": TryLater,
    "bad_gateway": TryLater,
    "unavailable": TryLater,
    "gateway_timeout": TryLater,
    "drop": TryLater,
    "drop_mid": TryLater,
    "garbage": TryLater,
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_refused_read(story: Story, google: Google, kind: str) -> None:
    gmail_id = story.deliver()
    # Twice for dropped connections: the HTTP library repeats a GET on a dead connection once.
    story.fault(kind, method="messages.get", times=2 if kind.startswith("drop") else 1, seconds=60)
    with pytest.raises(REFUSALS[kind]) as caught:
        await google.gmail.fetch("m1", gmail_id)
    assert in_english(caught.value)
    if kind == "too_many_requests":
        assert isinstance(caught.value, TryLater)
        assert caught.value.retry_at is not None


async def test_one_refused_token_is_renewed_without_a_word(story: Story, google: Google) -> None:
    await google.gmail.profile("m1")
    story.sandbox.act("expire_access_tokens", story.address)
    assert (await google.gmail.profile("m1")).email == story.address


async def test_a_slow_answer_is_given_up(story: Story) -> None:
    story.fault("slow", method="getProfile", seconds=3)
    async with story.open(request_timeout=0.3) as google:
        with pytest.raises(TryLater):
            await google.gmail.profile("m1")


async def test_a_revoked_grant_stops_the_mailbox_until_the_owner_returns(
    story: Story, google: Google
) -> None:
    await google.gmail.profile("m1")
    story.sandbox.act("revoke", story.address)
    for _ in range(3):
        with pytest.raises(NeedsReconnect):
            await google.gmail.profile("m1")
    story.keeper.grants["m1"] = story.sandbox.tokens(story.address)["refresh_token"]
    assert (await google.gmail.profile("m1")).email == story.address


async def test_narrowed_consent_stops_the_mailbox(story: Story, google: Google) -> None:
    await google.gmail.profile("m1")
    story.sandbox.act("narrow_scopes", story.address, remove=[GMAIL_MODIFY])
    with pytest.raises(NeedsReconnect) as caught:
        await google.gmail.profile("m1")
    assert "ticked" in in_english(caught.value)


# --- quota, counted by Google's meter ------------------------------------------------------------


async def test_googles_meter_counts_what_we_think_we_spend_and_sees_no_crowd(story: Story) -> None:
    ids = [story.deliver(subject=f"Mail {n}") for n in range(20)]
    story.sandbox.settings(latency_ms=20)
    try:
        async with story.open(requests_in_flight=4) as google:
            await asyncio.gather(*(google.gmail.fetch("m1", gmail_id) for gmail_id in ids))
    finally:
        story.sandbox.settings(latency_ms=0)
    meter = story.sandbox.meter(story.address)
    assert meter["units"] == 400
    assert meter["most_in_flight"] <= 4


async def test_a_burst_is_stretched_below_the_rate_and_never_refused(story: Story) -> None:
    ids = [story.deliver(subject=f"Mail {n}") for n in range(12)]
    took = await _seconds_for(story, ids)
    assert took >= (240 - 50) / 95, "a quarter of a burst, then 95% of 100 units a second"
    assert story.sandbox.meter(story.address)["refused"] == 0


async def test_old_prices_let_a_mailbox_read_faster(story: Story) -> None:
    ids = [story.deliver(subject=f"Mail {n}") for n in range(30)]
    took = await _seconds_for(story, ids, old_prices=True)
    assert took < (600 - 50) / 95, "at the new prices it could not have been that fast"


async def _seconds_for(story: Story, ids: list[str], **changes: Any) -> float:
    loop = asyncio.get_running_loop()
    async with story.open(quota_per_user_minute=6_000, **changes) as google:
        before = loop.time()
        await asyncio.gather(*(google.gmail.fetch("m1", gmail_id) for gmail_id in ids))
        return loop.time() - before
