"""The app's one place that decides what happens next. Lives on the asyncio thread.

It holds the state, changes it through the pure functions of `state`, and hands the view a new screen whenever
that differs from the last. Only `submit` may be called from other threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import webbrowser
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tray_app import menu
from tray_app import state as states
from tray_app.connection import Connection, Outbox, Pace, Refusal
from tray_app.errors import (
    BackendError,
    Busy,
    SecretsRefused,
    ServerTrouble,
    SignedOut,
    Slow,
    TrayError,
    Unreachable,
    WrongVersion,
)
from tray_app.memory import Memory
from tray_app.menu import Action, Do, Screen, screen
from tray_app.ports import Autostart, Backend, Browser, Event, IconView, Secrets, Window
from tray_app.state import (
    Decision,
    Message,
    Status,
    TrayState,
    Trouble,
    TroubleKind,
    affected,
    message_from_json,
    without,
)
from tray_app.words import t

# ---- What the controller is built from, and the real clock and browser


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


class SystemBrowser:
    """The `Browser` port."""

    def open(self, url: str) -> bool:
        """Open `url` in a new tab of the owner's browser."""
        return webbrowser.open(url, new=2)


@dataclass(slots=True)
class Parts:
    """Everything the controller touches. `make_backend` is called with the server's address."""

    version: str
    default_server: str
    make_backend: Callable[[str], Backend]
    view: IconView
    window: Window
    secrets: Secrets
    browser: Browser
    memory: Memory
    autostart: Autostart | None = None
    command: list[str] = field(default_factory=list)
    computer: str = "this computer"
    now: Callable[[], datetime] = utc_now
    pace: Pace = Pace()
    window_only: str = ""
    """Why there is no tray, for the local page; "" where there is one."""


# ---- Initial state, and decisions not sent yet


KINDS: tuple[tuple[type[BackendError], TroubleKind], ...] = (
    (Unreachable, TroubleKind.UNREACHABLE),
    (Slow, TroubleKind.SLOW),
    (ServerTrouble, TroubleKind.SERVER),
    (Busy, TroubleKind.BUSY),
    (SignedOut, TroubleKind.SIGNED_OUT),
    (WrongVersion, TroubleKind.WRONG_VERSION),
)


def remembered(parts: Parts, outbox: Outbox) -> TrayState:
    """The state the app starts with: what it knew when it ended, however it ended."""
    memory = parts.memory
    held, passed, at = memory.last_known()
    return TrayState(
        server=memory.kept.server or parts.default_server,
        held=without(held, settled_ids(outbox, held)),
        passed=passed,
        waiting=len(outbox),
        notices=memory.kept.notices,
        update_check=memory.kept.update_check,
        autostart=parts.autostart.enabled() if parts.autostart else None,
        recovered=memory.recovered,
        updated_at=at,
    )


def settled_ids(outbox: Outbox, held: tuple[Message, ...]) -> set[str]:
    """Those of the held messages that decisions still waiting to be sent have settled already."""
    waiting = outbox.waiting()
    undone = {item.key for item in waiting if item.undo}
    by_id = {message.gmail_id: message for message in held}
    settled: set[str] = set()
    for item in waiting:
        about = by_id.get(item.gmail_id)
        if about and item.key not in undone and item.decision != Decision.SALES:
            settled |= {message.gmail_id for message in affected(held, about, Decision(item.decision))}
    return settled


def trouble_of(error: BackendError) -> Trouble:
    """The trouble to show for an error."""
    kind = next((kind for error_type, kind in KINDS if isinstance(error, error_type)), TroubleKind.OTHER)
    return Trouble(kind, error.title, error.remedy)


# ---- The controller
# The app's one place that decides what happens next. It lives on the asyncio thread, holds the state, changes it
# through the pure functions of `state`, and hands the view each new screen. Only `submit` may be called from other
# threads.


KEEP_AFTER = 2.0
"""Seconds until a changed list is written to the disk: a burst is one write."""


CarryOut = Callable[["Controller", Action], Coroutine[Any, Any, None]]
"""Does what an `Action` says (`orders.carry_out`)."""


class Controller:
    """See the module. `run` returns after `Do.QUIT`, or after `stop`."""

    def __init__(self, parts: Parts, carry_out: CarryOut) -> None:
        self.parts = parts
        self._carry_out = carry_out
        self.outbox = Outbox(parts.memory)
        self.backend: Backend | None = None
        self.batch = menu.Batch()
        self._connection: Connection | None = None
        self._linked: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._screen: Screen | None = None
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._unsaved = False
        self.state = remembered(parts, self.outbox)
        self._knew = self.state.updated_at is not None

    # --- life

    async def run(self) -> None:
        """Until the owner quits."""
        self._loop = asyncio.get_running_loop()
        self.publish()
        ticking = asyncio.create_task(self._tick())
        try:
            self.start(self._begin())
            await self._ended.wait()
        finally:
            await self._end(ticking)

    def submit(self, action: Action) -> None:
        """See `Orders.submit`."""
        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # the loop closed meanwhile: the app is ending
                self._loop.call_soon_threadsafe(self._take, action)

    def stop(self) -> None:
        """End the app. Asyncio thread."""
        self._ended.set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside everything else; what goes wrong in it is shown to the owner."""
        task = asyncio.create_task(self._told(work))
        self._tasks.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            work.close()  # a task cancelled before its first step has not begun it
            self._tasks.discard(done)

        task.add_done_callback(ended)

    async def link(self, token: str) -> None:
        """Use this token from now on; "" cuts the link."""
        if self._linked:
            self._linked.cancel()
            await asyncio.gather(self._linked, return_exceptions=True)
            self._linked = self._connection = None
        if self.backend is not None:
            self.backend.use_token(token)
        if token and self.backend is not None:
            self._connection = Connection(self.backend, self.outbox, self, self.parts.pace)
            self._linked = asyncio.create_task(self._connection.run())

    async def use_server(self, server: str) -> Backend:
        """Talk to this server from now on."""
        if self.backend is None or server != self.state.server:
            await self.link("")
            if self.backend is not None:
                await self.backend.close()
            self.backend = self.parts.make_backend(server)
            self.parts.memory.change(server=server)
            self.become(replace(self.state, server=server))
        return self.backend

    def poke(self) -> None:
        """Send what waits; try again now."""
        if self._connection:
            self._connection.poke()

    # --- state

    def become(self, state: states.TrayState) -> None:
        """Take the new state, and show it."""
        if (state.held, state.passed) != (self.state.held, self.state.passed):
            self._unsaved = True
        self.state = state
        self.publish()
        self._changed.set()

    def publish(self) -> None:
        """Show the state if it looks different from what is shown."""
        fresh = screen(self.state, self.parts.version, self.parts.now())
        if fresh != self._screen:
            self._screen = fresh
            self.parts.view.show(fresh)
        self.parts.window.refresh()

    def decide(self, gmail_id: str, decision: Decision) -> None:
        """The owner decided about a listed message; one no longer listed was settled already."""
        about = states.find(self.state, gmail_id)
        if about is None:
            return
        expected = len(states.affected(self.state.held, about, decision)) if decision in states.WIDE else 0
        key = self.outbox.decide(gmail_id, decision, states.done_sentence(about, decision), expected)
        decided = states.decided(self.state, about, decision, key, self.parts.now())
        undoable = decided.undoable
        self._drop_from_notices({m.gmail_id for m in undoable.taken} if undoable else set())
        self.become(replace(decided, waiting=len(self.outbox)))
        self.poke()

    def undo(self, key: str) -> None:
        """The owner takes their last decision back."""
        last = self.state.undoable
        if last is None or last.key != key:
            return
        self.outbox.undo(key, t("done.undone", what=last.text))
        self.become(replace(states.undone(self.state, key), waiting=len(self.outbox)))
        self.poke()

    def forget(self) -> None:
        """Drop everything about the mailbox; the settings stay."""
        self.parts.memory.forget()
        self._knew = False
        self.batch = menu.Batch()
        self.become(replace(states.signed_out(self.state), waiting=0))

    # --- ConnectionListener

    def on_reached(self, status: Status) -> None:
        """See `ConnectionListener`."""
        self.parts.memory.change(email=status.email)
        self.become(states.reached(self.state, status, self.parts.now()))

    def on_lists(self, held: tuple[Message, ...], passed: tuple[Message, ...]) -> None:
        """See `ConnectionListener`. What came while the app was away is news, unless nothing was known before."""
        first, self._knew = not self._knew, True
        before = self.state.unseen
        settled = settled_ids(self.outbox, held)
        held = states.without(held, settled)
        self.become(replace(states.listed(self.state, held, first=first), passed=passed))
        self._unsaved = True
        for message in reversed(held):
            if message.gmail_id in self.state.unseen - before:
                self._notice(message)

    def on_event(self, event: Event) -> None:
        """See `ConnectionListener`."""
        if event.name == "held":
            message = message_from_json(event.data)
            known = states.find(self.state, message.gmail_id)
            self.become(states.newly_held(self.state, message))
            if known is None:
                self._notice(message)
            return
        if event.name == "note":
            self.become(states.retold(self.state, message_from_json(event.data)))
            return
        gmail_id = str(event.data.get("gmail_id", ""))
        self._drop_from_notices({gmail_id})
        self.become(states.gone(self.state, {gmail_id}))

    def on_sent(self, refusals: tuple[Refusal, ...]) -> None:
        """See `ConnectionListener`. What the server will never take is reported, and the list is read again."""
        self.become(replace(self.state, waiting=len(self.outbox)))
        for refusal in refusals:
            self.tell(
                t("done.refused", what=refusal.item.text),
                f"{refusal.error.title} {refusal.error.remedy}".strip(),
            )

    def on_failed(self, error: BackendError) -> None:
        """See `ConnectionListener`."""
        trouble = trouble_of(error)
        self.become(replace(states.failed(self.state, trouble), waiting=len(self.outbox)))

    def tell(self, title: str, body: str) -> None:
        """Show a notice the owner asked for by what they did; the switch for held mail does not silence it."""
        self.parts.view.notify(title, body)

    # --- inside

    async def _begin(self) -> None:
        await self.use_server(self.state.server)
        if self.parts.memory.recovered == "lost":
            self.tell(t("notice.damaged"), t("notice.damaged_text"))
        if self.parts.window_only:  # nothing else shows: not even that the keyring refuses
            self._take(Action(Do.REVIEW))
        token = await asyncio.to_thread(self.parts.secrets.load, self.state.server)
        if token:
            self.become(replace(self.state, signed_in=True))
            await self.link(token)
        elif not self.parts.window_only and not self.parts.memory.kept.email:
            self._take(Action(Do.REVIEW))

    def _take(self, action: Action) -> None:
        self.start(self._carry_out(self, action))

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except SecretsRefused as error:
            self.become(states.failed(self.state, Trouble(TroubleKind.OTHER, error.title, error.remedy)))
            self.tell(error.title, error.remedy)
        except TrayError as error:
            self.tell(error.title, error.remedy)

    def _notice(self, message: Message) -> None:
        if self.state.notices:
            self.batch = menu.arrived(self.batch, message, self.parts.now())
            self._changed.set()

    def _drop_from_notices(self, gmail_ids: set[str]) -> None:
        self.batch = menu.dropped(self.batch, gmail_ids)

    async def _tick(self) -> None:
        """Do what is due by time alone: notices, the end of undo and pause, writing the lists."""
        while True:
            try:
                async with asyncio.timeout(self._until_due()):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            now = self.parts.now()
            self.batch, notice = menu.take(self.batch, now)
            if notice and self.state.notices:
                self.parts.view.notify(notice.title, notice.body)
            self.state = states.expired(self.state, now)
            self.publish()
            if self._unsaved:
                await asyncio.sleep(KEEP_AFTER)
                self._keep()

    def _until_due(self) -> float | None:
        now = self.parts.now()
        status, undoable = self.state.status, self.state.undoable
        times = [
            menu.due_at(self.batch),
            undoable.until if undoable else None,
            status.paused_until if status and states.paused(status, now) else None,
        ]
        due = [(at - now).total_seconds() for at in times if at is not None]
        return max(min(due), 0.0) + 0.01 if due else None

    def _keep(self) -> None:
        """Write the lists. The offer to undo counts as decided: its messages are off the list on the disk too."""
        self._unsaved = False
        if self.state.signed_in:
            at = self.state.updated_at or self.parts.now()
            self.parts.memory.know(self.state.held, self.state.passed, at)

    async def _end(self, ticking: asyncio.Task[None]) -> None:
        for task in (ticking, *self._tasks):
            task.cancel()
        await asyncio.gather(ticking, *self._tasks, return_exceptions=True)
        await self.link("")
        if self._unsaved:
            self._keep()
        await self.parts.window.close()
        if self.backend is not None:
            await self.backend.close()
        self.parts.view.stop()
