"""The operator's page of `pitchgate watch --html`, opened from its file: it needs nothing else, and reads well."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, expect

from backend.__main__ import cli
from backend.domain.watching.drift import CHANNELS
from backend.store.opening import open_store
from tests.browser.checks import looks_right, watch_console
from tests.browser.review_fixture import LOOKS
from tests.contract.store.stories import Story

pytestmark = pytest.mark.browser

NAMES = ("ana", "ben-with-a-long-name-at-a-subsidiary-of-a-group", "cyd")


async def lived(path: Path) -> None:
    """Ana's mail turns Polish after nine weeks, Ben's stays as it was, and Cyd got none."""
    store = open_store(path)
    await store.open()
    try:
        story = Story(store)
        for name in NAMES:
            await story.mailbox(name)
        began = story.now
        for name, later in zip(NAMES[:2], (11, 1), strict=True):
            story.now = began - timedelta(weeks=11)
            for week in range(11):
                await story.a_week(12, polish=1 if week < 9 else later, name=name)
            await store.count_weeks(name, began)
    finally:
        await store.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as the command writes it."""
    folder = tmp_path_factory.mktemp("watched")
    asyncio.run(lived(folder / "pitchgate.sqlite3"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PITCHGATE_STATE_DIR", str(folder))
        done = CliRunner().invoke(cli, ["watch", "--html", str(folder / "watch.html")])
    assert done.exit_code == 0, done.output
    return folder / "watch.html"


@pytest.mark.parametrize("look", LOOKS)
def test_it_opens_from_a_file_and_asks_for_nothing_else(
    file: Path, browser: Browser, shots: Path, look: str
) -> None:
    context = browser.new_context(**LOOKS[look])
    try:
        page = context.new_page()
        problems, asked = watch_console(page), list[str]()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        expect(page.locator("h1")).to_be_visible()
        looks_right(page, look, shots / f"watch-{look}.png")
        assert asked == [file.as_uri()]
        assert not problems
    finally:
        context.close()


def test_it_draws_what_changed_first(file: Path, browser: Browser) -> None:
    page = browser.new_page()
    try:
        page.goto(file.as_uri())
        expect(page.locator("tbody tr")).to_have_count(len(NAMES))
        expect(page.locator("tbody th").first).to_have_text("ana@corp.test")
        drawn = page.locator("section:has(h2)")
        expect(drawn).to_have_count(2)  # who got no mail has nothing to draw
        expect(drawn.first.locator("svg[role=img]")).to_have_count(len(CHANNELS))
        expect(drawn.first.locator(".begin")).to_have_count(len(CHANNELS))
        expect(drawn.last.locator(".begin")).to_have_count(0)
    finally:
        page.close()
