"""OAuth clients and scopes, and the grants and tokens that a consent gives."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from backend.sandbox import BadRequest

# ---- OAuth clients


LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(slots=True)
class Client:
    """An OAuth client. A desktop client may use any loopback port, a web client only registered addresses."""

    client_id: str
    secret: str
    project: str
    kind: Literal["web", "desktop"] = "web"
    redirect_uris: list[str] = field(default_factory=list)

    def register(self, uri: str) -> None:
        """Allow a redirect address: https anywhere, http only on this machine. Raises BadRequest."""
        parts = urlsplit(uri)
        allowed = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if not allowed or not parts.hostname or parts.fragment or len(uri) > 2000:
            raise BadRequest(f"{uri[:200]!r} may not be a redirect address: https, or http on loopback only.")
        if uri not in self.redirect_uris:
            self.redirect_uris.append(uri)

    def may_redirect_to(self, uri: str) -> bool:
        """Whether the address is registered, byte for byte (for a desktop client: any loopback port)."""
        if self.kind == "desktop":
            parts = urlsplit(uri)
            return parts.scheme == "http" and parts.hostname in LOOPBACK
        return uri in self.redirect_uris


# ---- Scopes, and what the consent page says of each


PREFIX = "https://www.googleapis.com/auth/"
FULL = "https://mail.google.com/"
MODIFY = PREFIX + "gmail.modify"
READONLY = PREFIX + "gmail.readonly"
METADATA = PREFIX + "gmail.metadata"
COMPOSE = PREFIX + "gmail.compose"
SEND = PREFIX + "gmail.send"
INSERT = PREFIX + "gmail.insert"
LABELS = PREFIX + "gmail.labels"
SETTINGS_BASIC = PREFIX + "gmail.settings.basic"
SETTINGS_SHARING = PREFIX + "gmail.settings.sharing"
ADDON_COMPOSE = PREFIX + "gmail.addons.current.action.compose"
ADDON_ACTION = PREFIX + "gmail.addons.current.message.action"
ADDON_METADATA = PREFIX + "gmail.addons.current.message.metadata"
ADDON_READONLY = PREFIX + "gmail.addons.current.message.readonly"
ADDON_EXECUTE = PREFIX + "gmail.addons.execute"
EMAIL = PREFIX + "userinfo.email"
PROFILE = PREFIX + "userinfo.profile"

_SHORT = {"email": EMAIL, "profile": PROFILE}
IDENTITY = frozenset({"openid", EMAIL, PROFILE})

WORDS = {
    "openid": "Know you again when you come back",
    EMAIL: "See your email address",
    PROFILE: "See your name",
    FULL: "Read, compose, send and permanently delete all your email",
    MODIFY: "Read, compose and send emails, and change their labels",
    READONLY: "View your email messages and settings",
    METADATA: "View your email message metadata, such as labels and headers, but not the body",
    COMPOSE: "Manage drafts and send emails",
    SEND: "Send email on your behalf",
    INSERT: "Add emails into your mailbox",
    LABELS: "See and edit your email labels",
    SETTINGS_BASIC: "See, edit, create or change your email settings and filters",
    SETTINGS_SHARING: "Manage your sensitive mail settings, including who can manage your mail",
    ADDON_COMPOSE: "Manage drafts and send emails when you interact with the add-on",
    ADDON_ACTION: "View your email messages when you interact with the add-on",
    ADDON_METADATA: "View your email message metadata when the add-on is running",
    ADDON_READONLY: "View your email messages when the add-on is running",
    ADDON_EXECUTE: "Run as a Gmail add-on",
    PREFIX + "script.locale": "View your country, language, and timezone",
    PREFIX + "contacts.readonly": "See and download your contacts",
    PREFIX + "contacts.other.readonly": "See the contact info that Gmail saves by itself",
}


def expand(text: str) -> list[str]:
    """The scopes of a space-separated list in their long forms, each once, in order."""
    return list(dict.fromkeys(_SHORT.get(scope, scope) for scope in text.split()))


# ---- Grants, codes and tokens


MAX_REFRESH_TOKENS = 100
_VERIFIER = re.compile(r"\A[A-Za-z0-9\-._~]{43,128}\Z")


class GrantError(Exception):
    """A token request that fails. `code` is the OAuth error, `subtype` Google's addition."""

    def __init__(self, code: str, description: str, status: int = 400, subtype: str | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.status = status
        self.subtype = subtype


@dataclass(slots=True)
class Grant:
    """What an account granted a project. `refresh_tokens`: by client id, oldest first; `refuse_refresh`: an error."""

    account: str
    project: str
    scopes: set[str] = field(default_factory=set)
    refresh_tokens: dict[str, deque[str]] = field(default_factory=dict)
    refuse_refresh: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code and everything it is valid for. `expires` is epoch seconds."""

    client_id: str
    account: str
    project: str
    redirect_uri: str
    scopes: frozenset[str]
    expires: float
    nonce: str | None
    offline: bool
    challenge: str | None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token. Its scopes are also limited to those the grant still has."""

    token: str
    account: str
    project: str
    client_id: str
    scopes: frozenset[str]
    expires: float


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token and what it was issued for. `expires` is epoch seconds, None if it does not expire."""

    token: str
    account: str
    project: str
    client_id: str
    scopes: frozenset[str]
    expires: float | None = None


_Item = TypeVar("_Item", Code, AccessToken, RefreshToken)


class Grants:
    """All grants and tokens. Times are epoch seconds, passed in."""

    def __init__(self) -> None:
        self._grants: dict[tuple[str, str], Grant] = {}
        self._codes: dict[str, Code] = {}
        self._access: dict[str, AccessToken] = {}
        self._refresh: dict[str, RefreshToken] = {}

    def of_account(self, account: str) -> list[Grant]:
        return [grant for grant in self._grants.values() if grant.account == account]

    def rename(self, before: str, account: str) -> None:
        """Follow an account to its new address."""
        for grant in self.of_account(before):
            grant.account = account
            self._grants[(account, grant.project)] = self._grants.pop((before, grant.project))
        self._codes = _moved(self._codes, before, account)
        self._access = _moved(self._access, before, account)
        self._refresh = _moved(self._refresh, before, account)

    def consent(self, account: str, project: str, scopes: frozenset[str]) -> bool:
        """Add scopes to the grant. True if it is the account's first consent to the project."""
        first = (account, project) not in self._grants
        grant = self._grants.setdefault((account, project), Grant(account, project))
        grant.scopes |= scopes
        return first

    def issue_code(self, code: Code) -> str:
        """A new single-use code."""
        text = "4/0A" + secrets.token_urlsafe(40)
        self._codes[text] = code
        return text

    def redeem(self, text: str, client_id: str, redirect_uri: str, verifier: str | None, now: float) -> Code:
        """Use up a code. Raises GrantError: redirect_uri_mismatch, or invalid_grant if anything else does not match."""
        code = self._codes.pop(text, None)
        if code is None or code.expires <= now or code.client_id != client_id:
            raise GrantError("invalid_grant", "Bad Request")
        if code.redirect_uri != redirect_uri:
            raise GrantError("redirect_uri_mismatch", "Bad Request")
        if not verifier_fits(code.challenge, verifier):
            raise GrantError("invalid_grant", "Invalid code verifier.")
        return code

    def issue_access(
        self, account: str, project: str, client_id: str, scopes: frozenset[str], expires: float
    ) -> AccessToken:
        """A new access token."""
        token = AccessToken(
            "ya29.a0" + secrets.token_urlsafe(80), account, project, client_id, scopes, expires
        )
        self._access[token.token] = token
        return token

    def issue_refresh(
        self,
        account: str,
        project: str,
        client_id: str,
        scopes: frozenset[str],
        given: str = "",
        expires: float | None = None,
    ) -> RefreshToken:
        """A new refresh token, or `given`. Beyond 100 for one client, the oldest becomes invalid without notice."""
        text = given or "1//0g" + secrets.token_urlsafe(60)
        token = RefreshToken(text, account, project, client_id, scopes, expires)
        self._refresh[token.token] = token
        grant = self._grants.setdefault((account, project), Grant(account, project, set(scopes)))
        usable = grant.refresh_tokens.setdefault(client_id, deque())
        usable.append(token.token)
        while len(usable) > MAX_REFRESH_TOKENS:
            self._refresh.pop(usable.popleft(), None)
        return token

    def refresh(self, text: str, client_id: str, now: float) -> RefreshToken:
        """The valid refresh token. Raises GrantError: invalid_grant if it is dead or refused."""
        token = self._refresh.get(text)
        ended = token is not None and token.expires is not None and token.expires <= now
        if token is None or ended or token.client_id != client_id:
            raise GrantError("invalid_grant", "Token has been expired or revoked.")
        grant = self._grants[(token.account, token.project)]
        if grant.refuse_refresh is not None:
            subtype = grant.refuse_refresh if grant.refuse_refresh != "invalid_grant" else None
            text = "Token has been expired or revoked." if subtype is None else "reauth related error"
            raise GrantError("invalid_grant", text, subtype=subtype)
        return token

    def effective_scopes(self, token: AccessToken | RefreshToken) -> frozenset[str]:
        """The token's scopes that its grant still has."""
        grant = self._grants.get((token.account, token.project))
        return token.scopes & grant.scopes if grant is not None else frozenset()

    def access(self, text: str, now: float) -> AccessToken | None:
        """The valid access token, or None."""
        token = self._access.get(text)
        if token is None or token.expires <= now:
            self._access.pop(text, None)
            return None
        return token

    def revoke(self, text: str, now: float) -> bool:
        """Revoke by either kind of token: the project's whole grant ends. False if the token is unknown."""
        token = self._refresh.get(text) or self.access(text, now)
        if token is None:
            return False
        self.revoke_grant(token.account, token.project)
        return True

    def revoke_grant(self, account: str, project: str) -> None:
        """Remove a grant with all its tokens and codes."""
        self._grants.pop((account, project), None)
        mine = (account, project)
        self._access = {text: item for text, item in self._access.items() if _owner(item) != mine}
        self._refresh = {text: item for text, item in self._refresh.items() if _owner(item) != mine}
        self._codes = {text: item for text, item in self._codes.items() if _owner(item) != mine}

    def expire_access(self, account: str) -> int:
        """Let every access token of an account expire now; returns how many there were."""
        dead = [text for text, token in self._access.items() if token.account == account]
        for text in dead:
            del self._access[text]
        return len(dead)


def _owner(item: Code | AccessToken | RefreshToken) -> tuple[str, str]:
    return (item.account, item.project)


def verifier_fits(challenge: str | None, verifier: str | None) -> bool:
    """PKCE with S256: whether the verifier matches the challenge. Without a challenge, no verifier is needed."""
    if challenge is None:
        return True
    if verifier is None or not _VERIFIER.match(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    answer = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(answer.encode(), challenge.encode())


def _moved(stored: dict[str, _Item], before: str, account: str) -> dict[str, _Item]:
    """The same items; those of the account `before` have its new address."""
    return {
        text: replace(item, account=account) if item.account == before else item
        for text, item in stored.items()
    }
