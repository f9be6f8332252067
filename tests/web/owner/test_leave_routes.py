"""Leaving: a typed confirmation, how far it is, and a receipt that names nobody."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from backend.domain.errors import (
    REFUSALS_BEFORE_SKIP,
    Cause,
    NeedsReconnect,
    Rejected,
    Unexplained,
    code_of,
    retry_of_refusal,
)
from backend.domain.mailbox.archive import OWNED_TABLES
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.mailbox import AccessState
from backend.pipeline.account import RECEIPT_LIFE, REVOKE_TRIES, leave
from backend.web.owner.start import GROUPS, row_groups
from tests.doubles import NoAuthorizer
from tests.web.owner_pages import Visit
from tests.web.service import Office


class Google(NoAuthorizer):
    """Takes a grant back, or says what a test wants to hear."""

    def __init__(self, trouble: Exception | None = None) -> None:
        super().__init__()
        self.trouble = trouble

    async def revoke(self, mailbox_id: str) -> None:
        if self.trouble is not None:
            raise self.trouble
        await super().revoke(mailbox_id)


@pytest.fixture
async def ana(here: Office) -> Visit:
    """Ana, with a held message and a rule."""
    await here.hold("m1")
    await here.store.set_rule("ana", "ok@x.example", RuleKind.ALLOW, here.story.now)
    visit = await Visit.begin(here)
    await visit.get("/settings/leave")
    return visit


async def work(here: Office, google: Google, tries: int = 1) -> None:
    for _ in range(tries):
        job = await here.story.due_duty()
        assert job is not None
        await leave(here.service.context, google, job)


async def test_nothing_is_deleted_without_the_typed_address(ana: Visit) -> None:
    for typed in ("", "yes", "eve@corp.test"):
        page = await ana.post("/settings/leave", 422, confirm=typed)
        assert "Nothing was deleted." in page
        assert 'aria-describedby="confirm-error"' in page
    assert (await ana.mailbox()).link is AccessState.CONNECTED


async def test_a_leaving_from_the_question_to_the_receipt(here: Office, ana: Visit) -> None:
    where = await ana.post("/settings/leave", confirm=" ANA@corp.test ")
    page = await ana.get(where)
    assert "Disconnecting" in page
    assert "data-poll" in page
    assert (await ana.browser.get("/settings")).status_code == 401
    google = Google()
    with capture_logs() as logs:
        await work(here, google)
    assert google.revoked == ["ana"]
    assert {"event": "mailbox_left", "log_level": "info", "mailbox": "ana"} in logs
    page = await ana.get(where)
    for figures in ("Disconnected and deleted", "withdrawn by us", "Messages and decisions", "Total"):
        assert figures in page
    for private in ("ana@corp.test", "Ana", "bo@pitch.test", "ok@x.example"):
        assert private not in page
    assert await here.store.mailbox("ana") is None
    assert "Quittung" in await ana.get(where, **{"Accept-Language": "de"})
    stranger = here.app.test_client()
    assert (await stranger.get(where)).status_code == 200  # whoever has the address


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (NeedsReconnect("gone"), "had been withdrawn before"),
        (Rejected("no", reason="invalid"), "Please remove Pitchgate in your Google account yourself"),
    ],
)
async def test_the_receipt_says_what_became_of_the_grant(
    here: Office, ana: Visit, trouble: Exception, expected: str
) -> None:
    where = await ana.post("/settings/leave", confirm="ana@corp.test")
    google = Google(trouble)
    for _ in range(REVOKE_TRIES - 1 if isinstance(trouble, Rejected) else 0):
        job = await here.story.due_duty()
        assert job is not None
        with pytest.raises(Rejected):
            await leave(here.service.context, google, job)
        await here.store.postpone_duty(job, here.story.now, "", here.story.now)
    await work(here, google)
    assert expected in await ana.get(where)


async def test_a_page_of_something_in_between_is_waited_out_and_not_for_ever(
    here: Office, ana: Visit
) -> None:
    """A 403 page was taken for Google's no after four tries: the grant stayed, and the owner was asked to see to it."""
    where = await ana.post("/settings/leave", confirm="ana@corp.test")
    page = Unexplained("later.unexplained", reason="http403")
    google = Google(page)
    for _ in range(REFUSALS_BEFORE_SKIP - 1):
        job = await here.story.due_duty()
        assert job is not None
        with pytest.raises(Unexplained):
            await leave(here.service.context, google, job)
        again = retry_of_refusal(page, job.error)
        assert again is not None
        await here.store.postpone_duty(job, here.story.now, code_of(again), here.story.now)
        assert "Disconnecting" in await ana.get(where)
    await work(here, google)
    assert "Google did not confirm" in await ana.get(where)
    assert await here.store.mailbox("ana") is None


async def test_a_leaving_that_fails_says_so(here: Office, ana: Visit) -> None:
    where = await ana.post("/settings/leave", confirm="ana@corp.test")
    assert "This takes a few seconds" in await ana.get(where)
    job = await here.story.due_duty()
    assert job is not None
    await here.store.postpone_duty(job, here.story.now, "", here.story.now, cause=Cause.GOOGLE)
    page = await ana.get(where)
    assert "It has not worked yet." in page
    assert "a few seconds" not in page
    await work(here, Google())
    assert "Disconnected and deleted" in await ana.get(where)


async def test_who_connects_again_in_time_stays(here: Office, ana: Visit) -> None:
    where = await ana.post("/settings/leave", confirm="ana@corp.test")
    await here.store.set_link("ana", AccessState.CONNECTED, here.story.now)
    page = await ana.get(where)
    assert "Not disconnected after all" in page
    assert "data-poll" not in page


async def test_receipts_that_are_not_there_or_too_old(here: Office, ana: Visit) -> None:
    where = await ana.post("/settings/leave", confirm="ana@corp.test")
    await work(here, Google())
    await ana.get("/goodbye/" + "x" * 32, 404)
    await ana.get("/goodbye/x", 404)
    clock: Any = here.service.context.clock
    clock.advance(days=RECEIPT_LIFE.days, minutes=1)
    assert "Receipt not found" in await ana.get(where, 404)


async def test_strangers_and_foreign_forms_end_nothing(here: Office, ana: Visit) -> None:
    eve = await Visit.begin(here, "eve")
    await eve.get("/settings/leave")
    fields = {"confirm": "ana@corp.test"}
    assert (await here.app.test_client().post("/settings/leave", form=fields)).status_code == 401
    await ana.post("/settings/leave", 403, csrf=eve.hidden("csrf"), **fields)
    await eve.post("/settings/leave", 422, **fields)
    assert (await ana.mailbox()).link is AccessState.CONNECTED


def test_the_receipt_counts_every_table_once() -> None:
    named = [table for tables in GROUPS.values() for table in tables]
    assert len(set(named)) == len(named)
    assert set(named) <= set(OWNED_TABLES)
    assert sum(count for _, count in row_groups(dict.fromkeys(OWNED_TABLES, 1))) == len(OWNED_TABLES)
