"""The story of a demo: a bar over every page, and where each of its steps can be seen now.

Whoever plays one names its people by `PUT /sandbox/story`. Without that there is no bar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from quart import Blueprint, Response, current_app, has_request_context, request

from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.mail.message import StoredMessage
from backend.sandbox.web import BadRequest, json_object, world

blueprint = Blueprint("story", __name__)
KEY = "STORY"


@dataclass(frozen=True, slots=True)
class Story:
    """Who sells to whom (addresses of mailboxes here), how the link of a check begins, and where to watch."""

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

    def _reply(self) -> StoredMessage | None:
        """The newest email in the seller's inbox that holds the link of a check."""
        found = _box(self.seller).newest_first(["INBOX"], None, False)
        return next((message for message in found if self.check in message.text), None)


@blueprint.put("/sandbox/story")
async def tell() -> Response:
    """{"seller", "owner": addresses, "check": how its links begin, "live", "review": addresses of pages}"""
    story = Story.read(await json_object())
    _box(story.seller), _box(story.owner)
    current_app.config[KEY] = story
    return Response("{}", content_type="application/json")


@blueprint.get("/story/<int:step>")
async def go(step: int) -> Response:
    """To the page where a step is seen."""
    story: Story | None = current_app.config.get(KEY)
    if story is None or not 1 <= step <= 4:
        raise BadRequest("There is no such step.", 404)
    return Response(b"", 303, {"Location": story.place(step), "Cache-Control": "no-store"})


@blueprint.app_context_processor
def bar() -> dict[str, object]:
    """What the pages' frame draws the bar from."""
    story: Story | None = current_app.config.get(KEY)
    if story is None or not has_request_context():
        return {}
    return {"story": story, "story_step": story.here(request.path, request.args.get("label", ""))}


def _first_name(address: str) -> str:
    return _box(address).owner.name.partition(" ")[0]


def _box(address: str) -> Mailbox:
    found = world().mailboxes.get(address)
    if found is None:
        raise BadRequest(f"There is no mailbox {address[:100]}.", 404)
    return found
