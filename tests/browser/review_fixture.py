"""An owner's review pages on a real port, with a real store behind them, and what happens there meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Browser, BrowserContext, Page

from backend.domain.mail.message import Address, Arrival, Headers, Message
from backend.domain.mailbox.message import Outcome, Placement, Screened, Shadow, Verdict
from backend.domain.reading.score import Reason, Score
from backend.transactions.store import Store
from tests.contract.store.stories import ROWS
from tests.web.serving import Server, served_office

T = TypeVar("T")
WAIT = 20.0
DESKTOP = {"width": 1180, "height": 860}
PHONE = {"width": 360, "height": 740}
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "phone": {"viewport": PHONE, "is_mobile": True, "has_touch": True},
    "dark": {"color_scheme": "dark"},
    "de-phone-dark": {"viewport": PHONE, "is_mobile": True, "locale": "de-DE", "color_scheme": "dark"},
}
"""How a page is looked at: options of a browser's window."""
PITCH = (
    "Hi Ana,\n\nI help firms like yours grow their pipeline. Do you have 15 minutes for a quick call this week?\n"
    "We guarantee 40 qualified meetings.\n\nThanks for your paper on bees,\nBo"
)
REASONS = (
    Reason("phrase.asks_call", 1.9, ("quick call",)),
    Reason("pitch_words", 1.2, ("pipeline", "qualified")),
    Reason("ordinary_words", -0.6, ("bees",)),
)
SHIFTS = """
window.shifted = [];
new PerformanceObserver((list) => {
  const moved = ({ value, sources }) => [value, ...sources.map(({ node }) => node?.className)];
  window.shifted.push(...list.getEntries().map(moved));
}).observe({ type: "layout-shift", buffered: true });
"""
"""For `add_init_script`: what moved without being asked to is in `window.shifted`."""
PLACES = """
() => [...document.querySelectorAll("main button, main .row, main .item, main a[href]")]
  .filter((node) => node.checkVisibility() && !node.closest("[data-news]"))
  .map((node) => { const { x, y, width, height } = node.getBoundingClientRect(); return [x, y, width, height]; })
"""
"""Where all is that can be pressed."""


class Fixture(Server):
    """An owner's pages, and what happens there meanwhile."""

    @property
    def store(self) -> Store:
        return self.office.store

    def hold(self, gmail_id: str, sender: str = "bo@pitch.test", **mail: Any) -> str:
        """A pitch is held. See `_receive`."""
        return self.do(self._receive(gmail_id, sender, Outcome.HOLD, **mail))

    def challenge(self, gmail_id: str, sender: str = "bo@pitch.test", **mail: Any) -> str:
        return self.do(self._receive(gmail_id, sender, Outcome.CHALLENGE, **mail))

    def pass_by(self, gmail_id: str, sender: str = "di@friend.test", **mail: Any) -> str:
        return self.do(self._receive(gmail_id, sender, Outcome.INBOX, **mail))

    def place(self, gmail_id: str) -> Placement | None:
        """Where a message is meant to be."""
        return self.do(self.office.story.place("ana", gmail_id))

    def decided(self, gmail_id: str) -> str:
        return self.do(self.office.story.view("ana", gmail_id)).decided_by

    def signed_in(self, browser: Browser, **options: Any) -> BrowserContext:
        """A browser whose owner has signed in. It starts the offline worker only if it is to: that takes a sixth of a
        page's processor time."""
        usual: dict[str, Any] = {"locale": "en-GB", "viewport": DESKTOP, "service_workers": "block"}
        context = browser.new_context(**(usual | options))
        context.set_default_timeout(30_000)
        secret = self.do(self.office.service.sign_in("ana"))
        context.add_cookies([{"name": "pitchgate-session", "value": secret, "url": self.address}])
        return context

    async def _receive(
        self,
        gmail_id: str,
        sender: str,
        outcome: Outcome,
        name: str = "Bo Pitcher",
        subject: str = "Grow your pipeline",
        text: str = PITCH,
        html: str | None = None,
        note: str = "",
        score: float = 0.97,
        headers: Headers | None = None,
        shadow: Shadow | None = None,
        model: str = "m1",
    ) -> str:
        story = self.office.story
        now = story.pass_time(seconds=1)
        await story.arrive("ana", gmail_id)
        job = await story.job(gmail_id)
        facts = Screened(
            sender=sender,
            sender_name=name,
            sender_domain=sender.rpartition("@")[2],
            subject=subject,
            message_id=f"<{gmail_id}@x.test>",
            received_at=now,
            authenticated=True,
            reply_to=sender,
        )
        intent = story.intent(sender) if outcome is Outcome.CHALLENGE else None
        said = f"{text}{html or ''}"
        reasons = tuple(replace(why, words=tuple(w for w in why.words if w in said)) for why in REASONS)
        verdict = Verdict(outcome, ROWS[outcome], Score(score, 3.5, reasons, model), shadow=shadow)
        await story.store.record_verdict(job, verdict, facts, intent, now)
        await story.work()
        if note and intent:
            await story.store.write_note("ana", intent.id, note, now)
        message = Message(
            headers=headers or Headers(),
            from_=(Address(sender, name),),
            subject=subject,
            text=text,
            html=html,
        )
        self.office.gmail.messages[gmail_id] = Arrival(gmail_id, f"t-{gmail_id}", frozenset(), now, message)
        return gmail_id


@contextmanager
def fixture(folder: Path) -> Iterator[Fixture]:
    """The pages, served."""
    with served_office(folder) as server:
        # What the store knows happens in the past of the page's clock.
        server.office.clock.advance(hours=2)
        yield Fixture(server.address, server.office, server.loop)


@contextmanager
def visit(here: Fixture, browser: Browser, path: str = "/review", **options: Any) -> Iterator[Page]:
    """A signed-in page, closed with its browser window."""
    context = here.signed_in(browser, **options)
    try:
        page = context.new_page()
        page.goto(here.address + path)
        yield page
    finally:
        context.close()
