"""Another company's check behind our port: its widget on the page, its siteverify endpoint behind us.

The company is told the secret, the token its own script made, and nothing else: no address of the sender, and
nothing of the mail. Whatever it does not clearly call a success is none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from backend.captcha.vendors import Fate, Vendor
from backend.domain.errors import Refused, TryLater
from backend.ports.captcha import Answer, Kind, Widget

TOKEN_LIMIT = 16_384
"""Characters of a token. Turnstile's have at most 2,048; the others name no limit."""

ANSWER_LIMIT = 64 * 1024
PATIENCE = 5.0


class SiteVerify:
    """`Captcha` by one `Vendor`. `http` is the caller's and stays open; `host` is the name our pages have."""

    def __init__(
        self,
        vendor: Vendor,
        http: aiohttp.ClientSession,
        *,
        site_key: str,
        secret: str,
        host: str,
        verify_url: str = "",
        patience: float = PATIENCE,
    ) -> None:
        self._vendor = vendor
        self._http = http
        self._site_key = site_key
        self._secret = secret
        self._host = host.lower()
        self._url = verify_url or vendor.verify_url
        self._timeout = aiohttp.ClientTimeout(total=patience)

    @property
    def kind(self) -> Kind:
        """Which company."""
        return self._vendor.kind

    @property
    def widget(self) -> Widget:
        """What the page shows."""
        return self._vendor.widget(self._site_key)

    def task(self, challenge_id: str, factor: int, now: datetime) -> dict[str, Any]:
        """Where the company's own script is to be asked: we make no task. The price is the company's."""
        return {"kind": self.kind, "site_key": self._site_key, "field": self._vendor.field}

    async def verify(self, payload: str, challenge_id: str, factor: int, now: datetime) -> Answer:
        """Ask the company. It takes each token once; its digest bars a second use on our side as well."""
        if not payload or len(payload) > TOKEN_LIMIT:
            raise Refused("captcha_malformed")
        response = await self._ask(payload)
        if response.get("success") is not True:
            raise self._refusal(response.get("error-codes"))
        self._check_place(response)
        digest = hashlib.sha256(payload.encode("utf-8", "surrogatepass")).hexdigest()
        return Answer(f"{self.kind}:{digest}", now + timedelta(days=1))

    async def _ask(self, token: str) -> Mapping[str, Any]:
        form = {"secret": self._secret, "response": token}
        if self._vendor.tells_site_key:
            form["sitekey"] = self._site_key
        try:
            async with self._http.post(
                self._url, data=form, timeout=self._timeout, allow_redirects=False
            ) as answer:
                status, body = answer.status, b""
                async for chunk in answer.content.iter_chunked(8_192):
                    body += chunk
                    if len(body) > ANSWER_LIMIT:
                        raise self._later("endless answer")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._later("unreachable") from error
        try:
            response = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._later(f"status {status}") from error
        # A refusal may come with 4xx; a success only counts as one with 200.
        if (
            not isinstance(response, dict)
            or (status != 200 and "error-codes" not in response)
            or status >= 500
        ):
            raise self._later(f"status {status}")
        if status != 200:
            response = response | {"success": False}
        return response

    def _refusal(self, codes: object) -> Refused | TryLater:
        """The gravest of the codes decides: what is our fault or theirs is not told to the sender as theirs."""
        names = [code for code in codes if isinstance(code, str)] if isinstance(codes, list) else []
        fates = {code: self._vendor.errors.get(code, Fate.THEIRS) for code in names}
        for code, fate in fates.items():
            if fate in (Fate.OURS, Fate.THEIRS):
                return self._later(code[:60])
        for fate in (Fate.REPLAYED, Fate.EXPIRED, Fate.WRONG):
            if fate in fates.values():
                return Refused(fate.value)
        return self._later("no reason given")

    def _check_place(self, response: Mapping[str, Any]) -> None:
        """A token from another site, or from another form of ours, is none."""
        host = str(response.get("hostname", "")).lower()
        if host != self._host and not (host and host == self._vendor.unnamed_host):
            raise Refused("captcha_wrong.site")
        if self._vendor.action and response.get("action") != self._vendor.action:
            raise Refused("captcha_wrong.action")

    def _later(self, reason: str) -> TryLater:
        return TryLater("later.captcha", vendor=self._vendor.name, reason=f"{self.kind}: {reason}")
