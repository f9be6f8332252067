"""Google's event: read as it is documented, and without harm whatever it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.web.addon_routes import EMAIL, EXECUTE, read_event, rest_id

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=12,
)
FIELDS = ("commonEventObject", "authorizationEventObject", "gmail")


def test_the_documented_event() -> None:
    event = read_event(
        {
            "commonEventObject": {
                "hostApp": "GMAIL",
                "platform": "WEB",
                "userLocale": "es-ES",
                "timeZone": {"id": "Europe/Madrid", "offset": 3_600_000},
                "parameters": {"act": "release", "number": 7},
                "formInputs": {
                    "mode": {"stringInputs": {"value": ["observe"]}},
                    "due": {"dateTimeInput": {}},
                },
            },
            "authorizationEventObject": {"userIdToken": "a.b.c", "authorizedScopes": [EXECUTE]},
            "gmail": {"messageId": "msg-f:1797531234567890123", "accessToken": "AKwx"},
        }
    )
    assert (event.language, event.offset, event.zone) == ("es", timedelta(hours=1), "Europe/Madrid")
    assert event.parameters == {"act": "release"}
    assert event.inputs == {"mode": ("observe",)}
    assert event.gmail_id == format(1797531234567890123, "x")
    assert event.lacks(frozenset({EXECUTE, EMAIL})) == (EMAIL,)


@pytest.mark.parametrize(
    ("given_id", "wanted"),
    [
        ("msg-f:1797531234567890123", "18f21d225516a4cb"),
        ("19A3C0FFEE000001", "19A3C0FFEE000001"),
        ("19a3c0ffee000001", "19a3c0ffee000001"),
        ("msg-a:r-7001", "msg-a:r-7001"),
        ("msg-f:99999999999999999999", ""),
        ("msg-f:-1", ""),
        ("../../labels", ""),
        ("19a3c0ffee000001\n", ""),
        ("", ""),
    ],
)
def test_message_ids_of_web_and_phone(given_id: str, wanted: str) -> None:
    assert rest_id(given_id) == wanted


def test_without_a_user_token_the_address_scope_is_asked_for_whatever_the_list_says() -> None:
    granted = {"authorizationEventObject": {"authorizedScopes": [EXECUTE, EMAIL]}}
    assert read_event(granted).lacks(frozenset({EXECUTE, EMAIL})) == (EMAIL,)
    assert read_event({"authorizationEventObject": {"userIdToken": "t"}}).lacks(frozenset({EXECUTE})) == ()


@given(st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON)
def test_anything_at_all_is_read(body: object) -> None:
    event = read_event(body)
    assert all(isinstance(value, str) for value in event.parameters.values())
