"""Consent is lost, narrowed, given again and taken back, in real processes that die in the middle of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import pytest

from backend.demo.letters import OWNER
from backend.domain.mailbox.mailbox import AccessState
from backend.settings import GMAIL_MODIFY
from backend.store.opening import open_store
from backend.web.pages import state_of
from tests.journeys.conftest import Journey, begin_journey, command, until
from tests.onward import onward


async def _act(journey: Journey, act: str, **data: Any) -> None:
    await journey.stage.sandbox._call("POST", "/sandbox/faults", {"act": act, "mailbox": OWNER, **data})


async def _rule(journey: Journey, kind: str, method: str, times: int = 1) -> None:
    await journey.stage.sandbox._call(
        "POST", "/sandbox/faults", {"kind": kind, "method": method, "times": times}
    )


async def _link(folder: Path) -> tuple[AccessState | None, str]:
    store = open_store(folder / "state" / "pitchgate.sqlite3")
    await store.open()
    try:
        mailbox = await store.mailbox_by_email(OWNER)
        return (mailbox.link, state_of(mailbox, "en", datetime.now(UTC)).text) if mailbox else (None, "")
    finally:
        await store.close()


async def _lost(folder: Path) -> bool:
    return (await _link(folder))[0] is AccessState.NEEDS_RECONNECT


async def _consent(journey: Journey, account: str, untick: str = "") -> tuple[int, str]:
    """Press Connect again for the owner's mailbox, choose an account, tick all boxes but one."""
    http, server = journey.stage.http, journey.stage.server_url
    form = {"account": OWNER}
    async with http.post(
        f"{server}/connect", data=form, headers={"Origin": server}, allow_redirects=False
    ) as answer:
        consent = onward(await answer.text())
    parts = urlsplit(consent)
    fields = parse_qsl(parts.query)
    assert dict(fields)["login_hint"] == OWNER
    granted = [("grant", scope) for scope in dict(fields)["scope"].split() if scope != untick]
    page = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    filled = [*fields, ("account", account), ("decision", "allow"), *granted]
    async with http.post(page, data=filled, allow_redirects=False) as answer:
        back = answer.headers["Location"]
    async with http.get(back) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize("way", ["revoked", "narrowed"])
async def test_lost_consent_stops_the_mailbox_and_work_goes_on_where_it_stopped(
    tmp_path: Path, way: str
) -> None:
    async with begin_journey(tmp_path, kills=1) as journey:
        if way == "revoked":
            await _act(journey, "revoke")
        else:
            await _act(journey, "narrow_scopes", remove=[GMAIL_MODIFY])
        first = await journey.write(journey.pitch)
        await until(lambda: _lost(tmp_path), "the mailbox stopped")
        # Every screen reads cause and remedy from here, and a narrowed consent is mended otherwise than a lost one.
        assert ("leave every box" in (await _link(tmp_path))[1]) is (way == "narrowed")
        before = await journey.units()
        await journey.stage.kill_and_restart()
        second = await journey.write(journey.pitch, sender="Pia <pia@other.example>")
        await journey.pass_time(10)
        assert await journey.units() == before  # nothing is asked in her name

        status, page = await _consent(journey, journey.pitch.address)
        assert (status, "another Google account" in page) == (422, True)
        status, page = await _consent(journey, OWNER, untick=GMAIL_MODIFY)
        assert (status, "box was left unticked" in page) == (422, True)
        assert await _lost(tmp_path)

        status, page = await _consent(journey, OWNER)
        assert status == 200
        await journey.settled(first, held=True)
        await journey.settled(second, held=True)
        await journey.quiet()
        sent = [mail for mail in await journey.stage.sandbox.outbox() if mail["sender"] == OWNER]
        assert len(sent) == len({str(mail["recipients"]) for mail in sent}) == 2
    assert (await _link(tmp_path))[0] is AccessState.CONNECTED


def _rows(folder: Path) -> dict[str, int]:
    """Rows by table, of those that belong to mailboxes."""
    with closing(sqlite3.connect(folder / "state" / "pitchgate.sqlite3")) as books:
        names = [row[0] for row in books.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        owned = [
            name
            for name in names
            if name == "mailboxes"
            or any(c[1] == "mailbox_id" for c in books.execute(f"PRAGMA table_info({name})"))
        ]
        return {name: books.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in owned}


@pytest.mark.parametrize("broken", ["stop", "oauth.revoke"])
async def test_a_disconnect_that_fails_and_dies_in_the_middle_is_finished(
    tmp_path: Path, broken: str
) -> None:
    async with begin_journey(tmp_path, kills=1) as journey:
        await journey.write(journey.pitch)
        await journey.settled(journey.stage.delivered[0], held=True)
        await journey.quiet()
        assert _rows(tmp_path)["messages"] == 1
        assert (await journey.stage.sandbox._call("GET", f"/sandbox/mailboxes/{OWNER}"))["watches"]
        # "Unavailable" first, then a broken connection while the machine dies.
        await _rule(journey, "unavailable", broken)
        await _rule(journey, "slow", broken)
        status, said = await command(tmp_path, "mailbox", "disconnect", OWNER, "--yes")
        assert status == 0, said

        async def struck() -> bool:
            faults = await journey.stage.sandbox._call("GET", "/sandbox/faults")
            return not faults["rules"]

        await until(struck, "both faults")
        await journey.stage.kill_and_restart()

        async def gone() -> bool:
            return (await _link(tmp_path))[0] is None

        await until(gone, "the mailbox forgotten")
        watches = (await journey.stage.sandbox._call("GET", f"/sandbox/mailboxes/{OWNER}"))["watches"]
        assert watches == []  # stopped before access was given back: afterwards nobody could have
        methods = (await journey.stage.sandbox.meter(OWNER))["methods"]
        assert methods["gmail.users.stop"]["calls"] >= 1
        await journey.write(journey.pitch, subject="And another")
        await journey.pass_time(10)
    assert {name: count for name, count in _rows(tmp_path).items() if count} == {}
