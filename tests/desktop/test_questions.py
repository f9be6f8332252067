"""The questions of the week in the tray: how many, and the way to them."""

from __future__ import annotations

from pathlib import Path

from tests.desktop.fake_backend import FakeBackend
from tests.desktop.rig import running


async def test_questions_open_the_live_page_where_it_asks(backend: FakeBackend, tmp_path: Path) -> None:
    async with running(backend, tmp_path) as rig:
        await rig.until(lambda: rig.app.state.status is not None and rig.backend.streams == 1)
        backend.mailbox.questions = 3
        backend.mailbox.tell("status", {})
        await rig.until(lambda: "3 questions about your mail…" in rig.labels())
        rig.window.showing = "page"  # wherever its owner is in it
        rig.choose("3 questions")
        await rig.until(lambda: len(rig.window.opened) == 1)
        assert rig.window.opened[0].endswith("&page=questions")
