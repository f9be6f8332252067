"""Consent withdrawn, and the order of leaving: stop, revoke, delete, whatever breaks in between."""

from __future__ import annotations

from typing import Any

import pytest

from backend.domain.errors import (
    REFUSALS_BEFORE_SKIP,
    AccessLost,
    NeedsReconnect,
    Rejected,
    TryLater,
    Unexplained,
)
from backend.domain.mailbox.mailbox import AccessState
from backend.domain.mailbox.message import Stage
from backend.transactions.records import NewMailbox
from tests.fakes.gmail import Died
from tests.unit.pipeline.conftest import Fixture, letter

REVOKED = NeedsReconnect("Google no longer accepts the permission.", lost=AccessLost.SCOPE)


async def _reconnect(fixture: Fixture) -> None:
    mailbox = await fixture.mailbox()
    again = NewMailbox(
        "other", mailbox.sub, "ana@corp.test", "Ana", b"new", mailbox.scopes, mailbox.preferences
    )
    await fixture.store.connect(again, fixture.now())


@pytest.mark.parametrize("call", ["history", "fetch", "relabel", "send"])
async def test_work_stops_at_once_and_goes_on_where_it_stopped(fixture: Fixture, call: str) -> None:
    pitch = fixture.gmail.deliver(letter())
    fixture.gmail.trouble[call] = REVOKED
    await fixture.push()
    await fixture.settle()
    mailbox = await fixture.mailbox()
    assert mailbox.link is AccessState.NEEDS_RECONNECT
    assert mailbox.lost is AccessLost.SCOPE
    found = fixture.gmail.calls.total()
    fixture.wait(hours=3)
    await fixture.push()
    await fixture.settle()
    assert fixture.gmail.calls.total() == found  # nothing is asked in her name

    await _reconnect(fixture)
    await fixture.settle()
    assert "INBOX" not in fixture.gmail.labels_of(pitch)
    assert len(fixture.gmail.sent) == 1


class Order:
    """Notes in which order leaving's steps happen; each may break once."""

    def __init__(self, fixture: Fixture) -> None:
        self.steps: list[str] = []
        self.fixture = fixture
        self.trouble: dict[str, list[BaseException]] = {}
        stop, forget = fixture.gmail.stop_watch, fixture.store.forget

        async def stop_watch(mailbox_id: str) -> None:
            self.note("stop")
            await stop(mailbox_id)

        async def forgotten(*whom: Any) -> object:
            self.note("delete")
            return await forget(*whom)

        fixture.gmail.stop_watch = stop_watch  # type: ignore[method-assign]
        fixture.store.forget = forgotten  # type: ignore[assignment]
        fixture.authorizer.revoke = self.revoke  # type: ignore[method-assign]

    async def revoke(self, mailbox_id: str) -> None:
        """Google takes the grant back."""
        self.note("revoke")

    def note(self, step: str) -> None:
        self.steps.append(step)
        if self.trouble.get(step):
            raise self.trouble[step].pop(0)


async def _leave(fixture: Fixture) -> None:
    await fixture.store.set_link(fixture.mailbox_id, AccessState.LEAVING, fixture.now())
    await fixture.settle(turns=200)


async def test_leaving_stops_revokes_and_deletes_in_that_order(fixture: Fixture) -> None:
    order = Order(fixture)
    await _leave(fixture)
    assert order.steps == ["stop", "revoke", "delete"]
    assert await fixture.store.mailbox(fixture.mailbox_id) is None


@pytest.mark.parametrize("step", ["stop", "revoke", "delete"])
async def test_whatever_breaks_is_done_over(fixture: Fixture, step: str) -> None:
    order = Order(fixture)
    order.trouble[step] = [TryLater("Google has trouble."), Died("the machine")]
    await _leave(fixture)
    assert order.steps[-3:] == ["stop", "revoke", "delete"]
    assert order.steps.count("delete") == (3 if step == "delete" else 1)
    assert await fixture.store.mailbox(fixture.mailbox_id) is None


async def test_a_grant_that_is_gone_already_does_not_keep_the_data(fixture: Fixture) -> None:
    order = Order(fixture)
    order.trouble = {"stop": [REVOKED], "revoke": [REVOKED]}
    await _leave(fixture)
    assert await fixture.store.mailbox(fixture.mailbox_id) is None


async def test_a_google_that_will_not_revoke_does_not_keep_the_data_for_ever(fixture: Fixture) -> None:
    order = Order(fixture)
    order.trouble["revoke"] = [Rejected("no", reason="http400")] * 50
    await _leave(fixture)
    assert 2 <= order.steps.count("revoke") <= 5
    assert await fixture.store.mailbox(fixture.mailbox_id) is None


async def test_a_no_that_passes_leaves_no_watch_behind(fixture: Fixture) -> None:
    order = Order(fixture)
    order.trouble["stop"] = [Unexplained("later.unexplained", reason="failedPrecondition")] * 3
    await _leave(fixture)
    assert order.steps == ["stop"] * 4 + ["revoke", "delete"]


async def test_a_client_that_google_refuses_does_not_keep_the_data(fixture: Fixture) -> None:
    order = Order(fixture)
    order.trouble["stop"] = [TryLater("later.client", reason="disabled_client")] * 50
    await _leave(fixture)
    assert order.steps == ["stop"] * REFUSALS_BEFORE_SKIP + ["revoke", "delete"]
    assert await fixture.store.mailbox(fixture.mailbox_id) is None


async def test_a_message_that_history_knows_and_nobody_can_read_yet_is_looked_for_again(
    fixture: Fixture,
) -> None:
    pitch = fixture.gmail.deliver(letter())
    mail = fixture.gmail.messages.pop(pitch)
    await fixture.push()
    await fixture._turn()
    view = (await fixture.store.known(fixture.mailbox_id, [pitch]))[pitch]
    assert view.stage is Stage.SCREEN
    fixture.gmail.messages[pitch] = mail
    await fixture.settle()
    assert "INBOX" not in fixture.gmail.labels_of(pitch)


async def test_a_message_that_is_really_gone_is_believed_so(fixture: Fixture) -> None:
    pitch = fixture.gmail.deliver(letter())
    fixture.gmail.messages.pop(pitch)
    await fixture.push()
    await fixture.settle()
    view = (await fixture.store.known(fixture.mailbox_id, [pitch]))[pitch]
    assert view.stage is None
    assert not view.dead_letter
