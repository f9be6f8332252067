"""HTTP to the server, with every failure raised as a `BackendError` in the owner's language."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from httpx_sse import SSEError, aconnect_sse

from tray_app.errors import (
    BackendError,
    Busy,
    Refused,
    ServerTrouble,
    SignedOut,
    Slow,
    Unreachable,
    WrongVersion,
)
from tray_app.ports import Event, Token
from tray_app.state import (
    HELD_LIMIT,
    PASSED_LIMIT,
    Decision,
    Message,
    Status,
    message_from_json,
    status_from_json,
    unreadable,
)
from tray_app.words import language, t

API = "1"
PAGE = 200


@dataclass(frozen=True, slots=True)
class Patience:
    """Timeouts in seconds. `silence` is the event stream's: the server sends a comment line every 20 s."""

    connect: float = 5.0
    answer: float = 10.0
    silence: float = 45.0


class HttpBackend:
    """The `Backend` port over HTTP. Asyncio thread only."""

    def __init__(self, server: str, version: str, patience: Patience = Patience()) -> None:
        self._patience = patience
        self._host = urlsplit(server).netloc
        self._token = ""
        self._etags: dict[str, tuple[str, Any]] = {}
        self._client = httpx.AsyncClient(
            base_url=f"{server}/api/v1/",
            headers={
                "Pitchgate-Client": f"tray/{version}",
                "User-Agent": f"pitchgate-tray/{version}",
                "Accept-Language": language(),
            },
            timeout=httpx.Timeout(patience.answer, connect=patience.connect),
            follow_redirects=False,  # a captive portal redirects; a token must not follow it
            trust_env=urlsplit(server).hostname not in ("127.0.0.1", "::1", "localhost"),
        )

    def use_token(self, token: str) -> None:
        self._token = token
        self._etags.clear()

    async def exchange(self, code: str, verifier: str) -> Token:
        data = await self._call("POST", "device/token", {"code": code, "verifier": verifier})
        try:
            return Token(str(data["token"]), str(data["device_id"]), str(data["email"]))
        except (KeyError, TypeError) as error:
            raise unreadable() from error

    async def status(self) -> Status:
        """The server answers an unchanged status with 304, without a body."""
        status = await self._cached("status")
        return status_from_json(status, await self._questions() if status.get("questions") else ())

    async def _questions(self) -> tuple[Message, ...]:
        return _messages(await self._cached("questions"))

    async def held(self) -> tuple[Message, ...]:
        messages: list[Message] = []
        cursor = ""
        while True:
            page = await self._cached(f"held?limit={PAGE}&cursor={quote(cursor)}")
            try:
                for sender in page["senders"]:
                    messages += [message_from_json(message) for message in sender["messages"]]
                cursor = str(page["cursor"])
            except (KeyError, TypeError) as error:
                raise unreadable() from error
            if not cursor or len(messages) >= HELD_LIMIT:
                return tuple(messages[:HELD_LIMIT])

    async def passed(self) -> tuple[Message, ...]:
        return _messages(await self._call("GET", f"messages?placement=inbox&limit={PASSED_LIMIT}"))

    async def preview(self, gmail_id: str) -> str:
        return str((await self._call("GET", f"messages/{quote(gmail_id, safe='')}/preview")).get("text", ""))

    async def correct(self, key: str, gmail_id: str, decision: Decision) -> tuple[str, ...]:
        body = {"key": key, "gmail_id": gmail_id, "decision": decision.value}
        response = await self._call("POST", "corrections", body)
        try:
            return tuple(str(one) for one in response["moved"])
        except (KeyError, TypeError) as error:
            raise unreadable() from error

    async def undo(self, key: str) -> None:
        await self._call("POST", f"corrections/{quote(key, safe='')}/undo")

    async def answer(self, gmail_id: str, answer: str) -> None:
        await self._call("PUT", f"questions/{quote(gmail_id, safe='')}", {"answer": answer})

    async def set_strictness(self, strictness: str) -> None:
        """Choose which thresholds apply."""
        await self._call("PATCH", "preferences", {"strictness": strictness})

    async def pause(self, until: datetime | None) -> None:
        """Pause screening until then; None resumes."""
        await self._call("POST", "pause", {"until": until.isoformat() if until else None})

    async def sign_out(self) -> None:
        try:
            await self._call("DELETE", "devices/current")
        except (SignedOut, Refused):
            return

    async def ticket(self, page: str) -> str:
        """See `Backend.ticket`. Refuses an address on another host."""
        url = str((await self._call("POST", "ticket", {"page": page})).get("url", ""))
        if urlsplit(url).netloc != self._host:
            raise unreadable()
        return url

    async def events(self, after: str) -> AsyncIterator[Event]:
        headers = self._authorization() | ({"Last-Event-ID": after} if after else {})
        timeout = httpx.Timeout(self._patience.silence, connect=self._patience.connect)
        try:
            async with aconnect_sse(
                self._client, "GET", "events", headers=headers, timeout=timeout
            ) as source:
                if source.response.status_code != 200:
                    await source.response.aread()
                self._check(source.response)
                async with aclosing(source.aiter_sse()) as stream:
                    async for sse in stream:
                        yield Event(sse.id, sse.event, _object(sse.data))
        except (httpx.HTTPError, SSEError) as error:
            raise self._translated(error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _cached(self, path: str) -> Any:
        etag, known = self._etags.get(path, ("", None))
        response = await self._send("GET", path, headers={"If-None-Match": etag} if etag else {})
        if response.status_code == 304:
            return known
        data = self._json(response)
        if fresh := response.headers.get("ETag"):
            if len(self._etags) > 2 * HELD_LIMIT // PAGE:  # mostly cursors that are never asked for again
                self._etags.clear()
            self._etags[path] = (fresh, data)
        return data

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        return self._json(await self._send(method, path, body))

    async def _send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        try:
            response = await self._client.request(
                method, path, json=body, headers=self._authorization() | (headers or {})
            )
        except httpx.HTTPError as error:
            raise self._translated(error) from error
        self._check(response)
        return response

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def _json(self, response: httpx.Response) -> Any:
        if response.status_code == 204:
            return {}
        try:
            data = response.json()
        except ValueError as error:
            raise unreadable() from error
        if not isinstance(data, dict):
            raise unreadable()
        return data

    def _check(self, response: httpx.Response) -> None:
        """Raise the error this status stands for. 5xx comes first: a proxy's own 5xx has no version header."""
        status = response.status_code
        if status >= 500:
            raise ServerTrouble(t("error.server", status=status), t("error.server_remedy"))
        if response.headers.get("Pitchgate-Api") != API:
            raise WrongVersion(
                t("error.not_pitchgate", host=self._host),
                t("error.not_pitchgate_remedy"),
            )
        if status >= 400:
            raise self._refusal(status, response)

    def _refusal(self, status: int, response: httpx.Response) -> BackendError:
        try:
            body = response.json()
            code, title, remedy, field = (
                str(body.get(k) or "") for k in ("code", "title", "remedy", "field")
            )
        except (ValueError, AttributeError):
            code = title = remedy = field = ""
        if status == 401:
            return SignedOut(
                t("error.signed_out"),
                t("error.signed_out_remedy"),
            )
        if status == 426:
            return WrongVersion(t("error.too_old"), remedy or t("error.too_old_remedy"))
        if status == 429:
            return Busy(
                t("error.busy"),
                t("error.self"),
                retry_after=_seconds(response.headers.get("Retry-After")),
            )
        return Refused(title or t("error.refused", status=status), remedy, code=code, field=field)

    def _translated(self, error: Exception) -> BackendError:
        if isinstance(error, SSEError):
            return unreadable()
        if isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout | httpx.PoolTimeout):
            return Slow(t("error.slow"), t("error.self"))
        if isinstance(error, httpx.DecodingError | httpx.TooManyRedirects):
            return unreadable()
        return Unreachable(
            t("error.unreachable", host=self._host),
            t("error.unreachable_remedy"),
        )


def _messages(page: Any) -> tuple[Message, ...]:
    try:
        return tuple(message_from_json(message) for message in page["messages"])
    except (KeyError, TypeError) as error:
        raise unreadable() from error


def _seconds(value: str | None) -> float:
    try:
        return min(max(float(value or 30), 1.0), 600.0)
    except ValueError:
        return 30.0


def _object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text or "{}")
    except ValueError as error:
        raise unreadable() from error
    return data if isinstance(data, dict) else {}
