"""An owner takes everything with them, and brings it back."""

from __future__ import annotations

import json
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from quart.datastructures import FileStorage

from backend.domain.mailbox import archive
from backend.domain.mailbox.decisions import Decision, RuleKind
from backend.domain.mailbox.message import Outcome
from backend.web.guards import LONG_UPLOADS
from tests.web.owner_pages import Visit
from tests.web.service import Office, office

LONGEST = LONG_UPLOADS["/settings/data/restore"][0]


async def fetched(visit: Visit) -> bytes:
    answer = await visit.browser.get("/settings/data/export")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="pitchgate-2026-')
    return bytes(await answer.get_data())


async def sent(visit: Visit, content: bytes, status: int = 200, csrf: str = "") -> str:
    await visit.get("/settings/data")
    answer = await visit.browser.post(
        "/settings/data/restore",
        form={"csrf": csrf or visit.hidden("csrf")},
        files={"file": FileStorage(BytesIO(content), filename="pitchgate.json")},
    )
    page = str(await answer.get_data(as_text=True))
    assert answer.status_code == status, page
    return page


async def test_a_stranger_gets_nothing(here: Office) -> None:
    client = here.app.test_client()
    for path in ("/settings/data", "/settings/data/export"):
        assert (await client.get(path)).status_code == 401
    assert (await client.post("/settings/data/restore", form={})).status_code == 401


async def test_the_file_is_whole_and_comes_back(here: Office) -> None:
    await here.story.receive("ana", "m1", Outcome.HOLD)
    await here.store.set_rule("ana", "spam.test", RuleKind.BLOCK, here.story.now)
    ana = await Visit.begin(here)
    file = await fetched(ana)
    await here.store.set_rule("ana", "spam.test", None, here.story.now)

    page = await sent(ana, file)

    assert json.loads(file)["messages"][0]["subject"] == "More leads"
    assert "Rules: 1" in page
    assert "Emails: 0" in page  # it was never gone
    assert [rule.rule.subject for rule in await here.store.rules("ana", None, "", "", 9)] == ["spam.test"]


async def test_a_fresh_instance_gets_the_same_lists_sums_and_history(here: Office, tmp_path: Path) -> None:
    story = here.story
    intent = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert intent is not None
    await story.solve(intent)
    await story.work()
    await story.receive("ana", "m2", Outcome.HOLD, "cy@shop.test")
    await story.decide("ana", "m2", Decision.BLOCK_DOMAIN)
    file = await fetched(await Visit.begin(here))

    (tmp_path / "elsewhere").mkdir()
    async with office(tmp_path / "elsewhere") as fresh:
        ana = await Visit.begin(fresh)
        await sent(ana, file)
        there = json.loads(await fetched(ana))
        sums = await fresh.store.ledger_differences()
        sender = await (await fresh.browser()).get("/review/sender?address=bo@pitch.test")
        history = str(await sender.get_data(as_text=True))

    was = json.loads(file)
    for moving in ("made_at", "mailbox"):
        was.pop(moving), there.pop(moving)
    # A log tells what was decided where it is kept; it is handed out, and not taken in.
    assert (len(was.pop("decisions")), there.pop("decisions")) == (4, [])
    assert there == was
    assert {entry["posting"] for entry in there["ledger"]} == {"earned", "spent"}
    assert [rule["subject"] for rule in there["rules"]] == ["shop.test"]
    assert sums == ()
    assert "More leads" in history


async def test_a_file_is_looked_through_beside_everybody_elses_work(
    here: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.story.receive("ana", "m1", Outcome.HOLD)
    ana, threads, read = await Visit.begin(here), set[str](), archive.from_file

    def noted(*entry: Any) -> dict[str, Any]:
        threads.add(threading.current_thread().name)
        return read(*entry)

    monkeypatch.setattr(archive, "from_file", noted)
    await sent(ana, await fetched(ana))
    assert threads
    assert threading.main_thread().name not in threads


async def test_a_file_larger_than_a_form_is_taken(here: Office) -> None:
    addresses = frozenset(f"somebody.with.a.long.name.{n}@corp{n}.test" for n in range(4_000))
    await here.store.learn("ana", addresses, "", here.story.now)
    ana = await Visit.begin(here)
    file = await fetched(ana)
    assert len(file) > here.settings.body_limit

    assert "People you know: 0" in await sent(ana, file)


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(here: Office) -> None:
    ana = await Visit.begin(here)

    answer = await ana.browser.post(
        "/settings/data/restore", headers={"Content-Length": str(LONGEST + 1)}, data=b"x"
    )

    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/settings/data", "/settings", "/connect"])
async def test_only_there_a_body_may_be_that_long(here: Office, path: str) -> None:
    answer = await here.app.test_client().post(path, headers={"Content-Length": str(LONGEST)}, data=b"x")

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "Choose a file first."),
        (b"not json", "This is not a Pitchgate export."),
        (
            b'{"format": "pitchgate-archive", "version": 1, "mailbox": {"email": "eve@corp.test"}}',
            "another mailbox",
        ),
    ],
)
async def test_a_wrong_file_is_told_at_its_field(here: Office, content: bytes, expected: str) -> None:
    page = await sent(await Visit.begin(here), content, 422)

    assert expected in page
    assert 'aria-describedby="file-hint file-error"' in page


async def test_what_a_wrong_file_says_is_shown_inert(here: Office) -> None:
    ana = await Visit.begin(here)
    await here.story.receive("ana", "m1", Outcome.HOLD)
    data: dict[str, Any] = json.loads(await fetched(ana))
    data["messages"][0]["placement"] = "<script>alert(1)</script>"

    page = await sent(ana, json.dumps(data).encode(), 422)

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


async def test_a_form_of_somebody_else_is_refused(here: Office) -> None:
    ana = await Visit.begin(here)

    await sent(ana, await fetched(ana), 403, csrf="guess")


async def test_eves_file_holds_nothing_of_ana(here: Office) -> None:
    await here.story.receive("ana", "m1", Outcome.HOLD)

    assert b"pitch.test" not in await fetched(await Visit.begin(here, "eve"))
