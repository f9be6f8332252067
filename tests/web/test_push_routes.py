"""Pub/Sub's side: what is acknowledged, and what is to be pushed again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.domain.envelope import Metadata
from backend.domain.errors import TryLater, Unauthenticated
from backend.ports.jobs import PushFate
from tests.web.fakes import NOW, Client, World

HOOK = "/hooks/gmail"
BEARER = {"Authorization": "Bearer a.b.c"}


@pytest.mark.parametrize("fate", [*PushFate, None])
async def test_whatever_became_of_it_a_push_is_acknowledged_and_counted(
    client: Client, around: World, fate: PushFate | None
) -> None:
    around.entrances.fate = fate

    answer = await client.post(HOOK, data=b'{"message": {}}', headers=BEARER)
    metrics = await (await client.get("/metrics")).get_data(as_text=True)

    assert answer.status_code == 204
    assert around.entrances.pushes == [b'{"message": {}}']
    assert f'pitchgate_pushes_total{{fate="{fate or "malformed"}"}} 1.0' in metrics


async def test_what_an_unwrapped_pushs_headers_tell_is_handed_on(client: Client, around: World) -> None:
    heads = {
        "x-goog-pubsub-subscription-name": "projects/p/subscriptions/s",
        "x-goog-pubsub-message-id": "11",
    }
    await client.post(HOOK, data=b"{}", headers=BEARER | heads)
    await client.post(HOOK, data=b"{}", headers=BEARER)
    assert around.entrances.metadata == [Metadata("projects/p/subscriptions/s", "11"), Metadata()]


async def test_a_forged_push_is_401_and_is_not_told_which_check_failed(client: Client, around: World) -> None:
    around.entrances.broken = Unauthenticated("The audience is https://other.test.", code="bad_audience")

    answer = await client.post(HOOK, data=b"{}")

    assert answer.status_code == 401
    body = await answer.get_data(as_text=True)
    assert "audience" not in body
    assert (await answer.get_json())["code"] == "unauthenticated"


async def test_without_googles_keys_pubsub_is_asked_to_push_again(client: Client, around: World) -> None:
    around.entrances.broken = TryLater("No keys.", retry_at=NOW + timedelta(seconds=7.2))

    answer = await client.post(HOOK, data=b"{}", headers=BEARER)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "8"


async def test_a_bug_in_the_pipeline_is_500_without_a_trace(
    client: Client, around: World, capsys: pytest.CaptureFixture[str]
) -> None:
    around.entrances.broken = KeyError("subject: buy our things")

    answer = await client.post(HOOK, data=b"{}", headers=BEARER)

    assert answer.status_code == 500
    body = await answer.get_data(as_text=True)
    assert "Traceback" not in body
    assert "buy our things" not in body


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_oversized_body_is_413_before_anything_is_looked_at(
    client: Client, around: World, chunked: bool
) -> None:
    big = b"x" * (around.settings.body_limit + 1)
    if chunked:
        async with client.request(HOOK, method="POST", headers=BEARER) as connection:
            await connection.send(big)
            await connection.send_complete()
        answer = await connection.as_response()
    else:
        answer = await client.post(HOOK, data=big, headers=BEARER)

    assert answer.status_code == 413
    assert around.entrances.pushes == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_only_post_is_taken(client: Client, around: World, method: str) -> None:
    answer = await client.open(HOOK, method=method)

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert around.entrances.pushes == []
