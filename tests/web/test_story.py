"""The narrator of the demo's story: where a demo says that there is one, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from backend.demo.people import solve
from backend.domain.mailbox.message import Outcome
from backend.settings import Environment, Settings
from tests.web.service import LINK, Client, Office, office

NAME = "story-1f"
STORY = f"http://127.0.0.1:8900/{NAME}"
SELLER = "sam@pitchworks.example"


async def test_without_a_demo_no_page_has_a_narrator(client: Client, here: Office) -> None:
    await here.link()
    for path in ("/", "/live", LINK):
        assert 'class="narrator"' not in await (await client.get(path)).get_data(as_text=True)


async def test_in_a_demo_every_page_says_what_comes_next_and_leads_there(tmp_path: Path) -> None:
    async with office(tmp_path, story_url=STORY) as here:
        await here.link()
        client = here.app.test_client()
        told = (
            ("0", "/", "You have written to Ana", f"{STORY}/1"),
            ("1", "/live", "Ana’s mailbox holds your email and replies with a link", f"{STORY}/2"),
            ("2", "/", "The link opens a short check", f"{STORY}/3"),
            ("2", LINK, "Press “Start the check”", ""),
            ("3", "/", "on its way to Ana’s inbox", f"{STORY}/4"),
            ("4", "/live", "Sam’s email is in your inbox", "/review"),
        )
        for done, path, sentence, onward in told:
            client.set_cookie("localhost", NAME, done)
            page = await (await client.get(path)).get_data(as_text=True)
            assert sentence in re.findall(r'<p class="sentence">([^<]*)<', page)[0]
            assert re.findall(r'<a class="btn primary big" href="([^"]*)"', page.partition("<main")[0]) == [
                *filter(None, [onward])
            ]
            assert re.findall(r'/(\d)" aria-current="step"', page) == [*map(str, range(int(done) + 1, 5))][:1]


async def test_the_live_page_marks_the_mail_of_the_demos_seller(tmp_path: Path) -> None:
    async with office(tmp_path, story_url=f"{STORY}?seller={SELLER}") as here:
        for name, sender in (("m1", SELLER), ("m2", "bo@pitch.test")):
            await here.story.arrive("ana", name)
            await here.judge(name, Outcome.HOLD, sender=sender)
            await here.story.work()
        page = await (await here.app.test_client().get("/live")).get_data(as_text=True)
        assert re.findall(r'<li class="row plain told (\w+ ?\w*)"', page) == ["held", "held yours"]
        assert page.count('class="ring held s1"') == page.count(">Sam’s email<") == 2  # wide and narrow
        assert f'href="{STORY}/1"' in page


async def test_what_was_done_is_ticked_on_every_page_and_the_check_is_when_it_was_taken(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, story_url=STORY) as here:
        await here.link()
        client = here.app.test_client()

        async def ticked(page: Any) -> list[int]:
            text = await page.get_data(as_text=True)
            return [int(n) for n in re.findall(r'<li class="done"><a href="[^"]*/(\d)"', text)]

        assert await ticked(await client.get("/live")) == []
        client.set_cookie("localhost", NAME, "2")  # as the sandbox does once the reply was opened
        for path in ("/", "/live", LINK):
            assert await ticked(await client.get(path)) == [1, 2]
        wrong = await client.post(LINK, form={"payload": "x"}, headers={"Accept": "text/html"})
        assert await ticked(wrong) == [1, 2]
        payload = solve(await (await client.get(f"{LINK}/task")).get_json())
        done = await client.post(LINK, form={"payload": payload}, headers={"Accept": "text/html"})
        assert await ticked(done) == [1, 2, 3]
        assert await ticked(await client.get("/live")) == [1, 2, 3]
        client.set_cookie("localhost", NAME, "<b>")
        assert await ticked(await client.get("/live")) == []


async def test_production_has_no_story() -> None:
    with pytest.raises(ValueError, match="story_url"):
        Settings(environment=Environment.PRODUCTION, public_url="https://pitchgate.test", story_url=STORY)
