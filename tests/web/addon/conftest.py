"""An app over a real store and a mailbox at a fake Gmail. Google's tokens are believed here: forging them is the
journeys' business."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Any

import pytest

from backend.domain.errors import Unauthenticated
from backend.pipeline.addon import AddonService
from backend.pipeline.context import Context
from backend.web.app import create_app
from backend.web.services import Services
from tests.unit.pipeline.conftest import Fixture, fixture
from tests.web.addon.host import EMAIL, EXECUTE, OPEN_MESSAGE
from tests.web.addon.schema import check_answer
from tests.web.service import Client

__all__ = ["fixture"]

Json = dict[str, Any]
GRANTED = (EXECUTE, EMAIL, OPEN_MESSAGE)


class Trusting:
    """Takes a token for the `sub` it is, and every header for Google's; notes the audiences."""

    def __init__(self) -> None:
        self.audiences: list[str] = []

    async def verify_system(self, authorization: str, audience: str) -> None:
        self.audiences.append(audience)

    async def verify_user(self, token: str) -> str:
        if token == "forged":
            raise Unauthenticated("unauthenticated")
        return token


@dataclass
class Service:
    """A house and a client of its add-on."""

    fixture: Fixture
    client: Client
    callers: Trusting
    answer: Json

    async def post(self, path: str, open_id: str = "", sub: str = "sub1", **parameters: str) -> Json:
        """One event; the answer is checked against Google's schema."""
        event: Json = {
            "commonEventObject": {"userLocale": "en-US", "parameters": parameters},
            "authorizationEventObject": {"userIdToken": sub, "authorizedScopes": list(GRANTED)},
        }
        if open_id:
            event["gmail"] = {"messageId": open_id}
        return await self.raw(path, event)

    async def raw(self, path: str, event: Json) -> Json:
        """The same with an event of one's own."""
        answer = await self.client.post(f"/addon/{path}", json=event)
        assert answer.status_code == 200, await answer.get_data(as_text=True)
        self.answer = await answer.get_json()
        check_answer(self.answer, clicked="renderActions" in self.answer)
        return self.answer

    async def click(self, name: str) -> Json:
        """Press the button with this act on the card that was answered last."""
        found = [one for one in _parameters(self.answer) if one.get("act") == name]
        assert found, f"no button {name}"
        return await self.post("act", **found[0])

    @property
    def toast(self) -> str:
        action = self.answer["renderActions"]["action"]
        return str(action.get("notification", {}).get("text", ""))


def _parameters(node: Any) -> list[dict[str, str]]:
    if isinstance(node, list):
        return [found for item in node for found in _parameters(item)]
    if not isinstance(node, dict):
        return []
    own = [{item["key"]: item["value"] for item in node["parameters"]}] if "parameters" in node else []
    return own + [found for value in node.values() for found in _parameters(value)]


def client_of(context: Context, addon: AddonService) -> Client:
    """Of an app that has the add-on alone."""
    needed = [
        one.name for one in fields(Services) if one.default is MISSING and one.default_factory is MISSING
    ]
    services: dict[str, Any] = dict.fromkeys(needed) | {"context": context, "addon": addon}
    return create_app(Services(**services)).test_client()


@pytest.fixture
def service(fixture: Fixture) -> Service:
    callers = Trusting()
    return Service(fixture, client_of(fixture.context, AddonService(fixture.context, callers)), callers, {})
