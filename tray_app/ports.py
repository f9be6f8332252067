"""The controller's ports, as Protocols. Threads are named where they matter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tray_app.menu import Screen
from tray_app.state import Decision, Message, Status


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event. `id` is "" when the server gave none."""

    id: str
    name: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Token:
    """The device token of this computer and the mailbox it belongs to."""

    token: str
    device_id: str
    email: str


class Backend(Protocol):
    """The server. Methods raise only `BackendError`s and run on the asyncio thread."""

    def use_token(self, token: str) -> None:
        """Use this token for all later calls; "" for none."""

    async def exchange(self, code: str, verifier: str) -> Token: ...

    async def status(self) -> Status: ...

    async def held(self) -> tuple[Message, ...]:
        """All held, undecided messages, newest sender first, up to `HELD_LIMIT`."""

    async def passed(self) -> tuple[Message, ...]:
        """The latest messages that went to the inbox, latest first."""

    async def preview(self, gmail_id: str) -> str:
        """The message's text, as plain text."""

    async def correct(self, key: str, gmail_id: str, decision: Decision) -> tuple[str, ...]:
        """Decide about a message; returns the ids of all messages that are moved. Idempotent by `key`."""

    async def undo(self, key: str) -> None:
        """Undo a decision. Idempotent."""

    async def answer(self, gmail_id: str, answer: str) -> None:
        """Answer the question whether a message was a pitch: yes, no or unsure."""

    async def set_strictness(self, strictness: str) -> None: ...

    async def pause(self, until: datetime | None) -> None: ...

    async def sign_out(self) -> None:
        """Revoke this computer's token. Not an error if it is already revoked."""

    async def ticket(self, page: str) -> str:
        """A one-time address that opens this page (review, questions, settings) signed in."""

    def events(self, after: str) -> AsyncIterator[Event]:
        """The events after the one with id `after` ("": from now on), until the connection ends or fails."""

    async def close(self) -> None: ...


class IconView(Protocol):
    """The icon, its menu and its notices. Every method may be called from any thread and returns at once."""

    def show(self, screen: Screen) -> None: ...

    def notify(self, title: str, body: str) -> None: ...

    def stop(self) -> None:
        """End the view's loop; the main thread returns from `run`."""


class Window(Protocol):
    """The review window. Asyncio thread."""

    @property
    def showing(self) -> str:
        """ "page", "local", or "" while no window is open."""

    async def open_page(self, url: str) -> None:
        """Show the server's review page (one-time address). Replaces whatever is open."""

    async def open_local(self) -> None:
        """Show the local page with the last known list. If it is open already, bring it to the front."""

    async def to_front(self) -> None: ...

    def refresh(self) -> None:
        """Send the new state to an open local page. Returns at once."""

    async def close(self) -> None: ...


class Secrets(Protocol):
    """Where the token is stored. Calls may block on a keyring's password prompt: never on the asyncio thread.

    Every method raises `SecretsRefused` if there is no safe place.
    """

    def load(self, server: str) -> str:
        """The token for this server, "" if there is none."""

    def save(self, server: str, token: str) -> None: ...

    def forget(self, server: str) -> None:
        """Remove the token, if one is stored."""


class Autostart(Protocol):
    """Whether the app opens at login."""

    def enabled(self) -> bool: ...

    def enable(self, command: list[str]) -> None: ...

    def disable(self) -> None: ...


class Browser(Protocol):
    """The owner's browser."""

    def open(self, url: str) -> bool:
        """Open `url` in a new tab; False if no browser could be opened."""
