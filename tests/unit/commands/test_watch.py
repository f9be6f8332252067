"""`pitchgate watch`: what an operator sees of mailboxes whose mail has changed and of others."""

from __future__ import annotations

import asyncio
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend import terminal
from backend.__main__ import cli
from backend.settings_read import read_settings
from backend.store.opening import open_configured
from tests.contract.store.stories import Story


async def live() -> None:
    """Ana's mail turns Polish in May, Ben's does not, and Cyd has only come."""
    store = await open_configured(read_settings())
    story = Story(store)
    for name in ("ben", "ana", "cyd"):
        await story.mailbox(name)
    begun = story.now
    for name, late in (("ana", 20), ("ben", 3)):
        story.now = begun
        for week in range(11):
            await story.a_week(30, polish=3 if week < 9 else late, name=name)
        await store.count_weeks(name, story.now)
    await store.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("watched")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PITCHGATE_STATE_DIR", str(made))
        asyncio.run(live())
    return made


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITCHGATE_STATE_DIR", str(folder))


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["watch", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.output


def test_the_mailbox_that_changed_comes_first_with_its_cause() -> None:
    told = [json.loads(line) for line in run("--json").splitlines()]
    assert [(one["email"][:3], one["state"]) for one in told] == [
        ("ana", "changed"),
        ("ben", "steady"),
        ("cyd", "learning"),
    ]
    assert told[0]["told"].startswith("since 4 May 2026, more of it is in Polish: 10% before, 67% since")
    assert told[0]["change"]["evidence"] > 520
    assert told[1]["change"] is None
    assert len(told[0]["weeks"]) == 11
    last = told[0]["weeks"][-1]
    assert (last["monday"], last["language en"], last["language pl"]) == ("2026-05-11", 10, 20)
    assert told[2]["weeks"] == []
    assert "more of it is in Polish" in run()


class Page(HTMLParser):
    """What a page names."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.paths: dict[str, str] = {}
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.elsewhere += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag == "path":
            self.paths[str(dict(attrs)["d"])] = str(dict(attrs).get("fill", ""))


def test_the_page_needs_nothing_but_itself_and_draws_every_week(tmp_path: Path) -> None:
    run("--html", str(tmp_path / "watch.html"))
    text = (tmp_path / "watch.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.elsewhere == []
    assert "script" not in page.tags
    assert page.tags.count("svg") == 2 * 4
    assert page.tags.count("line") == 3
    assert all(path.count("M") <= 11 for path in page.paths)
    assert "Its mail has changed: since 4 May 2026, more of it is in Polish" in text


def test_table_and_page_speak_the_terminals_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    terminal.cli_texts.cache_clear()
    try:
        table = run()
        run("--html", str(tmp_path / "watch.html"))
    finally:
        terminal.cli_texts.cache_clear()
    page = (tmp_path / "watch.html").read_text(encoding="utf-8")
    assert '<html lang="de">' in page
    for told in (table, page):
        assert "seit 04.05.2026 ist mehr davon auf Polnisch: vorher 10" in told
        assert "Unverändert" in told
    assert "Niederländisch" not in page
    assert ">Polnisch<" in page
