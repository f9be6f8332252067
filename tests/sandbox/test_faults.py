"""Faults: what the plan does to calls, and acts on the state behind the application's back."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from backend.sandbox import BadRequest
from backend.sandbox.faults import TOKEN_REFUSALS, FaultPlan, FaultRule, checked
from tests.sandbox.gmail_client import raw
from tests.sandbox_process import MODIFY, SandboxProcess, SandboxRefused

ME = "/gmail/v1/users/me"


@pytest.fixture
def head(google: SandboxProcess, ana: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {google.tokens(ana, MODIFY)['access_token']}"}


def test_a_rule_names_whom_it_hits_and_how_often() -> None:
    plan = FaultPlan(random.Random(1))
    plan.add(
        checked(
            FaultRule,
            {"kind": "drop", "method": "messages.*", "mailbox": "ana@*", "skip": 1, "times": 2},
        )
    )

    def hit(method: str, mailbox: str) -> bool:
        return plan.strike(f"gmail.users.{method}", mailbox) is not None

    assert not hit("labels.list", "ana@corp.test")
    assert not hit("messages.get", "bo@ext.test")
    assert [hit("messages.get", "ana@corp.test") for _ in range(4)] == [False, True, True, False]
    assert plan.rules == []
    assert plan.counts == {"drop": 2}


def test_a_rule_without_end_and_with_chance() -> None:
    plan = FaultPlan(random.Random(1))
    rule_id = plan.add(FaultRule(kind="slow", times=0, probability=0.3))
    hits = sum(plan.strike("gmail.users.getProfile") is not None for _ in range(1000))
    assert 250 < hits < 350
    assert plan.remove(rule_id)
    assert not plan.remove(rule_id)


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "earthquake"},
        {},
        {"kind": "slow", "seconds": "1"},
        {"kind": "slow", "when": "now"},
        {"kind": "slow", "times": True},
        {"kind": "slow", "seconds": -1},
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(google: SandboxProcess, rule: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        checked(FaultRule, rule)
    assert google.http.post("/sandbox/faults", json=rule).status_code == 400


def test_a_dropped_call_did_not_happen(google: SandboxProcess, ana: str, head: dict[str, str]) -> None:
    google.fault("drop", mailbox=ana)
    with pytest.raises(httpx.RemoteProtocolError):
        google.http.post(f"{ME}/messages/send", json={"raw": raw()}, headers=head)
    assert google.messages(ana) == []
    assert google.http.get(f"{ME}/profile", headers=head).status_code == 200


def test_a_rule_may_name_the_client(google: SandboxProcess, ana: str, head: dict[str, str]) -> None:
    google.fault("backend_500", mailbox=ana, project="somebody-elses")
    assert google.http.get(f"{ME}/profile", headers=head).status_code == 200
    google.clear_faults()
    google.fault("backend_500", mailbox=ana, project="pitchgate-dev")
    assert google.http.get(f"{ME}/profile", headers=head).status_code == 500


def test_more_calls_at_once_than_a_mailbox_has_places_for_are_refused(
    google: SandboxProcess, ana: str, head: dict[str, str]
) -> None:
    google.settings(concurrency_cap=4, latency_ms=1000)
    with ThreadPoolExecutor(20) as crowd:
        answers = list(crowd.map(lambda _: google.http.get(f"{ME}/profile", headers=head), range(20)))
    refused = [answer.json()["error"] for answer in answers if answer.status_code != 200]
    assert {(error["code"], error["errors"][0]["reason"]) for error in refused} == {
        (429, "rateLimitExceeded")
    }
    assert google.meter(ana)["most_in_flight"] == 4


@pytest.mark.parametrize("kind", ["drop_after", "drop_mid", "unavailable_after", "garbage"])
def test_a_call_that_fails_after_it_took_effect(
    google: SandboxProcess, ana: str, head: dict[str, str], kind: str
) -> None:
    google.fault(kind, mailbox=ana, method="messages.send")

    def send() -> httpx.Response:
        return google.http.post(f"{ME}/messages/send", json={"raw": raw()}, headers=head)

    if kind.startswith("drop"):
        with pytest.raises(httpx.RemoteProtocolError):
            send()
    else:
        answer = send()
        assert answer.status_code == (503 if kind == "unavailable_after" else 200)
        if kind == "garbage":
            with pytest.raises(ValueError, match=r".+"):
                answer.json()
    assert len(google.messages(ana, label="SENT")) == 1


def test_a_label_somebody_else_makes_first_is_there_and_refused(
    google: SandboxProcess, ana: str, head: dict[str, str]
) -> None:
    google.fault("label_taken", mailbox=ana, method="labels.create")
    body = {"name": "Pitchgate/Held"}
    answer = google.http.post(f"{ME}/labels", json=body, headers=head)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (409, "aborted")
    assert list(google.mailbox(ana)["userLabels"]) == ["Pitchgate/Held"]
    assert google.http.post(f"{ME}/labels", json=body, headers=head).status_code == 409, "it stays taken"


def test_a_slow_answer(google: SandboxProcess, ana: str, head: dict[str, str]) -> None:
    google.fault("slow", mailbox=ana, seconds=0.3)
    begun = time.monotonic()
    assert google.http.get(f"{ME}/profile", headers=head).status_code == 200
    assert time.monotonic() - begun >= 0.3


@pytest.mark.parametrize(("kind", "status"), [("bad_gateway", 502), ("forbidden_page", 403)])
def test_what_stands_before_google_speaks_html(
    google: SandboxProcess, ana: str, head: dict[str, str], kind: str, status: int
) -> None:
    google.fault(kind, mailbox=ana)
    answer = google.http.get(f"{ME}/profile", headers=head)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=UTF-8")


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [
        ("unavailable", 503, "internal_failure"),
        ("backend_500", 500, "internal_failure"),
        *((kind, status, kind) for kind, (status, _) in TOKEN_REFUSALS.items()),
        ("rate_limit", 403, {"status": "PERMISSION_DENIED"}),
        ("failed_precondition", 400, {"status": "FAILED_PRECONDITION"}),
        ("forbidden_page", 403, None),
    ],
)
def test_the_token_endpoint_has_faults_too(
    google: SandboxProcess, ana: str, kind: str, status: int, error: str | dict[str, str] | None
) -> None:
    google.fault(kind, method="oauth.*")
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    answer = google.http.post("/token", data=form)
    assert answer.status_code == status
    if error is None:
        assert answer.text.startswith("<!DOCTYPE html>")
    elif isinstance(error, str):
        assert answer.json()["error"] == error
    else:
        assert error.items() <= answer.json()["error"].items()
    assert google.http.post("/token", data=form).status_code == 401, "once was asked for"


@pytest.mark.parametrize("kind", TOKEN_REFUSALS)
def test_what_only_the_token_endpoint_says_strikes_nothing_else(
    google: SandboxProcess, ana: str, head: dict[str, str], kind: str
) -> None:
    google.fault(kind)
    assert google.http.get("/gmail/v1/users/me/profile", headers=head).status_code == 200
    assert google.http.get("/oauth2/v3/certs").status_code == 200
    assert len(google.faults()["rules"]) == 1


def test_the_keys_can_be_out_of_reach(google: SandboxProcess) -> None:
    google.fault("drop", method="oauth.certs")
    with pytest.raises(httpx.RemoteProtocolError):
        google.http.get("/oauth2/v3/certs")
    assert google.http.get("/oauth2/v3/certs").status_code == 200


def test_revoking_and_expiring_tokens(google: SandboxProcess, ana: str) -> None:
    tokens = google.tokens(ana)
    head = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert google.act("expire_access_tokens", ana)["expired"] == 1
    assert google.http.get(f"{ME}/profile", headers=head).status_code == 401
    assert google.act("revoke", ana)["revoked"] == 1


def test_the_owner_deletes_behind_our_back(google: SandboxProcess, ana: str) -> None:
    kept, gone = (google.deliver(ana, "p@x.test")["id"] for _ in range(2))
    assert google.act("delete_messages", ana, count=1)["deleted"] == [gone]
    assert [message["id"] for message in google.messages(ana)] == [kept]
    google.act("delete_messages", ana, ids=[kept, gone])
    assert google.messages(ana) == []


def test_a_label_deleted_leaves_every_message(google: SandboxProcess, ana: str) -> None:
    message_id = google.deliver(ana, "p@x.test", labels=["INBOX", "Pitchgate/Held"])["id"]
    google.act("delete_label", ana, label="Pitchgate/Held")
    assert google.message(ana, message_id)["labels"] == ["INBOX"]
    assert google.mailbox(ana)["userLabels"] == {}


def test_acts_are_counted_and_misspellings_refused(google: SandboxProcess, ana: str) -> None:
    before = google.faults()["counts"].get("expire_watch", 0)
    google.act("expire_watch", ana)
    assert google.faults()["counts"]["expire_watch"] == before + 1
    for wrong in ({"act": "explode", "mailbox": ana}, {"act": "revoke", "mailbox": "nobody@x.test"}):
        assert google.http.post("/sandbox/faults", json=wrong).status_code == 400
    with pytest.raises(SandboxRefused):
        google.act("narrow_scopes", ana, remove="x")
    with pytest.raises(SandboxRefused):
        google.act("delete_label", ana, label="INBOX")
