"""One sandbox and one real server for a whole module, each test with a mailbox of its own."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import aiohttp
import httpx

from backend.demo import people
from backend.demo.letters import Letter, letters
from backend.demo.play import Options, Stage, stage
from backend.domain.challenge import token_hash
from backend.domain.mailbox.message import Placement
from backend.store.opening import open_store
from backend.transactions.records import NewDevice, OneTimeCode, Purpose, Scope
from tests.journeys.conftest import PATIENCE, until
from tests.machine import Forked, hurry, machine
from tests.onward import onward

T = TypeVar("T")


@dataclass
class RealServer:
    """Sandbox and server in processes, driven from a loop in a thread so that every test may have its own."""

    running: Stage
    loop: asyncio.AbstractEventLoop
    numbers: count[int]

    @property
    def url(self) -> str:
        return self.running.server_url

    async def over_there(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something of the stage in the loop it belongs to."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))

    async def subject(self) -> RealSubject:
        """A newly connected mailbox with nothing in it."""
        address = f"owner{next(self.numbers)}@harbourlane.example"
        subject = RealSubject(self, address)
        await self.over_there(self._connect(address))
        await subject.working()
        return subject

    async def _connect(self, address: str) -> None:
        await self.running.sandbox.create(address, "Olga Owner")
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=30)) as browser:
            await people.connect(browser, self.url, address)


@dataclass
class RealSubject:
    """The real server as docs/reference/api.md's checks want it: see `tests.desktop.contract.Subject`."""

    server: RealServer
    email: str
    pitch: Letter = next(letter for letter in letters() if letter.local)
    ordinary: Letter = next(letter for letter in letters() if letter.kind == "customer")

    @property
    def url(self) -> str:
        return self.server.url

    async def working(self) -> None:
        """Wait until the mailbox is watched and its correspondents are read."""
        async with self.client(await self.device_token("waiting")) as client:

            async def active() -> bool:
                return bool((await client.get("status")).json()["condition"] == "active")

            await until(active, f"{self.email} at work")
            await client.delete("devices/current")

    def client(self, token: str) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=f"{self.url}/api/v1/", headers=headers, timeout=20)

    async def device_token(self, name: str = "test computer") -> str:
        """A computer let in past the browser: exchanging codes is limited to ten a minute, for good reason."""
        store, token, now = open_store(self.database), secrets.token_urlsafe(32), machine().now()
        await store.open()
        try:
            mailbox = await store.mailbox_by_email(self.email)
            assert mailbox is not None
            code = OneTimeCode(
                token_hash(token), mailbox.id, Purpose.DEVICE, "x", now + timedelta(seconds=9), name
            )
            await store.add_code(code, now)
            device = NewDevice(secrets.token_hex(8), token_hash(token), frozenset(Scope))
            await store.exchange(token_hash(token), "x", device, now)
        finally:
            await store.close()
        return token

    @property
    def database(self) -> Path:
        return self.server.running.options.folder / "state" / "pitchgate.sqlite3"

    async def hold(self, number: int, subject: str, sender: str = "") -> str:
        """A pitch comes and is held; its sender is `sender`, or one that goes by the number."""
        sender = sender or f"Ann Seller {number} <ann@seller{number}.example>"
        return await self._come(replace(self.pitch, sender=sender, subject=subject), Placement.HELD)

    async def pass_by(self, subject: str) -> str:
        """Ordinary mail of a stranger comes and stays in the inbox."""
        return await self._come(replace(self.ordinary, subject=subject), Placement.INBOX)

    async def _come(self, letter: Letter, placement: Placement) -> str:
        """Deliver it and wait until it is where it is meant to be. Not by the API: its calls are counted."""
        gmail_id = await self.server.over_there(self.server.running.sandbox.deliver(letter, self.email))
        store = open_store(self.database)
        await store.open()
        try:
            mailbox = await store.mailbox_by_email(self.email)
            assert mailbox is not None

            async def there() -> bool:
                view = (await store.known(mailbox.id, [gmail_id])).get(gmail_id)
                labels = await self.labels(gmail_id)
                held = "Pitchgate/Held" in labels and "INBOX" not in labels
                if view and view.placement is placement and held is (placement is Placement.HELD):
                    return True
                running = self.server.running
                await self.server.over_there(hurry(running, self.database.parent))
                return False

            await until(there, f"{gmail_id} {placement}")
        finally:
            await store.close()
        return gmail_id

    async def labels(self, gmail_id: str) -> frozenset[str]:
        """Label names the message carries in the sandbox's Gmail now."""
        messages = await self.server.over_there(self.server.running.sandbox.messages(self.email))
        return next((frozenset(mail["labels"]) for mail in messages if mail["id"] == gmail_id), frozenset())

    async def code(self, redirect_uri: str, challenge: str, state: str) -> str:
        query = {
            "redirect_uri": redirect_uri,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "state": state,
            "name": "Olga's laptop",
        }
        async with httpx.AsyncClient(timeout=20) as browser:
            page = await browser.get(f"{self.url}/connect/device", params=query)
            return await consent(browser, page, self.email)


async def consent(
    browser: httpx.AsyncClient, page: httpx.Response, account: str, computer: str = "Olga"
) -> str:
    """From the app's request to its listener's address, as an owner clicks through it; the page names the computer."""
    assert page.status_code == 200, page.text
    assert computer in page.text
    server = "{0.scheme}://{0.netloc}".format(urlsplit(str(page.url)))
    to_google = await browser.post(f"{server}/connect/device/sign-in", data=hidden(page.text))
    parts = urlsplit(onward(to_google.text))
    fields = dict(parse_qsl(parts.query))
    grants = fields.get("scope", "").split()
    google = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    back = await browser.post(
        google, data={**fields, "account": account, "decision": "allow", "grant": grants}
    )
    question = await browser.get(back.headers["Location"])
    assert question.status_code == 200, question.text
    assert account in question.text
    answer = await browser.post(f"{server}/connect/device", data=hidden(question.text) | {"answer": "yes"})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the first form of a page that has any."""

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.forms: list[dict[str, str]] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag == "form":
                self.forms.append({})
            elif tag == "input" and given.get("type") == "hidden":
                self.forms[-1][given["name"] or ""] = given["value"] or ""

    reader = Reader()
    reader.feed(page)
    return next(form for form in reader.forms if form)


@contextlib.contextmanager
def real_server(folder: Path) -> Iterator[RealServer]:
    """Start both processes; stop them at the end."""
    ready, found = threading.Event(), []
    loop = asyncio.new_event_loop()

    async def run() -> None:
        async with stage(Options(folder=folder), lambda _: None, Forked) as running:
            found.append(RealServer(running, loop, count(1)))
            ready.set()
            await asyncio.Event().wait()

    life = loop.create_task(run())

    def play() -> None:
        try:
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(life)
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    try:
        ready.wait(PATIENCE)
        assert found, "the stage did not start; its logs are in the test's folder"
        yield found[0]
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(life.cancel)
        thread.join(PATIENCE)
        assert not thread.is_alive()
