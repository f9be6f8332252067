"""Who pushes? Every forgery gets the same answer; Google's own tokens pass."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from backend.domain.errors import TryLater, Unauthenticated
from backend.gmail.callers import GoogleTokens, PushVerifier
from backend.settings import Settings
from tests.doubles import in_english
from tests.fakes.google import KEYS

NOW = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
GOOGLES, FORGERS = KEYS.values()
SETTINGS = Settings(
    push_audience="https://app.corp.test/hooks/gmail",
    push_account="push@acme.iam.gserviceaccount.com",
    subscription="projects/acme/subscriptions/gmail-push",
)


class StillClock:
    def now(self) -> datetime:
        return NOW


class KnownKeys:
    """Google's keys as far as a test needs them."""

    def __init__(self, reachable: bool = True) -> None:
        self.reachable = reachable
        self.requested: list[str] = []

    async def key(self, kid: str) -> RSAPublicKey | None:
        self.requested.append(kid)
        if not self.reachable:
            raise TryLater("Google's signing keys cannot be fetched.")
        return GOOGLES.public_key() if kid == "k1" else None


def claims(**changes: Any) -> dict[str, Any]:
    issued = NOW.timestamp() - 60
    good = {
        "iss": "https://accounts.google.com",
        "aud": SETTINGS.push_audience,
        "azp": "1044",
        "sub": "1044",
        "email": SETTINGS.push_account,
        "email_verified": True,
        "iat": issued,
        "exp": issued + 3_600,
    }
    merged = good | changes
    return {name: value for name, value in merged.items() if value is not ...}


def signed(payload: dict[str, Any], key: RSAPrivateKey = GOOGLES, **header: Any) -> str:
    return jwt.encode(payload, key, algorithm="RS256", headers={"kid": "k1", **header})


def verifier(keys: KnownKeys | None = None, settings: Settings = SETTINGS) -> PushVerifier:
    tokens = GoogleTokens(keys or KnownKeys(), StillClock(), settings.clock_skew)  # type: ignore[arg-type]
    return PushVerifier(settings, tokens)


async def check(token: str, subscription: str = SETTINGS.subscription, keys: KnownKeys | None = None) -> None:
    await verifier(keys).verify_push(f"Bearer {token}", subscription)


async def test_googles_own_push_is_let_in() -> None:
    await check(signed(claims()))
    await check(signed(claims(iss="accounts.google.com")))
    await verifier().verify_push(f"bearer  {signed(claims())} ", SETTINGS.subscription)


async def test_a_token_is_good_for_its_whole_hour_and_the_skew_beyond() -> None:
    old = NOW.timestamp() - 3_600 - 29
    await check(signed(claims(iat=old, exp=old + 3_600)))
    ahead = NOW.timestamp() + 29
    await check(signed(claims(iat=ahead, exp=ahead + 3_600)))


NOW_S = NOW.timestamp()
FORGED = {
    "expired": claims(iat=NOW_S - 3_640, exp=NOW_S - 31),
    "from the future": claims(iat=NOW_S + 31, exp=NOW_S + 3_600),
    "not valid yet": claims(nbf=NOW_S + 600),
    "good for a year": claims(exp=NOW_S + 365 * 86_400),
    "without an end": claims(exp=...),
    "without a beginning": claims(iat=...),
    "with words for times": claims(exp="2099-01-01"),
    "with infinite life": claims(exp=float("inf")),
    "with true for a time": claims(iat=True),
    "meant for another address": claims(aud="https://evil.test/hooks/gmail"),
    "meant for a longer address": claims(aud=SETTINGS.push_audience + "/"),
    "meant for several": claims(aud=[SETTINGS.push_audience, "https://evil.test"]),
    "meant for nobody": claims(aud=...),
    "by another issuer": claims(iss="https://accounts.google.com.evil.test"),
    "without an issuer": claims(iss=...),
    "of anybody's service account": claims(email="push@evil.iam.gserviceaccount.com"),
    "of no account": claims(email=...),
    "of an unverified account": claims(email_verified=False),
    "verified in words only": claims(email_verified="true"),
}


@pytest.mark.parametrize("story", FORGED)
async def test_a_signed_token_with_a_wrong_claim_is_refused(story: str) -> None:
    with pytest.raises(Unauthenticated):
        await check(signed(FORGED[story]))


async def test_a_push_from_another_subscription_is_refused() -> None:
    for other in ("projects/acme/subscriptions/other", ""):
        with pytest.raises(Unauthenticated):
            await check(signed(claims()), subscription=other)


def unsigned(payload: dict[str, Any], header: dict[str, Any], signature: bytes = b"") -> str:
    def pack(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    return f"{pack(json.dumps(header).encode())}.{pack(json.dumps(payload).encode())}.{pack(signature)}"


def tokens_by_forgers() -> dict[str, str]:
    public = GOOGLES.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head, body, signature = signed(claims()).split(".")
    import hashlib
    import hmac

    with_secret = unsigned(claims(), {"alg": "HS256", "kid": "k1", "typ": "JWT"}).rpartition(".")[0]
    mac = hmac.new(public, with_secret.encode(), hashlib.sha256).digest()
    other_body = unsigned(claims(email="x@evil.test"), {}).split(".")[1]
    return {
        "signed by nobody": unsigned(claims(), {"alg": "none", "kid": "k1"}),
        "signed by nobody, in capitals": unsigned(claims(), {"alg": "NONE", "kid": "k1"}),
        "signed by the public key as a password": f"{with_secret}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}",
        "signed by another key": signed(claims(), FORGERS),
        "with a key id nobody knows": signed(claims(), FORGERS, kid="k2"),
        "with a number for a key id": unsigned(claims(), {"alg": "RS256", "kid": 1}, b"x"),
        "without a key id": unsigned(claims(), {"alg": "RS256"}, b"x"),
        "that brings its own key": signed(claims(), FORGERS, kid="k9", jwk={"kty": "RSA"}),
        "with an extension that must be understood": signed(claims(), crit=["exp"]),
        "with another body": f"{head}.{other_body}.{signature}",
        "with a cut signature": f"{head}.{body}.{signature[:-8]}",
        "with a weaker hash": jwt.encode(claims(), GOOGLES, algorithm="RS384", headers={"kid": "k1"}),
        "that is a list": unsigned([], {"alg": "RS256", "kid": "k1"}, b"x"),  # type: ignore[arg-type]
        "that is no token": "hello",
        "that is empty": "",
        "that is endless": "a." * 8_000,
        "with strange letters": "ä.ö.ü",
        "with half a character": "\ud800.e30.AA",
    }


@pytest.mark.parametrize("story", tokens_by_forgers())
async def test_a_forged_token_is_refused(story: str) -> None:
    with pytest.raises(Unauthenticated):
        await check(tokens_by_forgers()[story])


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "Bearer\tx", "bearerx"]
)
async def test_a_header_without_a_bearer_token_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated):
        await verifier().verify_push(header, SETTINGS.subscription)


async def test_a_push_that_names_no_subscription_is_known_by_its_token() -> None:
    await verifier().verify_push(f"Bearer {signed(claims())}", None)
    for wrong in (claims(email="else@x.iam.gserviceaccount.com"), claims(aud="https://elsewhere.test")):
        with pytest.raises(Unauthenticated):
            await verifier().verify_push(f"Bearer {signed(wrong)}", None)
    with pytest.raises(Unauthenticated):
        await verifier().verify_push(f"Bearer {signed(claims())}", "")


async def test_the_answer_never_tells_which_check_failed() -> None:
    answers = set()
    for token in [*tokens_by_forgers().values(), *(signed(claims_) for claims_ in FORGED.values())]:
        with pytest.raises(Unauthenticated) as caught:
            await check(token)
        answers.add((in_english(caught.value), caught.value.code, caught.value.field))
    assert len(answers) == 1


async def test_an_algorithm_we_do_not_take_never_leads_to_a_key() -> None:
    keys = KnownKeys()
    for alg in ("none", "HS256", "ES256", "RS512"):
        with pytest.raises(Unauthenticated):
            await check(unsigned(claims(), {"alg": alg, "kid": "k1"}, b"x"), keys=keys)
    assert keys.requested == []


async def test_without_googles_keys_nobody_is_called_a_forger() -> None:
    with pytest.raises(TryLater):
        await check(signed(claims()), keys=KnownKeys(reachable=False))


async def test_an_empty_setting_matches_no_empty_claim() -> None:
    careless = SETTINGS.model_copy(update={"push_account": ""})
    with pytest.raises(Unauthenticated):
        await verifier(settings=careless).verify_push(
            f"Bearer {signed(claims(email=''))}", SETTINGS.subscription
        )


async def test_the_push_path_is_the_audience_where_none_is_set() -> None:
    settings = SETTINGS.model_copy(update={"push_audience": "", "public_url": "https://app.corp.test"})
    await verifier(settings=settings).verify_push(f"Bearer {signed(claims())}", SETTINGS.subscription)


async def test_other_callers_are_checked_the_same_way() -> None:
    tokens = GoogleTokens(KnownKeys(), StillClock(), 30.0)  # type: ignore[arg-type]
    found = await tokens.verify(signed(claims(aud="client-1", email=...)), "client-1")
    assert found["sub"] == "1044"
    with pytest.raises(Unauthenticated):
        await tokens.verify(signed(claims(aud="client-1")), "client-2")


class Turning:
    """A clock that can be turned, and keys that can be withdrawn."""

    def __init__(self) -> None:
        self.time = NOW
        self.kept: RSAPublicKey | None = GOOGLES.public_key()

    def now(self) -> datetime:
        return self.time

    async def key(self, kid: str) -> RSAPublicKey | None:
        return self.kept


@pytest.fixture
def sums(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every token whose signature was computed."""
    seen: list[str] = []
    decode = jwt.decode

    def counted(token: str, *args: Any, **more: Any) -> Any:
        seen.append(token)
        return decode(token, *args, **more)

    monkeypatch.setattr(jwt, "decode", counted)
    return seen


async def test_a_signature_is_computed_once_and_claims_are_compared_each_time(sums: list[str]) -> None:
    world = Turning()
    tokens = GoogleTokens(world, world, 30.0)  # type: ignore[arg-type]
    token = signed(claims())
    for _ in range(3):
        await tokens.verify(token, SETTINGS.push_audience)
    assert sums == [token]
    with pytest.raises(Unauthenticated):
        await tokens.verify(token, "https://evil.test/hooks/gmail")
    with pytest.raises(Unauthenticated):
        await tokens.verify(token, SETTINGS.push_audience, email="push@evil.iam.gserviceaccount.com")
    world.time = datetime.fromtimestamp(NOW_S + 3_600, UTC)
    with pytest.raises(Unauthenticated):
        await tokens.verify(token, SETTINGS.push_audience)
    assert sums == [token]


async def test_a_withdrawn_key_ends_what_it_signed(sums: list[str]) -> None:
    world = Turning()
    tokens = GoogleTokens(world, world, 30.0)  # type: ignore[arg-type]
    token = signed(claims())
    await tokens.verify(token, SETTINGS.push_audience)
    world.kept = None
    with pytest.raises(Unauthenticated):
        await tokens.verify(token, SETTINGS.push_audience)
    world.kept = FORGERS.public_key()
    with pytest.raises(Unauthenticated):
        await tokens.verify(token, SETTINGS.push_audience)


async def test_a_forgery_is_not_remembered_and_what_is_remembered_is_bounded(
    sums: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.gmail.callers.MOST_REMEMBERED", 2)
    world = Turning()
    tokens = GoogleTokens(world, world, 30.0)  # type: ignore[arg-type]
    forged = signed(claims(), key=FORGERS)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await tokens.verify(forged, SETTINGS.push_audience)
    assert sums == [forged, forged]
    good = [signed(claims(sub=str(number))) for number in range(3)]
    for token in (*good, good[2], good[0]):
        await tokens.verify(token, SETTINGS.push_audience)
    assert sums[2:] == [*good, good[0]], "the oldest made room"
