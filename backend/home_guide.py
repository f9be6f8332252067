"""What a home tells its owner while they connect: the address to open, and how far it is."""

from __future__ import annotations

import asyncio
import contextlib
import webbrowser
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import Condition, Mailbox

if TYPE_CHECKING:
    from backend.bootstrap import Application


LOOK = 0.5
_UNDER_WAY = frozenset({Condition.CONNECTING, Condition.INDEXING})


class Guide:
    """Tells by `tell`, by key and blanks. `browser`: open the address as well."""

    def __init__(self, tell: Callable[..., None], *, browser: bool) -> None:
        self._tell = tell
        self._browser = browser

    async def run(self, application: Application) -> None:
        """From the first answer to a mailbox that is read. Ends then; the server goes on."""
        address = application.settings.public_url
        known = await application.context.store.mailboxes()
        if known:
            self._tell("home.running", address=address)
            self._tell_of_ends(known, address, application.context.clock.now())
            return
        self._tell("home.open", address=address)
        if self._browser:
            with contextlib.suppress(webbrowser.Error, OSError):
                await asyncio.to_thread(webbrowser.open, address)
        mailbox = await self._first(application)
        self._tell("home.connected", email=mailbox.owner.email)
        await self._until_read(application, mailbox.id)
        self._tell("home.reading", address=address)
        self._tell("home.testing")

    def _tell_of_ends(self, mailboxes: Iterable[Mailbox], address: str, now: datetime) -> None:
        for mailbox in mailboxes:
            if (at := mailbox.grant_expires_at) is not None and now < at:
                self._tell(
                    "home.ends", email=mailbox.owner.email, at=f"{at:%Y-%m-%d %H:%M} UTC", address=address
                )

    async def _first(self, application: Application) -> Mailbox:
        while True:
            if found := await application.context.store.mailboxes():
                return found[0]
            await asyncio.sleep(LOOK)

    async def _until_read(self, application: Application, mailbox_id: MailboxId) -> None:
        shown = -1
        while True:
            mailbox = await application.context.store.mailbox(mailbox_id)
            if mailbox is None:
                return
            condition = mailbox.condition(application.context.clock.now())
            if condition not in _UNDER_WAY:
                return
            tenth = 10 * mailbox.index_done // mailbox.index_total if mailbox.index_total else -1
            if tenth > shown:
                shown = tenth
                self._tell("home.progress", done=mailbox.index_done, total=mailbox.index_total)
            await asyncio.sleep(LOOK)
