"""The narrator of a demo over the webmail, and where its steps lead."""

from __future__ import annotations

import re
from typing import Any

from quart import Quart

from backend.locale import catalogue
from backend.sandbox.server import create_app
from backend.sandbox.world import World

SAM, ANA = "sam@pitchworks.test", "ana@corp.test"
GATE = "http://127.0.0.1:9"
NAME = "story-1f"
TOLD = {
    "name": NAME,
    "seller": SAM,
    "owner": ANA,
    "check": f"{GATE}/c/",
    "live": f"{GATE}/live",
    "review": f"{GATE}/review",
    "words": {
        language: {**catalogue(language).section("story"), "nav_held": "Held"} for language in ("en", "fr")
    },
}


async def call(app: Quart, method: str, path: str, **more: Any) -> Any:
    return await app.test_client().open(path, method=method, headers={"Host": "localhost"}, **more)


async def place(app: Quart, step: int) -> tuple[int, str]:
    answer = await call(app, "GET", f"/{NAME}/{step}")
    return answer.status_code, answer.headers.get("Location", "")


def demo() -> Quart:
    world = World()
    world.create_mailbox(SAM, "Sam Okafor")
    world.create_mailbox(ANA, "Ana Duarte")
    return create_app(world, "http://127.0.0.1:8")


async def test_without_a_story_there_is_no_narrator() -> None:
    app = demo()
    assert "step by step" not in await (await call(app, "GET", f"/mail/{ANA}")).get_data(as_text=True)
    assert (await place(app, 1))[0] == 404


async def test_each_step_leads_to_where_it_is_seen_as_far_as_things_have_come() -> None:
    app = demo()
    assert (await call(app, "PUT", "/sandbox/story", json=TOLD)).status_code == 200
    assert [await place(app, step) for step in (1, 2, 3, 4)] == [
        (303, f"/mail/{SAM}?label=SENT"), (303, f"/mail/{SAM}"), (303, f"/mail/{SAM}"), (303, f"/mail/{ANA}"),
    ]  # fmt: skip
    assert (await place(app, 5))[0] == 404
    assert (await call(app, "GET", "/story-of-yesterday/1")).status_code == 404

    letter = {"to": SAM, "from": ANA, "subject": "Re: A question", "text": f"Open {GATE}/c/{'t' * 32}."}
    told = await (await call(app, "POST", "/sandbox/deliver", json=letter)).get_json()
    thread = told["delivered"][0]["threadId"]
    assert await place(app, 2) == (303, f"/mail/{SAM}/thread/{thread}")
    assert await place(app, 3) == (303, f"{GATE}/c/{'t' * 32}")


async def told(client: Any, path: str) -> tuple[str, str, list[str]]:
    """The narrator's sentence, where its button leads, and which step is marked as the next."""
    page = await (await client.get(path, headers={"Host": "localhost"})).get_data(as_text=True)
    (sentence,) = re.findall(r'<p class="sentence">([^<]*)</p>', page)
    buttons = re.findall(r'<a class="button primary big" href="([^"]*)"', page)
    return sentence, "".join(buttons), re.findall(r'href="[^"]*/(\d)" aria-current="step"', page)


async def steps_done(client: Any, path: str) -> list[int]:
    """The steps that a page shows as done."""
    page = await (await client.get(path, headers={"Host": "localhost"})).get_data(as_text=True)
    return [int(n) for n in re.findall(r'<li class="done"><a href="[^"]*/(\d)"', page)]


async def test_the_narrator_ticks_what_was_done_and_says_what_comes_next() -> None:
    app = demo()
    await call(app, "PUT", "/sandbox/story", json=TOLD)
    asked = {
        "to": ANA,
        "from": SAM,
        "subject": "A question",
        "text": "Buy!",
        "message_id": "q@pitchworks.test",
    }
    got = await (await call(app, "POST", "/sandbox/deliver", json=asked)).get_json()
    client = app.test_client()
    inbox = f"/mail/{ANA}"
    assert await steps_done(client, inbox) == [], "looked at before its time"
    begin = ("You have written to Ana, who does not know you.", f"/{NAME}/1", ["1"])
    assert await told(client, inbox) == begin
    assert await steps_done(client, f"/mail/{SAM}?label=SENT") == [1]
    assert await steps_done(client, inbox) == [1], "on another page too"
    assert await told(client, inbox) == ("Ana’s mailbox reads your email. A reply is on its way.", "", ["2"])

    gmail_id = got["delivered"][0]["id"]
    held = {"ids": [gmail_id], "remove": ["INBOX"]}
    await call(app, "POST", f"/sandbox/mailboxes/{ANA}/labels", json=held)
    letter = {"to": SAM, "from": ANA, "subject": "Re: A question", "text": f"Open {GATE}/c/{'t' * 32}."}
    answer = letter | {"in_reply_to": "q@pitchworks.test"}
    sent = await (await call(app, "POST", "/sandbox/deliver", json=answer)).get_json()
    reply = f"/mail/{SAM}/thread/{sent['delivered'][0]['threadId']}"
    assert await steps_done(client, f"/mail/{SAM}") == [1], "the reply is there, and was not opened"
    held_it = "Ana’s mailbox holds your email and replies with a link."
    assert await told(client, f"/mail/{SAM}") == (held_it, f"/{NAME}/2", ["2"])
    assert await steps_done(client, reply) == [1, 2]
    assert await steps_done(client, inbox) == [1, 2]
    assert (await told(client, reply))[1:] == (f"/{NAME}/3", ["3"])

    back = {"ids": [gmail_id], "add": ["INBOX"]}
    await call(app, "POST", f"/sandbox/mailboxes/{ANA}/labels", json=back)
    assert await steps_done(client, reply) == [1, 2, 3]
    assert await told(client, reply) == ("Passed: your email is in Ana’s inbox.", f"/{NAME}/4", ["4"])
    assert await steps_done(client, inbox) == [1, 2, 3, 4]
    assert await steps_done(client, reply) == [1, 2, 3, 4]
    assert (await told(client, reply))[1:] == (f"{GATE}/review", [])
    assert 'class="unread yours"' in await (await client.get(inbox, headers={"Host": "localhost"})).get_data(
        as_text=True
    )
    stranger = app.test_client()
    stranger.set_cookie("localhost", NAME, "9")
    assert await steps_done(stranger, f"/mail/{SAM}?label=SENT") == [1, 2, 3]


async def test_the_narrator_speaks_the_readers_language_as_the_products_pages_do() -> None:
    app = demo()
    await call(app, "PUT", "/sandbox/story", json=TOLD)
    for asked, sentence in (
        ("fr-CA, en", "Vous avez écrit à Ana, qui ne vous connaît pas."),
        ("sw", "You have written to Ana, who does not know you."),
    ):
        headers = {"Host": "localhost", "Accept-Language": asked}
        page = await (await app.test_client().get(f"/mail/{ANA}", headers=headers)).get_data(as_text=True)
        assert sentence in page


async def test_a_story_that_is_incomplete_or_of_strangers_is_refused() -> None:
    app = demo()
    assert (await call(app, "PUT", "/sandbox/story", json={"seller": SAM})).status_code == 400
    assert (await call(app, "PUT", "/sandbox/story", json=TOLD | {"words": {"fr": {}}})).status_code == 400
    assert (await call(app, "PUT", "/sandbox/story", json=TOLD | {"owner": "eve@x.test"})).status_code == 404
