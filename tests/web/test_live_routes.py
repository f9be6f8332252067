"""The live page and its stream."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from quart import Quart

from backend.web.app import create_app
from backend.web.operator.live_routes import KEY, MOST_LINES, MOST_STREAMS
from tests.web.fakes import Client, World, mailbox, message, world

SECONDS = 5.0


async def test_it_is_not_there_unless_the_settings_say_so() -> None:
    client = create_app(world(live_page=False).services).test_client()

    assert (await client.get("/live")).status_code == 404
    assert (await client.get("/live/events")).status_code == 404


async def test_it_is_off_by_default() -> None:
    assert type(world().settings)().live_page is False


async def test_the_page_shows_counters_and_the_latest_mail(client: Client, around: World) -> None:
    around.store.boxes = (mailbox(),)
    around.store.views = tuple(message(f"m{number}", subject=f"Offer {number}.") for number in range(99))
    around.store.counts = {
        "messages.undecided": 94, "messages.inbox": 3, "messages.mark": 2, "released": 7
    }  # fmt: skip

    page = await (await client.get("/live")).get_data(as_text=True)

    assert "<dt>arrived</dt><dd>99</dd>" in page
    assert "<dt>passed</dt><dd>5</dd>" in page
    assert "<dt>released</dt><dd>7</dd>" in page
    assert page.count("<tr class=") == MOST_LINES
    assert "97 %" in page


async def test_an_empty_page_says_so(client: Client) -> None:
    assert "No mail yet" in await (await client.get("/live")).get_data(as_text=True)


async def test_hostile_mail_is_escaped(client: Client, around: World) -> None:
    nasty = "</td><script>alert(1)</script>"
    around.store.boxes = (mailbox(),)
    around.store.views = (message(subject=nasty, sender_name=nasty, sender=nasty),)

    page = await (await client.get("/live")).get_data(as_text=True)

    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") == 3


async def next_board(connection: Any) -> str:
    """The next board a stream sends."""
    text = b""
    while b"\n\n" not in text.partition(b"event: board\ndata: ")[2]:
        text += await asyncio.wait_for(connection.receive(), SECONDS)
    return str(json.loads(text.partition(b"event: board\ndata: ")[2].partition(b"\n\n")[0]))


async def test_the_stream_sends_the_board_and_again_when_it_changed(
    client: Client, around: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.web.operator.live_routes.BEAT", 0.01)
    around.store.boxes = (mailbox(),)
    async with client.request("/live/events") as connection:
        await connection.send_complete()
        assert "No mail yet" in await next_board(connection)

        around.store.views = (message(subject="Fresh <b>offer</b>"),)
        board = await next_board(connection)

        assert "Fresh &lt;b&gt;offer&lt;/b&gt;" in board
        assert connection.headers["Content-Type"].startswith("text/event-stream")
        assert connection.headers["Cache-Control"] == "no-store"
        await connection.disconnect()


async def test_streams_end_when_the_server_stops(around: World) -> None:
    stopping = asyncio.Event()
    app = create_app(around.services, stopping)
    async with app.test_client().request("/live/events") as connection:
        await connection.send_complete()
        await next_board(connection)
        stopping.set()
        await asyncio.wait_for(connection.as_response(), SECONDS)

    assert app.extensions[KEY].open == 0


async def test_there_are_only_so_many_streams(app: Quart, client: Client) -> None:
    app.extensions[KEY].open = MOST_STREAMS

    answer = await client.get("/live/events")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"


async def test_a_stream_does_not_run_for_ever(
    client: Client, app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.web.operator.live_routes.BEAT", 0.001)
    monkeypatch.setattr("backend.web.operator.live_routes.BEATS", 3)

    answer = await asyncio.wait_for(client.get("/live/events"), SECONDS)

    text = await answer.get_data(as_text=True)
    assert text.count("event: board") == 1
    assert text.count(": still here") == 2
    assert app.extensions[KEY].open == 0
