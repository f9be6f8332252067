"""The live page and its stream."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from quart import Quart

from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Outcome
from backend.settings import Settings
from backend.web.operator import LIVE, MOST_LINES, MOST_STREAMS
from backend.web.services import KEY
from tests.web.service import Client, Office, office, unopened

SECONDS = 60.0


async def test_it_is_not_there_unless_the_settings_say_so() -> None:
    client = unopened(live_page=False).app.test_client()

    assert (await client.get("/live")).status_code == 404
    assert (await client.get("/live/events")).status_code == 404


async def test_it_is_off_by_default() -> None:
    assert Settings().live_page is False


async def test_the_page_shows_the_news_and_the_latest_mail(client: Client, here: Office) -> None:
    for number in range(44):
        await here.story.arrive("ana", f"m{number}")
        await here.judge(
            f"m{number}", Outcome.INBOX if number < 5 else Outcome.HOLD, subject=f"Offer {number}."
        )
        await here.story.work()
    await here.story.decide("ana", "m40", Decision.RELEASE)
    await here.story.work()

    page = await (await client.get("/live")).get_data(as_text=True)

    assert "<h1>44 emails so far: 5 in the inbox, 38 held, 1 delivered</h1>" in page
    assert 'aria-label="New emails reach the gate. In the inbox: 5. Held: 38. Delivered: 1."' in page
    assert page.count('data-dot="held ') == 2 * 8, "as many as there is room for, wide and narrow"
    assert page.count('data-dot="released m40"') == 2
    for lane, dots in (("inbox", 5), ("held", 8), ("released", 1)):
        assert len(re.findall(rf'<circle class="dot (?:past )?{lane} ', page)) == 2 * dots, lane
    assert page.count('data-dot="inbox ') == 2 * 3, "two are no longer among the latest"
    assert re.findall(r'class="more"[^>]*>([^<]*)<', page) == ["+30", "+30"]
    assert page.count('<li class="row ') == MOST_LINES
    assert "<b>97</b> Pitch" in page


async def test_an_empty_page_says_so(client: Client) -> None:
    assert "No email yet" in await (await client.get("/live")).get_data(as_text=True)


async def test_hostile_mail_is_escaped(client: Client, here: Office) -> None:
    nasty = "</td><script>alert(1)</script>"
    await here.story.arrive("ana", "m1")
    await here.judge("m1", Outcome.HOLD, sender=nasty, subject=nasty, sender_name=nasty)

    page = await (await client.get("/live")).get_data(as_text=True)

    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") == 3


async def next_board(connection: Any) -> str:
    """The next board a stream sends."""
    text = b""
    while b"\n\n" not in text.partition(b"event: board\ndata: ")[2]:
        text += await asyncio.wait_for(connection.receive(), SECONDS)
    return str(json.loads(text.partition(b"event: board\ndata: ")[2].partition(b"\n\n")[0]))


async def board_with(text: str, connection: Any) -> None:
    """Reads on until a board says so."""
    while text not in await next_board(connection):
        pass


async def test_the_stream_sends_the_board_and_again_when_it_changed(
    client: Client, here: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.web.operator.POLL_SECONDS", 0.01)
    async with client.request("/live/events") as connection:
        await connection.send_complete()
        assert "No email yet" in await next_board(connection)

        await here.story.arrive("ana", "m1")
        await board_with("A new message", connection)
        await here.judge("m1", Outcome.HOLD, subject="Fresh <b>offer</b>")
        await board_with("Fresh &lt;b&gt;offer&lt;/b&gt;", connection)
        assert connection.headers["Content-Type"].startswith("text/event-stream")
        assert connection.headers["Cache-Control"] == "no-store"
        await connection.disconnect()


async def test_streams_end_when_the_server_stops(tmp_path: Path) -> None:
    stopping = asyncio.Event()
    async with office(tmp_path, stopping) as here:
        async with here.app.test_client().request("/live/events") as connection:
            await connection.send_complete()
            await next_board(connection)
            stopping.set()
            await asyncio.wait_for(connection.as_response(), SECONDS)

        assert here.app.extensions[KEY][2].open[LIVE] == 0


async def test_there_are_only_so_many_streams(app: Quart, client: Client) -> None:
    app.extensions[KEY][2].open[LIVE] = MOST_STREAMS

    answer = await client.get("/live/events")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"


async def test_a_stream_does_not_run_for_ever(
    client: Client, app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.web.operator.POLL_SECONDS", 0.001)
    monkeypatch.setattr("backend.web.operator.MOST_POLLS", 3)

    answer = await asyncio.wait_for(client.get("/live/events"), SECONDS)

    text = await answer.get_data(as_text=True)
    assert text.count("event: board") == 1
    assert text.count(": still here") == 2
    assert app.extensions[KEY][2].open[LIVE] == 0
