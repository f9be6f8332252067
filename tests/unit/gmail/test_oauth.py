"""An owner connects, and what may be wrong with what comes back from Google's page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from backend.domain.errors import PitchgateError, Refused, Rejected, TryLater, Unexplained
from backend.domain.mailbox.mailbox import Grant
from backend.gmail.client import Google
from backend.gmail.oauth import missing_scopes
from backend.ports.gmail import Access
from backend.settings import GMAIL_MODIFY, USERINFO_EMAIL, Settings
from tests.doubles import in_english
from tests.fakes.google import Answer, FakeGoogle, Keeper, StoryClock, fake_google, open_against

VERIFIER = "v" * 43


class Story:
    def __init__(self, fake: FakeGoogle, google: Google, keeper: Keeper, clock: StoryClock) -> None:
        self.fake, self.google, self.keeper, self.clock = fake, google, keeper, clock
        self.clock_ahead = timedelta()

    def answers(self, *, id_token: str | None = None, **more: Any) -> None:
        good = {
            "access_token": "a1",
            "refresh_token": "1//new",
            "expires_in": 3599,
            "token_type": "Bearer",
            "scope": f"openid {USERINFO_EMAIL} {GMAIL_MODIFY}",
            "id_token": self.fake.id_token(self.clock) if id_token is None else id_token,
        }
        body = {name: value for name, value in (good | more).items() if value is not ...}
        date = format_datetime(self.clock.now() - self.clock_ahead, usegmt=True)
        self.fake.on("POST /token", Answer(body=body, headers={"Date": date}))

    async def redeem(self, access: Access = Access.MAILBOX) -> Grant:
        return await self.google.authorizer.redeem(access, code="4/code", verifier=VERIFIER, nonce="nonce-1")


@pytest.fixture
async def story() -> AsyncIterator[Story]:
    keeper, clock = Keeper(), StoryClock()
    async with fake_google() as fake, open_against(fake, keeper, clock) as google:
        yield Story(fake, google, keeper, clock)


async def test_the_consent_page_is_asked_for_what_offline_work_needs(story: Story) -> None:
    url = story.google.authorizer.consent_url(
        Access.MAILBOX, state="s&1", nonce="n1", verifier=VERIFIER, login_hint="ana@corp.test"
    )
    assert url.startswith(f"{story.fake.url}/auth?")
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    settings = Settings()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    assert query == {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": settings.redirect_uri,
        "scope": " ".join(settings.scopes),
        "state": "s&1",
        "nonce": "n1",
        "access_type": "offline",
        "prompt": "consent",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "login_hint": "ana@corp.test",
    }
    assert "login_hint" not in story.google.authorizer.consent_url(
        Access.MAILBOX, state="s", nonce="n", verifier=VERIFIER
    )


async def test_signing_in_asks_who_it_is_and_for_nothing_that_lasts(story: Story) -> None:
    url = story.google.authorizer.consent_url(Access.IDENTITY, state="s", nonce="n1", verifier=VERIFIER)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["scope"] == f"openid {USERINFO_EMAIL}"
    assert (asked["access_type"], asked["prompt"]) == ("online", "select_account")
    assert (asked["state"], asked["nonce"], asked["code_challenge_method"]) == ("s", "n1", "S256")


@pytest.mark.parametrize("given", [..., "1//unasked"])
async def test_a_sign_in_brings_an_identity_and_no_token(story: Story, given: Any) -> None:
    story.answers(refresh_token=given, scope=...)
    grant = await story.redeem(Access.IDENTITY)
    assert (grant.sub, grant.refresh_token) == ("10769", "")
    assert grant.scopes == {"openid", USERINFO_EMAIL}


@pytest.mark.parametrize("verifier", ["", "short", "v" * 129, "v" * 42 + "ä"])
async def test_a_verifier_outside_the_rules_is_never_used(story: Story, verifier: str) -> None:
    with pytest.raises(ValueError, match="verifier"):
        story.google.authorizer.consent_url(Access.MAILBOX, state="s", nonce="n", verifier=verifier)


async def test_the_code_becomes_a_grant(story: Story) -> None:
    story.answers()
    grant = await story.redeem()
    assert (grant.sub, grant.email, grant.name) == ("10769", "ana@corp.test", "Ana")
    assert grant.refresh_token == "1//new"
    assert "1//new" not in repr(grant)
    assert grant.scopes == {"openid", USERINFO_EMAIL, GMAIL_MODIFY}
    form = story.fake.calls("/token")[0].form
    assert form["grant_type"] == "authorization_code"
    assert form["code"] == "4/code"
    assert form["code_verifier"] == VERIFIER
    assert form["redirect_uri"] == Settings().redirect_uri
    assert form["client_id"] == Settings().client_id


async def test_a_grant_that_ends_by_itself_says_when(story: Story) -> None:
    story.answers(refresh_token_expires_in=604_799)
    assert (await story.redeem()).life == timedelta(seconds=604_799)
    story.answers()
    assert (await story.redeem()).life is None


async def test_a_box_left_unticked_shows_in_the_scopes(story: Story) -> None:
    story.answers(scope=f"openid {USERINFO_EMAIL}")
    grant = await story.redeem()
    assert missing_scopes(grant.scopes, Settings().scopes) == {GMAIL_MODIFY}


async def test_short_names_for_scopes_are_the_long_ones(story: Story) -> None:
    story.answers(scope=f"openid email {GMAIL_MODIFY}")
    assert (await story.redeem()).scopes == {"openid", USERINFO_EMAIL, GMAIL_MODIFY}


async def test_scopes_that_are_not_told_are_those_asked_for(story: Story) -> None:
    story.answers(scope=...)
    assert (await story.redeem()).scopes == frozenset(Settings().scopes)


WRONG_IDENTITY: dict[str, dict[str, Any]] = {
    "of another sign-in": {"nonce": "nonce-2"},
    "without a nonce": {"nonce": ...},
    "for another client": {"aud": "someone-else"},
    "by another issuer": {"iss": "https://evil.test"},
    "that has run out": {"iat": 1_000_000, "exp": 1_003_600},
    "without an account": {"sub": ...},
    "with a number for an account": {"sub": 7},
    "with an address not verified": {"email_verified": False},
    "without an address": {"email": ...},
}


@pytest.mark.parametrize("what", WRONG_IDENTITY)
async def test_an_identity_that_does_not_hold_is_refused(story: Story, what: str) -> None:
    story.answers(id_token=story.fake.id_token(story.clock, **WRONG_IDENTITY[what]))
    with pytest.raises(Refused) as caught:
        await story.redeem()
    assert caught.value.code in ("bad_identity", "email_unverified")
    assert in_english(caught.value)


@pytest.mark.parametrize(
    ("ahead", "says"), [(timedelta(minutes=90), "90 min ahead"), (timedelta(minutes=-15), "15 min behind")]
)
async def test_a_clock_that_is_off_is_told_with_how_far(story: Story, ahead: timedelta, says: str) -> None:
    """To begin again would never have mended it."""
    story.clock_ahead = ahead
    issued = int((story.clock.now() - ahead).timestamp())
    story.answers(id_token=story.fake.id_token(story.clock, iat=issued, exp=issued + 3_600))
    with pytest.raises(Refused) as caught:
        await story.redeem()
    assert caught.value.code == "clock_off"
    assert says in in_english(caught.value)
    assert "timedatectl" in in_english(caught.value)


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
async def test_no_identity_no_grant(story: Story, token: str) -> None:
    story.answers(id_token=token)
    with pytest.raises(Refused):
        await story.redeem()


async def test_an_identity_signed_by_another_is_refused(story: Story) -> None:
    genuine = story.fake.id_token(story.clock)
    head, body, signature = genuine.split(".")
    story.answers(id_token=f"{head}.{body}.{signature[::-1]}")
    with pytest.raises(Refused):
        await story.redeem()


async def test_without_a_lasting_permission_the_owner_is_told_the_way_out(story: Story) -> None:
    story.answers(refresh_token=...)
    with pytest.raises(Refused) as caught:
        await story.redeem()
    assert caught.value.code == "no_refresh_token"
    assert "myaccount.google.com" in in_english(caught.value)


ANSWERS: dict[str, tuple[Answer, type[PitchgateError]]] = {
    "a used code": (Answer(400, {"error": "invalid_grant", "error_description": "Bad Request"}), Refused),
    "a wrong secret": (Answer(401, {"error": "invalid_client"}), TryLater),
    "a wrong redirect": (Answer(400, {"error": "redirect_uri_mismatch"}), TryLater),
    "Google down": (Answer(503, raw=b""), TryLater),
    "a dropped connection": (Answer(cut="before"), TryLater),
    "an unknown word": (Answer(400, {"error": "whatever"}), TryLater),
    "not a word": (Answer(400, {"error": {"code": 1}}), TryLater),
}


@pytest.mark.parametrize("what", ANSWERS)
async def test_a_code_that_is_not_taken(story: Story, what: str) -> None:
    answer, kind = ANSWERS[what]
    story.fake.on("POST /token", answer)
    with pytest.raises(kind) as caught:
        await story.redeem()
    assert in_english(caught.value)
    assert len(story.fake.calls("/token")) == 1, "a code works once: it is never sent twice"


@pytest.mark.parametrize("code", ["", "x" * 5_000])
async def test_what_is_no_code_never_reaches_google(story: Story, code: str) -> None:
    with pytest.raises(Refused):
        await story.google.authorizer.redeem(Access.MAILBOX, code=code, verifier=VERIFIER, nonce="n")
    assert story.fake.seen == []


# --- leaving -------------------------------------------------------------------------------------


async def test_leaving_takes_the_permission_back_at_google(story: Story) -> None:
    story.fake.on("POST /revoke", Answer(200, raw=b""))
    await story.google.authorizer.revoke("m1")
    assert story.fake.calls("/revoke")[0].form == {"token": "refresh-1"}


async def test_a_permission_already_gone_counts_as_taken_back(story: Story) -> None:
    story.fake.on("POST /revoke", Answer(400, {"error": "invalid_token"}))
    await story.google.authorizer.revoke("m1")
    story.keeper.grants.clear()
    await story.google.authorizer.revoke("m1")
    assert len(story.fake.calls("/revoke")) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(503, raw=b""), TryLater),
        (Answer(403, {"error": "rate_limit_exceeded"}), TryLater),
        (Answer(403, raw=b"<html>Forbidden</html>"), Unexplained),
        (Answer(403, {"error": {"code": 403, "status": "PERMISSION_DENIED"}}), Unexplained),
        (Answer(400, {"error": "invalid_request"}), Rejected),
    ],
)
async def test_a_permission_google_still_holds_is_not_called_gone(
    story: Story, answer: Answer, kind: type[PitchgateError]
) -> None:
    story.fake.on("POST /revoke", answer)
    with pytest.raises(kind) as raised:
        await story.google.authorizer.revoke("m1")
    assert raised.type is kind


async def test_after_leaving_no_old_access_token_is_used(story: Story) -> None:
    story.fake.on("POST /revoke", Answer(200, raw=b""))
    story.fake.on(
        "GET /gmail/v1/users/me/profile", Answer(body={"emailAddress": "a@b.test", "historyId": "1"})
    )
    await story.google.gmail.profile("m1")
    await story.google.authorizer.revoke("m1")
    story.keeper.grants["m1"] = "refresh-2"
    await story.google.gmail.profile("m1")
    assert [seen.form["refresh_token"] for seen in story.fake.calls("/token")] == ["refresh-1", "refresh-2"]
