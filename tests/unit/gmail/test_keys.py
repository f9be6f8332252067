"""Google's signing keys: fetched when they must be, never at a forger's command, and missed with dignity."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from backend.domain.errors import TryLater
from backend.gmail.callers import GoogleKeys
from backend.gmail.executor import open_session
from tests.fakes.google import KEYS, Answer, FakeGoogle, StoryClock, fake_google, jwks

CERTS = "GET /certs"


class Story:
    def __init__(self, fake: FakeGoogle, keys: GoogleKeys, clock: StoryClock) -> None:
        self.fake, self.keys, self.clock = fake, keys, clock

    @property
    def fetches(self) -> int:
        return len(self.fake.calls("/certs"))


@asynccontextmanager
async def opened() -> AsyncIterator[Story]:
    async with fake_google() as fake, open_session(fake.settings()) as session:
        clock = StoryClock()
        yield Story(fake, GoogleKeys(session, f"{fake.url}/certs", clock), clock)


@pytest.fixture
async def story() -> AsyncIterator[Story]:
    async with opened() as story:
        yield story


def lasting(seconds: int, *kids: str) -> Answer:
    return Answer(body=jwks(*kids), headers={"Cache-Control": f"public, max-age={seconds}, must-revalidate"})


async def test_a_hundred_checks_at_once_fetch_the_keys_once(story: Story) -> None:
    found = await asyncio.gather(*(story.keys.key("k1") for _ in range(100)))
    expected = KEYS["k1"].public_key().public_numbers()
    assert all(key is not None and key.public_numbers() == expected for key in found)
    assert story.fetches == 1


async def test_keys_are_kept_as_long_as_google_says(story: Story) -> None:
    story.fake.on(CERTS, lasting(600, "k1"))
    await story.keys.key("k1")
    story.clock.pass_(seconds=599)
    await story.keys.key("k1")
    assert story.fetches == 1
    story.clock.pass_(seconds=2)
    await story.keys.key("k1")
    assert story.fetches == 2


@pytest.mark.parametrize(
    ("control", "age", "seconds"),
    [
        ("max-age=0", "", 60),
        ("no-store", "", 60),
        ("", "", 3_600),
        ("max-age=999999999", "", 86_400),
        ("max-age=600", "500", 100),
        ("s-max-age=7", "", 3_600),
        ("max-age=abc", "", 3_600),
    ],
)
async def test_a_life_is_never_absurd(story: Story, control: str, age: str, seconds: int) -> None:
    headers = {"Cache-Control": control} | ({"Age": age} if age else {})
    story.fake.on(CERTS, Answer(body=jwks("k1"), headers=headers))
    await story.keys.key("k1")
    story.clock.pass_(seconds=seconds - 1)
    await story.keys.key("k1")
    assert story.fetches == 1
    story.clock.pass_(seconds=2)
    await story.keys.key("k1")
    assert story.fetches == 2


async def test_a_new_key_is_noticed_before_the_old_ones_run_out(story: Story) -> None:
    story.fake.on(CERTS, lasting(20_000, "k1"), lasting(20_000, "k1", "k2"))
    assert await story.keys.key("k1") is not None
    story.clock.pass_(seconds=61)
    assert await story.keys.key("k2") is not None
    assert story.fetches == 2


async def test_a_thousand_forged_key_ids_lead_to_one_fetch_a_minute(story: Story) -> None:
    story.fake.on(CERTS, lasting(20_000, "k1"))
    for n in range(500):
        assert await story.keys.key(f"forged-{n}") is None
    assert story.fetches == 1
    story.clock.pass_(seconds=61)
    await asyncio.gather(*(story.keys.key(f"forged-{n}") for n in range(500)))
    assert story.fetches == 2


async def test_a_key_taken_back_no_longer_counts(story: Story) -> None:
    story.fake.on(CERTS, lasting(600, "k1", "k2"), lasting(600, "k2"))
    assert await story.keys.key("k1") is not None
    story.clock.pass_(seconds=601)
    assert await story.keys.key("k1") is None


BROKEN = {
    "down": Answer(503, raw=b""),
    "dropped": Answer(cut="before"),
    "no JSON": Answer(raw=b"<html>"),
    "no key": Answer(body={"keys": []}),
    "moved": Answer(302, headers={"Location": "https://evil.test/certs"}),
    "endless": Answer(raw=b" " * 2_000_000),
}


@pytest.mark.parametrize("trouble", BROKEN)
async def test_without_any_keys_nobody_can_be_judged(story: Story, trouble: str) -> None:
    story.fake.on(CERTS, BROKEN[trouble])
    with pytest.raises(TryLater):
        await story.keys.key("k1")
    before = story.fetches
    with pytest.raises(TryLater):
        await story.keys.key("k1")
    assert story.fetches == before, "while Google is down it is not asked with every push"
    story.fake.on(CERTS, lasting(600, "k1"))
    story.clock.pass_(seconds=2)
    assert await story.keys.key("k1") is not None, "an owner may be waiting at the sign-in"


async def test_while_old_keys_serve_a_google_that_is_down_is_asked_every_five_seconds(story: Story) -> None:
    story.fake.on(CERTS, lasting(600, "k1"), Answer(503, raw=b""), Answer(503, raw=b""), lasting(600, "k1"))
    await story.keys.key("k1")
    story.clock.pass_(seconds=601)
    for _ in range(12):
        assert await story.keys.key("k1") is not None
        story.clock.pass_(seconds=0.5)
    assert story.fetches == 1 + 2


@pytest.mark.parametrize("trouble", BROKEN)
async def test_keys_past_their_life_serve_a_day_while_no_newer_can_be_had(story: Story, trouble: str) -> None:
    story.fake.on(CERTS, lasting(600, "k1"), BROKEN[trouble])
    await story.keys.key("k1")
    story.clock.pass_(hours=20)
    assert await story.keys.key("k1") is not None
    story.clock.pass_(hours=5)
    with pytest.raises(TryLater):
        await story.keys.key("k1")


@pytest.mark.parametrize(
    "changes", [{"kty": "oct"}, {"use": "enc"}, {"alg": "HS256"}, {"alg": "RS512"}, {"n": "AQAB"}, {"n": "!"}]
)
async def test_a_key_that_is_no_rs256_key_is_passed_over(story: Story, changes: dict[str, str]) -> None:
    body = {"keys": jwks("k2", **changes)["keys"] + jwks("k1")["keys"] + [7, {"kid": 1}]}
    story.fake.on(CERTS, Answer(body=body))
    assert await story.keys.key("k2") is None
    assert await story.keys.key("k1") is not None
