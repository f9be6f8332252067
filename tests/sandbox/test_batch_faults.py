"""What batches run into at Google, met by the real client: too many calls, a crowd, and an envelope that fails."""

from __future__ import annotations

import json
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from tests.sandbox.gmail_client import Driver
from tests.sandbox_process import SandboxProcess


def ask(api: Driver, count: int) -> dict[str, Any]:
    """One batch of `count` reads by the real client's BatchHttpRequest; each call's answer or error."""
    answers: dict[str, Any] = {}
    batch = api.batch(lambda key, answer, error: answers.update({key: error or answer}))
    for number in range(count):
        batch.add(api.users.getProfile(userId="me"), request_id=str(number))
    batch.execute()
    return answers


def refused(error: HttpError) -> tuple[int, str]:
    return error.resp.status, json.loads(error.content)["error"]["errors"][0]["reason"]


def test_the_client_would_let_a_hundred_and_one_calls_go_and_gmail_does_not(
    google: SandboxProcess, ana: str, api: Driver
) -> None:
    assert len(ask(api, 100)) == 100
    before = google.faults()["counts"].get("batch_limit", 0)
    with pytest.raises(HttpError) as caught:
        ask(api, 101)
    assert refused(caught.value) == (400, "badRequest")
    assert google.meter(ana)["calls"] == 100, "none of them was carried out"
    assert google.faults()["counts"]["batch_limit"] == before + 1


def test_the_limit_is_a_setting(google: SandboxProcess, api: Driver) -> None:
    google.settings(batch_limit=10)
    assert len(ask(api, 10)) == 10
    with pytest.raises(HttpError):
        ask(api, 11)


def test_the_limit_and_a_refusal_by_command_line() -> None:
    fault = '{"kind": "batch_limit", "method": "batch"}'
    options = ["--mailbox", "ana@corp.test", "--set", "batch_limit=2", "--fault", fault]
    with SandboxProcess(*options) as google:
        token = google.tokens("ana@corp.test")["access_token"]
        with Driver(google.url, token) as api:
            with pytest.raises(HttpError) as caught:
                ask(api, 1)
            assert refused(caught.value) == (400, "badRequest")
            assert len(ask(api, 2)) == 2
            with pytest.raises(HttpError):
                ask(api, 3)


@pytest.mark.parametrize(
    ("kind", "status"), [("unavailable", 503), ("rate_limit", 403), ("batch_limit", 400)]
)
def test_the_envelope_can_fail_as_a_whole(
    google: SandboxProcess, ana: str, api: Driver, kind: str, status: int
) -> None:
    google.fault(kind, mailbox=ana, method="batch")
    with pytest.raises(HttpError) as caught:
        ask(api, 3)
    assert caught.value.resp.status == status
    assert google.meter(ana)["calls"] == 0
    assert len(ask(api, 3)) == 3, "once was asked for"


def test_an_envelope_whose_answer_is_lost_goes_out_again_with_everything_in_it(
    google: SandboxProcess, ana: str, api: Driver
) -> None:
    """The client's transport repeats it by itself: a mail sent in a batch would have left twice."""
    google.fault("drop_after", mailbox=ana, method="batch")
    assert len(ask(api, 3)) == 3
    assert google.meter(ana)["calls"] == 6


def test_a_rule_for_any_method_hits_the_calls_inside_and_a_rule_may_name_the_client(
    google: SandboxProcess, ana: str, api: Driver
) -> None:
    google.fault("backend_500", mailbox=ana, project="somebody-elses")
    assert all("emailAddress" in answer for answer in ask(api, 3).values())
    google.clear_faults()
    google.fault("backend_500", mailbox=ana, project="pitchgate-dev")
    failed = [answer for answer in ask(api, 3).values() if isinstance(answer, HttpError)]
    assert [error.resp.status for error in failed] == [500]


def test_a_crowd_inside_one_batch_is_told_so_call_by_call(
    google: SandboxProcess, ana: str, api: Driver
) -> None:
    google.settings(concurrency_cap=20)
    answers = ask(api, 50).values()
    crowd = [answer for answer in answers if isinstance(answer, HttpError)]
    assert len(crowd) == 30
    assert {refused(error) for error in crowd} == {(429, "rateLimitExceeded")}
