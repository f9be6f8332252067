"""The add-on as its user meets it: the sandbox's host in front of a real server, clicked through over HTTP."""

from __future__ import annotations

from typing import Any

from backend.demo.letters import OWNER
from backend.sandbox.addon_cards import answer_problems
from tests.journeys.conftest import Journey
from tests.web.addon.schema import check_answer

Json = dict[str, Any]
EXECUTE = "https://www.googleapis.com/auth/gmail.addons.execute"
OPEN_MESSAGE = "https://www.googleapis.com/auth/gmail.addons.current.message.metadata"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"


class AddonHost:
    """Opens cards and presses buttons. Every answer is held to Google's schema and to the limits on the way."""

    def __init__(self, journey: Journey, owner: str = OWNER) -> None:
        self._told = journey
        self.owner = owner
        self.panel: Json = {}

    async def open(self, message: str = "", **more: Any) -> Json:
        """The card of a message, or the homepage."""
        return await self._do("open", message=message, **more)

    async def click(self, text: str, **more: Any) -> Json:
        """Press the button that says `text`."""
        return await self._do("click", text=text, **more)

    async def replay(self) -> Json:
        """The last request again, byte for byte."""
        return await self._do("replay")

    async def consent(self) -> Json:
        return await self._do("consent")

    async def grant(self, *scopes: str) -> None:
        await self._call("PUT", "/sandbox/addon/grants", {"mailbox": self.owner, "scopes": list(scopes)})

    @property
    def text(self) -> str:
        """Every text of the card."""
        return "\n".join(_texts(self.panel["card"]))

    @property
    def buttons(self) -> list[str]:
        return [text for text in _buttons(self.panel["card"]) if text]

    async def _do(self, what: str, **data: Any) -> Json:
        self.panel = await self._call("POST", f"/sandbox/addon/{what}", {"mailbox": self.owner, **data})
        if self.panel["status"] == 200:
            clicked = "renderActions" in self.panel["answer"]
            check_answer(self.panel["answer"], clicked=clicked)
            assert answer_problems(self.panel["answer"], clicked=clicked) == []
            assert self.panel["problems"] == []
        return self.panel

    async def _call(self, method: str, path: str, data: Json) -> Json:
        url = self._told.stage.sandbox.url + path
        async with self._told.stage.http.request(method, url, json=data) as answer:
            body: Json = await answer.json()
            assert answer.status == 200, body
            return body


def _texts(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for item in node for text in _texts(item)]
    if not isinstance(node, dict):
        return []
    own = [
        value
        for name, value in node.items()
        if isinstance(value, str) and name not in ("url", "value", "key")
    ]
    return own + [text for value in node.values() for text in _texts(value)]


def _buttons(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for item in node for text in _buttons(item)]
    if not isinstance(node, dict):
        return []
    own = [str(node.get("text", ""))] if "onClick" in node else []
    return own + [text for name, value in node.items() if name != "onClick" for text in _buttons(value)]
