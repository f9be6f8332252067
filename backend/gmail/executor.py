"""Sends the requests the library built, over one aiohttp session, and turns answers into values or domain errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import aiohttp
import structlog

from backend.domain.errors import GoogleError, NeedsReconnect, Rejected, TryLater
from backend.gmail.errors import read_answer, reconnect, send_uncertain, translate
from backend.gmail.quota import Quota
from backend.gmail.requests import Call
from backend.gmail.unreadable import AnswerUnreadable
from backend.gmail.wire import AnswerTooLarge, Reply, ask
from backend.ports.system import Clock

log = structlog.get_logger(__name__)

_NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
"""Failures that come before a byte of the request has left."""
_SPENT = ("later.limits", "later.daily_quota")
"""Refusals that mean: too much was asked."""


class AccessTokenSource(Protocol):
    """Where access tokens come from; `backend.gmail.tokens.AccessTokens`."""

    async def access(self, mailbox_id: str) -> str:
        """A token believed valid. Raises `NeedsReconnect`, `TryLater`."""

    def discard(self, mailbox_id: str, token: str) -> None:
        """Google refused `token`."""

    def condemn(self, mailbox_id: str, token: str, error: NeedsReconnect) -> None:
        """The grant behind `token` is of no use: no refresh until there is another."""


class Executor:
    """One request, one answer. The only repeat is a read or label change after its access token was refused.

    (aiohttp itself repeats a GET once when a kept connection turns out dead; never a POST, so never a send.)
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: AccessTokenSource,
        quota: Quota,
        clock: Clock,
        prices: Mapping[str, int],
        response_limit: int,
        daily_wait: timedelta = timedelta(hours=1),
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._quota = quota
        self._clock = clock
        self._prices = prices
        self._limit = response_limit
        self._daily_wait = daily_wait
        self._not_before: dict[tuple[str, bool], datetime] = {}

    async def run(self, mailbox_id: str, call: Call) -> dict[str, Any]:
        """The JSON object Google answered, {} for an empty body. Raises `GoogleError` of every kind."""
        return self._value(call, await self._ask(mailbox_id, call))

    async def raw(self, mailbox_id: str, call: Call) -> bytes:
        """The body of Google's answer as it came. Raises `GoogleError` of every kind."""
        return (await self._ask(mailbox_id, call)).body

    async def _ask(self, mailbox_id: str, call: Call) -> Reply:
        self._respect_stated_time(mailbox_id, call)
        token = await self._tokens.access(mailbox_id)
        reply = await self._send(mailbox_id, call, token)
        if reply.status == 401:
            self._tokens.discard(mailbox_id, token)
            token = await self._tokens.access(mailbox_id)
            if call.is_send:
                # Refused, so nothing left; but a send is given back to its stage, which knows what it did.
                raise TryLater("later.token", reason="authError")
            reply = await self._send(mailbox_id, call, token)
            if reply.status == 401:
                self._tokens.discard(mailbox_id, token)
                dead = reconnect("authError")
                self._tokens.condemn(mailbox_id, token, dead)
                raise dead
        if 200 <= reply.status < 300:
            return reply
        raise self._error(mailbox_id, call, reply, token)

    def forget(self, mailbox_id: str) -> None:
        """Drop what is remembered of a mailbox."""
        for is_send in (False, True):
            self._not_before.pop((mailbox_id, is_send), None)
        self._quota.forget(mailbox_id)

    async def _send(self, mailbox_id: str, call: Call, token: str) -> Reply:
        units = self._prices[call.method]
        async with self._quota.gate(mailbox_id).admitted(units, call.priority):
            try:
                return await ask(
                    self._session,
                    call.verb,
                    call.url,
                    headers={**call.headers, "authorization": f"Bearer {token}"},
                    body=call.body,
                    limit=self._limit,
                )
            except _NOT_CONNECTED as error:
                raise TryLater("later.away", reason=type(error).__name__) from error
            except AnswerTooLarge as error:
                raise self._too_large(call) from error
            except (aiohttp.ClientError, OSError, AnswerUnreadable) as error:  # OSError: TimeoutError too
                raise _broken(call, type(error).__name__) from error

    def _value(self, call: Call, reply: Reply) -> dict[str, Any]:
        try:
            return reply.json_object()
        except AnswerUnreadable as error:
            raise _broken(call, "unreadable") from error

    def _too_large(self, call: Call) -> GoogleError:
        if call.is_send:
            return send_uncertain("answerTooLarge")
        return Rejected("rejected.large", limit=self._limit, reason="answerTooLarge")

    def _error(self, mailbox_id: str, call: Call, reply: Reply, token: str) -> GoogleError:
        now = self._clock.now()
        answer = read_answer(reply.status, reply.headers, reply.body, now)
        error = translate(answer, call.method, now, self._daily_wait)
        log.info(
            "google refused",
            mailbox=mailbox_id,
            method=call.method,
            status=reply.status,
            reason=answer.reason,
        )
        if isinstance(error, TryLater) and error.key in _SPENT:
            self._quota.gate(mailbox_id).refused()
            if error.retry_at is not None:
                # Sending has limits of its own, which must not stop the reading.
                self._not_before[mailbox_id, call.is_send] = error.retry_at
        if isinstance(error, NeedsReconnect):
            self._tokens.condemn(mailbox_id, token, error)
        return error

    def _respect_stated_time(self, mailbox_id: str, call: Call) -> None:
        at = self._not_before.get((mailbox_id, call.is_send))
        if at is None:
            return
        if self._clock.now() >= at:
            del self._not_before[mailbox_id, call.is_send]
            return
        raise TryLater("later.limits", reason="statedTime", retry_at=at)


def _broken(call: Call, reason: str) -> GoogleError:
    if call.is_send:
        return send_uncertain(reason)
    return TryLater("later.broke", reason=reason)
