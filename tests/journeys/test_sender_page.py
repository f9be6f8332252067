"""The sender's page in real processes: a code that is guessed at, a line to the owner, and the work after all."""

from __future__ import annotations

import re
import sqlite3
from html import unescape
from pathlib import Path

from backend.demo.letters import OWNER
from backend.store.opening import open_store
from tests.journeys.conftest import Journey, begin_journey, until

JSON = {"Accept": "application/json"}
LINE = "We met at the harbour fair <b>last May</b>."
LATER = "It is in your inbox now."


async def _link(journey: Journey) -> str:
    async def look() -> str:
        await journey.seller.look(journey.stage.sandbox)
        return journey.seller.links[0] if journey.seller.links else ""

    return await until(look, "the challenge in the seller's mailbox")


async def _post(journey: Journey, address: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
    async with journey.stage.http.post(address, data=form, headers=JSON) as answer:
        return answer.status, await answer.json()


async def _guess(journey: Journey, link: str) -> None:
    """An outsider sees a picture and hears a voice, and guesses."""
    async with journey.stage.http.get(link, headers={"Accept": "text/html"}) as answer:
        found = re.search(r'name="ticket" value="([^"]+)"', await answer.text())
    assert found
    ticket = unescape(found[1])
    for name, mark in (("code.png", b"\x89PNG"), ("code.wav", b"RIFF")):
        async with journey.stage.http.get(f"{link}/{name}", params={"t": ticket}) as answer:
            assert (await answer.read()).startswith(mark)
    codes = [(await _post(journey, link, {"ticket": ticket, "typed": "0"}))[1]["code"] for _ in range(4)]
    assert codes == ["captcha_code_wrong"] * 3 + ["captcha_code_spent"]


async def test_a_guessed_code_a_line_and_the_work_after_all(tmp_path: Path) -> None:
    async with begin_journey(tmp_path, credits_per_solve=2) as journey:
        pitch = await journey.write(journey.pitch)
        await journey.settled(pitch, held=True)
        link = await _link(journey)
        await _guess(journey, link)
        assert await _post(journey, f"{link}/note", {"line": f" {LINE}\r\n"}) == (200, {"note": LINE})
        assert "Pitchgate/Held" in await journey.labels(pitch), "neither lets anything in"

        assert await journey.seller.answer(journey.stage.http) == 1
        await journey.settled(pitch, held=False)
        assert await _post(journey, f"{link}/note", {"line": LATER}) == (200, {"note": LATER})

    path = tmp_path / "state" / "pitchgate.sqlite3"
    store = open_store(path)
    await store.open()
    try:
        mailbox = await store.mailbox_by_email(OWNER)
        assert mailbox is not None
        assert [view.note for view in await store.messages(mailbox.id)] == [LATER]
    finally:
        await store.close()
    connection = sqlite3.connect(path)
    begun, solved = connection.execute("SELECT started_at, solved_at FROM challenges").fetchone()
    connection.close()
    assert 0 < begun < solved
