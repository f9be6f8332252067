"""A server of docs/reference/api.md, in memory, over real HTTP on loopback, that can be broken in every way.

It runs in a thread with an event loop of its own, so that blocking tests and other processes can use it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, Response, request

from tests.desktop.fake_mailbox import FakeMailbox, hashed

KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
REFUSING = {"signed_out": "unauthenticated", "old_client": "client_too_old", "busy": "rate_limited"}
DECISIONS = {"release", "allow", "allow_domain", "block", "block_domain", "keep", "sales"}
STATUS = {
    "unauthenticated": 401,
    "not_found": 404,
    "key_reused": 409,
    "code_expired": 410,
    "malformed": 422,
    "out_of_range": 422,
    "unknown_field": 422,
    "code_wrong": 422,
    "client_too_old": 426,
    "rate_limited": 429,
    "unavailable": 503,
}


class FakeBackend:
    """`mailbox` is what it serves. `fault` breaks it: slow, error, signed_out, no_version, portal, old_client, busy."""

    def __init__(self, mailbox: FakeMailbox | None = None, keepalive: float = 15.0) -> None:
        self.mailbox = mailbox or FakeMailbox()
        self.mailbox.changed = self._wake
        self.fault = ""
        self.slowness = 5.0
        self.keepalive = keepalive
        self.code_life = timedelta(seconds=120)
        self.streams = 0
        self._port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self.app = self._build()

    @property
    def url(self) -> str:
        """Its address. The port stays the same over a restart."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> FakeBackend:
        """Answer from now on."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def stop(self) -> None:
        """Refuse connections from now on; those open are cut."""
        if self._thread and self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._wake()
            self._thread.join(10)
            assert not self._thread.is_alive()
            self._thread = self._loop = None

    def set_fault(self, fault: str) -> None:
        """Break it (or mend it, with ""), and cut open event streams, so that it is noticed."""
        self.fault = fault
        self._wake()

    def device_token(self, name: str = "test computer") -> str:
        """A token that is accepted."""
        token = secrets.token_urlsafe(24)
        self.mailbox.enrol(token, name)
        return token

    async def _run(self, ready: threading.Event) -> None:
        self._loop, self._news, self._stop = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        listener.listen(64)
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.graceful_timeout = 0.1
        config.accesslog = config.errorlog = None
        serving = asyncio.create_task(serve(self.app, config, shutdown_trigger=self._stop.wait))
        await asyncio.sleep(0)
        ready.set()
        await serving

    def _wake(self) -> None:
        loop, news = self._loop, self._news
        if loop and news:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(news.set)

    # --- HTTP

    def _build(self) -> Quart:
        app = Quart(__name__)
        api = "/api/v1"
        app.before_request(self._first)
        app.after_request(self._versioned)
        rules = [
            ("/connect/device", self._consent, ["GET"]),
            ("/connect/device", self._consented, ["POST"]),
            ("/enter", self._enter, ["GET"]),
            (f"{api}/device/token", self._exchange, ["POST"]),
            (f"{api}/status", self._status, ["GET"]),
            (f"{api}/held", self._held, ["GET"]),
            (f"{api}/messages", self._messages, ["GET"]),
            (f"{api}/messages/<gmail_id>/preview", self._preview, ["GET"]),
            (f"{api}/questions", self._questions, ["GET"]),
            (f"{api}/questions/<gmail_id>", self._answer_question, ["PUT"]),
            (f"{api}/corrections", self._correct, ["POST"]),
            (f"{api}/corrections/<key>/undo", self._undo, ["POST"]),
            (f"{api}/preferences", self._preferences, ["PATCH"]),
            (f"{api}/pause", self._pause, ["POST"]),
            (f"{api}/events", self._events, ["GET"]),
            (f"{api}/devices", self._devices, ["GET"]),
            (f"{api}/devices/<device_id>", self._revoke, ["DELETE"]),
            (f"{api}/ticket", self._ticket, ["POST"]),
        ]
        for number, (path, view, methods) in enumerate(rules):
            app.add_url_rule(path, f"r{number}", view, methods=methods)
        return app

    async def _first(self) -> Response | None:
        self.mailbox.requests.append(f"{request.method} {request.path}")
        if not request.path.startswith("/api/"):
            return None
        if self.fault == "slow":
            await asyncio.sleep(self.slowness)
        elif self.fault == "portal":
            return Response("<html>Please sign in to the hotel network</html>", 200)
        elif self.fault == "error":
            return Response("Bad gateway", 502)
        elif self.fault in REFUSING:
            return self._refuse(REFUSING[self.fault])
        if request.path != "/api/v1/device/token" and self._device() is None:
            return self._refuse("unauthenticated")
        return None

    async def _versioned(self, response: Response) -> Response:
        if request.path.startswith("/api/") and self.fault not in ("no_version", "portal", "error"):
            response.headers["Pitchgate-Api"] = "1"
        return response

    def _device(self) -> dict[str, Any] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self.mailbox.devices.get(hashed(token)) if scheme == "Bearer" else None

    def _refuse(self, code: str, field: str = "") -> Response:
        fields = {"code": code, "title": f"Refused: {code}", "remedy": "Do otherwise.", "field": field}
        response = Response(json.dumps(fields), STATUS[code], content_type="application/json")
        if code == "rate_limited":
            response.headers["Retry-After"] = "1"
        return response

    def _answer(self, data: Any) -> Response:
        """JSON, with an ETag that a client may send back."""
        body = json.dumps(data)
        etag = '"' + hashlib.sha256(body.encode()).hexdigest()[:20] + '"'
        if request.method == "GET" and request.headers.get("If-None-Match") == etag:
            return Response("", 304, {"ETag": etag})
        response = Response(body, 200, content_type="application/json")
        response.headers["ETag"] = etag
        return response

    async def _body(self) -> dict[str, Any]:
        data = await request.get_json(force=True, silent=True)
        return data if isinstance(data, dict) else {}

    async def _consent(self) -> Response:
        target = urlsplit(request.args.get("redirect_uri", ""))
        if target.scheme != "http" or target.hostname not in ("127.0.0.1", "::1") or not target.port:
            return Response("That redirect is not allowed.", 400)
        return Response('<form method="post"><button name="answer" value="yes">Connect</button></form>', 200)

    async def _consented(self) -> Response:
        """The owner's word: form field `answer` is yes or no. (The real page has a CSRF token and a session.)"""
        redirect, state = request.args["redirect_uri"], request.args["state"]
        if (await request.form).get("answer") != "yes":
            query = {"error": "denied", "state": state}
        else:
            code = secrets.token_urlsafe(16)
            self.mailbox.codes[code] = {
                "challenge": request.args["code_challenge"],
                "name": request.args.get("name", ""),
                "until": datetime.now(UTC) + self.code_life,
                "used": False,
            }
            query = {"code": code, "state": state}
        return Response("", 303, {"Location": f"{redirect}?{urlencode(query)}"})

    async def _exchange(self) -> Response:
        body = await self._body()
        known = self.mailbox.codes.get(str(body.get("code")))
        if known is None:
            return self._refuse("code_wrong", "code")
        if known["used"] or datetime.now(UTC) >= known["until"]:
            return self._refuse("code_expired", "code")
        known["used"] = True
        digest = hashlib.sha256(str(body.get("verifier")).encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != known["challenge"]:
            return self._refuse("code_wrong", "verifier")
        token = secrets.token_urlsafe(24)
        device_id = self.mailbox.enrol(token, known["name"])
        scopes = ["read", "correct", "settings", "devices"]
        return self._answer(
            {"token": token, "device_id": device_id, "email": self.mailbox.email, "scopes": scopes}
        )

    async def _status(self) -> Response:
        return self._answer(self.mailbox.status())

    def _page(self, rows: list[Any]) -> tuple[list[Any], str] | None:
        try:
            start, limit = int(request.args.get("cursor") or 0), int(request.args.get("limit") or 50)
        except ValueError:
            return None
        if not 1 <= limit <= 200:
            return None
        return rows[start : start + limit], str(start + limit) if len(rows) > start + limit else ""

    async def _held(self) -> Response:
        senders = self.mailbox.senders(request.args.get("q", ""))
        page = self._page(senders)
        if page is None:
            return self._refuse("out_of_range", "limit")
        return self._answer({"senders": page[0], "cursor": page[1], "total": len(senders)})

    async def _messages(self) -> Response:
        placement = request.args.get("placement", "")
        rows = [m for m in self.mailbox.messages.values() if placement in ("", m["placement"])]
        page = self._page(sorted(rows, key=lambda m: m["changed_at"], reverse=True))
        if page is None:
            return self._refuse("out_of_range", "limit")
        return self._answer({"messages": page[0], "cursor": page[1]})

    async def _preview(self, gmail_id: str) -> Response:
        if gmail_id not in self.mailbox.messages:
            return self._refuse("not_found")
        return self._answer({"gmail_id": gmail_id, "text": f"Hi Olga, {gmail_id}", "truncated": False})

    async def _questions(self) -> Response:
        return self._answer({"messages": [self.mailbox.messages[one] for one in self.mailbox.asked]})

    async def _answer_question(self, gmail_id: str) -> Response:
        answer = (await self._body()).get("answer")
        if answer not in ("yes", "no", "unsure"):
            return self._refuse("out_of_range", "answer")
        if gmail_id not in self.mailbox.asked:
            return self._refuse("not_found")
        self.mailbox.answers[gmail_id] = answer
        self.mailbox.asked = [one for one in self.mailbox.asked if one != gmail_id]
        return self._answer({"gmail_id": gmail_id, "answer": answer})

    async def _correct(self) -> Response:
        body = await self._body()
        key, gmail_id, decision = (str(body.get(name, "")) for name in ("key", "gmail_id", "decision"))
        if not KEY.fullmatch(key):
            return self._refuse("malformed", "key")
        if decision not in DECISIONS:
            return self._refuse("malformed", "decision")
        return self._said(self.mailbox.correct(key, gmail_id, decision))

    async def _undo(self, key: str) -> Response:
        return self._said(self.mailbox.undo(key))

    def _said(self, answer: dict[str, Any] | str) -> Response:
        return self._refuse(answer) if isinstance(answer, str) else self._answer(answer)

    async def _preferences(self) -> Response:
        body = await self._body()
        if unknown := body.keys() - {"strictness", "mode"}:
            return self._refuse("unknown_field", min(unknown))
        strictness = body.get("strictness", self.mailbox.strictness)
        if strictness not in ("relaxed", "normal", "strict"):
            return self._refuse("out_of_range", "strictness")
        self.mailbox.strictness = strictness
        self.mailbox.tell("status", {})
        return self._answer({"preferences": self.mailbox.status()["preferences"]})

    async def _pause(self) -> Response:
        until = (await self._body()).get("until")
        if until is not None:
            try:
                ahead = datetime.fromisoformat(until) - datetime.now(UTC)
            except (TypeError, ValueError):
                return self._refuse("malformed", "until")
            if not timedelta(0) < ahead <= timedelta(days=31):
                return self._refuse("out_of_range", "until")
        self.mailbox.paused_until = until
        self.mailbox.tell("status", {})
        return self._answer({"paused_until": until})

    async def _events(self) -> Response:
        latest = self.mailbox.latest
        after = int(request.headers.get("Last-Event-ID") or latest)
        response = Response(self._stream(after, hashed(request.headers["Authorization"][7:])), 200)
        response.content_type = "text/event-stream"
        response.timeout = None
        return response

    async def _stream(self, after: int, token_hash: str) -> AsyncIterator[bytes]:
        assert self._news
        assert self._stop
        fault = self.fault
        self.streams += 1
        try:
            yield b"retry: 3000\n\n"
            if after < self.mailbox.forgotten:
                yield f"id: {self.mailbox.latest}\nevent: reset\ndata: {{}}\n\n".encode()
                after = self.mailbox.latest
            while not self._stop.is_set() and self.fault == fault and token_hash in self.mailbox.devices:
                self._news.clear()
                for number, name, data in [e for e in self.mailbox.events if e[0] > after]:
                    yield f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()
                    after = number
                try:
                    async with asyncio.timeout(self.keepalive):
                        await self._news.wait()
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self.streams -= 1

    async def _devices(self) -> Response:
        mine = self._device()
        rows = [device | {"current": device is mine} for device in self.mailbox.devices.values()]
        return self._answer({"devices": rows})

    async def _revoke(self, device_id: str) -> Response:
        mine = self._device()
        assert mine
        wanted = mine["device_id"] if device_id == "current" else device_id
        for token_hash, device in list(self.mailbox.devices.items()):
            if device["device_id"] == wanted:
                del self.mailbox.devices[token_hash]
                self._wake()
                return Response("", 204)
        return self._refuse("not_found")

    async def _ticket(self) -> Response:
        page = (await self._body()).get("page", "review")
        if page not in ("review", "settings", "questions"):
            return self._refuse("malformed", "page")
        ticket = secrets.token_urlsafe(24)
        self.mailbox.tickets.add(ticket)
        return self._answer({"url": f"{self.url}/enter?ticket={ticket}&page={page}", "expires_in": 60})

    async def _enter(self) -> Response:
        ticket = request.args.get("ticket", "")
        if ticket not in self.mailbox.tickets:
            return Response("This link was used already.", 410)
        self.mailbox.tickets.discard(ticket)
        senders = "".join(f"<li>{s['sender']}</li>" for s in self.mailbox.senders())
        if request.args.get("page") == "questions":
            return Response("<!doctype html><title>Review</title><h1>Questions, signed in</h1>", 200)
        return Response(
            f"<!doctype html><title>Review</title><h1>Review page, signed in</h1><ul>{senders}</ul>", 200
        )


@pytest.fixture
def backend() -> Iterator[FakeBackend]:
    """A running fake backend with nothing held."""
    fake = FakeBackend().start()
    yield fake
    fake.stop()
