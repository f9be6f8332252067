"""OAuth with Google on behalf of an owner at a browser: consent address, code exchange, revocation."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any

import aiohttp
from oauthlib.common import add_params_to_uri, urlencode
from oauthlib.oauth2 import WebApplicationClient

from backend.domain.errors import Refused, Rejected, Unauthenticated
from backend.domain.mailbox.mailbox import Grant
from backend.gmail.push_tokens import GoogleTokens
from backend.gmail.scopes import named
from backend.gmail.token_answer import TokenAnswer, bad_code, read
from backend.gmail.tokens import AccessTokens
from backend.gmail.unreadable import AnswerUnreadable
from backend.gmail.wire import Reply, ask_form
from backend.ports.gmail import Access, GrantKeeper
from backend.settings import IDENTITY, Settings

_LONGEST_CODE = 2_048
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class GoogleAuthorizer:
    """`backend.ports.gmail.Authorizer`."""

    def __init__(
        self,
        settings: Settings,
        session: aiohttp.ClientSession,
        keeper: GrantKeeper,
        access: AccessTokens,
        tokens: GoogleTokens,
    ) -> None:
        self._settings = settings
        self._session = session
        self._keeper = keeper
        self._access = access
        self._tokens = tokens

    def consent_url(
        self, access: Access, *, state: str, nonce: str, verifier: str, login_hint: str = ""
    ) -> str:
        """Where to send the browser, with PKCE S256 of `verifier`; see the port.

        Scopes granted to us before are not asked to be merged in: the token can do what this page shows.
        `verifier` has 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636); ValueError otherwise.
        """
        if not _VERIFIER.fullmatch(verifier):
            raise ValueError("a PKCE verifier has 43 to 128 characters of A-Z a-z 0-9 - . _ ~")
        client = WebApplicationClient(self._settings.client_id)
        # The library's own address builder refuses http even on this machine, where the sandbox listens.
        parameters = [
            ("response_type", "code"),
            ("client_id", self._settings.client_id),
            ("redirect_uri", self._settings.redirect_uri),
            ("scope", " ".join(self._scopes(access))),
            ("state", state),
            ("nonce", nonce),
            ("access_type", "offline" if access is Access.MAILBOX else "online"),
            # Without forced consent an owner who was here before comes back without a refresh token. To sign in they
            # need only say who they are: whoever signed out, or has two accounts, is asked which.
            ("prompt", "consent" if access is Access.MAILBOX else "select_account"),
            ("code_challenge", client.create_code_challenge(verifier, "S256")),
            ("code_challenge_method", "S256"),
        ]
        if login_hint:
            parameters.append(("login_hint", login_hint))
        return str(add_params_to_uri(self._settings.authorize_url, parameters))

    async def redeem(self, access: Access, *, code: str, verifier: str, nonce: str) -> Grant:
        """Exchange the code. Raises `Refused` for a bad code or id token, `TryLater` when Google is down.

        The grant's scopes are those really given, under their long names: compare with the settings' to see
        which box was left unticked.
        """
        if not code or len(code) > _LONGEST_CODE:
            raise bad_code()
        client_id = self._settings.client_id
        form = WebApplicationClient(client_id).prepare_request_body(
            code=code,
            redirect_uri=self._settings.redirect_uri,
            code_verifier=verifier,
            client_secret=self._settings.client_secret.get_secret_value(),
        )
        reply = await ask_form(self._session, self._settings.token_url, form)
        answer = read(reply.body, client_id, refreshing=False)
        claims = await self._identity(answer, nonce, reply.headers.get("Date", ""))
        # A desktop client is given a refresh token at every sign-in too: that one is dropped here. It must not be
        # revoked either, which would end the owner's whole grant.
        refresh_token = answer.refresh_token if access is Access.MAILBOX else ""
        if access is Access.MAILBOX and not refresh_token:
            raise Refused("no_refresh_token")
        return _grant(claims, answer, refresh_token, self._scopes(access))

    async def revoke(self, mailbox_id: str) -> None:
        """Revoke the grant at Google; one already revoked, or none at all, counts as done."""
        token = await self._keeper.refresh_token(mailbox_id)
        if token:
            form = urlencode([("token", token)])
            reply = await ask_form(self._session, self._settings.revoke_url, form)
            if reply.status >= 300 and _error_word(reply) != "invalid_token":
                raise Rejected("rejected.revoke", reason=f"http{reply.status}")
        self._access.forget(mailbox_id)

    def _scopes(self, access: Access) -> tuple[str, ...]:
        return self._settings.scopes if access is Access.MAILBOX else IDENTITY

    async def _identity(self, answer: TokenAnswer, nonce: str, date: str) -> Mapping[str, Any]:
        """What the id token says. `date` is that of the answer it came in: a clock that is off lets no token hold, and
        starting again would not mend it."""
        try:
            claims = await self._tokens.verify(answer.id_token, self._settings.client_id)
        except Unauthenticated as error:
            raise self._tokens.clock_off(date) or _bad_identity() from error
        given = claims.get("nonce")
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
            raise _bad_identity()
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise _bad_identity()
        if claims.get("email_verified") is not True or not isinstance(claims.get("email"), str):
            raise Refused("email_unverified")
        return claims


def _grant(
    claims: Mapping[str, Any], answer: TokenAnswer, refresh_token: str, requested: tuple[str, ...]
) -> Grant:
    name = claims.get("name")
    return Grant(
        sub=claims["sub"],
        email=claims["email"].strip().lower(),
        name=name.strip()[:200] if isinstance(name, str) else "",
        refresh_token=refresh_token,
        # An answer without scopes means: as asked (RFC 6749, 5.1).
        scopes=answer.scopes if answer.scopes is not None else named(requested),
        life=answer.grant_life,
    )


def _bad_identity() -> Refused:
    return Refused("bad_identity")


def _error_word(reply: Reply) -> str:
    try:
        return str(reply.json_object().get("error", ""))
    except AnswerUnreadable:
        return ""
