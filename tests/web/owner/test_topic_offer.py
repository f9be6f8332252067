"""A topic is offered after a release, once several released messages share it, and welcomed with one button."""

from __future__ import annotations

import re
from html import unescape

from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Outcome
from backend.domain.reading.topics import Topic
from tests.web.owner_pages import Visit
from tests.web.service import Office

OFFER = "You have released several emails about this: goods from makers and suppliers."
RELEASED = "/review?done=release&n=1"


async def release(here: Office, *gmail_ids: str) -> None:
    """Messages of strangers about goods, held and released."""
    for gmail_id in gmail_ids:
        await here.story.receive("ana", gmail_id, Outcome.HOLD, f"bo@{gmail_id}.test")
        here.story.pass_time(minutes=1)
        await here.story.decide("ana", gmail_id, Decision.RELEASE, f"key-of-{gmail_id}")
        await here.story.work()


async def test_a_topic_that_two_released_messages_share_is_welcomed_with_one_button(here: Office) -> None:
    ana = await Visit.begin(here)
    await release(here, "m1")
    assert OFFER not in await ana.get(RELEASED)
    await release(here, "m2")
    assert OFFER not in await ana.get("/review"), "it is asked after a release alone"
    page = await ana.get(RELEASED)
    assert OFFER in page

    found = re.search(r'name="topic" value="([^"]*)"', page)
    assert found
    page = await ana.get(await ana.post("/review/welcome", topic=unescape(found[1]), back="/review"))

    assert (await ana.mailbox()).preferences.welcome == {Topic.GOODS}
    assert "Such emails stay in your inbox from now on." in page
    assert OFFER not in await ana.get(RELEASED)


async def test_a_release_that_was_taken_back_counts_no_longer(here: Office) -> None:
    ana = await Visit.begin(here)
    await release(here, "m1", "m2")
    await here.store.undo("ana", "key-of-m1", here.story.now)
    assert OFFER not in await ana.get(RELEASED)


async def test_what_is_no_topic_is_refused(here: Office) -> None:
    ana = await Visit.begin(here)
    await ana.get("/review")
    await ana.post("/review/welcome", 422, topic="everything", back="/review")
    assert (await ana.mailbox()).preferences.welcome == frozenset()
