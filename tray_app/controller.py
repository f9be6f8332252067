"""The app's controller: holds the state, changes it with the pure functions of `state`, and gives the view a new
screen whenever it differs from the last. Asyncio thread; only `submit` may be called from other threads.
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
from tray_app.errors import BackendError, SecretsRefused, TrayError, TroubleKind
from tray_app.memory import Memory
from tray_app.menu import Action, Do, Screen, screen
from tray_app.ports import Autostart, Backend, Browser, Event, IconView, Secrets, Window
from tray_app.state import (
    Decision,
    Message,
    Status,
    TrayState,
    Trouble,
    affected,
    message_from_json,
    without,
)
from tray_app.words import t

# ---- The controller's dependencies, and the real clock and browser


class SystemBrowser:
    """The `Browser` port: the owner's default browser."""

    def open(self, url: str) -> bool:
        """Open `url` in a new tab of the owner's browser."""
        return webbrowser.open(url, new=2)


@dataclass(slots=True)
class Parts:
    """Everything the controller uses. `make_backend` takes the server's address; `command` starts the app at login."""

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
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    pace: Pace = Pace()
    window_only: str = ""
    """Why there is no tray icon, shown on the local page; "" if there is one."""


# ---- Initial state


def initial_state(parts: Parts, outbox: Outbox) -> TrayState:
    """The state the app starts with, from what `memory` has stored."""
    memory = parts.memory
    held, passed, at = memory.last_known()
    return TrayState(
        server=memory.settings.server or parts.default_server,
        held=without(held, decided_ids(outbox, held)),
        passed=passed,
        waiting=len(outbox),
        notices=memory.settings.notices,
        update_check=memory.settings.update_check,
        autostart=parts.autostart.enabled() if parts.autostart else None,
        recovered=memory.recovered,
        updated_at=at,
    )


def decided_ids(outbox: Outbox, held: tuple[Message, ...]) -> set[str]:
    """Ids of the held messages that an unsent decision already covers."""
    unsent = outbox.unsent()
    undone = {item.key for item in unsent if item.undo}
    by_id = {message.gmail_id: message for message in held}
    decided: set[str] = set()
    for item in unsent:
        about = by_id.get(item.gmail_id)
        if about and item.key not in undone and item.decision != Decision.SALES:
            decided |= {message.gmail_id for message in affected(held, about, Decision(item.decision))}
    return decided


# ---- The controller


SAVE_DELAY = 2.0
"""Seconds before changed lists are written to disk, so that a burst is one write."""


CarryOut = Callable[["Controller", Action], Coroutine[Any, Any, None]]
"""Performs an `Action`: `orders.carry_out`."""


class Controller:
    """See the module. `carry_out` performs the owner's actions. `run` returns after `stop`."""

    def __init__(self, parts: Parts, carry_out: CarryOut) -> None:
        self.parts = parts
        self._carry_out = carry_out
        self.outbox = Outbox(parts.memory)
        self.backend: Backend | None = None
        self.batch = menu.Batch()
        self._connection: Connection | None = None
        self._connection_task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._screen: Screen | None = None
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._unsaved = False
        self.state = initial_state(parts, self.outbox)
        self._had_lists = self.state.updated_at is not None

    # --- life cycle

    async def run(self) -> None:
        """Run until `stop`."""
        self._loop = asyncio.get_running_loop()
        self.publish()
        ticking = asyncio.create_task(self._tick())
        try:
            self.start(self._begin())
            await self._ended.wait()
        finally:
            await self._end(ticking)

    def submit(self, action: Action) -> None:
        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # the loop closed meanwhile: the app is ending
                self._loop.call_soon_threadsafe(self._run_action, action)

    def stop(self) -> None:
        """End the app. Asyncio thread."""
        self._ended.set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` as a task; a `TrayError` in it is shown to the owner."""
        task = asyncio.create_task(self._report_errors(work))
        self._tasks.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            work.close()  # a task cancelled before its first step never awaits it, and Python would warn
            self._tasks.discard(done)

        task.add_done_callback(ended)

    async def connect_with(self, token: str) -> None:
        """Connect with this token; "" disconnects."""
        if self._connection_task:
            self._connection_task.cancel()
            await asyncio.gather(self._connection_task, return_exceptions=True)
            self._connection_task = self._connection = None
        if self.backend is not None:
            self.backend.use_token(token)
        if token and self.backend is not None:
            self._connection = Connection(self.backend, self.outbox, self, self.parts.pace)
            self._connection_task = asyncio.create_task(self._connection.run())

    async def use_server(self, server: str) -> Backend:
        """Use this server from now on; returns its client."""
        if self.backend is None or server != self.state.server:
            await self.connect_with("")
            if self.backend is not None:
                await self.backend.close()
            self.backend = self.parts.make_backend(server)
            self.parts.memory.change(server=server)
            self.set_state(replace(self.state, server=server))
        return self.backend

    def poke(self) -> None:
        """Send unsent decisions and retry now."""
        if self._connection:
            self._connection.poke()

    # --- state

    def set_state(self, state: states.TrayState) -> None:
        """Replace the state, and show it."""
        if (state.held, state.passed) != (self.state.held, self.state.passed):
            self._unsaved = True
        self.state = state
        self.publish()
        self._changed.set()

    def publish(self) -> None:
        """Redraw the tray if its screen changed, and update the window."""
        fresh = screen(self.state, self.parts.version, self.parts.now())
        if fresh != self._screen:
            self._screen = fresh
            self.parts.view.show(fresh)
        self.parts.window.refresh()

    def decide(self, gmail_id: str, decision: Decision) -> None:
        """Apply the owner's decision about a listed message. One no longer listed was decided already: ignored."""
        about = states.find(self.state, gmail_id)
        if about is None:
            return
        expected = (
            len(states.affected(self.state.held, about, decision))
            if decision in states.ALLOW_DECISIONS
            else 0
        )
        key = self.outbox.decide(gmail_id, decision, states.done_sentence(about, decision), expected)
        decided = states.decided(self.state, about, decision, key, self.parts.now())
        undoable = decided.undoable
        self._drop_from_notices({m.gmail_id for m in undoable.taken} if undoable else set())
        self.set_state(replace(decided, waiting=len(self.outbox)))
        self.poke()

    def undo(self, key: str) -> None:
        """Undo the owner's last decision; ignored if `key` is another."""
        last = self.state.undoable
        if last is None or last.key != key:
            return
        self.outbox.undo(key, t("done.undone", what=last.text))
        self.set_state(replace(states.undone(self.state, key), waiting=len(self.outbox)))
        self.poke()

    def forget(self) -> None:
        """Delete everything about the mailbox; keep the settings."""
        self.parts.memory.forget()
        self._had_lists = False
        self.batch = menu.Batch()
        self.set_state(replace(states.signed_out(self.state), waiting=0))

    # --- ConnectionListener

    def on_status(self, status: Status) -> None:
        self.parts.memory.change(email=status.email)
        self.set_state(states.status_received(self.state, status, self.parts.now()))

    def on_lists(self, held: tuple[Message, ...], passed: tuple[Message, ...]) -> None:
        """See `ConnectionListener`. Mail held since the last run is announced, but not the first list ever."""
        first, self._had_lists = not self._had_lists, True
        before = self.state.unseen
        held = states.without(held, decided_ids(self.outbox, held))
        self.set_state(replace(states.list_received(self.state, held, first=first), passed=passed))
        self._unsaved = True
        for message in reversed(held):
            if message.gmail_id in self.state.unseen - before:
                self._notice(message)

    def on_event(self, event: Event) -> None:
        if event.name == "held":
            message = message_from_json(event.data)
            known = states.find(self.state, message.gmail_id)
            self.set_state(states.message_held(self.state, message))
            if known is None:
                self._notice(message)
            return
        if event.name == "note":
            self.set_state(states.message_updated(self.state, message_from_json(event.data)))
            return
        gmail_id = str(event.data.get("gmail_id", ""))
        self._drop_from_notices({gmail_id})
        self.set_state(states.messages_removed(self.state, {gmail_id}))

    def on_sent(self, refusals: tuple[Refusal, ...]) -> None:
        """See `ConnectionListener`. Rejected decisions are reported to the owner."""
        self.set_state(replace(self.state, waiting=len(self.outbox)))
        for refusal in refusals:
            self.notify(
                t("done.refused", what=refusal.item.text),
                f"{refusal.error.title} {refusal.error.remedy}".strip(),
            )

    def on_failed(self, error: BackendError) -> None:
        trouble = Trouble(error.kind, error.title, error.remedy)
        self.set_state(replace(states.failed(self.state, trouble), waiting=len(self.outbox)))

    def notify(self, title: str, body: str) -> None:
        """Show a notice about the owner's own action, even if notices about held mail are switched off."""
        self.parts.view.notify(title, body)

    # --- private

    async def _begin(self) -> None:
        await self.use_server(self.state.server)
        if self.parts.memory.recovered == "lost":
            self.notify(t("notice.damaged"), t("notice.damaged_text"))
        if self.parts.window_only:  # open it first: without an icon only the window can show a keyring error
            self._run_action(Action(Do.REVIEW))
        token = await asyncio.to_thread(self.parts.secrets.load, self.state.server)
        if token:
            self.set_state(replace(self.state, signed_in=True))
            await self.connect_with(token)
        elif not self.parts.window_only and not self.parts.memory.settings.email:
            self._run_action(Action(Do.REVIEW))

    def _run_action(self, action: Action) -> None:
        self.start(self._carry_out(self, action))

    async def _report_errors(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except SecretsRefused as error:
            self.set_state(states.failed(self.state, Trouble(TroubleKind.OTHER, error.title, error.remedy)))
            self.notify(error.title, error.remedy)
        except TrayError as error:
            self.notify(error.title, error.remedy)

    def _notice(self, message: Message) -> None:
        if self.state.notices:
            self.batch = menu.with_message(self.batch, message, self.parts.now())
            self._changed.set()

    def _drop_from_notices(self, gmail_ids: set[str]) -> None:
        self.batch = menu.without_messages(self.batch, gmail_ids)

    async def _tick(self) -> None:
        """Do what is due at some time: show notices, end the offer to undo and the pause, write the lists."""
        while True:
            try:
                async with asyncio.timeout(self._until_due()):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            now = self.parts.now()
            self.batch, notice = menu.take_due_notice(self.batch, now)
            if notice and self.state.notices:
                self.parts.view.notify(notice.title, notice.body)
            self.state = states.expired(self.state, now)
            self.publish()
            if self._unsaved:
                await asyncio.sleep(SAVE_DELAY)
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
        """Write the lists. Messages whose decision can still be undone are left out on purpose."""
        self._unsaved = False
        if self.state.signed_in:
            at = self.state.updated_at or self.parts.now()
            self.parts.memory.save_lists(self.state.held, self.state.passed, at)

    async def _end(self, ticking: asyncio.Task[None]) -> None:
        for task in (ticking, *self._tasks):
            task.cancel()
        await asyncio.gather(ticking, *self._tasks, return_exceptions=True)
        await self.connect_with("")
        if self._unsaved:
            self._keep()
        await self.parts.window.close()
        if self.backend is not None:
            await self.backend.close()
        self.parts.view.stop()
