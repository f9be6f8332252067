"""The fast path for pushes does all that Quart's route does, and leaves the unusual to it."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Quart
from structlog.testing import capture_logs

from backend.domain.errors import Unauthenticated
from backend.web import google as google_push
from backend.web.guards import per_minute
from tests.web.google.test_push_routes import push
from tests.web.service import Client, Office, unopened

HOOK = "/hooks/gmail"
LENGTH = {"Content-Length": "2"}


class Spy:
    """Counts what comes behind the gate."""

    def __init__(self, app: Quart) -> None:
        gate: Any = app.asgi_app
        self.calls, self._app = 0, gate._app
        gate._app = self

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        await self._app(scope, receive, send)


async def test_a_usual_push_is_answered_before_quart_logged_and_counted(app: Quart, client: Client) -> None:
    behind = Spy(app)
    with capture_logs() as lines:
        body, fields = push(), {"Content-Length": str(len(push())), "Authorization": "Bearer a.b.c"}
        answer = await client.post(HOOK, data=body, headers=fields)
    assert answer.status_code == 204
    assert behind.calls == 0
    assert [{**line, "ms": 0} for line in lines] == [
        {"event": "request", "route": HOOK, "method": "POST", "status": 204, "ms": 0, "log_level": "info"}
    ]
    # Nothing for browsers, which never see it. These two are the test client's.
    assert set(answer.headers.keys()) <= {"Content-Type", "Content-Length"}
    metrics = await (await client.get("/metrics")).get_data(as_text=True)
    counted = f'pitchgate_http_requests_total{{method="POST",route="{HOOK}",status="204"}} 1.0'
    assert counted in metrics
    assert 'pitchgate_pushes_total{fate="new"} 1.0' in metrics


async def test_what_fails_is_answered_by_the_route_and_not_tried_there_again(
    app: Quart, client: Client, here: Office
) -> None:
    behind = Spy(app)
    here.callers.trouble = Unauthenticated("unauthenticated")
    answer = await client.post(HOOK, data=b"{}", headers=LENGTH)
    assert answer.status_code == 401
    assert (behind.calls, len(here.callers.seen)) == (1, 1)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_sites_page_cannot_push(client: Client, here: Office, site: str) -> None:
    answer = await client.post(HOOK, data=b"{}", headers=LENGTH | {"Sec-Fetch-Site": site})
    assert answer.status_code == 403
    assert here.callers.seen == []


async def test_one_caller_is_limited_and_another_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_push, "LIMIT", per_minute(1))
    app = unopened(trusted_proxies=1).app
    behind = Spy(app)

    async def post(caller: str) -> None:
        fields = LENGTH | {"X-Forwarded-For": f"198.51.100.1, {caller}"}
        await app.test_client().post(HOOK, data=b"{}", headers=fields)

    await post("192.0.2.1")
    await post("192.0.2.1")
    assert behind.calls == 1, "handed on, to be refused by the route's own limit"
    await post("192.0.2.2")
    assert behind.calls == 1
