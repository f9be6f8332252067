"""A Google whose clock is off: everything it tells is, and nothing it does by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime

import jwt
import pytest

from tests.sandbox_process import CLIENT_ID, CLIENT_SECRET, TOPIC, SandboxProcess, SandboxRefused

BACK = "http://127.0.0.1:5000/cb"
ME = "/gmail/v1/users/me"


@pytest.fixture(params=[90.0, -90.0])
def skew(google: SandboxProcess, request: pytest.FixtureRequest) -> Iterator[float]:
    google.skew_clock(request.param)
    yield float(request.param)
    google.skew_clock(0)


@pytest.fixture
def shown(google: SandboxProcess, skew: float) -> float:
    """How far the answers' time is off: other tests may have moved the clock on."""
    return skew + float(google.skew_clock(skew)["offset"])


@pytest.fixture
def head(google: SandboxProcess, ana: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {google.tokens(ana)['access_token']}"}


def off(seconds: float, skew: float) -> bool:
    """Whether an epoch time is `skew` from now, but for what the test itself took."""
    return abs(seconds - skew - time.time()) < 20


def test_mail_is_dated_by_it(google: SandboxProcess, ana: str, bo: str, shown: float) -> None:
    came = google.message(ana, google.deliver(ana, "p@x.test")["id"])
    assert off(came["internalDate"] / 1000, shown)
    received = next(text for name, text in came["headers"] if name == "Received")
    assert off(parsedate_to_datetime(received.rpartition(";")[2].strip()).timestamp(), shown)
    google.send(ana, bo, subject="Hello")
    sent = google.messages(ana, label="SENT", full=True)[0]
    assert off(sent["internalDate"] / 1000, shown)
    assert off(parsedate_to_datetime(dict(sent["headers"])["Date"]).timestamp(), shown)


def test_watches_and_times_to_come_back_are_told_by_it(
    google: SandboxProcess, ana: str, head: dict[str, str], shown: float
) -> None:
    answer = google.http.post(f"{ME}/watch", json={"topicName": TOPIC}, headers=head)
    assert off(int(answer.json()["expiration"]) / 1000 - 7 * 86_400, shown)
    assert off(parsedate_to_datetime(answer.headers["Date"]).timestamp(), shown)
    google.fault("too_many_requests", mailbox=ana, seconds=5)
    message = google.http.get(f"{ME}/profile", headers=head).json()["error"]["message"]
    assert off(_stated(message) - 5, shown)


def _stated(message: str) -> float:
    return datetime.fromisoformat(message.partition("after ")[2]).timestamp()


def test_a_sign_in_is_signed_by_it(google: SandboxProcess, ana: str, skew: float) -> None:
    google.allow_redirect(BACK)
    code = google.consent_code(ana, BACK, nonce="n1")
    before = google.faults()["counts"].get("skewed_sign_in", 0)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    answer = google.http.post("/token", data=form | client).json()
    claims = jwt.decode(answer["id_token"], options={"verify_signature": False})
    assert off(claims["iat"], skew)
    assert claims["exp"] - claims["iat"] == 3600
    assert google.faults()["counts"]["skewed_sign_in"] == before + 1


def test_what_it_does_by_itself_goes_by_the_right_time(
    google: SandboxProcess, ana: str, head: dict[str, str], skew: float
) -> None:
    """A token just given out is good, and history does not lag, whatever the clock tells."""
    google.settings(history_lag=0.2)
    start = google.mailbox(ana)["historyId"]
    google.deliver(ana, "p@x.test")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        history = google.http.get(f"{ME}/history", params={"startHistoryId": start}, headers=head).json()
        if "history" in history:
            return
    pytest.fail("the change never showed")


@pytest.mark.parametrize(
    "body", [{"skew": "much"}, {"skew": 86_401}, {"skew": True}, {"advance": -1}, {"turn": 1}]
)
def test_a_clock_that_cannot_be_is_refused(google: SandboxProcess, body: dict[str, object]) -> None:
    with pytest.raises(SandboxRefused, match="400"):
        google._post("/sandbox/clock", body)
    assert google.skew_clock(0)["skew"] == 0.0
