"""OAuth with Google on behalf of an owner: consent, code exchange, access tokens, revocation."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog
from oauthlib.common import add_params_to_uri, urlencode
from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

from backend.domain.errors import (
    AccessLost,
    NeedsReconnect,
    PitchgateError,
    Refused,
    Rejected,
    TryLater,
    Unauthenticated,
    Unexplained,
)
from backend.domain.mailbox.mailbox import Grant
from backend.gmail.answers import AnswerUnreadable, needs_reconnect, no_scope
from backend.gmail.callers import GoogleTokens
from backend.gmail.executor import Reply, ask_form
from backend.ports.gmail import Access, GrantKeeper
from backend.ports.system import Clock
from backend.settings import IDENTITY, Settings

# ---- Scopes


FULL_ACCESS = "https://mail.google.com/"
_LONG_NAMES = {
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
}
_IDENTITY_SCOPES = frozenset({"openid", *_LONG_NAMES.values()})


def long_names(scopes: Iterable[str]) -> frozenset[str]:
    """`scopes` by their long names: Google answers `email` with userinfo.email."""
    return frozenset(_LONG_NAMES.get(scope, scope) for scope in scopes if scope)


def missing_scopes(granted: Iterable[str], wanted: Iterable[str]) -> frozenset[str]:
    """Those of the `wanted` mailbox scopes that were not granted."""
    have = long_names(granted)
    if FULL_ACCESS in have:
        return frozenset()
    return long_names(wanted) - have - _IDENTITY_SCOPES


# ---- Answers of the token endpoint


LONGEST_LIFE = timedelta(days=1)
_DEFAULT_LIFE = timedelta(minutes=5)
_LONGEST_GRANT = timedelta(days=3_650)  # a longer time is ignored
CLIENT_REFUSED = frozenset(
    {"invalid_client", "unauthorized_client", "deleted_client", "disabled_client", "restricted_client"}
)
"""Error codes about our own OAuth client rather than one owner's grant."""
_OPERATOR_ERRORS = CLIENT_REFUSED | {"redirect_uri_mismatch"}
_ADMINISTRATOR_ERRORS = frozenset({"admin_policy_enforced", "access_denied", "org_internal"})
_RATE_LIMIT_ERRORS = frozenset({"rate_limit_exceeded", "slow_down"})
_ERROR_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """The token endpoint's answer. `scopes` None: as requested. `life`: of the access token. `grant_life`: after this
    time Google ends the grant itself; None if it does not."""

    access_token: str = field(repr=False)
    life: timedelta
    refresh_token: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    scopes: frozenset[str] | None = None
    grant_life: timedelta | None = None


def read_token_answer(body: bytes, client_id: str, *, refreshing: bool) -> TokenAnswer:
    """Read the token endpoint's answer. `refreshing`: a refresh token was sent, not a code.

    Raises `Refused` for an invalid code, `NeedsReconnect` for a dead grant, and `TryLater` for any other error: an
    error code we do not know must not disconnect an owner.
    """
    try:
        data = json.loads(body)
        if not isinstance(data, dict):
            raise ValueError("no JSON object")
        if "error" in data:
            raise _refusal(_error_code(data["error"]), refreshing)
        answer = WebApplicationClient(client_id).parse_request_body_response(body.decode("utf-8"))
        return _token_answer(answer)
    except OAuth2Error as error:
        raise TryLater("later.trouble", reason=_error_code(error.error)) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise TryLater("later.unreadable", reason="unreadable") from error


def _token_answer(answer: dict[str, object]) -> TokenAnswer:
    scopes = answer.get("scope")
    life = _duration(answer, "expires_in") or _DEFAULT_LIFE
    return TokenAnswer(
        _text(answer, "access_token"),
        min(life, LONGEST_LIFE),
        _text(answer, "refresh_token"),
        _text(answer, "id_token"),
        long_names(str(scope) for scope in scopes) if isinstance(scopes, list) else None,
        _duration(answer, "refresh_token_expires_in"),
    )


def _duration(answer: dict[str, object], name: str) -> timedelta | None:
    seconds = answer.get(name)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    return timedelta(seconds=seconds) if 0 < seconds <= _LONGEST_GRANT.total_seconds() else None


def _text(answer: dict[str, object], name: str) -> str:
    value = answer.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _refusal(error_code: str, refreshing: bool) -> PitchgateError:
    if error_code in _OPERATOR_ERRORS:
        # The operator's mistake: retry, so that no job becomes a dead letter before they correct it.
        return TryLater("later.client", reason=error_code)
    if error_code == "invalid_grant":
        return needs_reconnect(error_code) if refreshing else bad_code()
    if error_code in _ADMINISTRATOR_ERRORS:
        return NeedsReconnect("reconnect.policy", reason=error_code, lost=AccessLost.POLICY)
    if error_code in _RATE_LIMIT_ERRORS:
        return TryLater("later.limits", reason=error_code)
    return TryLater("later.trouble", reason=error_code)


def _error_code(error: object) -> str:
    """The OAuth error code; if Google's front end answered with an error object, its status."""
    if isinstance(error, dict):
        error = error.get("status")
    return error if isinstance(error, str) and _ERROR_CODE.fullmatch(error) else "unknown"


def bad_code() -> Refused:
    """The code was used before, is too old, or belongs to another sign-in."""
    return Refused("bad_code")


# ---- Access tokens


log = structlog.get_logger(__name__)

RENEWAL_MARGIN = timedelta(seconds=120)
"""A token is renewed this long before it expires: longer than a request can be queued and run."""


@dataclass(frozen=True, slots=True)
class _Token:
    token: str = field(repr=False)
    until: datetime
    grant: bytes  # digest of the refresh token it came from


class AccessTokens:
    """Access tokens by mailbox, refreshed when needed. Belongs to one event loop."""

    def __init__(
        self, settings: Settings, session: aiohttp.ClientSession, keeper: GrantKeeper, clock: Clock
    ) -> None:
        self._settings = settings
        self._session = session
        self._keeper = keeper
        self._clock = clock
        self._cached: dict[str, _Token] = {}
        self._last_issued: dict[str, _Token] = {}  # the last issued, even if discarded since
        self._dead_grants: dict[str, tuple[bytes, NeedsReconnect]] = {}  # the grant's digest, and the error
        self._refreshes: dict[str, asyncio.Task[str]] = {}
        self._tasks: set[asyncio.Task[str]] = set()

    async def access(self, mailbox_id: str) -> str:
        """A token valid for two minutes or more. Raises `NeedsReconnect` (until there is a new grant), `TryLater`."""
        cached = self._cached.get(mailbox_id)
        if cached is not None and self._clock.now() < cached.until:
            return cached.token
        task = self._refreshes.get(mailbox_id)
        if task is None:
            task = asyncio.create_task(self._refresh(mailbox_id), name=f"refresh {mailbox_id}")
            self._refreshes[mailbox_id] = task
            self._tasks.add(task)
            task.add_done_callback(lambda done: self._refresh_done(mailbox_id, done))
        # Shielded: if one caller is cancelled, the others still get the token.
        return await asyncio.shield(task)

    def discard(self, mailbox_id: str, token: str) -> None:
        """Drop `token`, which Google refused, unless it has been replaced meanwhile."""
        cached = self._cached.get(mailbox_id)
        if cached is not None and cached.token == token:
            del self._cached[mailbox_id]

    def mark_grant_dead(self, mailbox_id: str, token: str, error: NeedsReconnect) -> None:
        """The grant that `token` came from is dead: do not refresh until the keeper has a new one.

        Ignored if a later token was issued: a late answer is about an old grant, and the owner may have
        reconnected since.
        """
        last = self._last_issued.get(mailbox_id)
        if last is None or last.token != token:
            return
        self._cached.pop(mailbox_id, None)
        self._dead_grants[mailbox_id] = (last.grant, error)

    def forget(self, mailbox_id: str) -> None:
        """Drop everything about the mailbox: it has a new grant, or none."""
        for by_mailbox in (self._cached, self._last_issued, self._dead_grants, self._refreshes):
            by_mailbox.pop(mailbox_id, None)

    async def close(self) -> None:
        """Cancel running refreshes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _refresh_done(self, mailbox_id: str, task: asyncio.Task[str]) -> None:
        self._tasks.discard(task)
        if self._refreshes.get(mailbox_id) is task:
            del self._refreshes[mailbox_id]
        if not task.cancelled():
            task.exception()  # retrieve it, or asyncio warns when all callers were cancelled

    async def _refresh(self, mailbox_id: str) -> str:
        refresh_token = await self._keeper.refresh_token(mailbox_id)
        if not refresh_token:
            raise needs_reconnect("noGrant")
        grant = _digest(refresh_token)
        dead = self._dead_grants.get(mailbox_id)
        if dead is not None and dead[0] == grant:
            # A refusal is final for this grant, so do not ask again but raise a copy. A new grant has another digest.
            raise NeedsReconnect(dead[1].key, reason=dead[1].reason, lost=dead[1].lost)
        try:
            answer = await self._ask(refresh_token)
            if answer.scopes is not None and missing_scopes(answer.scopes, self._settings.scopes):
                raise no_scope("narrowed")
        except NeedsReconnect as error:
            self._dead_grants[mailbox_id] = (grant, error)
            log.warning("grant_dead", mailbox=mailbox_id, reason=error.reason)
            raise
        if answer.refresh_token and answer.refresh_token != refresh_token:
            await self._keeper.replace_refresh_token(mailbox_id, refresh_token, answer.refresh_token)
            refresh_token, grant = answer.refresh_token, _digest(answer.refresh_token)
        if answer.grant_life is not None:
            await self._keeper.grant_ends(mailbox_id, refresh_token, self._clock.now() + answer.grant_life)
        if self._refreshes.get(mailbox_id) is asyncio.current_task():
            self._cache(mailbox_id, grant, answer)  # not if `forget` ran meanwhile: there is a newer grant
        return answer.access_token

    def _cache(self, mailbox_id: str, grant: bytes, answer: TokenAnswer) -> None:
        # A token that lives shorter than the margin, as in tests, is used for half its life.
        until = self._clock.now() + max(answer.life - RENEWAL_MARGIN, answer.life / 2)
        self._cached[mailbox_id] = self._last_issued[mailbox_id] = _Token(answer.access_token, until, grant)
        self._dead_grants.pop(mailbox_id, None)

    async def _ask(self, refresh_token: str) -> TokenAnswer:
        client_id = self._settings.client_id
        form = WebApplicationClient(client_id).prepare_refresh_body(
            refresh_token=refresh_token,
            client_id=client_id,
            client_secret=self._settings.client_secret.get_secret_value(),
        )
        reply = await ask_form(self._session, self._settings.token_url, form)
        return read_token_answer(reply.body, client_id, refreshing=True)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8")).digest()


# ---- OAuth in the owner's browser


_LONGEST_CODE = 2_048
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class GoogleAuthorizer:
    """`backend.ports.gmail.Authorizer`: consent, code exchange and revocation at Google."""

    def __init__(
        self,
        settings: Settings,
        session: aiohttp.ClientSession,
        keeper: GrantKeeper,
        access_tokens: AccessTokens,
        tokens: GoogleTokens,
    ) -> None:
        self._settings = settings
        self._session = session
        self._keeper = keeper
        self._access_tokens = access_tokens
        self._tokens = tokens

    def consent_url(
        self, access: Access, *, state: str, nonce: str, verifier: str, login_hint: str = ""
    ) -> str:
        """Google's page to send the browser to, with PKCE S256 of `verifier`.

        include_granted_scopes is left out on purpose: the token gets only the scopes this page shows.
        `verifier` has 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636); ValueError otherwise.
        """
        if not _VERIFIER.fullmatch(verifier):
            raise ValueError("a PKCE verifier has 43 to 128 characters of A-Z a-z 0-9 - . _ ~")
        client = WebApplicationClient(self._settings.client_id)
        # The library's own URL builder refuses http, which the sandbox on this machine uses.
        parameters = [
            ("response_type", "code"),
            ("client_id", self._settings.client_id),
            ("redirect_uri", self._settings.redirect_uri),
            ("scope", " ".join(self._scopes(access))),
            ("state", state),
            ("nonce", nonce),
            ("access_type", "offline" if access is Access.MAILBOX else "online"),
            # Google gives a returning owner a refresh token only with prompt=consent. To sign in, they only choose an
            # account.
            ("prompt", "consent" if access is Access.MAILBOX else "select_account"),
            ("code_challenge", client.create_code_challenge(verifier, "S256")),
            ("code_challenge_method", "S256"),
        ]
        if login_hint:
            parameters.append(("login_hint", login_hint))
        return str(add_params_to_uri(self._settings.authorize_url, parameters))

    async def redeem(self, access: Access, *, code: str, verifier: str, nonce: str) -> Grant:
        """Exchange the code for a grant. Raises `Refused` for a bad code or id token, `TryLater` if Google is down.

        The grant's scopes are those granted, by their long names; `missing_scopes` finds those left unticked.
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
        answer = read_token_answer(reply.body, client_id, refreshing=False)
        claims = await self._identity(answer, nonce, reply.headers.get("Date", ""))
        # An OAuth client of type "desktop" gets a refresh token even to sign in. It is dropped, not revoked: that would
        # end the owner's whole grant.
        refresh_token = answer.refresh_token if access is Access.MAILBOX else ""
        if access is Access.MAILBOX and not refresh_token:
            raise Refused("no_refresh_token")
        return _grant(claims, answer, refresh_token, self._scopes(access))

    async def revoke(self, mailbox_id: str) -> None:
        """Revoke the mailbox's grant at Google, if there is one. May run again."""
        token = await self._keeper.refresh_token(mailbox_id)
        if token:
            form = urlencode([("token", token)])
            reply = await ask_form(self._session, self._settings.revoke_url, form)
            error_code = _oauth_error(reply)
            if error_code in _RATE_LIMIT_ERRORS:
                raise TryLater("later.limits", reason=error_code)
            if reply.status >= 300 and error_code != "invalid_token":
                if not error_code:  # from a proxy or Google's front end, so not about this grant
                    raise Unexplained("later.unexplained", reason=f"http{reply.status}")
                raise Rejected("rejected.revoke", reason=f"http{reply.status}")
        self._access_tokens.forget(mailbox_id)

    def _scopes(self, access: Access) -> tuple[str, ...]:
        return self._settings.scopes if access is Access.MAILBOX else IDENTITY

    async def _identity(self, answer: TokenAnswer, nonce: str, date: str) -> Mapping[str, Any]:
        """The verified claims of the id token. If our clock is wrong, no token is valid: then that is reported, not a
        bad identity. `date` is the Date header of the answer."""
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
        # An answer without scopes means: as requested (RFC 6749, 5.1).
        scopes=answer.scopes if answer.scopes is not None else long_names(requested),
        life=answer.grant_life,
    )


def _bad_identity() -> Refused:
    return Refused("bad_identity")


def _oauth_error(reply: Reply) -> str:
    """The OAuth error code of an answer, or ""."""
    try:
        error = reply.json_object().get("error")
    except AnswerUnreadable:
        return ""
    return error if isinstance(error, str) else ""
