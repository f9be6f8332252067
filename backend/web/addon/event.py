"""The event Google posts, read with care: whatever is missing or has the wrong type counts as not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

EXECUTE = "https://www.googleapis.com/auth/gmail.addons.execute"
OPEN_MESSAGE = "https://www.googleapis.com/auth/gmail.addons.current.message.metadata"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
ALWAYS = frozenset({EXECUTE, EMAIL})
LONGEST = 200
_FORM = re.compile(r"(?:msg|thread)-f:([0-9]{1,20})")
_HEX = re.compile(r"[0-9a-fA-F]{1,16}")
_OTHER = re.compile(r"msg-[a-eg-z]:[A-Za-z0-9-]{1,64}")
DAY = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Event:
    """`language` is two letters or ""; `offset` is the owner's distance from UTC; `scopes` is None when the
    event does not say what was granted. `gmail_id` is the REST id of the open message, "" without one."""

    language: str
    offset: timedelta
    zone: str
    parameters: Mapping[str, str]
    inputs: Mapping[str, tuple[str, ...]]
    user_token: str
    scopes: frozenset[str] | None
    gmail_id: str

    def lacks(self, wanted: frozenset[str]) -> tuple[str, ...]:
        """Which of these scopes were not granted. Consent is granular, so this is asked every time."""
        missing = frozenset[str]() if self.scopes is None else wanted - self.scopes
        if not self.user_token:
            missing |= {EMAIL}
        return tuple(sorted(missing))


def read_event(body: object) -> Event:
    """Never raises."""
    common, auth, gmail = (
        _object(_object(body).get(name))
        for name in ("commonEventObject", "authorizationEventObject", "gmail")
    )
    return Event(
        language=_text(common.get("userLocale"))[:2].lower(),
        offset=_offset(_object(common.get("timeZone")).get("offset")),
        zone=_text(_object(common.get("timeZone")).get("id")),
        parameters={
            key: value
            for key, value in _object(common.get("parameters")).items()
            if isinstance(value, str) and len(value) <= LONGEST
        },
        inputs=_inputs(_object(common.get("formInputs"))),
        user_token=_text(auth.get("userIdToken")),
        scopes=_scopes(auth.get("authorizedScopes")),
        gmail_id=rest_id(_text(gmail.get("messageId"))),
    )


def rest_id(given: str) -> str:
    """The id Gmail's REST API knows. The web sends msg-f:<decimal>, which is the same number as its hex; all
    else is passed on as it is. "" for what is no id."""
    if match := _FORM.fullmatch(given):
        number = int(match.group(1))
        return format(number, "x") if number < 1 << 64 else ""
    return given if _HEX.fullmatch(given) or _OTHER.fullmatch(given) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _offset(value: Any) -> timedelta:
    """From milliseconds; nonsense counts as UTC."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return timedelta(0)
    limit = DAY.total_seconds() * 1000
    return timedelta(milliseconds=value) if -limit <= value <= limit else timedelta(0)


def _scopes(value: Any) -> frozenset[str] | None:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else None


def _inputs(given: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, field in given.items():
        values = _object(_object(field).get("stringInputs")).get("value")
        if isinstance(values, list):
            found[name] = tuple(item for item in values if isinstance(item, str) and len(item) <= LONGEST)
    return found
