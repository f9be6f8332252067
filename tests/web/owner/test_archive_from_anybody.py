"""A file that comes from anybody: whatever of it is taken in, every page and every stage still works afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from quart.datastructures import FileStorage

from backend.domain.errors import PitchgateError, Refused
from backend.domain.mailbox.archive import TABLES, from_file
from backend.domain.mailbox.decisions import Decision, RuleKind
from backend.domain.mailbox.message import Outcome
from backend.pipeline.review import weighed
from backend.web.owner.review_show import reasons
from tests.contract.store.stories import BO
from tests.web.owner_pages import Visit
from tests.web.service import Office

ODD: tuple[Any, ...] = (
    "zzz", "", "\u202e<b>", "2026-01-01T00:00:00+00:00", 7, -7, 2**61, 0.5, True, [], {}, [1], ["a"], [[]],
    [{"text": 5, "weight": "heavy", "words": 7}], [{}], {"a": 1}, {"messages": [1]}, {"messages": 1},
    {"rules": [{"subject": "x@y.test", "before": "odd", "after": "block"}], "messages": [], "challenges": [],
     "refunds": []},
    {"rules": [], "messages": [{"gmail_id": "m1"}], "challenges": [], "refunds": []},
    {"rules": [], "messages": [], "challenges": [{"id": 7}], "refunds": [{"sender": 1, "gmail_id": []}]},
)  # fmt: skip
PAGES = (
    "/review", "/review?view=all", "/review?view=let_in", f"/review/sender?address={BO}", "/insights", "/settings",
    "/settings/lists", "/settings/data", "/settings/data/export", "/start",
)  # fmt: skip


async def lived_in(here: Office) -> dict[str, Any]:
    """The file of a mailbox in which everything has happened once."""
    story = here.story
    intent = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert intent is not None
    await story.solve(intent)
    await story.work()
    await story.receive("ana", "m2", Outcome.HOLD)
    await story.decide("ana", "m2", Decision.BLOCK)
    await here.store.set_rule("ana", "spam.test", RuleKind.BLOCK, story.now)
    await here.store.learn("ana", frozenset({"cy@x.test"}), "t9", story.now)
    await here.store.begin_unsubscribe("ana", "m1", story.now)
    answer = await (await Visit.begin(here)).browser.get("/settings/data/export")
    file: dict[str, Any] = json.loads(await answer.get_data())
    return file


def taken(file: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Entries of one list with one odd value each, as far as they are not refused."""
    table, number = TABLES[name], 0
    for column in table.columns:
        for odd in ODD:
            number += 1
            entry = {**file[name][0], table.key: f"{name}{number}"} | {column: odd}
            try:
                from_file(table, number, entry)
            except Refused:
                continue
            yield entry


@pytest.mark.parametrize("name", [table.name for table in TABLES.values() if table.imported])
async def test_no_odd_value_that_is_taken_in_breaks_a_page(here: Office, name: str) -> None:
    file = await lived_in(here)
    odd = list(taken(file, name))
    assert odd
    file[name] = [*file[name], *odd]
    visit = await Visit.begin(here)
    await visit.get("/settings/data")
    answer = await visit.browser.post(
        "/settings/data/restore",
        form={"csrf": visit.hidden("csrf")},
        files={"file": FileStorage(BytesIO(json.dumps(file).encode()), filename="pitchgate.json")},
    )
    assert answer.status_code in (200, 422), await answer.get_data(as_text=True)
    for path in PAGES:
        assert (await visit.browser.get(path)).status_code == 200, path
    for view in await here.store.messages("ana", None, 500):
        weighed(view)
        reasons(view, "de")
    for entry in odd:
        if name == "corrections":
            await undone(here, entry)
        sender = str(entry.get("sender", entry.get("subject", BO)))
        await here.store.standing("ana", sender, "x.test", "t", here.story.now)
    assert await here.store.ledger_differences() == ()


async def undone(here: Office, entry: dict[str, Any]) -> None:
    try:
        await here.store.undo("ana", str(entry["correction_key"]), here.story.now)
    except PitchgateError:
        return
