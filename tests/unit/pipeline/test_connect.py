"""Going to Google's consent page and coming back: what is believed, what is refused, and what is stored."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from backend.domain.errors import AccessLost, Expired, Refused
from backend.domain.mailbox.mailbox import AccessState, Grant, Mode
from backend.pipeline import account
from backend.ports.gmail import Access
from backend.settings import GMAIL_MODIFY, IDENTITY
from tests.unit.pipeline.conftest import Fixture, Secrets


@dataclass
class Google:
    """A consent page that leads back with a code, and a token endpoint that knows one grant."""

    grant: Grant
    redeemed: list[dict[str, str]] = field(default_factory=list)

    def consent_url(self, access: Access, **options: str) -> str:
        return f"https://accounts.test/auth?access={access}&" + "&".join(
            f"{name}={value}" for name, value in options.items()
        )

    async def redeem(self, access: Access, **given: str) -> Grant:
        self.redeemed.append(given | {"access": access.value})
        return self.grant

    async def revoke(self, mailbox_id: str) -> None:
        raise AssertionError


class Sealing(Secrets):
    """A vault that opens only what it has sealed."""

    def open(self, sealed: bytes) -> str:
        text = super().open(sealed)
        if not text.startswith("{"):
            raise Refused("sealed")
        return text


@pytest.fixture
def google(fixture: Fixture) -> Google:
    vault = Sealing()
    object.__setattr__(fixture.context, "vault", vault)
    scopes = frozenset(fixture.context.settings.scopes)
    return Google(Grant("sub1", "Ana@Corp.test", "Ana", "refresh-2", scopes))


def back(url: str, **changes: str) -> dict[str, str]:
    """What Google adds to the address it leads back to."""
    return {"state": parse_qs(urlsplit(url).query)["state"][0], "code": "c0de"} | changes


async def test_a_new_owner_comes_back_and_has_a_mailbox(fixture: Fixture, google: Google) -> None:
    google.grant = Grant("sub2", "Eva@Corp.test", "Eva", "refresh", google.grant.scopes)
    url, sealed = account.begin(fixture.context, google)
    done = await account.finish(fixture.context, google, sealed, back(url))
    assert done.mailbox is not None
    assert (done.mailbox.sub, done.mailbox.owner.email) == ("sub2", "eva@corp.test")
    assert done.mailbox.preferences.mode is Mode.OBSERVE
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    [redeemed] = google.redeemed
    wanted = {name: query[name] for name in ("access", "verifier", "nonce")}
    assert redeemed == {"code": "c0de", **wanted}
    assert wanted["access"] == "mailbox"
    assert len({query["state"], query["nonce"], query["verifier"]}) == 3
    assert len(query["verifier"]) >= 43


async def test_an_owner_who_comes_again_keeps_her_mailbox_and_her_wishes(
    fixture: Fixture, google: Google
) -> None:
    await fixture.save_preferences(mode="quarantine")
    before = await fixture.mailbox()
    await fixture.store.lose_link(fixture.mailbox_id, AccessLost.GRANT, fixture.now(), fixture.now())
    fixture.wait(seconds=5)
    url, sealed = await account.begin_again(fixture.context, google, " ANA@corp.test ")
    done = await account.finish(fixture.context, google, sealed, back(url))
    assert done.mailbox is not None
    assert done.mailbox.id == before.id
    assert done.mailbox.link is AccessState.CONNECTED
    assert done.mailbox.cursor == before.cursor, "work goes on where it stopped"
    assert done.mailbox.preferences.mode is Mode.QUARANTINE


async def test_another_account_than_the_one_begun_with_is_refused_and_changes_nothing(
    fixture: Fixture, google: Google
) -> None:
    await fixture.store.lose_link(fixture.mailbox_id, AccessLost.GRANT, fixture.now(), fixture.now())
    google.grant = Grant("sub9", "eve@other.test", "Eve", "refresh", google.grant.scopes)
    url, sealed = await account.begin_again(fixture.context, google, "ana@corp.test")
    with pytest.raises(Refused) as caught:
        await account.finish(fixture.context, google, sealed, back(url))
    assert caught.value.code == "connect_account"
    assert (await fixture.mailbox()).link is AccessState.NEEDS_RECONNECT
    assert await fixture.store.mailbox_by_email("eve@other.test") is None


async def test_the_same_account_under_a_new_address_is_the_same_mailbox(
    fixture: Fixture, google: Google
) -> None:
    google.grant = Grant("sub1", "Ana.New@Corp.test", "Ana", "refresh", google.grant.scopes)
    url, sealed = await account.begin_again(fixture.context, google, "ana@corp.test")
    done = await account.finish(fixture.context, google, sealed, back(url))
    assert done.mailbox is not None
    assert (done.mailbox.id, done.mailbox.owner.email) == (fixture.mailbox_id, "ana.new@corp.test")


async def test_a_grant_that_ends_by_itself_is_known_to_until_one_that_does_not(
    fixture: Fixture, google: Google
) -> None:
    for life in (timedelta(days=7), None):
        google.grant = replace(google.grant, life=life)
        url, sealed = await account.begin_again(fixture.context, google, "ana@corp.test")
        await account.finish(fixture.context, google, sealed, back(url))
        expected = None if life is None else fixture.now() + life
        assert (await fixture.mailbox()).grant_expires_at == expected


async def test_a_box_left_unticked_is_named_and_nothing_is_stored(fixture: Fixture, google: Google) -> None:
    google.grant = Grant("sub2", "eva@corp.test", "Eva", "refresh", google.grant.scopes - {GMAIL_MODIFY})
    url, sealed = account.begin(fixture.context, google)
    done = await account.finish(fixture.context, google, sealed, back(url))
    assert (done.mailbox, done.missing, done.email) == (None, frozenset({GMAIL_MODIFY}), "eva@corp.test")
    assert await fixture.store.mailbox_by_email("eva@corp.test") is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": "somebody-elses"}, "connect_state"),
        ({"state": ""}, "connect_state"),
        ({"state": "ünï"}, "connect_state"),
        ({"error": "access_denied"}, "connect_denied"),
    ],
)
async def test_an_answer_that_does_not_belong_here_never_reaches_the_token_endpoint(
    fixture: Fixture, google: Google, changes: dict[str, str], code: str
) -> None:
    url, sealed = account.begin(fixture.context, google)
    with pytest.raises(Refused) as caught:
        await account.finish(fixture.context, google, sealed, back(url, **changes))
    assert caught.value.code == code
    assert google.redeemed == []


@pytest.mark.parametrize("cookie", ["", "forged", "{}x"])
async def test_a_browser_that_has_not_begun_here_is_refused(
    fixture: Fixture, google: Google, cookie: str
) -> None:
    url, _ = account.begin(fixture.context, google)
    with pytest.raises(Refused) as caught:
        await account.finish(fixture.context, google, cookie, back(url))
    assert caught.value.code == "connect_state"
    assert google.redeemed == []


async def test_a_consent_page_may_stand_open_a_quarter_of_an_hour(fixture: Fixture, google: Google) -> None:
    url, sealed = account.begin(fixture.context, google)
    fixture.gmail.now += account.LIFE - timedelta(seconds=1)
    assert (await account.finish(fixture.context, google, sealed, back(url))).mailbox is not None
    fixture.wait(seconds=1)
    with pytest.raises(Expired):
        await account.finish(fixture.context, google, sealed, back(url))
    assert len(google.redeemed) == 1


# --- signing in ----------------------------------------------------------------------------------


async def sign_in(fixture: Fixture, google: Google) -> account.Connected:
    url, sealed = account.begin(fixture.context, google, Access.IDENTITY)
    done = await account.finish(fixture.context, google, sealed, back(url))
    assert google.redeemed[-1]["access"] == "identity"
    return done


async def test_who_signs_in_is_known_and_nothing_of_the_grant_is_touched(
    fixture: Fixture, google: Google
) -> None:
    google.grant = Grant("sub1", "ana@corp.test", "", "never asked for", frozenset(IDENTITY))
    token, before = await fixture.store.sealed_token(fixture.mailbox_id), await fixture.mailbox()
    assert await sign_in(fixture, google) == account.Connected(before, frozenset(), "ana@corp.test")
    assert await fixture.store.sealed_token(fixture.mailbox_id) == token
    assert await fixture.mailbox() == before


async def test_a_sign_in_does_not_mend_a_lost_grant(fixture: Fixture, google: Google) -> None:
    await fixture.store.lose_link(fixture.mailbox_id, AccessLost.GRANT, fixture.now(), fixture.now())
    done = await sign_in(fixture, google)
    assert done.mailbox is not None
    assert done.mailbox.link is AccessState.NEEDS_RECONNECT


async def test_a_sign_in_makes_no_mailbox_and_opens_none_that_is_leaving(
    fixture: Fixture, google: Google
) -> None:
    google.grant = Grant("sub9", "eve@other.test", "", "", frozenset(IDENTITY))
    assert await sign_in(fixture, google) == account.Connected(None, frozenset(), "eve@other.test")
    assert await fixture.store.mailbox_by_email("eve@other.test") is None
    google.grant = Grant("sub1", "ana@corp.test", "", "", frozenset(IDENTITY))
    await fixture.store.set_link(fixture.mailbox_id, AccessState.LEAVING, fixture.now())
    assert (await sign_in(fixture, google)).mailbox is None


async def test_an_address_that_changed_hands_opens_nothing(fixture: Fixture, google: Google) -> None:
    google.grant = Grant("sub9", "ana@corp.test", "", "", frozenset(IDENTITY))
    assert (await sign_in(fixture, google)).mailbox is None
