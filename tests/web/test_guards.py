"""What holds for every route: limits, time, headers, methods."""

from __future__ import annotations

import asyncio
import gzip
import socket
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from quart import Quart, Response
from quart_rate_limiter import QUART_RATE_LIMITER_LIMITS_ATTRIBUTE
from structlog.testing import capture_logs

from backend.settings import Environment, Settings
from backend.web.guards import NOT_FOUND_LIMIT, TIMEOUT, BoundedStore, network_block, network_of, per_minute
from tests.web.service import TOKEN, Client, Office, unopened
from tests.web.serving import served

STATIC = Path("backend/web/static")


def test_every_route_declares_a_rate_limit_and_its_patience(app: Quart) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert len(endpoints) >= 12

    for endpoint in endpoints:
        handler = app.view_functions[endpoint]
        assert getattr(handler, QUART_RATE_LIMITER_LIMITS_ATTRIBUTE, None), f"{endpoint} has no rate limit"
        assert 0 < getattr(handler, TIMEOUT, 0) <= 30, f"{endpoint} may run for ever"


@pytest.mark.parametrize(
    "path", ["/", f"/c/{TOKEN}", "/c/unknown", "/healthz", "/live", "/nothing", "/hooks/gmail"]
)
async def test_security_headers_are_on_every_answer(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers, "only in production"


async def test_production_insists_on_https() -> None:
    secure = unopened(environment="production", public_url="https://pitchgate.test", live_page=False)
    client = secure.app.test_client()

    assert "max-age=31536000" in (await client.get("/healthz")).headers["Strict-Transport-Security"]


async def test_production_insists_on_https_in_its_own_address() -> None:
    with pytest.raises(ValueError, match="public_url"):
        Settings(environment=Environment.PRODUCTION, public_url="http://pitchgate.test")
    Settings(environment=Environment.PRODUCTION, public_url="https://pitchgate.test")


async def test_production_never_shows_mail_to_everybody() -> None:
    with pytest.raises(ValueError, match="live_page"):
        Settings(environment=Environment.PRODUCTION, public_url="https://pitchgate.test", live_page=True)
    Settings(environment=Environment.STAGING, live_page=True)


async def test_a_handler_that_hangs_is_cut_off_and_says_so(
    client: Client, here: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(type(here.store), "census", hang)
    # The route's timeout is 5 s; letting the clock of the loop run is quicker than waiting for it.
    loop = asyncio.get_running_loop()
    real, ahead = loop.time, [0.0]
    monkeypatch.setattr(loop, "time", lambda: real() + ahead[0])
    loop.call_later(0.05, lambda: ahead.__setitem__(0, 6.0))

    answer = await client.get("/metrics")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


async def test_a_body_nobody_reads_is_refused_too(client: Client, here: Office) -> None:
    answer = await client.post("/connect", headers={"Content-Length": str(here.settings.body_limit + 1)})

    assert answer.status_code == 413
    assert here.google.begun == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_site_cannot_post(client: Client, here: Office, site: str) -> None:
    await here.link()
    answer = await client.post(f"/c/{TOKEN}", form={"payload": "x"}, headers={"Sec-Fetch-Site": site})

    assert answer.status_code == 403
    assert await here.solves() == 0


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_our_own_pages_can_post(client: Client, site: str) -> None:
    assert (await client.post("/connect", headers={"Sec-Fetch-Site": site})).status_code == 200


async def test_a_forged_forwarding_header_does_not_reset_a_limit(client: Client) -> None:
    statuses = [
        (await client.post("/connect", headers={"X-Forwarded-For": f"10.0.0.{number}"})).status_code
        for number in range(31)
    ]

    assert statuses == [200] * 30 + [429]


async def test_a_limit_is_counted_by_network(app: Quart) -> None:
    async def post(client: str) -> int:
        scope = {"client": (client, 4000)}
        return int((await app.test_client().post("/connect", scope_base=scope)).status_code)

    inside = [await post(f"2001:db8:1:2::{number:x}") for number in range(31)]
    outside = await post("2001:db8:1:3::1")

    assert inside == [200] * 30 + [429]
    assert outside == 200


@pytest.mark.parametrize("hops", [1, 2])
async def test_behind_trusted_proxies_the_real_caller_is_counted(hops: int) -> None:
    app = unopened(trusted_proxies=hops).app

    async def post(forwarded: str) -> int:
        # Whatever the caller writes themselves stands to the left of what the proxies add.
        chain = ", ".join(["10.9.9.9", forwarded, "10.0.0.1"][: 1 + hops])
        answer = await app.test_client().post("/connect", headers={"X-Forwarded-For": chain})
        return int(answer.status_code)

    one = [await post("203.0.113.5") for _ in range(31)]
    other = await post("203.0.113.6")

    assert one == [200] * 30 + [429]
    assert other == 200


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:0db8:0000:0000"),
        ("2001:db8::1%eth0", "2001:0db8:0000:0000"),
        ("fe80::1%eth0", "fe80:0000:0000:0000"),
        ("fe80::2%25wlan0", "fe80:0000:0000:0000"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("<local>", "<local>"),
    ],
)
def test_networks(client: str, network: str) -> None:
    assert network_of(client) == network


@pytest.mark.parametrize("client", ["fe80::1%eth0", "2001:db8:1:2::1%1", "not an address%", "%"])
async def test_an_address_with_a_scope_is_served_and_counted(app: Quart, client: str) -> None:
    scope = {"client": (client, 4000)}
    posts = [(await app.test_client().post("/connect", scope_base=scope)).status_code for _ in range(31)]
    assert posts == [200] * 30 + [429]
    assert network_block("fe80::1%eth0") == "around fe80:0000:0000"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/healthz", 405),
        ("FETCH", "/healthz", 405),
        ("GET", "/api/v1/x", 404),
    ],
)
async def test_what_is_not_there_may_not_be_asked_for_without_end(
    app: Quart, method: str, path: str, status: int
) -> None:
    async def ask(client: str) -> Response:
        return await app.test_client().open(path, method=method, scope_base={"client": (client, 4000)})

    answers = [await ask("192.0.2.7")]
    while answers[-1].status_code == status and len(answers) < 10 * NOT_FOUND_LIMIT:
        answers.append(await ask("192.0.2.7"))
    assert len(answers) > NOT_FOUND_LIMIT
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert (await ask("198.51.100.7")).status_code == status, "only who asks is limited"
    known = await app.test_client().get("/healthz", scope_base={"client": ("192.0.2.7", 4000)})
    assert known.status_code == 200, "what is there has limits of its own"


def test_a_websocket_is_refused_and_its_address_is_written_nowhere(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """By the real server: it is the one that logs what an app fails at."""
    with capture_logs() as lines, served(lambda address, stopping: nullcontext(unopened().app)) as at:
        host, _, port = at.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(
                f"GET /c/{TOKEN}?ticket=secret HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n"
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            answer = line.recv(4096)
    assert answer.startswith(b"HTTP/1.1 403 ")
    written = "".join(capfd.readouterr()) + caplog.text + repr(lines)
    assert TOKEN not in written
    assert "secret" not in written


async def test_the_store_of_limits_cannot_be_made_to_grow() -> None:
    store = BoundedStore(most=100)
    now = datetime.now(UTC)
    await store.set("worst", now + timedelta(hours=1))
    await store.set("past", now - timedelta(seconds=1))

    for number in range(1_000):
        await store.set(f"k{number}", now + timedelta(seconds=60 + number % 7))

    assert len(store) <= 100
    assert await store.get("worst", now) > now, "who is furthest over the limit is remembered"
    assert await store.get("past", now) == now


@pytest.mark.parametrize("name", [path.name for path in sorted(STATIC.iterdir())])
async def test_assets_are_served_and_cached_by_content(client: Client, name: str) -> None:
    plain = await client.get(f"/static/{name}")
    page = await (await client.get("/live")).get_data(as_text=True)

    assert plain.status_code == 200
    assert plain.headers["Cache-Control"] == "no-cache"
    assert ("connect-src" in plain.headers["Content-Security-Policy"]) is ("worker" in name)
    assert ("Service-Worker-Allowed" in plain.headers) is (name == "offline_worker.js")
    if f"/static/{name}?v=" in page:
        version = page.split(f"/static/{name}?v=")[1][:12]
        cached = await client.get(f"/static/{name}?v={version}")
        assert "immutable" in cached.headers["Cache-Control"]


async def test_an_asset_a_browser_has_already_is_not_sent_again(client: Client) -> None:
    first = await client.get("/static/system.css")
    again = await client.get("/static/system.css", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, await again.get_data()) == (304, b"")
    assert first.headers["Content-Type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize(("accepted", "packed"), [("gzip, br", True), ("br", False), ("gzip;q=0", False)])
async def test_an_asset_is_packed_for_those_who_can_unpack_it(
    client: Client, accepted: str, packed: bool
) -> None:
    plain = await (await client.get("/static/system.css")).get_data()
    answer = await client.get("/static/system.css", headers={"Accept-Encoding": accepted})
    body = await answer.get_data()

    assert (answer.headers.get("Content-Encoding") == "gzip") is packed
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert (gzip.decompress(body) if packed else body) == plain
    again = {"Accept-Encoding": accepted, "If-None-Match": answer.headers["ETag"]}
    assert (await client.get("/static/system.css", headers=again)).status_code == 304


@pytest.mark.parametrize(("site", "packed"), [("same-origin", True), ("none", True), ("same-site", False)])
async def test_a_page_is_packed_unless_another_site_asks(client: Client, site: str, packed: bool) -> None:
    asked = {"Accept-Encoding": "gzip", "Sec-Fetch-Site": site}
    answers = [await client.get("/", headers=asked) for _ in range(9)]
    bodies = [await answer.get_data() for answer in answers]

    assert [answer.headers.get("Content-Encoding") == "gzip" for answer in answers] == [packed] * 9
    assert {gzip.decompress(body) if packed else body for body in bodies} == {
        await (await client.get("/")).get_data()
    }
    assert (len({len(body) for body in bodies}) > 1) is packed  # no length tells what was packed


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", "nothing.css"])
async def test_nothing_beside_the_assets_is_served(client: Client, name: str) -> None:
    answer = await client.get(f"/static/{name}", follow_redirects=True)

    assert answer.status_code == 404
    assert "create_app" not in await answer.get_data(as_text=True)


async def test_a_clock_that_was_ahead_locks_nobody_out_once_it_is_right() -> None:
    store, now = BoundedStore(), datetime.now(UTC)
    await store.set("caller", now + timedelta(days=365))
    assert await store.get("caller", now) == now
    assert store.admit("caller", per_minute(1))
    assert not store.admit("caller", per_minute(1))
