"""The whole app but the drawing, against the contract over real HTTP, through every fault."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.desktop.fake_backend import FakeBackend
from tests.desktop.fake_mailbox import make_message
from tests.desktop.rig import FakeSecrets, Rig, running
from tray_app import orders
from tray_app.backend_client import Patience
from tray_app.menu import Do, snapshot
from tray_app.state import Icon


async def online(rig: Rig) -> None:
    """Wait until the app listens."""
    await rig.until(lambda: rig.app.state.status is not None and rig.backend.streams == 1)


@pytest.fixture
async def rig(backend: FakeBackend, tmp_path: Path) -> AsyncIterator[Rig]:
    """The app, with nothing held, once it listens."""
    async with running(backend, tmp_path) as found:
        await online(found)
        yield found


async def test_what_is_held_shows_up_and_is_told(backend: FakeBackend, rig: Rig) -> None:
    assert rig.view.screen.icon is Icon.ACTIVE
    backend.mailbox.hold(1, subject="Grow <b>fast</b>")
    await rig.until(lambda: rig.view.screen.icon is Icon.NEW_HELD)
    assert rig.view.screen.badge == 1
    assert any(label.startswith("Ann Seller 1: Grow <b>fast") for label in rig.labels())
    await rig.until(lambda: bool(rig.view.notices))
    assert rig.view.notices == [("Held: Ann Seller 1", "Grow <b>fast</b>")]


async def test_allow_reaches_the_server_and_empties_the_list(backend: FakeBackend, tmp_path: Path) -> None:
    backend.mailbox.put(make_message(1))
    backend.mailbox.put(make_message(3, sender="ann1@seller1.example"))
    async with running(backend, tmp_path) as rig:
        await online(rig)
        rig.choose("Allow ann1@seller1.example")
        await rig.until(lambda: len(backend.mailbox.applied) == 1 and rig.app.state.waiting == 0)
        assert backend.mailbox.applied[0][2] == "allow"
        assert rig.app.state.held == ()
        assert "Nothing is held" in rig.labels()
        assert any(label.startswith("Undo: Allowed ann1@") for label in rig.labels())


async def test_a_forged_message_of_an_allowed_sender_comes_back_on_the_list(
    backend: FakeBackend, tmp_path: Path
) -> None:
    for number in (1, 3):
        backend.mailbox.put(make_message(number, sender="ann@seller.example"))
    backend.mailbox.forged.add("m00001")
    async with running(backend, tmp_path) as rig:
        await online(rig)
        rig.choose("Allow ann@seller.example")
        await rig.until(lambda: len(backend.mailbox.applied) == 1 and rig.app.state.waiting == 0)
        await rig.until(lambda: [m.gmail_id for m in rig.app.state.held] == ["m00001"])
        assert rig.app.state.unseen == frozenset(), "it is no news"


async def test_undo_brings_it_back_here_and_there(backend: FakeBackend, tmp_path: Path) -> None:
    backend.mailbox.put(make_message(1))
    async with running(backend, tmp_path) as rig:
        await online(rig)
        rig.choose("Block ann1@")
        await rig.until(lambda: len(backend.mailbox.applied) == 1 and rig.app.state.waiting == 0)
        rig.choose("Undo")
        await rig.until(lambda: len(backend.mailbox.undone) == 1 and rig.app.state.waiting == 0)
        assert [m.gmail_id for m in rig.app.state.held] == ["m00001"]
        assert len(backend.mailbox.held()) == 1


async def test_decisions_taken_offline_wait_in_order_and_are_sent_once(
    backend: FakeBackend, tmp_path: Path
) -> None:
    for number in (1, 3, 5):
        backend.mailbox.put(make_message(number))
    async with running(backend, tmp_path) as rig:
        await online(rig)
        backend.stop()
        await rig.until(lambda: rig.view.screen.icon is Icon.OFFLINE)
        for name in ("Allow ann5@", "Block ann3@", "Allow ann1@"):
            rig.choose(name)
            await rig.until(lambda name=name: not any(i.startswith(name) for i in rig.labels()))
        assert "3 decisions waiting to be sent" in rig.labels()
        backend.start()
        await rig.until(lambda: rig.app.state.waiting == 0 and rig.view.screen.icon is Icon.ACTIVE)
    assert [(i, d) for _, i, d in backend.mailbox.applied] == [
        ("m00005", "allow"),
        ("m00003", "block"),
        ("m00001", "allow"),
    ]


async def test_they_wait_over_a_restart_and_the_list_shows_them_done(
    backend: FakeBackend, tmp_path: Path
) -> None:
    backend.mailbox.put(make_message(1))
    backend.mailbox.put(make_message(3))
    secrets = FakeSecrets()
    async with running(backend, tmp_path, secrets=secrets) as rig:
        await online(rig)
        backend.stop()
        await rig.until(lambda: rig.app.state.trouble is not None)
        rig.choose("Allow ann1@")
        await rig.until(lambda: rig.app.state.waiting == 1)
    async with running(backend, tmp_path, secrets=secrets) as rig:
        await rig.until(lambda: rig.app.state.trouble is not None)
        assert [m.gmail_id for m in rig.app.state.held] == ["m00003"]
        assert rig.app.state.waiting == 1
        backend.start()
        await rig.until(lambda: rig.app.state.waiting == 0)
        assert [i for _, i, _ in backend.mailbox.applied] == ["m00001"]


async def test_undone_before_it_was_sent_is_never_sent(backend: FakeBackend, tmp_path: Path) -> None:
    backend.mailbox.put(make_message(1))
    backend.mailbox.put(make_message(3))
    async with running(backend, tmp_path) as rig:
        await online(rig)
        backend.stop()
        await rig.until(lambda: rig.app.state.trouble is not None)
        rig.choose("Allow ann3@")  # stands first in the queue, and is the only one tried
        await rig.until(lambda: rig.app.state.waiting == 1)
        await rig.until(lambda: any(item.tried for item in rig.app.outbox.unsent()))
        rig.choose("Allow ann1@")
        await rig.until(lambda: rig.app.state.waiting == 2)
        rig.choose("Undo")
        await rig.until(lambda: rig.app.state.waiting == 1)
        assert [m.gmail_id for m in rig.app.state.held] == ["m00001"]
        backend.start()
        await rig.until(lambda: rig.app.state.waiting == 0)
    assert [i for _, i, _ in backend.mailbox.applied] == ["m00003"]
    assert backend.mailbox.undone == []


@pytest.mark.parametrize(
    ("fault", "icon", "expected"),
    [
        ("slow", Icon.OFFLINE, "The server does not answer in time"),
        ("error", Icon.OFFLINE, "The server has a problem (502)"),
        ("busy", Icon.OFFLINE, "The server asks for a short pause"),
        ("signed_out", Icon.ATTENTION, "This computer is no longer connected"),
        ("old_client", Icon.ATTENTION, "This app is too old for the server"),
        ("no_version", Icon.ATTENTION, "is not a Pitchgate server this app can talk to"),
        ("portal", Icon.ATTENTION, "is not a Pitchgate server this app can talk to"),
    ],
)
async def test_each_fault_says_what_it_is_and_passes(
    backend: FakeBackend, tmp_path: Path, fault: str, icon: Icon, expected: str
) -> None:
    backend.mailbox.put(make_message(1))
    async with running(backend, tmp_path) as rig:
        await online(rig)
        backend.set_fault(fault)
        await rig.until(lambda: any(expected in label for label in rig.labels()))
        assert rig.view.screen.icon is icon
        assert rig.app.state.held, "the last known list stays"
        backend.set_fault("")
        await rig.until(lambda: rig.view.screen.icon is Icon.ACTIVE)


async def test_unreachable_says_so_and_passes(backend: FakeBackend, rig: Rig) -> None:
    backend.stop()
    await rig.until(lambda: any(label.startswith("No connection to 127.0.0.1") for label in rig.labels()))
    assert "Try again now" in rig.labels()
    backend.start()
    await rig.until(lambda: rig.view.screen.icon is Icon.ACTIVE)


async def test_what_happened_while_the_stream_was_cut_is_not_missed(backend: FakeBackend, rig: Rig) -> None:
    backend.stop()
    await rig.until(lambda: rig.app.state.trouble is not None)
    backend.mailbox.hold(1)
    lists = sum("/held" in line for line in backend.mailbox.requests)
    backend.start()
    await rig.until(lambda: len(rig.app.state.held) == 1)
    assert sum("/held" in line for line in backend.mailbox.requests) == lists, "resumed, not fetched again"


async def test_events_that_are_no_longer_known_mean_fetching_everything(
    backend: FakeBackend, rig: Rig
) -> None:
    backend.stop()
    await rig.until(lambda: rig.app.state.trouble is not None)
    backend.mailbox.hold(1)
    backend.mailbox.forgotten, backend.mailbox.events = 1, []
    backend.start()
    await rig.until(lambda: len(rig.app.state.held) == 1)


async def test_what_a_sender_writes_to_the_owner_shows_up(backend: FakeBackend, tmp_path: Path) -> None:
    backend.mailbox.put(make_message(1))
    backend.mailbox.put(make_message(3))
    async with running(backend, tmp_path) as rig:
        await online(rig)
        backend.mailbox.messages["m00001"]["note"] = "We met in Ghent, Olga."
        backend.mailbox.tell("note", backend.mailbox.messages["m00001"])
        await rig.until(lambda: "The sender says: We met in Ghent, Olga." in rig.labels())
        assert [m.gmail_id for m in rig.app.state.held] == ["m00003", "m00001"], "in its old place"
        assert rig.view.screen.badge == 0


async def test_mail_decided_elsewhere_leaves_the_list_and_is_not_told(backend: FakeBackend, rig: Rig) -> None:
    message = backend.mailbox.hold(1)
    await rig.until(lambda: len(rig.app.state.held) == 1)
    backend.mailbox.correct("a-page-or-the-phone", message["gmail_id"], "release")
    await rig.until(lambda: rig.app.state.held == ())
    assert rig.view.screen.badge == 0
    assert rig.app.batch.pending == ()


async def test_a_decision_the_server_refuses_is_told_and_dropped(
    backend: FakeBackend, tmp_path: Path
) -> None:
    backend.mailbox.put(make_message(1))
    async with running(backend, tmp_path) as rig:
        await online(rig)
        del backend.mailbox.messages["m00001"]
        rig.choose("Allow ann1@")
        await rig.until(lambda: rig.app.state.waiting == 0 and bool(rig.view.notices))
        assert rig.view.notices[0][0] == "Not done: Allowed ann1@seller1.example"


async def test_connecting_takes_the_browser_round_and_keeps_the_token(
    backend: FakeBackend, tmp_path: Path
) -> None:
    async with running(backend, tmp_path, signed_in=False) as rig:
        await rig.until(lambda: rig.window.opened == ["local"])  # a first start shows where to begin
        assert rig.view.screen.icon is Icon.ATTENTION
        rig.choose("Connect…")
        await rig.until(lambda: rig.app.state.signed_in and rig.app.state.status is not None)
        token = rig.secrets.tokens[backend.url]
        assert token not in (tmp_path / "state.json").read_text()
        assert "You can close this page" in rig.browser.pages[0]
        assert [d["name"] for d in backend.mailbox.devices.values()] == ["test computer"]


async def test_a_declined_consent_is_told(backend: FakeBackend, tmp_path: Path) -> None:
    async with running(backend, tmp_path, signed_in=False) as rig:
        rig.browser.says = "no"
        await rig.until(lambda: bool(rig.view.screens))
        rig.choose("Connect…")
        await rig.until(lambda: bool(rig.view.notices))
        assert rig.view.notices[0][0] == "The connection was declined in the browser"
        assert not rig.app.state.connecting


async def test_an_expired_code_is_told(backend: FakeBackend, tmp_path: Path) -> None:
    backend.code_life = timedelta(seconds=-1)
    async with running(backend, tmp_path, signed_in=False) as rig:
        await rig.until(lambda: bool(rig.view.screens))
        rig.choose("Connect…")
        await rig.until(lambda: bool(rig.view.notices))
        assert rig.view.notices[0] == ("Refused: code_expired", "Do otherwise.")
        assert rig.secrets.tokens == {}


async def test_no_safe_place_for_the_token_gives_it_back(backend: FakeBackend, tmp_path: Path) -> None:
    async with running(backend, tmp_path, signed_in=False) as rig:
        await rig.until(lambda: rig.window.opened == ["local"])
        rig.secrets.locked = True
        rig.choose("Connect…")
        await rig.until(lambda: bool(rig.view.notices))
        assert rig.view.notices[0] == ("The keyring did not open", "Unlock it.")
        assert backend.mailbox.devices == {}, "the device was revoked again"
        assert not rig.app.state.signed_in


async def test_disconnecting_forgets_everything(backend: FakeBackend, tmp_path: Path) -> None:
    backend.mailbox.put(make_message(1))
    async with running(backend, tmp_path) as rig:
        await online(rig)
        rig.choose("Disconnect this computer")
        await rig.until(lambda: not rig.app.state.signed_in)
        assert backend.mailbox.devices == {}
        assert rig.secrets.tokens == {}
    assert "ann1@" not in (tmp_path / "state.json").read_text()


async def test_another_account_does_not_inherit_what_waits(backend: FakeBackend, tmp_path: Path) -> None:
    backend.mailbox.put(make_message(1))
    async with running(backend, tmp_path) as rig:
        await online(rig)
        backend.set_fault("signed_out")
        await rig.until(lambda: rig.app.state.trouble is not None)
        rig.choose("Allow ann1@")
        await rig.until(lambda: rig.app.state.waiting == 1)
        backend.set_fault("")
        backend.mailbox.devices.clear()
        backend.mailbox.email = "somebody.else@example.com"
        await rig.until(
            lambda: any(label.startswith("Connect this computer again") for label in rig.labels())
        )
        rig.choose("Connect this computer again")
        await rig.until(lambda: rig.app.state.status is not None and rig.app.state.trouble is None)
        assert rig.app.state.waiting == 0
    assert backend.mailbox.applied == []


async def test_review_opens_the_live_page_signed_in_once_and_the_local_one_offline(
    backend: FakeBackend, rig: Rig
) -> None:
    rig.choose("Review…")
    await rig.until(lambda: len(rig.window.opened) == 1)
    assert rig.window.opened[0].startswith(f"{backend.url}/enter?ticket=")
    rig.choose("Review…")
    await rig.until(lambda: rig.window.opened[-1] == "front")
    rig.window.showing = ""
    backend.stop()
    await rig.until(lambda: rig.app.state.trouble is not None)
    rig.choose("Review…")
    await rig.until(lambda: rig.window.opened[-1] == "local")
    backend.start()


async def test_pause_strictness_and_the_switches(backend: FakeBackend, tmp_path: Path) -> None:
    async with running(backend, tmp_path) as rig:
        await online(rig)
        rig.choose("For 1 hour")
        await rig.until(lambda: rig.view.screen.icon is Icon.PAUSED)
        until = datetime.fromisoformat(backend.mailbox.paused_until or "")
        assert timedelta(minutes=59) < until - datetime.now(UTC) <= timedelta(hours=1)
        rig.choose("Resume")
        await rig.until(lambda: rig.view.screen.icon is Icon.ACTIVE)
        rig.choose("Strict")
        await rig.until(lambda: backend.mailbox.strictness == "strict")
        rig.choose("Open at login")
        await rig.until(lambda: rig.autostart.command == ["pitchgate-tray"])
        rig.choose("Notify me of held mail")
        await rig.until(lambda: not rig.app.state.notices)
        backend.mailbox.hold(1)
        await rig.until(lambda: rig.view.screen.badge == 1)
        assert rig.app.batch.pending == ()
    async with running(backend, tmp_path, secrets=rig.secrets) as again:
        assert not again.app.state.notices, "the switch is remembered"


async def test_the_local_page_can_do_everything(backend: FakeBackend, tmp_path: Path) -> None:
    backend.mailbox.put(make_message(1))
    backend.mailbox.put(make_message(2, placement="inbox", decided_by=""))
    async with running(backend, tmp_path) as rig:
        await online(rig)
        shown = await orders.answer(rig.app, "list", {})
        assert [m["gmail_id"] for m in shown["held"]] == ["m00001"]
        assert [m["gmail_id"] for m in shown["passed"]] == ["m00002"]
        assert await orders.answer(rig.app, "decide", {"gmail_id": "m00002", "decision": "sales"}) == {}
        shown = snapshot(rig.app.state, datetime.now(UTC))
        assert shown["passed"] == []
        assert (await orders.answer(rig.app, "preview", {"gmail_id": "m00001"}))["text"].startswith("Hi Olga")
        assert await orders.answer(rig.app, "undo", {"key": shown["undo"]["key"]}) == {}
        assert [m.gmail_id for m in rig.app.state.passed] == ["m00002"]
        await rig.until(lambda: rig.app.state.waiting == 0)


async def test_quit_ends_the_view(rig: Rig) -> None:
    rig.do(Do.QUIT)
    await rig.until(lambda: rig.view.stopped)


async def test_five_thousand_held_messages_come_in_pages(backend: FakeBackend, tmp_path: Path) -> None:
    for number in range(5_050):
        backend.mailbox.put(make_message(number))
    async with running(backend, tmp_path, patience=Patience()) as rig:
        await rig.until(lambda: len(rig.app.state.held) == 5_000, seconds=60)
        assert any(label.startswith("4992 more senders") for label in rig.labels())
        rig.choose("Allow ann5049@")
        await rig.until(lambda: len(backend.mailbox.applied) == 1)
    async with running(backend, tmp_path, secrets=rig.secrets) as again:
        assert len(again.app.state.held) in (4_999, 5_000)


@pytest.mark.parametrize("hour", [1, 13, 23])
def test_until_tomorrow_is_six_in_the_morning_of_the_next_day(hour: int) -> None:
    now = datetime(2026, 3, 10, hour, 30).astimezone()
    until = orders.tomorrow(now)
    assert (until.astimezone().day, until.astimezone().hour) == (11, 6)
