"""The token endpoint's answers, to a code and to a refresh alike."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta

from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

from backend.domain.errors import GoogleError, Lost, NeedsReconnect, PitchgateError, Refused, TryLater
from backend.gmail.errors import reconnect
from backend.gmail.scopes import named

LONGEST_LIFE = timedelta(days=1)
_LIFE_UNTOLD = timedelta(minutes=5)
_LONGEST_GRANT = timedelta(days=3_650)
CLIENT_REFUSED = frozenset(
    {"invalid_client", "unauthorized_client", "deleted_client", "disabled_client", "restricted_client"}
)
"""Words about our own OAuth client, whoever's token was asked for."""
_OPERATOR = CLIENT_REFUSED | {"redirect_uri_mismatch"}
_ADMINISTRATOR = frozenset({"admin_policy_enforced", "access_denied", "org_internal"})
_LIMITS = frozenset({"rate_limit_exceeded", "slow_down"})
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,60}")


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What the token endpoint gave. `scopes` is None when it was not told (then: as asked). `grant_life`: after this
    time Google ends the grant by itself, None where it does not say so."""

    access_token: str = field(repr=False)
    life: timedelta
    refresh_token: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    scopes: frozenset[str] | None = None
    grant_life: timedelta | None = None


def read(body: bytes, client_id: str, *, refreshing: bool) -> TokenAnswer:
    """Read the answer. Raises `Refused` (a code that is no good), `NeedsReconnect` (a dead grant), and `TryLater` for
    everything else: only those two words are final for an owner, and what Google may say instead has no end."""
    try:
        told = json.loads(body)
        if not isinstance(told, dict):
            raise ValueError("no JSON object")
        if "error" in told:
            raise _refusal(_word(told["error"]), refreshing)
        answer = WebApplicationClient(client_id).parse_request_body_response(body.decode("utf-8"))
        return _answer(answer)
    except OAuth2Error as error:
        raise TryLater("later.trouble", reason=_word(error.error)) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise TryLater("later.unreadable", reason="unreadable") from error


def _answer(answer: dict[str, object]) -> TokenAnswer:
    scopes = answer.get("scope")
    life = _time(answer, "expires_in") or _LIFE_UNTOLD
    return TokenAnswer(
        _text(answer, "access_token"),
        min(life, LONGEST_LIFE),
        _text(answer, "refresh_token"),
        _text(answer, "id_token"),
        named(str(scope) for scope in scopes) if isinstance(scopes, list) else None,
        _time(answer, "refresh_token_expires_in"),
    )


def _time(answer: dict[str, object], name: str) -> timedelta | None:
    seconds = answer.get(name)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    return timedelta(seconds=seconds) if 0 < seconds <= _LONGEST_GRANT.total_seconds() else None


def _text(answer: dict[str, object], name: str) -> str:
    value = answer.get(name, "")
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _refusal(word: str, refreshing: bool) -> PitchgateError:
    if word in _OPERATOR:
        return _settings_are_wrong(word)
    if word == "invalid_grant":
        return reconnect(word) if refreshing else bad_code()
    if word in _ADMINISTRATOR:
        return NeedsReconnect("reconnect.policy", reason=word, lost=Lost.POLICY)
    if word in _LIMITS:
        return TryLater("later.limits", reason=word)
    return TryLater("later.trouble", reason=word)


def _word(error: object) -> str:
    """The error's word; that of the object which Google's front end puts in its place."""
    if isinstance(error, dict):
        error = error.get("status")
    return error if isinstance(error, str) and _WORD.fullmatch(error) else "unknown"


def bad_code() -> Refused:
    """A code that was used before, is too old, or belongs to another sign-in."""
    return Refused("bad_code")


def _settings_are_wrong(word: str) -> GoogleError:
    # The operator's mistake: nothing of the owners' may become a dead letter while they mend it.
    return TryLater("later.client", reason=word)
