"""The questions of the week in the tray: a list of their own, answers, and the way to their page."""

from __future__ import annotations

from pathlib import Path

from tests.desktop.fake_backend import FakeBackend
from tests.desktop.fake_mailbox import make_message
from tests.desktop.rig import Rig, running

ASK = "Sales pitch or not? 3 emails"


async def asked(backend: FakeBackend, rig: Rig, number: int) -> list[str]:
    """So many questions arrive; the ids of their messages."""
    await rig.until(lambda: rig.app.state.status is not None and rig.backend.streams == 1)
    for one in range(number):
        backend.mailbox.put(make_message(one, placement="inbox"))
    backend.mailbox.asked = list(backend.mailbox.messages)
    backend.mailbox.tell("status", {})
    await rig.until(lambda: ASK in rig.labels())
    return list(backend.mailbox.asked)


async def test_questions_open_the_live_page_where_it_asks(backend: FakeBackend, tmp_path: Path) -> None:
    async with running(backend, tmp_path) as rig:
        await asked(backend, rig, 3)
        rig.window.showing = "page"  # wherever its owner is in it
        rig.choose(ASK)
        await rig.until(lambda: len(rig.window.opened) == 1)
        assert rig.window.opened[0].endswith("&page=questions")


async def test_an_answer_in_the_menu_takes_its_question_off_the_list(
    backend: FakeBackend, tmp_path: Path
) -> None:
    async with running(backend, tmp_path) as rig:
        first, *others = await asked(backend, rig, 3)
        rig.choose("Yes, a sales pitch")
        await rig.until(lambda: "Sales pitch or not? 2 emails" in rig.labels())
        assert backend.mailbox.answers == {first: "yes"}
        assert backend.mailbox.asked == others


async def test_a_question_that_is_gone_leaves_the_list_when_it_is_answered(
    backend: FakeBackend, tmp_path: Path
) -> None:
    async with running(backend, tmp_path) as rig:
        await asked(backend, rig, 3)
        backend.mailbox.asked = backend.mailbox.asked[1:]  # and nobody told the tray
        rig.choose("No")
        await rig.until(lambda: "Sales pitch or not? 2 emails" in rig.labels())
        assert rig.view.notices
        assert backend.mailbox.answers == {}
