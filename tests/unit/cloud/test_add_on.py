"""The add-on's deployment: compared with its manifest, and asked for as Google documents it."""

from __future__ import annotations

from typing import Any, cast

import aiohttp
import pytest

from backend.addon_manifest import rendered
from backend.cloud.plan import AddOn
from backend.cloud.things import GoogleCloud, Json
from backend.gmail.pubsub import CloudCredentials

NAME = "projects/acme-mail/deployments/pitchgate-test"
WANTED = rendered("test", "https://gate.acme.test")


class Recording(GoogleCloud):
    """A Google with one deployment, which writes down what it is asked."""

    def __init__(self, present: Json) -> None:
        super().__init__(cast(aiohttp.ClientSession, None), cast(CloudCredentials, None), "acme-mail")
        self.present = {"name": NAME.replace("acme-mail", "123"), "etag": "e1", **present}
        self.asked: list[tuple[str, str, str]] = []

    async def ask(self, request: Any) -> Json:
        self.asked.append((request.method, request.uri, request.body or ""))
        return self.present


async def difference(present: Json) -> list[str] | None:
    return await AddOn(NAME, WANTED).difference(Recording(present))


async def test_what_google_adds_of_its_own_and_leaves_out_empty_is_no_difference() -> None:
    gmail = {"contextualTriggers": [{"onTriggerFunction": "https://gate.acme.test/addon/message"}]}
    assert await difference(WANTED) == []
    assert await difference({**WANTED, "addOns": {**WANTED["addOns"], "gmail": gmail, "drive": {}}}) == []


async def test_what_the_manifest_no_longer_has_is_one() -> None:
    more = {**WANTED["addOns"], "calendar": {"homepageTrigger": {"runFunction": "https://old.acme.test/"}}}
    assert await difference({**WANTED, "addOns": more}) == [
        "addOns.calendar.homepageTrigger.runFunction: https://old.acme.test/ -> none"
    ]


async def test_a_scope_that_is_wanted_is_one() -> None:
    fewer = await difference({**WANTED, "oauthScopes": WANTED["oauthScopes"][:-1]})
    assert fewer == ["oauthScopes[3]: none -> https://www.googleapis.com/auth/script.locale"]


@pytest.mark.parametrize(
    ("act", "method", "address"),
    [
        ("make", "POST", "v1/projects/acme-mail/deployments?deploymentId=pitchgate-test&alt=json"),
        ("change", "PUT", f"v1/{NAME}?alt=json"),
        ("remove", "DELETE", f"v1/{NAME}?alt=json"),
    ],
)
async def test_the_requests_are_those_google_documents(act: str, method: str, address: str) -> None:
    cloud = Recording(WANTED)
    await getattr(AddOn(NAME, WANTED), act)(cloud)
    asked, uri, body = cloud.asked[-1]
    assert (asked, uri) == (method, f"https://gsuiteaddons.googleapis.com/{address}")
    assert ('"etag": "e1"' in body) == (act == "change"), "a change by somebody else meanwhile is a refusal"
