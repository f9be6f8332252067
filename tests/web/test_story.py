"""The bar of the demo's story: where a demo says that there is one, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from backend.demo.people import solve
from backend.settings import Environment, Settings
from tests.web.service import LINK, Client, Office, office

NAME = "story-1f"
STORY = f"http://127.0.0.1:8900/{NAME}"


async def test_without_a_demo_no_page_has_the_bar(client: Client, here: Office) -> None:
    await here.link()
    for path in ("/", "/live", LINK):
        assert 'class="story"' not in await (await client.get(path)).get_data(as_text=True)


async def test_in_a_demo_every_page_leads_to_the_steps_and_the_check_is_the_third(tmp_path: Path) -> None:
    async with office(tmp_path, story_url=STORY) as here:
        await here.link()
        for path, step in (("/", ""), ("/live", ""), (LINK, ' aria-current="step"')):
            page = await (await here.app.test_client().get(path)).get_data(as_text=True)
            assert f'<a href="{STORY}/3"{step}>' in page
            assert page.count('aria-current="step"') == bool(step)


async def test_what_was_done_is_ticked_on_every_page_and_the_check_is_when_it_was_taken(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, story_url=STORY) as here:
        await here.link()
        client = here.app.test_client()

        async def ticked(page: Any) -> list[int]:
            text = await page.get_data(as_text=True)
            return [int(n) for n in re.findall(r'<span class="n">(\d)</span>[^<]*<svg class="icon"', text)]

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
