"""Pub/Sub's side: what is acknowledged, and what is to be pushed again."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest

from backend.domain.errors import TryLater, Unauthenticated
from backend.transactions.records import Duty, PushFate, SyncPage
from tests.web.service import Client, Office

HOOK = "/hooks/gmail"
BEARER = {"Authorization": "Bearer a.b.c"}


def push(push_id: str = "p1", email: str = "ana@corp.test", history_id: int = 900) -> bytes:
    """What Pub/Sub posts about a change in a mailbox."""
    notice = json.dumps({"emailAddress": email, "historyId": history_id}).encode()
    message = {"messageId": push_id, "data": base64.b64encode(notice).decode()}
    return json.dumps({"message": message, "subscription": "projects/p/subscriptions/s"}).encode()


async def sync_due(here: Office) -> bool:
    """Whether a mailbox is to be looked at now."""
    job = await here.story.due_duty(here.clock.now())
    assert job is None or job.duty is Duty.SYNC
    return job is not None


@pytest.mark.parametrize("fate", [*PushFate, None])
async def test_whatever_became_of_it_a_push_is_acknowledged_and_counted(
    client: Client, here: Office, fate: PushFate | None
) -> None:
    body = b'{"message": {}}' if fate is None else push()
    if fate is PushFate.REPEAT:
        await client.post(HOOK, data=body, headers=BEARER)
        await here.duties()
    elif fate is PushFate.STALE:
        await here.story.sync("ana", SyncPage(cursor="1000"))
    elif fate is PushFate.UNKNOWN:
        body = push(email="nobody@corp.test")

    answer = await client.post(HOOK, data=body, headers=BEARER)
    metrics = await (await client.get("/metrics")).get_data(as_text=True)

    assert answer.status_code == 204
    assert f'pitchgate_pushes_total{{fate="{fate or "malformed"}"}} 1.0' in metrics
    assert await sync_due(here) is (fate is PushFate.NEW), "what was listed already is looked at later"


async def test_what_an_unwrapped_pushs_headers_tell_is_handed_on(client: Client, here: Office) -> None:
    heads = {
        "x-goog-pubsub-subscription-name": "projects/p/subscriptions/s",
        "x-goog-pubsub-message-id": "11",
    }
    notice = b'{"emailAddress": "ana@corp.test", "historyId": 900}'
    await client.post(HOOK, data=notice, headers=BEARER | heads)
    await client.post(HOOK, data=notice, headers=BEARER)
    assert here.callers.seen == [("Bearer a.b.c", "projects/p/subscriptions/s"), ("Bearer a.b.c", None)]


async def test_a_forged_push_is_401_and_is_not_told_which_check_failed(client: Client, here: Office) -> None:
    here.callers.trouble = Unauthenticated("bad_audience")

    answer = await client.post(HOOK, data=push())

    assert answer.status_code == 401
    body = await answer.get_data(as_text=True)
    assert "audience" not in body
    assert (await answer.get_json())["code"] == "unauthenticated"
    assert not await sync_due(here)


async def test_without_googles_keys_pubsub_is_asked_to_push_again(client: Client, here: Office) -> None:
    here.callers.trouble = TryLater("No keys.", retry_at=here.clock.now() + timedelta(seconds=7.2))

    answer = await client.post(HOOK, data=push(), headers=BEARER)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "8"


async def test_a_bug_in_the_pipeline_is_500_without_a_trace(
    client: Client, here: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    here.callers.trouble = KeyError("subject: buy our things")

    answer = await client.post(HOOK, data=b"{}", headers=BEARER)

    assert answer.status_code == 500
    body = await answer.get_data(as_text=True)
    assert "Traceback" not in body
    assert "buy our things" not in body


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_oversized_body_is_413_before_anything_is_looked_at(
    client: Client, here: Office, chunked: bool
) -> None:
    big = b"x" * (here.settings.body_limit + 1)
    if chunked:
        async with client.request(HOOK, method="POST", headers=BEARER) as connection:
            await connection.send(big)
            await connection.send_complete()
        answer = await connection.as_response()
    else:
        answer = await client.post(HOOK, data=big, headers=BEARER)

    assert answer.status_code == 413
    assert here.callers.seen == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_only_post_is_taken(client: Client, here: Office, method: str) -> None:
    answer = await client.open(HOOK, method=method)

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert here.callers.seen == []
