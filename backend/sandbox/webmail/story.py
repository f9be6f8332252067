"""The story of a demo: a bar over every page, where each of its steps can be seen now, and which were taken.

Whoever plays one names its people by `PUT /sandbox/story`. Without that there is no bar. How far a reader has come is
in their browser, in a cookie of the story's name that the product's pages on this machine read and write too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from quart import Blueprint, Response, current_app, has_request_context, request

from backend.sandbox.mail.headers import message_ids
from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.mail.message import StoredMessage
from backend.sandbox.web import BadRequest, json_object, world

blueprint = Blueprint("story", __name__)
KEY = "STORY"
NAME = re.compile(r"story-[A-Za-z0-9-]{1,40}")


@dataclass(frozen=True, slots=True)
class Story:
    """Who sells to whom (addresses of mailboxes here), how the link of a check begins, and where to watch. Another run
    has another `name`: letters, digits, hyphens."""

    name: str
    seller: str
    owner: str
    check: str
    live: str
    review: str

    @classmethod
    def read(cls, data: dict[str, Any]) -> Story:
        """From the JSON of an admin. Raises BadRequest."""
        values = {item.name: str(data.get(item.name, "")) for item in fields(cls)}
        if missing := [name for name, value in values.items() if not value]:
            raise BadRequest(f"The story lacks {', '.join(missing)}.")
        if not NAME.fullmatch(values["name"]):
            raise BadRequest("That is no name for a story.")
        return cls(**values)

    @property
    def steps(self) -> tuple[str, ...]:
        """What is to be done, in order."""
        seller, owner = _first_name(self.seller), self.owner_name
        return f"Be {seller}, who sells", "Open the reply", "Take the check", f"Back in {owner}’s inbox"

    @property
    def owner_name(self) -> str:
        """What the owner is called."""
        return _first_name(self.owner)

    def place(self, step: int) -> str:
        """Where a step is seen: as far as things have come."""
        reply = self._reply()
        link = re.search(re.escape(self.check) + r"[A-Za-z0-9_-]+", reply.text) if reply else None
        if step == 3 and link:
            return link[0]
        if step in (2, 3):
            return f"/mail/{self.seller}" + (f"/thread/{reply.thread_id}" if reply else "")
        return f"/mail/{self.owner}" if step == 4 else f"/mail/{self.seller}?label=SENT"

    def here(self, path: str, label: str) -> int:
        """The step a page belongs to, 0 for none."""
        if path.startswith(f"/mail/{self.seller}"):
            return 1 if label == "SENT" or path.endswith("/compose") else 2
        return 4 if path.startswith((f"/mail/{self.owner}", f"/addon/{self.owner}")) else 0

    def done(self, before: str, path: str, label: str) -> int:
        """The last step taken by a reader whose cookie says `before` and who is on this page. The steps before it are
        taken too: the way may be cut short."""
        step = int(before) if before in ("1", "2", "3", "4") else 0
        here, reply = self.here(path, label), self._reply()
        if reply and self._delivered(reply):
            return max(step, 4 if here == 4 else 3)
        if here == 2:
            here = 2 if reply and path == self.place(2) else 1
        return max(step, here if here < 4 else 0)

    def _delivered(self, reply: StoredMessage) -> bool:
        """Whether what was replied to is in the owner's inbox."""
        asked = message_ids(reply.header("In-Reply-To"))
        found = _box(self.owner).newest_first(["INBOX"], None, False)
        return any(message.rfc822_id in asked for message in found)

    def _reply(self) -> StoredMessage | None:
        """The newest email in the seller's inbox that holds the link of a check."""
        found = _box(self.seller).newest_first(["INBOX"], None, False)
        return next((message for message in found if self.check in message.text), None)


@blueprint.put("/sandbox/story")
async def tell() -> Response:
    """{"name", "seller", "owner": addresses, "check": how its links begin, "live", "review": addresses of pages}"""
    story = Story.read(await json_object())
    _box(story.seller), _box(story.owner)
    current_app.config[KEY] = story
    return Response("{}", content_type="application/json")


@blueprint.get("/story-<run>/<int:step>")
async def go(run: str, step: int) -> Response:
    """To the page where a step is seen."""
    story: Story | None = current_app.config.get(KEY)
    if story is None or f"story-{run}" != story.name or not 1 <= step <= 4:
        raise BadRequest("There is no such step.", 404)
    return Response(b"", 303, {"Location": story.place(step), "Cache-Control": "no-store"})


@blueprint.app_context_processor
def bar() -> dict[str, object]:
    """What the pages' frame draws the bar from."""
    story: Story | None = current_app.config.get(KEY)
    if story is None or not has_request_context():
        return {}
    path, label = request.path, request.args.get("label", "")
    return {"story": story, "story_step": story.here(path, label), "story_done": _done(story)}


@blueprint.after_app_request
async def remember(response: Response) -> Response:
    """How far the reader has come, for as long as their browser is open."""
    story: Story | None = current_app.config.get(KEY)
    if story is not None and response.mimetype == "text/html" and (done := _done(story)):
        response.set_cookie(story.name, str(done), httponly=True, samesite="Lax")
    return response


def _done(story: Story) -> int:
    return story.done(request.cookies.get(story.name, ""), request.path, request.args.get("label", ""))


def _first_name(address: str) -> str:
    return _box(address).owner.name.partition(" ")[0]


def _box(address: str) -> Mailbox:
    found = world().mailboxes.get(address)
    if found is None:
        raise BadRequest(f"There is no mailbox {address[:100]}.", 404)
    return found
