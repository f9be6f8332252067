"""Fetching notices from a real subscription of the sandbox, with a key file as Google's console gives it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from backend.domain.errors import TryLater
from backend.domain.history import read_push
from backend.domain.mailbox.mailbox import PullFailure
from backend.gmail.pubsub import SCOPE, CloudCredentials, PubSubSource
from tests.sandbox_process import PROJECT, SandboxProcess

TOPIC = f"projects/{PROJECT}/topics/gmail"
NAME = f"projects/{PROJECT}/subscriptions/fetched"


@pytest.fixture(scope="module")
def cloud() -> Iterator[SandboxProcess]:
    """A sandbox in which Pub/Sub asks who calls, and a subscription that is pulled."""
    with SandboxProcess("--set", "pull_wait=0.2") as sandbox:
        sandbox.http.put(f"/v1/{NAME}", json={"topic": TOPIC, "ackDeadlineSeconds": 10}).raise_for_status()
        yield sandbox


@pytest.fixture
def key(cloud: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This machine's credentials."""
    account = {"email": f"fetch@{PROJECT}.iam.gserviceaccount.com", "project": PROJECT}
    file = tmp_path / "key.json"
    file.write_text(json.dumps(cloud.http.post("/sandbox/service-accounts", json=account).json()))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    return file


@pytest.fixture
async def source(cloud: SandboxProcess, key: Path) -> AsyncIterator[PubSubSource]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield PubSubSource(session, cloud.url, NAME, CloudCredentials((SCOPE,)))


def publish(cloud: SandboxProcess, history_id: int) -> None:
    notice = json.dumps({"emailAddress": "ana@corp.test", "historyId": history_id}).encode()
    message = {"data": base64.b64encode(notice).decode()}
    cloud.http.post(f"/v1/{TOPIC}:publish", json={"messages": [message]}).raise_for_status()


async def test_what_was_published_is_fetched_once_it_is_acknowledged(
    cloud: SandboxProcess, source: PubSubSource
) -> None:
    publish(cloud, 77)
    [waiting] = await source.fetch(10)
    subscription, envelope = read_push(waiting.body)
    assert subscription == NAME
    assert envelope is not None
    assert (envelope.email, envelope.history_id) == ("ana@corp.test", "77")
    await source.acknowledge([waiting.receipt])
    assert await source.fetch(10) == ()


async def test_each_refusal_says_what_is_missing(
    cloud: SandboxProcess, source: PubSubSource, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.subscription = f"projects/{PROJECT}/subscriptions/none"
    assert await missing(source) == PullFailure.SUBSCRIPTION
    source.subscription = f"projects/{PROJECT}/subscriptions/gmail-push"
    cloud.http.put(
        f"/v1/{source.subscription}",
        json={"topic": TOPIC, "pushConfig": {"pushEndpoint": "http://127.0.0.1:9/x"}},
    )
    assert await missing(source) == PullFailure.SUBSCRIPTION, "it pushes"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key) + ".none")
    fresh = PubSubSource(source._session, cloud.url, NAME, CloudCredentials((SCOPE,)))
    assert await missing(fresh) == PullFailure.CREDENTIALS


async def test_a_machine_that_cannot_be_reached(source: PubSubSource, cloud: SandboxProcess) -> None:
    away = PubSubSource(source._session, "http://127.0.0.1:9", NAME, source._credentials)
    assert await missing(away) == PullFailure.CONNECTION


async def missing(source: PubSubSource) -> str:
    with pytest.raises(TryLater) as refused:
        await source.fetch(1)
    return refused.value.reason
