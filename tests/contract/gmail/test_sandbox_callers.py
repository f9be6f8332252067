"""An owner at the consent page and a push at our server, against a whole Google in its own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from backend.domain.errors import NeedsReconnect, Refused, Unauthenticated
from backend.domain.history import PushHeaders, read_push
from backend.domain.mailbox.mailbox import Grant
from backend.gmail.client import Google
from backend.gmail.oauth import missing_scopes
from backend.ports.gmail import Access
from backend.settings import GMAIL_MODIFY, IDENTITY, USERINFO_EMAIL
from tests.contract.gmail.sandbox_story import Story
from tests.fakes.google import StoryClock
from tests.sandbox_process import PUSH_ACCOUNT, SUBSCRIPTION

# --- consent -------------------------------------------------------------------------------------


class Browser:
    """The owner at Google's page."""

    def __init__(self, story: Story, google: Google) -> None:
        self.story, self.google = story, google
        self.verifier = "v" * 50
        story.sandbox.allow_redirect(story.settings().redirect_uri)

    def consent(
        self, grant: list[str] | None = None, nonce: str = "n1", access: Access = Access.MAILBOX
    ) -> str:
        url = self.google.authorizer.consent_url(
            access, state="s1", nonce=nonce, verifier=self.verifier, login_hint=self.story.address
        )
        back = self.story.sandbox.consent(url, self.story.address, grant)
        answer = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
        assert answer["state"] == "s1"
        return answer["code"]


async def test_an_owner_connects_and_leaves(story: Story, google: Google) -> None:
    code = Browser(story, google).consent()
    grant = await google.authorizer.redeem(Access.MAILBOX, code=code, verifier="v" * 50, nonce="n1")
    assert grant.email == story.address
    assert grant.sub == story.sandbox.mailbox(story.address)["sub"]
    assert not missing_scopes(grant.scopes, story.settings().scopes)
    assert USERINFO_EMAIL in grant.scopes
    story.keeper.grants["m1"] = grant.refresh_token
    google.forget("m1")
    await google.gmail.profile("m1")
    await google.authorizer.revoke("m1")
    with pytest.raises(NeedsReconnect):
        await google.gmail.profile("m1")
    await google.authorizer.revoke("m1")


async def test_an_owner_signs_in_with_what_google_tells_of_them_alone(story: Story, google: Google) -> None:
    code = Browser(story, google).consent(access=Access.IDENTITY)
    grant = await google.authorizer.redeem(Access.IDENTITY, code=code, verifier="v" * 50, nonce="n1")
    assert (grant.email, grant.refresh_token) == (story.address, "")
    assert grant.scopes == set(IDENTITY)
    story.keeper.grants["m1"] = (await connected(story, google)).refresh_token
    google.forget("m1")
    await google.gmail.profile("m1")  # the mailbox is connected after it as ever
    code = Browser(story, google).consent(access=Access.IDENTITY)
    await google.authorizer.redeem(Access.IDENTITY, code=code, verifier="v" * 50, nonce="n1")
    google.forget("m1")
    await google.gmail.profile("m1")  # and a sign-in takes nothing from it


async def connected(story: Story, google: Google) -> Grant:
    code = Browser(story, google).consent()
    return await google.authorizer.redeem(Access.MAILBOX, code=code, verifier="v" * 50, nonce="n1")


async def test_a_box_left_unticked_is_seen(story: Story, google: Google) -> None:
    code = Browser(story, google).consent(grant=["openid", USERINFO_EMAIL])
    grant = await google.authorizer.redeem(Access.MAILBOX, code=code, verifier="v" * 50, nonce="n1")
    assert missing_scopes(grant.scopes, story.settings().scopes) == {GMAIL_MODIFY}


async def test_a_code_works_once_and_only_with_its_verifier_and_nonce(story: Story, google: Google) -> None:
    browser = Browser(story, google)
    for verifier, nonce in (("w" * 50, "n1"), ("v" * 50, "n2")):
        with pytest.raises(Refused):
            await google.authorizer.redeem(
                Access.MAILBOX, code=browser.consent(), verifier=verifier, nonce=nonce
            )
    code = browser.consent()
    await google.authorizer.redeem(Access.MAILBOX, code=code, verifier="v" * 50, nonce="n1")
    with pytest.raises(Refused):
        await google.authorizer.redeem(Access.MAILBOX, code=code, verifier="v" * 50, nonce="n1")


# --- push ----------------------------------------------------------------------------------------


class Hook:
    """Receives pushes and keeps the last."""

    def __init__(self) -> None:
        self.url = ""
        self._arrived: asyncio.Queue[tuple[str, bytes, PushHeaders]] = asyncio.Queue()

    async def handle(self, request: web.Request) -> web.Response:
        heads = request.headers
        fields = PushHeaders(
            heads.get("x-goog-pubsub-subscription-name", ""), heads.get("x-goog-pubsub-message-id", "")
        )
        await self._arrived.put((heads.get("Authorization", ""), await request.read(), fields))
        return web.Response(status=204)

    async def next(self) -> tuple[str, bytes, PushHeaders]:
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


@pytest.mark.parametrize("wrapper", [None, {"writeMetadata": True}, {}], ids=["wrapped", "metadata", "bare"])
async def test_googles_push_is_known_for_what_it_is(
    story: Story, hook: Hook, wrapper: dict[str, bool] | None
) -> None:
    subscription = f"projects/pitchgate-dev/subscriptions/{story.address.partition('@')[0]}"
    topic = f"projects/pitchgate-dev/topics/{story.address.partition('@')[0]}"
    story.sandbox.create_topic(topic)
    config = {
        "pushEndpoint": hook.url,
        "oidcToken": {"serviceAccountEmail": PUSH_ACCOUNT, "audience": hook.url},
        "noWrapper": wrapper,
    }
    story.sandbox.create_subscription(hook.url, name=subscription, topic=topic, pushConfig=config)
    clock = StoryClock()
    ours = {"topic": topic, "subscription": subscription, "push_audience": hook.url}
    async with story.open(clock, **ours) as google:
        await google.gmail.watch("m1")
        authorization, body, response = await hook.next()
        named, envelope = read_push(body, response)
        assert envelope is not None
        assert envelope.email == story.address
        assert named == (None if wrapper == {} else subscription)
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
