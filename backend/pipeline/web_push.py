"""web_push: tell the browsers that asked for it of senders who are newly held: who and the subject, nothing more.

A message is sent before it is recorded. A run that dies in between sends it again under the same id, which the push
service puts in the place of the first, and the browser shows without a second sound.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from backend.domain.errors import Refused
from backend.domain.mailbox import web_push as rules
from backend.domain.mailbox.message import MessageView
from backend.domain.mailbox.owner_digest import MAX_NAME, MAX_SUBJECT, plain
from backend.domain.mailbox.review import Shelf, Wanted
from backend.domain.mailbox.web_push import Subscription
from backend.locale import catalogue
from backend.locale.words import Words
from backend.pipeline.context import Context, GivenBack
from backend.pipeline.sealed import seal, unseal
from backend.ports.public_post import PushAnswer, Pushed
from backend.transactions.records import DutyJob, Session, WebPush

NAMED = 3
"""How many senders a notification names."""
MOST_SENDERS = 30
KEY = "web_push"
KEY_LIFE = timedelta(days=1)


async def web_push(context: Context, job: DutyJob) -> datetime | GivenBack | None:
    """Tell each browser of who is new to it; due again when one of them may be told again, or is to be tried again."""
    now = context.clock.now()
    browsers = await context.store.web_pushes(job.mailbox_id, now)
    if not browsers:
        return None
    held = await context.store.review(job.mailbox_id, Wanted((Shelf.HELD,)), None, MOST_SENDERS)
    due: list[datetime] = []
    ready: list[tuple[WebPush, Sequence[MessageView]]] = []
    for browser in browsers:
        news = rules.newcomers(held.piles, browser.told_until, now)
        if news and browser.told_at is not None and browser.told_at + rules.APART > now:
            due.append(browser.told_at + rules.APART)
        elif news:
            ready.append((browser, news))
    if not ready:
        return min(due, default=None)
    answers = await asyncio.gather(*(_tell(context, browser, news) for browser, news in ready))
    told = [(browser, answer) for (browser, _), answer in zip(ready, answers, strict=True)]
    for browser, answer in told:
        context.web_pushed[answer.outcome] += 1
        if answer.outcome is Pushed.LATER:
            due.append(rules.next_try(browser.failing_since or now, now, answer.retry_at))
    outcomes = [(browser, answer.outcome) for browser, answer in told]
    next_due = min(due, default=None)
    await context.store.web_pushed(job, outcomes, now, next_due)
    return GivenBack(next_due)


async def _tell(context: Context, browser: WebPush, news: Sequence[MessageView]) -> PushAnswer:
    try:
        to = _opened(context, browser.sealed)
    except Refused:  # no key of ours opens it any more
        return PushAnswer(Pushed.GONE)
    title, body = worded(browser.language, news)
    fields = {"id": browser.told_until.isoformat(), "title": title, "body": body}
    return await context.web_push.push(to, json.dumps(fields, ensure_ascii=False).encode())


def worded(language: str, news: Sequence[MessageView]) -> tuple[str, str]:
    """Title and text of a notification of these senders, one message of each."""
    t = Words(catalogue(language).section("web_push", "digest"))
    names = [plain(view.sender_name or view.sender, MAX_NAME) for view in news]
    if len(news) == 1:
        return t("one", who=names[0]), plain(news[0].subject, MAX_SUBJECT) or t("no_subject")
    shown, rest = ", ".join(names[:NAMED]), len(names) - NAMED
    return t.count("some", len(news)), t.count("glance", rest, names=shown) if rest > 0 else shown


def _opened(context: Context, sealed: bytes) -> Subscription:
    return Subscription(**json.loads(context.vault.open(sealed)))


def _sealed(context: Context, what: Subscription) -> bytes:
    return context.vault.seal(json.dumps(asdict(what)))


@dataclass(frozen=True, slots=True)
class WebPushService:
    """What the owner's pages order. A browser is known by its session."""

    context: Context

    async def on(self, session: Session) -> bool:
        """Whether this browser is told."""
        return await self._of(session) is not None

    def offer(self) -> tuple[str, str]:
        """A fresh key for one browser: what it is to know it by, and the key itself, sealed, for `switch_on`."""
        key = self.context.web_push.new_key()
        return self.context.web_push.public_key(key), seal(self.context, KEY, {"key": key}, KEY_LIFE)

    async def switch_on(
        self, session: Session, endpoint: str, p256dh: str, auth: str, sealed: str, language: str
    ) -> None:
        """Tell this browser from now on. Raises `Refused` (malformed, too_many_browsers) or `Expired`."""
        key = unseal(self.context, KEY, sealed)["key"]
        what = _sealed(self.context, rules.subscription(endpoint, p256dh, auth, key))
        now, identifier = self.context.clock.now(), self.context.tokens.identifier()
        made = WebPush(identifier, session.token_hash, what, session.browser, language, now)
        await self.context.store.add_web_push(session.mailbox_id, made, now)

    async def moved(self, session: Session, endpoint: str, p256dh: str, auth: str) -> None:
        """The browser has another address, and knows the same key. Raises `Refused` (malformed)."""
        known = await self._of(session)
        if known is not None:
            key = _opened(self.context, known.sealed).key
            what = _sealed(self.context, rules.subscription(endpoint, p256dh, auth, key))
            await self.context.store.swap_web_push(session.mailbox_id, known.id, known.sealed, what)

    async def switch_off(self, session: Session) -> None:
        """Tell it nothing more."""
        await self.context.store.remove_web_push(session.mailbox_id, session.token_hash)

    async def _of(self, session: Session) -> WebPush | None:
        known = await self.context.store.web_pushes(session.mailbox_id, self.context.clock.now())
        return next((one for one in known if one.session == session.token_hash), None)
