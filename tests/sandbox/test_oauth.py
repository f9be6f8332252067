"""OAuth as a client meets it: consent, codes, tokens, identity, death."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from google.auth.transport.requests import Request
from google.oauth2 import id_token
from google.oauth2.credentials import Credentials

from backend.sandbox import BadRequest
from backend.sandbox.oauth.grants import (
    MAX_REFRESH_TOKENS,
    Client,
    GrantError,
    Grants,
    verifier_fits,
)
from tests.sandbox_process import (
    CLIENT_ID,
    CLIENT_SECRET,
    EMAIL,
    MODIFY,
    SETTINGS_BASIC,
    SandboxProcess,
    SandboxRefused,
    pkce_pair,
)

BACK = "http://127.0.0.1:5000/connect/callback"
SECRETS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


@pytest.fixture(autouse=True)
def _registered(google: SandboxProcess) -> None:
    google.allow_redirect(BACK)


def auth_url(google: SandboxProcess, **options: str) -> str:
    query = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": BACK,
        "scope": f"openid email {MODIFY}",
        "access_type": "offline",
        "state": "s+1",
    } | options
    return str(httpx.URL(google.urls["auth"], params=query))


def redeem(google: SandboxProcess, code: str, **form: str) -> httpx.Response:
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **SECRETS, **form}
    return google.http.post("/token", data=body)


def refresh(google: SandboxProcess, token: str) -> httpx.Response:
    body = {"grant_type": "refresh_token", "refresh_token": token, **SECRETS}
    return google.http.post("/token", data=body)


def connect(google: SandboxProcess, account: str, **options: str) -> dict[str, Any]:
    answer = redeem(google, google.consent_code(account, BACK, **options))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def profile(google: SandboxProcess, token: str) -> int:
    answer = google.http.get("/gmail/v1/users/me/profile", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


def test_a_consent_brings_tokens_that_open_the_mailbox(google: SandboxProcess, ana: str) -> None:
    back = parse_qs(urlsplit(google.consent(auth_url(google), ana)).query)
    assert back["state"] == ["s+1"]
    assert back["iss"] == ["https://accounts.google.com"]
    tokens = redeem(google, back["code"][0]).json()
    assert set(tokens["scope"].split()) == {"openid", EMAIL, MODIFY}
    assert tokens["token_type"] == "Bearer"
    assert profile(google, tokens["access_token"]) == 200
    renewed = refresh(google, tokens["refresh_token"]).json()
    assert "refresh_token" not in renewed
    assert profile(google, renewed["access_token"]) == 200


def test_the_id_token_is_what_google_signs(google: SandboxProcess, ana: str) -> None:
    tokens = connect(google, ana, nonce="n-1")
    claims = id_token.verify_token(
        tokens["id_token"], Request(), audience=CLIENT_ID, certs_url=google.urls["jwks"]
    )
    owner = google.mailbox(ana)
    assert claims["iss"] == "https://accounts.google.com"
    assert (claims["sub"], claims["email"], claims["hd"]) == (owner["sub"], ana, "corp.test")
    assert claims["email_verified"] is True
    assert claims["nonce"] == "n-1"
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_consumers_have_no_hosted_domain(google: SandboxProcess) -> None:
    google.create_mailbox("someone@gmail.com", "Some One", sub="1234")
    tokens = connect(google, "someone@gmail.com")
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert "hd" not in claims
    assert claims["sub"] == "1234"


def test_a_code_works_once(google: SandboxProcess, ana: str) -> None:
    code = google.consent_code(ana, BACK)
    assert redeem(google, code).status_code == 200
    again = redeem(google, code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_pkce_wants_the_right_verifier(google: SandboxProcess, ana: str) -> None:
    verifier, hashed = pkce_pair()
    parameters = {"code_challenge": hashed, "code_challenge_method": "S256"}
    code = google.consent_code(ana, BACK, **parameters)
    for wrong in ({}, {"code_verifier": pkce_pair()[0]}):
        assert redeem(google, code, **wrong).json()["error"] == "invalid_grant"
        code = google.consent_code(ana, BACK, **parameters)
    assert redeem(google, code, code_verifier=verifier).status_code == 200


def test_a_short_verifier_never_fits() -> None:
    def challenge(verifier: str) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()

    assert not verifier_fits(challenge("a" * 42), "a" * 42)
    assert verifier_fits(challenge("a" * 43), "a" * 43)
    assert verifier_fits(None, None)


def test_the_code_is_bound_to_its_redirect_address(google: SandboxProcess, ana: str) -> None:
    code = google.consent_code(ana, BACK)
    answer = redeem(google, code, redirect_uri=BACK + "/")
    assert (answer.status_code, answer.json()["error"]) == (400, "redirect_uri_mismatch")


def test_a_code_expires(google: SandboxProcess, ana: str) -> None:
    google.settings(authorization_code_lifetime=0)
    assert redeem(google, google.consent_code(ana, BACK)).json()["error"] == "invalid_grant"


def test_a_client_is_known_by_id_and_secret(google: SandboxProcess, ana: str) -> None:
    code = google.consent_code(ana, BACK)
    for wrong in ({"client_secret": "guess"}, {"client_id": "x", "client_secret": "y"}):
        answer = redeem(google, code, **wrong)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert redeem(google, code).status_code == 200


def test_no_second_refresh_token_without_a_new_consent(google: SandboxProcess, ana: str) -> None:
    assert "refresh_token" in connect(google, ana)
    assert "refresh_token" not in connect(google, ana)
    assert "refresh_token" in connect(google, ana, prompt="consent")


def test_online_access_never_gets_a_refresh_token(google: SandboxProcess, ana: str) -> None:
    assert "refresh_token" not in connect(google, ana, access_type="online")


def test_unticked_boxes_are_not_granted(google: SandboxProcess, ana: str) -> None:
    url = auth_url(google, scope=f"openid email {MODIFY} {SETTINGS_BASIC}")
    back = parse_qs(urlsplit(google.consent(url, ana, grant=[SETTINGS_BASIC])).query)
    assert set(back["scope"][0].split()) == {"openid", EMAIL, SETTINGS_BASIC}
    tokens = redeem(google, back["code"][0]).json()
    assert profile(google, tokens["access_token"]) == 403


def test_denying_goes_back_with_access_denied(google: SandboxProcess, ana: str) -> None:
    back = google.consent(auth_url(google), ana, decision="deny")
    assert parse_qs(urlsplit(back).query)["error"] == ["access_denied"]


def test_nothing_ticked_and_no_identity_is_a_refusal(google: SandboxProcess, ana: str) -> None:
    back = google.consent(auth_url(google, scope=MODIFY), ana, grant=[])
    assert parse_qs(urlsplit(back).query)["error"] == ["access_denied"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"client_id": "stranger"}, "invalid_client"),
        ({"redirect_uri": BACK + "/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "https://evil.test/"}, "redirect_uri_mismatch"),
        ({"response_type": "token"}, "invalid_request"),
        ({"scope": "https://www.googleapis.com/auth/nonsense"}, "invalid_scope"),
        ({"scope": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "x"}, "invalid_request"),
        ({"prompt": "none"}, "invalid_request"),
    ],
)
def test_configuration_errors_are_pages_not_redirects(
    google: SandboxProcess, ana: str, parameters: dict[str, str], code: str
) -> None:
    answer = google.http.get(auth_url(google, **parameters))
    assert answer.status_code in (400, 401)
    assert "Location" not in answer.headers
    assert code in answer.text
    with pytest.raises(SandboxRefused):
        google.consent(auth_url(google, **parameters), ana)


def test_the_consent_page_escapes_what_it_is_given(google: SandboxProcess, ana: str) -> None:
    page = google.http.get(auth_url(google, state='"><script>alert(1)</script>', login_hint=ana))
    assert "<script>" not in page.text
    assert ana in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert "form-action 'self' http://127.0.0.1:5000" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoking_either_token_kills_both(google: SandboxProcess, ana: str, kind: str) -> None:
    tokens = connect(google, ana)
    assert google.http.post("/revoke", data={"token": tokens[kind]}).status_code == 200
    assert profile(google, tokens["access_token"]) == 401
    dead = refresh(google, tokens["refresh_token"])
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
    again = google.http.post("/revoke", data={"token": tokens[kind]})
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")
    assert "refresh_token" in connect(google, ana), "consenting again starts afresh"


def test_access_tokens_expire(google: SandboxProcess, ana: str) -> None:
    google.settings(access_token_lifetime=0)
    assert profile(google, connect(google, ana)["access_token"]) == 401


def test_googles_own_library_refreshes(google: SandboxProcess, ana: str) -> None:
    credentials: Any = Credentials(  # type: ignore[no-untyped-call]
        token=None,
        refresh_token=connect(google, ana)["refresh_token"],
        token_uri=google.urls["token"],
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    credentials.refresh(Request())
    assert profile(google, credentials.token) == 200


def test_a_consent_screen_in_testing_gives_a_refresh_token_an_end(google: SandboxProcess, ana: str) -> None:
    assert "refresh_token_expires_in" not in connect(google, ana)
    google.settings(refresh_token_lifetime=604_800)
    told = connect(google, ana, prompt="consent")
    assert 604_000 < told["refresh_token_expires_in"] <= 604_800
    again = refresh(google, told["refresh_token"]).json()
    assert 604_000 < again["refresh_token_expires_in"] <= told["refresh_token_expires_in"]


def test_a_refresh_token_ends_at_its_time() -> None:
    grants = Grants()
    token = grants.issue_refresh("ana@corp.test", "p", "c", frozenset({MODIFY}), expires=100.0).token
    assert grants.refresh(token, "c", 99.0).token == token
    with pytest.raises(GrantError, match="expired"):
        grants.refresh(token, "c", 100.0)


def test_refusing_to_refresh_is_a_switch(google: SandboxProcess, ana: str) -> None:
    token = connect(google, ana)["refresh_token"]
    google.act("refuse_refresh", ana, subtype="invalid_rapt")
    refused = refresh(google, token).json()
    assert (refused["error"], refused["error_subtype"]) == ("invalid_grant", "invalid_rapt")
    google.act("refuse_refresh", ana, on=False)
    assert refresh(google, token).status_code == 200


def test_narrowed_scopes_bite_at_once_and_at_the_next_refresh(google: SandboxProcess, ana: str) -> None:
    tokens = connect(google, ana)
    google.act("narrow_scopes", ana, remove=[MODIFY])
    assert profile(google, tokens["access_token"]) == 403
    assert MODIFY not in refresh(google, tokens["refresh_token"]).json()["scope"]


@pytest.mark.parametrize("form", [{"grant_type": "password"}, {"grant_type": "refresh_token"}, {}])
def test_token_requests_that_make_no_sense(google: SandboxProcess, form: dict[str, str]) -> None:
    answer = google.http.post("/token", data=form | SECRETS)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("unsupported_grant_type", "invalid_request")


def test_the_hundred_and_first_refresh_token_kills_the_first() -> None:
    grants = Grants()
    grants.consent("ana@corp.test", "p", frozenset({MODIFY}))
    tokens = [
        grants.issue_refresh("ana@corp.test", "p", "c", frozenset({MODIFY})).token
        for _ in range(MAX_REFRESH_TOKENS + 1)
    ]
    with pytest.raises(Exception, match="expired or revoked"):
        grants.refresh(tokens[0], "c", 0.0)
    assert grants.refresh(tokens[1], "c", 0.0).token == tokens[1]


def test_desktop_clients_may_use_any_loopback_port_and_web_clients_may_not() -> None:
    desktop, web = Client("d", "s", "p", "desktop"), Client("w", "s", "p")
    assert desktop.may_redirect_to("http://127.0.0.1:49152")
    assert not desktop.may_redirect_to("http://192.0.2.1:80/")
    assert not web.may_redirect_to("http://127.0.0.1:49152")
    for bad in ("http://app.corp.test/cb", "ftp://127.0.0.1/", "https://a.test/#f"):
        with pytest.raises(BadRequest):
            web.register(bad)
