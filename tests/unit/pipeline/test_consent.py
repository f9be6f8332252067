"""Consent withdrawn, and the order of leaving: stop, revoke, delete, whatever breaks in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backend.domain.errors import NeedsReconnect, Rejected, TryLater
from backend.domain.mailbox.condition import explain
from backend.domain.mailbox.mailbox import Link
from backend.ports.store import Duty, NewMailbox, Stage
from tests.fakes.gmail import Died
from tests.unit.pipeline.conftest import House, letter

REVOKED = NeedsReconnect("Google no longer accepts the permission.", "Connect again.", reason="invalid_grant")


async def _reconnect(house: House) -> None:
    mailbox = await house.mailbox()
    again = NewMailbox(
        "other", mailbox.sub, "ana@corp.test", "Ana", b"new", mailbox.scopes, mailbox.preferences
    )
    await house.store.connect(again, house.now())


@pytest.mark.parametrize("call", ["history", "fetch", "relabel", "send"])
async def test_work_stops_at_once_and_goes_on_where_it_stopped(house: House, call: str) -> None:
    pitch = house.gmail.deliver(letter())
    house.gmail.trouble[call] = REVOKED
    await house.push()
    await house.settle()
    mailbox = await house.mailbox()
    assert mailbox.link is Link.NEEDS_RECONNECT
    told = explain(mailbox, house.now())
    assert (told.cause, told.remedy) == (REVOKED.title, REVOKED.remedy)
    asked = house.gmail.calls.total()
    house.wait(hours=3)
    await house.push()
    await house.settle()
    assert house.gmail.calls.total() == asked  # nothing is asked in her name

    await _reconnect(house)
    await house.settle()
    assert "INBOX" not in house.gmail.labels_of(pitch)
    assert len(house.gmail.sent) == 1


class Order:
    """Notes in which order leaving's steps happen; each may break once."""

    def __init__(self, house: House) -> None:
        self.steps: list[str] = []
        self.house = house
        self.trouble: dict[str, list[BaseException]] = {}
        stop, forget = house.gmail.stop_watch, house.store.forget

        async def stop_watch(mailbox_id: str) -> None:
            self.note("stop")
            await stop(mailbox_id)

        async def forgotten(*whom: Any) -> object:
            self.note("delete")
            return await forget(*whom)

        house.gmail.stop_watch = stop_watch  # type: ignore[method-assign]
        house.store.forget = forgotten  # type: ignore[assignment]
        house.authorizer.revoke = self.revoke  # type: ignore[method-assign]

    async def revoke(self, mailbox_id: str) -> None:
        """Google takes the grant back."""
        self.note("revoke")

    def note(self, step: str) -> None:
        self.steps.append(step)
        if self.trouble.get(step):
            raise self.trouble[step].pop(0)


async def _leave(house: House) -> None:
    await house.store.set_link(house.mailbox_id, Link.LEAVING, "by the owner", house.now())
    await house.settle(turns=200)


async def test_leaving_stops_revokes_and_deletes_in_that_order(house: House) -> None:
    order = Order(house)
    await _leave(house)
    assert order.steps == ["stop", "revoke", "delete"]
    assert await house.store.mailbox(house.mailbox_id) is None


@pytest.mark.parametrize("step", ["stop", "revoke", "delete"])
async def test_whatever_breaks_is_done_over(house: House, step: str) -> None:
    order = Order(house)
    order.trouble[step] = [TryLater("Google has trouble."), Died("the machine")]
    await _leave(house)
    assert order.steps[-3:] == ["stop", "revoke", "delete"]
    assert order.steps.count("delete") == (3 if step == "delete" else 1)
    assert await house.store.mailbox(house.mailbox_id) is None


async def test_a_grant_that_is_gone_already_does_not_keep_the_data(house: House) -> None:
    order = Order(house)
    order.trouble = {"stop": [REVOKED], "revoke": [REVOKED]}
    await _leave(house)
    assert await house.store.mailbox(house.mailbox_id) is None


async def test_a_google_that_will_not_revoke_does_not_keep_the_data_for_ever(house: House) -> None:
    order = Order(house)
    order.trouble["revoke"] = [Rejected("no", reason="http400")] * 50
    await _leave(house)
    assert 2 <= order.steps.count("revoke") <= 5
    assert await house.store.mailbox(house.mailbox_id) is None


async def test_leaving_waits_for_a_renewal_that_is_under_way(house: House) -> None:
    """Or it would watch again after we stopped, and nobody could stop it any more."""
    await house.store.want(house.mailbox_id, Duty.WATCH, house.now())
    renewal = await house.store.claim_duty("other", house.now(), house.now() + timedelta(seconds=30))
    assert renewal is not None
    began = house.now()
    order = Order(house)
    await _leave(house)
    assert order.steps == ["stop", "revoke", "delete"]
    assert house.now() - began >= timedelta(seconds=30)


async def test_a_message_that_history_knows_and_nobody_can_read_yet_is_looked_for_again(house: House) -> None:
    pitch = house.gmail.deliver(letter())
    mail = house.gmail.mails.pop(pitch)
    await house.push()
    for _ in range(3):
        await house._turn()
    view = (await house.store.known(house.mailbox_id, [pitch]))[pitch]
    assert view.stage is Stage.SCREEN
    house.gmail.mails[pitch] = mail
    await house.settle()
    assert "INBOX" not in house.gmail.labels_of(pitch)


async def test_a_message_that_is_really_gone_is_believed_so(house: House) -> None:
    pitch = house.gmail.deliver(letter())
    house.gmail.mails.pop(pitch)
    await house.push()
    await house.settle()
    view = (await house.store.known(house.mailbox_id, [pitch]))[pitch]
    assert view.stage is None
    assert not view.set_aside
