"""The bar of the demo's story: where a demo says that there is one, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.settings import Environment, Settings
from tests.web.service import LINK, Client, Office, office

STORY = "http://127.0.0.1:8900/story"


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


async def test_production_has_no_story() -> None:
    with pytest.raises(ValueError, match="story_url"):
        Settings(environment=Environment.PRODUCTION, public_url="https://pitchgate.test", story_url=STORY)
