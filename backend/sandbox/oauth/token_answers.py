"""The bodies of the token and userinfo endpoints."""

from collections.abc import Mapping
from typing import Any

from backend.sandbox.mail.mailbox import Owner
from backend.sandbox.oauth.grants import (
    EMAIL,
    IDENTITY,
    PROFILE,
    AccessToken,
    Client,
    GrantError,
    RefreshToken,
)
from backend.sandbox.oauth.signing import ISSUER, access_token_hash
from backend.sandbox.world import World

ID_TOKEN_LIFETIME = 3600


def exchange_code(world: World, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    """grant_type=authorization_code. Raises GrantError."""
    for name in ("code", "redirect_uri"):
        if not form.get(name):
            raise GrantError("invalid_request", f"Missing required parameter: {name}")
    code = world.grants.redeem(
        form["code"], client.client_id, form["redirect_uri"], form.get("code_verifier"), world.clock.now()
    )
    answer = _access(world, client, code.account, code.scopes, code.nonce)
    if code.offline:
        refresh = world.grants.issue_refresh(
            code.account, client.project, client.client_id, code.scopes, expires=_end(world)
        )
        answer |= {"refresh_token": refresh.token} | _left(world, refresh)
    return answer


def refresh_access(world: World, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    """grant_type=refresh_token; the refresh token stays as it is. Raises GrantError."""
    if not form.get("refresh_token"):
        raise GrantError("invalid_request", "Missing required parameter: refresh_token")
    token = world.grants.refresh(form["refresh_token"], client.client_id, world.clock.now())
    scopes = world.grants.effective_scopes(token)
    wanted = frozenset(form.get("scope", "").split())
    if wanted - scopes:
        raise GrantError("invalid_scope", "Some requested scopes were not granted.")
    return _access(world, client, token.account, wanted or scopes, None) | _left(world, token)


def mint(
    world: World, client: Client, account: str, scopes: frozenset[str], given: str = ""
) -> dict[str, Any]:
    """Tokens without a consent page, for tests that are about something else. `given` is the refresh token, if it is
    to be that one."""
    world.grants.consent(account, client.project, scopes)
    answer = _access(world, client, account, scopes, None)
    answer["refresh_token"] = world.grants.issue_refresh(
        account, client.project, client.client_id, scopes, given
    ).token
    return answer


def userinfo(world: World, token: AccessToken) -> dict[str, Any] | None:
    """OpenID Connect claims, or None if the token has no identity scope or its account is gone."""
    scopes = world.grants.effective_scopes(token)
    mailbox = world.mailboxes.get(token.account)
    if mailbox is None or not scopes & IDENTITY:
        return None
    return {"sub": mailbox.owner.sub} | _profile(mailbox.owner, scopes)


def _end(world: World) -> float | None:
    """When a refresh token given now ends: a consent screen in Testing gives it seven days."""
    lifetime = world.knobs.refresh_token_lifetime
    return world.clock.now() + lifetime if lifetime else None


def _left(world: World, token: RefreshToken) -> dict[str, int]:
    if token.expires is None:
        return {}
    return {"refresh_token_expires_in": max(0, int(token.expires - world.clock.now()))}


def _access(
    world: World, client: Client, account: str, scopes: frozenset[str], nonce: str | None
) -> dict[str, Any]:
    lifetime = world.knobs.access_token_lifetime
    token = world.grants.issue_access(
        account, client.project, client.client_id, scopes, world.clock.now() + lifetime
    )
    answer: dict[str, Any] = {
        "access_token": token.token,
        "expires_in": int(lifetime),
        "scope": " ".join(sorted(scopes)),
        "token_type": "Bearer",
    }
    mailbox = world.mailboxes.get(account)
    if mailbox is not None and scopes & IDENTITY:
        answer["id_token"] = _id_token(world, client, mailbox.owner, token, nonce)
    return answer


def _id_token(world: World, client: Client, owner: Owner, token: AccessToken, nonce: str | None) -> str:
    issued = int(world.clock.real())
    if world.clock.skew and nonce is not None:
        world.faults.counts["skewed_sign_in"] += 1
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "azp": client.client_id,
        "aud": client.client_id,
        "sub": owner.sub,
        "at_hash": access_token_hash(token.token),
        "iat": issued,
        "exp": issued + ID_TOKEN_LIFETIME,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return world.keys.sign(claims | _profile(owner, token.scopes))


def _profile(owner: Owner, scopes: frozenset[str]) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    if owner.hd:
        claims["hd"] = owner.hd
    if EMAIL in scopes:
        claims |= {"email": owner.email, "email_verified": True}
    if PROFILE in scopes:
        claims |= {"name": owner.name, "given_name": owner.name.partition(" ")[0]}
    return claims
