"""An owner at their pages: a browser without script, and a preview of their inbox."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import urlencode

from backend.domain.mailbox.mailbox import Mailbox
from backend.pipeline.first_run import preview
from backend.transactions.records import Duty
from tests.unit.pipeline.conftest import FORGED, letter
from tests.web.service import Office

__all__ = ["FORGED", "Visit", "letter"]


class Visit:
    """A signed-in browser at one mailbox."""

    def __init__(self, here: Office, browser: Any, mailbox_id: str) -> None:
        self.here, self.browser, self.mailbox_id = here, browser, mailbox_id
        self.page = ""
        self.headers: dict[str, str] = {}

    @classmethod
    async def at_home(cls, here: Office, mailbox_id: str = "ana") -> Visit:
        """Sign in where the cookie is half of the secret: an app opens the page."""
        ticket = await here.service.ticket(await here.service.device(await here.token(mailbox_id)), "review")
        visit = cls(here, here.app.test_client(), mailbox_id)
        entered = await visit.browser.get(f"/enter?ticket={ticket}")
        visit.headers = {"X-Pitchgate-Half": entered.headers["Location"].partition("#half=")[2]}
        return visit

    @classmethod
    async def begin(cls, here: Office, mailbox_id: str = "ana") -> Visit:
        return cls(here, await here.browser(mailbox_id), mailbox_id)

    async def get(self, path: str, status: int = 200, **headers: str) -> str:
        """A page, its text unescaped so that it can be read."""
        answer = await self.browser.get(path, headers=self.headers | headers)
        body = await answer.get_data(as_text=True)
        assert answer.status_code == status, body
        self.page = str(body)
        return unescape(self.page)

    async def post(self, path: str, status: int = 303, csrf: str | None = None, **fields: Any) -> str:
        """Send a form: where it leads, or the page with this status. Many values of a field come as a list."""
        if csrf is None:
            csrf = self.hidden("csrf")
        sent = urlencode({"csrf": csrf, **fields}, doseq=True)
        headers = self.headers | {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await self.browser.post(path, data=sent, headers=headers)
        body = await answer.get_data(as_text=True)
        assert answer.status_code == status, body
        if status == 303:
            return str(answer.headers["Location"])
        self.page = str(body)
        return unescape(self.page)

    def hidden(self, name: str) -> str:
        """A field of the page's forms, or of the button that sends it."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        assert found, name
        return unescape(found[1])

    async def mailbox(self) -> Mailbox:
        found = await self.here.store.mailbox(self.mailbox_id)
        assert found is not None
        return found

    async def indexed(self, done: int = 40) -> None:
        """Sent has been read."""
        job = await self.here.story.hold(self.mailbox_id, Duty.INDEX)
        await self.here.store.save_index(job, "", done, done, True, self.here.story.now)
        await self.here.store.finish_duty(job, None)

    def deliver(self, *messages: Any, labels: frozenset[str] = frozenset({"INBOX"})) -> list[str]:
        """Mail that is in the inbox at Gmail, the last one the newest."""
        found = []
        for mail in messages:
            gmail_id = self.here.gmail.deliver(mail, labels=labels)
            arrival = self.here.gmail.messages[gmail_id]
            self.here.gmail.messages[gmail_id] = replace(arrival, received_at=self.here.story.now)
            self.here.story.pass_time(minutes=1)
            found.append(gmail_id)
        return found

    async def worked(self, turns: int = 40) -> None:
        """The preview's duty runs until it is done."""
        store, context = self.here.store, self.here.service.context
        for _ in range(turns):
            job = await self.here.story.due_duty(context.clock.now())
            if job is None:
                return
            assert job.duty is Duty.PREVIEW
            await store.finish_duty(job, await preview(context, job))
        raise AssertionError("the preview never ends")
