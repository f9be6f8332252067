"""Pub/Sub push: envelope, signature, acknowledgement, and every way it can go wrong."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from typing import Any

import jwt
import pytest
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from backend.sandbox.pubsub import ACKNOWLEDGING
from tests.sandbox.receiver import Receiver
from tests.sandbox_process import MODIFY, PROJECT, PUSH_ACCOUNT, SandboxProcess

AUDIENCE = "https://app.corp.test/hooks/gmail"
_names = itertools.count(1)


class Hooked:
    """Ana's mailbox watched on a topic of its own that pushes to a receiver."""

    def __init__(self, google: SandboxProcess, ana: str, hook: Receiver) -> None:
        number = next(_names)
        self.google, self.ana, self.hook = google, ana, hook
        self.topic = f"projects/{PROJECT}/topics/topic-{number}"
        self.subscription = f"projects/{PROJECT}/subscriptions/sub-{number}"
        google.create_topic(self.topic)
        self.token = google.tokens(ana, MODIFY)["access_token"]

    async def subscribe(self, **more: Any) -> None:
        self.google.create_subscription(
            self.hook.url, AUDIENCE, name=self.subscription, topic=self.topic, **more
        )

    async def watch(self, **body: Any) -> dict[str, Any]:
        """Watch, and take the push that follows at once."""
        answer = self.call("POST", "watch", {"topicName": self.topic, **body})
        await self.hook.take(1)
        return answer

    def call(self, verb: str, path: str, body: Any = None) -> dict[str, Any]:
        head = {"Authorization": f"Bearer {self.token}"}
        answer = self.google.http.request(verb, f"/gmail/v1/users/me/{path}", json=body, headers=head)
        assert answer.status_code < 300, answer.text
        return dict(answer.json()) if answer.content else {}

    def deliver(self, **letter: Any) -> str:
        """Mail arrives more than a second after the last notification."""
        self.google.advance_clock(2)
        return str(self.google.deliver(self.ana, "bo@ext.test", **letter)["id"])

    def publish(self, *texts: str) -> None:
        """Publish to the topic by Pub/Sub's own REST, past the limit of one a second."""
        messages = [{"data": text} for text in texts]
        self.google.http.post(f"/v1/{self.topic}:publish", json={"messages": messages}).raise_for_status()


@pytest.fixture
async def hook() -> Any:
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def hooked(google: SandboxProcess, ana: str, hook: Receiver) -> Hooked:
    story = Hooked(google, ana, hook)
    await story.subscribe()
    return story


async def test_a_watch_publishes_once_at_once_and_then_at_every_change(hooked: Hooked) -> None:
    answer = hooked.call("POST", "watch", {"topicName": hooked.topic})
    [first] = await hooked.hook.take(1)
    assert first.data == {"emailAddress": hooked.ana, "historyId": int(answer["historyId"])}
    hooked.deliver()
    [second] = await hooked.hook.take(1)
    assert second.data["historyId"] == int(hooked.google.mailbox(hooked.ana)["historyId"])


async def test_the_envelope_has_both_spellings_and_nothing_else(hooked: Hooked) -> None:
    await hooked.watch()
    [push] = hooked.hook.pushes
    message = push.body["message"]
    assert set(push.body) == {"message", "subscription"}
    assert set(message) == {"data", "messageId", "message_id", "publishTime", "publish_time"}
    assert message["messageId"] == message["message_id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z", message["publishTime"])
    assert push.body["subscription"] == hooked.subscription


async def test_the_token_verifies_with_googles_library(hooked: Hooked) -> None:
    await hooked.watch()
    token, certs = hooked.hook.pushes[0].token, hooked.google.urls["jwks"]
    claims = await asyncio.to_thread(
        id_token.verify_token, token, Request(), audience=AUDIENCE, certs_url=certs
    )
    assert claims["iss"] == "https://accounts.google.com"
    assert (claims["email"], claims["email_verified"]) == (PUSH_ACCOUNT, True)
    with pytest.raises(jwt.InvalidAudienceError):
        await asyncio.to_thread(
            id_token.verify_token, token, Request(), audience="https://other.test", certs_url=certs
        )


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        ("audience", lambda claims: claims["aud"] != AUDIENCE),
        ("email", lambda claims: claims["email"] != PUSH_ACCOUNT),
        ("issuer", lambda claims: claims["iss"] != "https://accounts.google.com"),
        ("unverified", lambda claims: claims["email_verified"] is False),
        ("expired", lambda claims: claims["exp"] < claims["now"]),
    ],
)
async def test_tokens_can_be_spoilt(hooked: Hooked, fault: str, broken: Any) -> None:
    hooked.google.push(bearer_fault=fault)
    await hooked.watch()
    claims = jwt.decode(hooked.hook.pushes[0].token, options={"verify_signature": False})
    assert broken(claims | {"now": time.time()})


async def test_a_forged_signature_and_a_missing_token(hooked: Hooked) -> None:
    hooked.google.push(bearer_fault="signature")
    await hooked.watch()
    with pytest.raises(jwt.PyJWTError):
        await asyncio.to_thread(
            id_token.verify_token,
            hooked.hook.pushes[0].token,
            Request(),
            certs_url=hooked.google.urls["jwks"],
        )
    hooked.google.push(bearer_fault="missing")
    hooked.deliver()
    [push] = await hooked.hook.take(1)
    assert "Authorization" not in push.headers


async def test_a_skewed_clock_shows_in_the_token(hooked: Hooked) -> None:
    hooked.google.push(bearer_skew=120)
    await hooked.watch()
    claims = jwt.decode(hooked.hook.pushes[0].token, options={"verify_signature": False})
    assert 100 < claims["iat"] - time.time() < 121


async def test_more_than_one_change_a_second_is_dropped_not_queued(hooked: Hooked) -> None:
    await hooked.watch()
    before = hooked.google.push()["watch"]
    hooked.google.advance_clock(2)
    for _ in range(5):
        hooked.google.deliver(hooked.ana, "bo@ext.test")
    await hooked.hook.take(1)
    report = await asyncio.to_thread(hooked.google.wait_for_pushes)
    assert len(hooked.hook.pushes) == 2
    assert report["watch"]["dropped"] - before.get("dropped", 0) == 4


async def test_duplicates(hooked: Hooked) -> None:
    hooked.google.push(copies=3)
    hooked.call("POST", "watch", {"topicName": hooked.topic})
    pushes = await hooked.hook.take(3)
    assert len({push.message_id for push in pushes}) == 1


async def test_reordering(hooked: Hooked) -> None:
    hooked.google.push(reorder=0.5)
    hooked.publish(*(f"{n:04d}" for n in range(12)))
    arrived = [push.body["message"]["data"] for push in await hooked.hook.take(12)]
    assert sorted(arrived) != arrived
    assert len(set(arrived)) == 12


async def test_losing_and_pausing(hooked: Hooked) -> None:
    hooked.google.push(drop_next=1, paused=True)
    hooked.publish("MQ==")
    hooked.publish("Mg==")
    assert hooked.google.push()["pending"] == 1
    hooked.google.push(paused=False)
    [push] = await hooked.hook.take(1)
    assert push.body["message"]["data"] == "Mg=="


async def test_a_refused_push_comes_again(google: SandboxProcess, ana: str) -> None:
    async with Receiver(lambda number: 500 if number < 3 else 204) as hook:
        story = Hooked(google, ana, hook)
        await story.subscribe()
        google.push(backoff_min=0.01)
        story.publish("MQ==")
        pushes = await hook.take(3)
        await asyncio.to_thread(google.wait_for_pushes)
    assert len({push.message_id for push in pushes}) == 1
    assert len(hook.pushes) == 3


@pytest.mark.parametrize("status", [203, 206, 302, 400, 401, 404, 503])
async def test_only_five_statuses_acknowledge(google: SandboxProcess, ana: str, status: int) -> None:
    assert status not in ACKNOWLEDGING
    async with Receiver(lambda number: status if number == 1 else 200) as hook:
        story = Hooked(google, ana, hook)
        await story.subscribe()
        google.push(backoff_min=0.01)
        story.publish("MQ==")
        await hook.take(2)


async def test_no_answer_within_the_deadline_is_a_refusal(google: SandboxProcess, ana: str) -> None:
    async with Receiver(silent={1}) as hook:
        story = Hooked(google, ana, hook)
        await story.subscribe(ackDeadlineSeconds=1)
        google.push(backoff_min=0.01)
        before = google.push()["counts"].get("unanswered", 0)
        story.publish("MQ==")
        await hook.take(2)
        assert google.push()["counts"]["unanswered"] == before + 1


async def test_dead_letters_after_the_last_attempt(google: SandboxProcess, ana: str) -> None:
    async with Receiver(lambda number: 500) as hook, Receiver() as morgue:
        story = Hooked(google, ana, hook)
        dead = f"{story.topic}-dead"
        google.create_topic(dead)
        google.create_subscription(morgue.url, name=f"{story.subscription}-dead", topic=dead)
        policy = {"deadLetterTopic": dead, "maxDeliveryAttempts": 5}
        await story.subscribe(deadLetterPolicy=policy)
        google.push(backoff_min=0.001, backoff_max=0.01)
        story.publish("MQ==")
        pushes = await hook.take(5)
        [buried] = await morgue.take(1)
    assert [push.body["deliveryAttempt"] for push in pushes] == [1, 2, 3, 4, 5]
    assert buried.body["message"]["data"] == "MQ=="


async def test_history_id_as_text(hooked: Hooked) -> None:
    hooked.google.settings(history_id_type="string")
    answer = await hooked.watch()
    assert hooked.hook.pushes[0].data["historyId"] == answer["historyId"]


async def test_label_filters(hooked: Hooked) -> None:
    await hooked.watch(labelIds=["INBOX"], labelFilterBehavior="INCLUDE")
    hooked.deliver(spam=True)
    kept = hooked.deliver()
    [push] = await hooked.hook.take(1)
    assert push.data["historyId"] == int(hooked.google.message(hooked.ana, kept)["historyId"])
    await hooked.watch(labelIds=["INBOX"], labelFilterBehavior="exclude")
    hooked.deliver()
    spam = hooked.deliver(spam=True)
    [push] = await hooked.hook.take(1)
    assert push.data["historyId"] == int(hooked.google.message(hooked.ana, spam)["historyId"])


async def test_stop_and_expiry_are_silent(hooked: Hooked) -> None:
    watched = await hooked.watch()
    assert 0 <= int(watched["expiration"]) / 1000 - 7 * 86_400 - _now(hooked) < 60
    hooked.google.act("expire_watch", hooked.ana)
    hooked.deliver()
    await hooked.watch()
    hooked.call("POST", "stop")
    hooked.deliver()
    await asyncio.to_thread(hooked.google.wait_for_pushes)
    assert len(hooked.hook.pushes) == 2, "only the two that each watch sends"


def _now(hooked: Hooked) -> float:
    return float(hooked.google.http.get("/sandbox/health").json()["now"]) / 1000 - 60


async def test_pulling_and_the_management_routes(google: SandboxProcess, ana: str) -> None:
    number = next(_names)
    topic = f"projects/{PROJECT}/topics/pull-{number}"
    subscription = f"/v1/projects/{PROJECT}/subscriptions/pull-{number}"
    http = google.http
    assert http.put(f"/v1/{topic}").json() == {"name": topic}
    assert http.put(f"/v1/{topic}").status_code == 409
    assert http.put(subscription, json={"topic": topic}).json()["ackDeadlineSeconds"] == 10
    ids = http.post(f"/v1/{topic}:publish", json={"messages": [{"data": "MQ=="}]}).json()["messageIds"]
    [got] = http.post(f"{subscription}:pull", json={"maxMessages": 5}).json()["receivedMessages"]
    assert (got["message"]["messageId"], got["message"]["data"]) == (ids[0], "MQ==")
    assert (
        http.post(f"{subscription}:pull", json={"maxMessages": 5, "returnImmediately": True}).json() == {}
    ), "leased until the deadline"
    google.advance_clock(11)
    [again] = http.post(f"{subscription}:pull", json={"maxMessages": 5, "returnImmediately": True}).json()[
        "receivedMessages"
    ]
    http.post(f"{subscription}:acknowledge", json={"ackIds": [again["ackId"]]})
    google.advance_clock(11)
    assert http.post(f"{subscription}:pull", json={"maxMessages": 5, "returnImmediately": True}).json() == {}
    assert http.delete(subscription).status_code == 200
    assert http.get(subscription).json()["error"]["status"] == "NOT_FOUND"
    assert http.post(f"/v1/{topic}:explode", json={}).status_code == 404
