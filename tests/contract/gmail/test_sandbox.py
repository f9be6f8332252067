"""The contract of `backend.ports.gmail` and `backend.ports.callers`, kept against a whole Google in its own process."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from backend.domain.errors import (
    Gone,
    GoogleError,
    HistoryGone,
    NeedsReconnect,
    Refused,
    Rejected,
    SendUncertain,
    TryLater,
    Unauthenticated,
)
from backend.domain.labels import NAMES
from backend.gmail import Google, open_google
from backend.gmail.scopes import lacking
from backend.settings import GMAIL_MODIFY, USERINFO_EMAIL, Settings
from backend.system import SystemClock
from tests.contract.gmail.fake_google import Keeper, StoryClock, watching
from tests.sandbox_process import (
    CLIENT_ID,
    CLIENT_SECRET,
    PUSH_ACCOUNT,
    SUBSCRIPTION,
    TOPIC,
    SandboxProcess,
)

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


class Story:
    """One mailbox of the sandbox, connected as m1."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        self.address = f"ana{next(_numbers)}@corp.test"
        self.keeper = Keeper()
        self.hosts: set[str] = set()
        sandbox.create_mailbox(self.address, "Ana")
        self.keeper.grants["m1"] = sandbox.tokens(self.address)["refresh_token"]

    def settings(self, **changes: Any) -> Settings:
        urls = self.sandbox.urls
        return Settings(
            **{
                "gmail_url": urls["gmail"],
                "token_url": urls["token"],
                "revoke_url": urls["revoke"],
                "jwks_url": urls["jwks"],
                "authorize_url": urls["auth"],
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "topic": TOPIC,
                "subscription": SUBSCRIPTION,
                "push_account": PUSH_ACCOUNT,
                "quota_per_user_minute": 1_000_000,
                **changes,
            }
        )

    def open(self, clock: Any = None, **changes: Any) -> Any:
        return open_google(
            self.settings(**changes), self.keeper, clock or SystemClock(), traces=[watching(self.hosts)]
        )

    def deliver(self, **letter: Any) -> str:
        letter = {"sender": "Bo <bo@ext.test>", "subject": "An offer", "text": "Buy this", **letter}
        return str(self.sandbox.deliver(self.address, **letter)["id"])

    def fault(self, kind: str, **rule: Any) -> None:
        self.sandbox.fault(kind, mailbox=self.address, **rule)

    def calls(self, method: str) -> int:
        methods = self.sandbox.meter(self.address)["methods"]
        return int(methods.get(f"gmail.users.{method}", {"calls": 0})["calls"])


@pytest.fixture
def story(sandbox: SandboxProcess) -> Iterator[Story]:
    story = Story(sandbox)
    yield story
    sandbox.clear_faults()
    assert story.hosts <= {"127.0.0.1"}, f"requests left this machine: {story.hosts}"


@pytest.fixture
async def google(story: Story) -> AsyncIterator[Google]:
    async with story.open() as google:
        yield google


def reply(to: str, marker: str, message_id: str, parent: str, subject: str = "Re: An offer") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = to, "bo@ext.test", subject
    mail["Message-ID"], mail["In-Reply-To"], mail["References"] = message_id, parent, parent
    mail["X-Pitchgate-Challenge"] = marker
    mail.set_content("Please confirm.")
    return mail.as_bytes()


# --- the Gmail port ------------------------------------------------------------------------------


async def test_profile(story: Story, google: Google) -> None:
    story.deliver()
    profile = await google.gmail.profile("m1")
    assert profile.email == story.address
    assert profile.messages_total == 1
    assert profile.history_id == str(story.sandbox.mailbox(story.address)["historyId"])


async def test_watch_lasts_a_week_and_stop_may_run_again(story: Story, google: Google) -> None:
    grant = await google.gmail.watch("m1")
    left = grant.expires_at - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7, minutes=1)
    assert int(grant.history_id) > 0
    await google.gmail.watch("m1")
    await google.gmail.stop_watch("m1")
    await google.gmail.stop_watch("m1")
    assert story.calls("watch") == 2


async def test_a_watch_of_another_topic_is_replaced(story: Story, google: Google) -> None:
    other = TOPIC.replace("gmail-events", "elsewhere")
    story.sandbox.create_topic(other)
    async with story.open(topic=other) as stranger:
        await stranger.gmail.watch("m1")
    await google.gmail.watch("m1")
    assert [watch["topic"] for watch in story.sandbox.mailbox(story.address)["watches"]] == [TOPIC]


async def test_history_tells_of_all_four_kinds_of_change(story: Story, google: Google) -> None:
    start = (await google.gmail.profile("m1")).history_id
    kept, gone = story.deliver(), story.deliver(subject="Another")
    story.sandbox.move_labels(story.address, [kept], add=["Pitchgate/Allow"], remove=["INBOX"])
    story.sandbox.delete_messages(story.address, [gone])
    page = await google.gmail.history("m1", start)
    assert [added.gmail_id for added in page.added][:1] == [kept]
    assert page.deleted == (gone,)
    moved = [change for change in page.relabelled if change.gmail_id == kept]
    assert frozenset({"INBOX"}) in {change.removed for change in moved}
    assert any(change.added for change in moved)
    assert page.next_page == ""
    after = await google.gmail.history("m1", page.history_id)
    assert (after.added, after.relabelled, after.deleted) == ((), (), ())


async def test_history_is_paged_to_its_end_with_empty_pages_in_between(story: Story, google: Google) -> None:
    start = (await google.gmail.profile("m1")).history_id
    story.sandbox.settings(history_empty_pages=1)
    try:
        wanted = {story.deliver(subject=f"Mail {n}", text="x") for n in range(5)}
        found: set[str] = set()
        page_token, positions, pages = "", set(), 0
        while pages < 20:
            page = await google.gmail.history("m1", start, page_token)
            found |= {added.gmail_id for added in page.added}
            positions.add(page.history_id)
            page_token, pages = page.next_page, pages + 1
            if not page_token:
                break
        assert found == wanted
        assert pages >= 2, "an empty page came first and did not end the listing"
        assert len(positions) == 1
    finally:
        story.sandbox.settings(history_empty_pages=0)


async def test_history_older_than_google_keeps_is_gone(story: Story, google: Google) -> None:
    start = (await google.gmail.profile("m1")).history_id
    story.deliver()
    story.deliver()
    story.sandbox.act("raise_history_floor", story.address)
    with pytest.raises(HistoryGone):
        await google.gmail.history("m1", start)


async def test_lists_come_in_pages_newest_first(story: Story, google: Google) -> None:
    ids = [story.deliver(subject=f"Mail {n}") for n in range(5)]
    first = await google.gmail.list_messages("m1", "in:inbox", limit=3)
    rest = await google.gmail.list_messages("m1", "in:inbox", page=first.next_page, limit=3)
    assert [gmail_id for gmail_id, _ in first.ids + rest.ids] == ids[::-1]
    assert rest.next_page == ""
    assert (await google.gmail.list_messages("m1", "in:sent")).ids == ()


async def test_a_message_comes_with_texts_labels_and_time(story: Story, google: Google) -> None:
    gmail_id = story.deliver(
        sender="Bö Öst <bo@ext.test>",
        subject="Grüße",
        text="Hällo",
        html="<p>Hällo</p>",
        attachments=[{"filename": "a.pdf", "content_type": "application/pdf", "size": 1000}],
    )
    arrival = await google.gmail.fetch("m1", gmail_id)
    message = arrival.message
    assert (message.sender.address, message.sender.name) == ("bo@ext.test", "Bö Öst")
    assert message.subject == "Grüße"
    assert message.text.strip() == "Hällo"
    assert message.html is not None
    assert "Hällo" in message.html
    assert [one.filename for one in message.attachments] == ["a.pdf"]
    assert "INBOX" in arrival.labels
    assert abs(arrival.received_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert message.headers.first("authentication-results").startswith("mx.google.com;")


async def test_headers_can_be_had_alone(story: Story, google: Google) -> None:
    arrival = await google.gmail.fetch_headers("m1", story.deliver(), ["From", "Subject"])
    assert {name.lower() for name, _ in arrival.message.headers} == {"from", "subject"}
    assert arrival.message.text == ""
    assert arrival.message.sender.address == "bo@ext.test"


async def test_what_is_gone_is_told_as_gone(story: Story, google: Google) -> None:
    gmail_id = story.deliver()
    story.sandbox.delete_messages(story.address, [gmail_id])
    with pytest.raises(Gone):
        await google.gmail.fetch("m1", gmail_id)
    with pytest.raises(Gone):
        await google.gmail.relabel("m1", gmail_id, frozenset({"STARRED"}), frozenset())


async def test_labels_are_made_once_and_put_on_in_one_call(story: Story, google: Google) -> None:
    ids = await google.gmail.ensure_labels("m1")
    assert ids.complete
    assert await google.gmail.ensure_labels("m1") == ids
    found = story.sandbox.mailbox(story.address)["userLabels"]
    assert set(found) == {"Pitchgate", *NAMES.values()}
    assert found["Pitchgate/Held"] == ids.held
    gmail_id = story.deliver()
    for _ in range(2):
        now = await google.gmail.relabel("m1", gmail_id, frozenset({ids.held}), frozenset({"INBOX"}))
        assert ids.held in now
        assert "INBOX" not in now
    assert story.calls("messages.modify") == 2
    assert story.calls("messages.get") == 0


async def test_a_label_the_owner_deleted_is_told_by_its_word_and_made_again(
    story: Story, google: Google
) -> None:
    ids = await google.gmail.ensure_labels("m1")
    gmail_id = story.deliver()
    story.sandbox.act("delete_label", story.address, label="Pitchgate/Held")
    with pytest.raises(Rejected) as caught:
        await google.gmail.relabel("m1", gmail_id, frozenset({ids.held}), frozenset({"INBOX"}))
    assert caught.value.reason == "unknownLabel"
    again = await google.gmail.ensure_labels("m1")
    assert "INBOX" not in await google.gmail.relabel(
        "m1", gmail_id, frozenset({again.held}), frozenset({"INBOX"})
    )


async def test_two_of_us_may_make_the_labels_at_once(story: Story, google: Google) -> None:
    made = await asyncio.gather(*(google.gmail.ensure_labels("m1") for _ in range(4)))
    assert len(set(made)) == 1


async def test_an_answer_lands_in_its_thread_and_is_found_again(story: Story, google: Google) -> None:
    gmail_id = story.deliver(message_id="<offer@ext.test>")
    thread = (await google.gmail.fetch("m1", gmail_id)).thread_id
    raw = reply(story.address, "mark-1", "<ours-1@corp.test>", "<offer@ext.test>")
    sent = await google.gmail.send("m1", raw, thread)
    assert (await google.gmail.fetch_headers("m1", sent, ["Subject"])).thread_id == thread
    assert await google.gmail.find_sent("m1", "<ours-1@corp.test>", thread, "mark-1") == sent
    assert await google.gmail.find_sent("m1", "<never@corp.test>", thread, "never") == ""
    assert len([mail for mail in story.sandbox.outbox() if mail["sender"] == story.address]) == 1


async def test_a_message_id_google_rewrote_does_not_hide_the_mail(story: Story, google: Google) -> None:
    gmail_id = story.deliver(message_id="<offer2@ext.test>")
    thread = (await google.gmail.fetch("m1", gmail_id)).thread_id
    story.sandbox.settings(rewrite_message_ids=True)
    try:
        raw = reply(story.address, "mark-2", "<ours-2@corp.test>", "<offer2@ext.test>")
        sent = await google.gmail.send("m1", raw, thread)
    finally:
        story.sandbox.settings(rewrite_message_ids=False)
    assert await google.gmail.find_sent("m1", "<ours-2@corp.test>", thread, "mark-2") == sent


@pytest.mark.parametrize("kind", ["drop_after", "drop_mid", "unavailable_after", "garbage"])
async def test_a_send_that_left_but_was_not_confirmed_is_found_and_not_sent_twice(
    story: Story, google: Google, kind: str
) -> None:
    gmail_id = story.deliver(message_id=f"<{kind}@ext.test>")
    thread = (await google.gmail.fetch("m1", gmail_id)).thread_id
    story.fault(kind, method="messages.send")
    raw = reply(story.address, kind, f"<ours-{kind}@corp.test>", f"<{kind}@ext.test>")
    with pytest.raises(SendUncertain):
        await google.gmail.send("m1", raw, thread)
    assert await google.gmail.find_sent("m1", f"<ours-{kind}@corp.test>", thread, kind)
    assert len([mail for mail in story.sandbox.outbox() if mail["sender"] == story.address]) == 1


async def test_a_send_that_was_dropped_before_it_left_is_not_found(story: Story, google: Google) -> None:
    gmail_id = story.deliver()
    thread = (await google.gmail.fetch("m1", gmail_id)).thread_id
    story.fault("drop", method="messages.send")
    with pytest.raises(SendUncertain):
        await google.gmail.send("m1", reply(story.address, "m", "<ours-d@corp.test>", "<x@y>"), thread)
    assert await google.gmail.find_sent("m1", "<ours-d@corp.test>", thread, "m") == ""


async def test_aliases_and_vacation(story: Story, google: Google) -> None:
    story.sandbox.add_alias(story.address, "Sales@Corp.Test")
    story.sandbox.add_alias(story.address, "ceo@corp.test", accepted=False)
    assert await google.gmail.aliases("m1") == {story.address, "sales@corp.test"}
    assert not await google.gmail.vacation_on("m1")
    story.sandbox.set_vacation(story.address, enableAutoReply=True, responseBodyPlainText="Away")
    assert await google.gmail.vacation_on("m1")


# --- every refusal Google knows ------------------------------------------------------------------

REFUSALS: dict[str, type[GoogleError]] = {
    "rate_limit": TryLater,
    "user_rate_limit": TryLater,
    "daily_limit": TryLater,
    "domain_policy": NeedsReconnect,
    "insufficient_scope": NeedsReconnect,
    "access_not_configured": TryLater,
    "too_many_requests": TryLater,
    "too_many_concurrent": TryLater,
    "failed_precondition": Rejected,
    "invalid_argument": Rejected,
    "not_found": Gone,
    "backend_500": TryLater,
    "bad_gateway": TryLater,
    "unavailable": TryLater,
    "gateway_timeout": TryLater,
    "drop": TryLater,
    "drop_mid": TryLater,
    "garbage": TryLater,
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_refused_read(story: Story, google: Google, kind: str) -> None:
    gmail_id = story.deliver()
    # Twice for dropped connections: the HTTP library repeats a GET on a dead connection once.
    story.fault(kind, method="messages.get", times=2 if kind.startswith("drop") else 1, seconds=60)
    with pytest.raises(REFUSALS[kind]) as caught:
        await google.gmail.fetch("m1", gmail_id)
    assert caught.value.title
    if kind == "too_many_requests":
        assert isinstance(caught.value, TryLater)
        assert caught.value.retry_at is not None


async def test_one_refused_token_is_renewed_without_a_word(story: Story, google: Google) -> None:
    await google.gmail.profile("m1")
    story.sandbox.act("expire_access_tokens", story.address)
    assert (await google.gmail.profile("m1")).email == story.address


async def test_a_slow_answer_is_given_up(story: Story) -> None:
    story.fault("slow", method="getProfile", seconds=3)
    async with story.open(request_timeout=0.3) as google:
        with pytest.raises(TryLater):
            await google.gmail.profile("m1")


async def test_a_revoked_grant_stops_the_mailbox_until_the_owner_returns(
    story: Story, google: Google
) -> None:
    await google.gmail.profile("m1")
    story.sandbox.act("revoke", story.address)
    for _ in range(3):
        with pytest.raises(NeedsReconnect):
            await google.gmail.profile("m1")
    story.keeper.grants["m1"] = story.sandbox.tokens(story.address)["refresh_token"]
    assert (await google.gmail.profile("m1")).email == story.address


async def test_narrowed_consent_stops_the_mailbox(story: Story, google: Google) -> None:
    await google.gmail.profile("m1")
    story.sandbox.act("narrow_scopes", story.address, remove=[GMAIL_MODIFY])
    with pytest.raises(NeedsReconnect) as caught:
        await google.gmail.profile("m1")
    assert "ticked" in caught.value.remedy


# --- quota, counted by Google's meter ------------------------------------------------------------


async def test_googles_meter_counts_what_we_think_we_spend_and_sees_no_crowd(story: Story) -> None:
    ids = [story.deliver(subject=f"Mail {n}") for n in range(20)]
    story.sandbox.settings(latency_ms=20)
    try:
        async with story.open(requests_in_flight=4) as google:
            await asyncio.gather(*(google.gmail.fetch("m1", gmail_id) for gmail_id in ids))
    finally:
        story.sandbox.settings(latency_ms=0)
    meter = story.sandbox.meter(story.address)
    assert meter["units"] == 400
    assert meter["most_in_flight"] <= 4


async def test_a_burst_is_stretched_below_the_rate_and_never_refused(story: Story) -> None:
    ids = [story.deliver(subject=f"Mail {n}") for n in range(12)]
    took = await _seconds_for(story, ids)
    assert took >= (240 - 50) / 95, "a quarter of a burst, then 95% of 100 units a second"
    assert story.sandbox.meter(story.address)["refused"] == 0


async def test_old_prices_let_a_mailbox_read_faster(story: Story) -> None:
    ids = [story.deliver(subject=f"Mail {n}") for n in range(30)]
    took = await _seconds_for(story, ids, old_prices=True)
    assert took < (600 - 50) / 95, "at the new prices it could not have been that fast"


async def _seconds_for(story: Story, ids: list[str], **changes: Any) -> float:
    loop = asyncio.get_running_loop()
    async with story.open(quota_per_user_minute=6_000, **changes) as google:
        before = loop.time()
        await asyncio.gather(*(google.gmail.fetch("m1", gmail_id) for gmail_id in ids))
        return loop.time() - before


# --- consent -------------------------------------------------------------------------------------


class Browser:
    """The owner at Google's page."""

    def __init__(self, story: Story, google: Google) -> None:
        self.story, self.google = story, google
        self.verifier = "v" * 50
        story.sandbox.allow_redirect(story.settings().redirect_uri)

    def consent(self, grant: list[str] | None = None, nonce: str = "n1") -> str:
        url = self.google.authorizer.consent_url(
            state="s1", nonce=nonce, verifier=self.verifier, login_hint=self.story.address
        )
        back = self.story.sandbox.consent(url, self.story.address, grant)
        answer = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
        assert answer["state"] == "s1"
        return answer["code"]


async def test_an_owner_connects_and_leaves(story: Story, google: Google) -> None:
    code = Browser(story, google).consent()
    grant = await google.authorizer.redeem(code=code, verifier="v" * 50, nonce="n1")
    assert grant.email == story.address
    assert grant.sub == story.sandbox.mailbox(story.address)["sub"]
    assert not lacking(grant.scopes, story.settings().scopes)
    assert USERINFO_EMAIL in grant.scopes
    story.keeper.grants["m1"] = grant.refresh_token
    google.forget("m1")
    await google.gmail.profile("m1")
    await google.authorizer.revoke("m1")
    with pytest.raises(NeedsReconnect):
        await google.gmail.profile("m1")
    await google.authorizer.revoke("m1")


async def test_a_box_left_unticked_is_seen(story: Story, google: Google) -> None:
    code = Browser(story, google).consent(grant=["openid", USERINFO_EMAIL])
    grant = await google.authorizer.redeem(code=code, verifier="v" * 50, nonce="n1")
    assert lacking(grant.scopes, story.settings().scopes) == {GMAIL_MODIFY}


async def test_a_code_works_once_and_only_with_its_verifier_and_nonce(story: Story, google: Google) -> None:
    browser = Browser(story, google)
    for verifier, nonce in (("w" * 50, "n1"), ("v" * 50, "n2")):
        with pytest.raises(Refused):
            await google.authorizer.redeem(code=browser.consent(), verifier=verifier, nonce=nonce)
    code = browser.consent()
    await google.authorizer.redeem(code=code, verifier="v" * 50, nonce="n1")
    with pytest.raises(Refused):
        await google.authorizer.redeem(code=code, verifier="v" * 50, nonce="n1")


# --- push ----------------------------------------------------------------------------------------


class Hook:
    """Receives pushes and keeps the last."""

    def __init__(self) -> None:
        self.url = ""
        self._arrived: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        await self._arrived.put((request.headers.get("Authorization", ""), body["subscription"]))
        return web.Response(status=204)

    async def next(self) -> tuple[str, str]:
        async with asyncio.timeout(20):
            return await self._arrived.get()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hooks/gmail", hook.handle)
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/gmail"
        yield hook


async def test_googles_push_is_known_for_what_it_is(story: Story, hook: Hook) -> None:
    subscription = f"projects/pitchgate-dev/subscriptions/{story.address.partition('@')[0]}"
    topic = f"projects/pitchgate-dev/topics/{story.address.partition('@')[0]}"
    story.sandbox.create_topic(topic)
    story.sandbox.create_subscription(hook.url, name=subscription, topic=topic)
    clock = StoryClock()
    ours = {"topic": topic, "subscription": subscription, "push_audience": hook.url}
    async with story.open(clock, **ours) as google:
        await google.gmail.watch("m1")
        authorization, named = await hook.next()
        await google.push_callers.verify_push(authorization, named)
        with pytest.raises(Unauthenticated):
            await google.push_callers.verify_push(authorization, SUBSCRIPTION)
        clock.pass_(hours=2)
        with pytest.raises(Unauthenticated):
            await google.push_callers.verify_push(authorization, named)
    async with story.open(**{**ours, "push_audience": hook.url + "x"}) as google:
        with pytest.raises(Unauthenticated):
            await google.push_callers.verify_push(authorization, named)
    async with story.open(**{**ours, "push_account": "else@x.iam.gserviceaccount.com"}) as google:
        with pytest.raises(Unauthenticated):
            await google.push_callers.verify_push(authorization, named)
