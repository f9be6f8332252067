"""The token endpoint's answers, to a code and to a refresh alike."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta

from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

from backend.domain.errors import (
    GoogleError,
    Lost,
    NeedsReconnect,
    PitchgateError,
    Refused,
    Rejected,
    TryLater,
)
from backend.gmail.errors import reconnect
from backend.gmail.scopes import named

LONGEST_LIFE = timedelta(days=1)
_LIFE_UNTOLD = timedelta(minutes=5)
_LONGEST_GRANT = timedelta(days=3_650)
_OPERATOR = frozenset({"invalid_client", "unauthorized_client", "deleted_client", "redirect_uri_mismatch"})
_ADMINISTRATOR = frozenset({"admin_policy_enforced", "access_denied", "org_internal"})
_PASSING = frozenset({"server_error", "temporarily_unavailable", "slow_down", "missing_token"})


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
    """Read the answer. Raises `Refused` (a code that is no good), `NeedsReconnect` (a dead grant), `TryLater`."""
    try:
        if not isinstance(json.loads(body), dict):
            raise ValueError("no JSON object")
        answer = WebApplicationClient(client_id).parse_request_body_response(body.decode("utf-8"))
        return _answer(answer)
    except OAuth2Error as error:
        raise _refusal(str(error.error or "unknown")[:100], refreshing) from error
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
    if word in _PASSING:
        return TryLater("later.trouble", reason=word)
    return Rejected("rejected", reason=word)


def bad_code() -> Refused:
    """A code that was used before, is too old, or belongs to another sign-in."""
    return Refused("bad_code")


def _settings_are_wrong(word: str) -> GoogleError:
    # The operator's mistake: nothing of the owners' may become a dead letter while they mend it.
    return TryLater("later.client", reason=word)
