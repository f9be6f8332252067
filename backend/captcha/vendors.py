"""Captchas of other vendors: their data, their siteverify endpoints, and opening the captcha that the settings name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from backend.captcha.own_tasks import ProofOfWork, TypedCode
from backend.domain.errors import Refused, TryLater
from backend.ports.system import Captcha, CaptchaKind, CheckedAnswer, TokenSource, TypedCodes, Vault, Widget
from backend.settings import Settings

# ---- Vendors
# From each vendor's documentation: addresses, names, and the meaning of every error code.


class ErrorMeaning(Enum):
    """What a vendor's error code means. The first three are shown to the sender, by our error code. OURS: our keys
    or our request are wrong. THEIRS: the vendor failed."""

    WRONG = "captcha_wrong"
    EXPIRED = "captcha_expired"
    REPLAYED = "captcha_replayed"
    OURS = "ours"
    THEIRS = "theirs"


_COMMON = {
    "missing-input-secret": ErrorMeaning.OURS,
    "invalid-input-secret": ErrorMeaning.OURS,
    "missing-input-response": ErrorMeaning.WRONG,
    "invalid-input-response": ErrorMeaning.WRONG,
    "bad-request": ErrorMeaning.OURS,
}
TURNSTILE_ERRORS = _COMMON | {
    "timeout-or-duplicate": ErrorMeaning.EXPIRED,
    "internal-error": ErrorMeaning.THEIRS,
}
HCAPTCHA_ERRORS = _COMMON | {
    "expired-input-response": ErrorMeaning.EXPIRED,
    "already-seen-response": ErrorMeaning.REPLAYED,
    "invalid-or-already-seen-response": ErrorMeaning.REPLAYED,
    "missing-remoteip": ErrorMeaning.OURS,
    "invalid-remoteip": ErrorMeaning.OURS,
    "not-using-dummy-passcode": ErrorMeaning.OURS,
    "sitekey-secret-mismatch": ErrorMeaning.OURS,
}
RECAPTCHA_ERRORS = _COMMON | {
    "timeout-or-duplicate": ErrorMeaning.EXPIRED,
    "browser-error": ErrorMeaning.WRONG,
    "invalid-keys": ErrorMeaning.OURS,
}


@dataclass(frozen=True, slots=True)
class Vendor:
    """One captcha vendor. `action` labels our form and is returned with the result, if the vendor supports that;
    `unnamed_host` is what the vendor may return instead of our host name; `tells_site_key`: verification requests
    need the site key. `sources` are additions to the page's content policy."""

    kind: CaptchaKind
    name: str
    verify_url: str
    script: str
    css_class: str
    field: str
    errors: dict[str, ErrorMeaning]
    sources: dict[str, tuple[str, ...]]
    action: str = ""
    unnamed_host: str = ""
    tells_site_key: bool = False

    def widget(self, site_key: str) -> Widget:
        attributes = {"data-sitekey": site_key} | ({"data-action": self.action} if self.action else {})
        return Widget(self.name, self.script, self.css_class, self.field, attributes, self.sources)


_HCAPTCHA = ("https://hcaptcha.com", "https://*.hcaptcha.com")

VENDORS = {
    vendor.kind: vendor
    for vendor in (
        Vendor(
            kind=CaptchaKind.TURNSTILE,
            name="Cloudflare Turnstile",
            verify_url="https://challenges.cloudflare.com/turnstile/v0/siteverify",
            script="https://challenges.cloudflare.com/turnstile/v0/api.js",
            css_class="cf-turnstile",
            field="cf-turnstile-response",
            errors=TURNSTILE_ERRORS,
            sources={
                "script-src": ("https://challenges.cloudflare.com",),
                "frame-src": ("https://challenges.cloudflare.com",),
            },
            action="pitchgate-solve",
        ),
        Vendor(
            kind=CaptchaKind.HCAPTCHA,
            name="hCaptcha",
            verify_url="https://api.hcaptcha.com/siteverify",
            script="https://js.hcaptcha.com/1/api.js",
            css_class="h-captcha",
            field="h-captcha-response",
            errors=HCAPTCHA_ERRORS,
            sources=dict.fromkeys(("script-src", "frame-src", "style-src", "connect-src"), _HCAPTCHA),
            unnamed_host="not-provided",
            tells_site_key=True,
        ),
        Vendor(
            kind=CaptchaKind.RECAPTCHA,
            name="Google reCAPTCHA",
            verify_url="https://www.google.com/recaptcha/api/siteverify",
            script="https://www.google.com/recaptcha/api.js",
            css_class="g-recaptcha",
            field="g-recaptcha-response",
            errors=RECAPTCHA_ERRORS,
            sources={
                "script-src": ("https://www.google.com/recaptcha/", "https://www.gstatic.com/recaptcha/"),
                "frame-src": ("https://www.google.com/recaptcha/", "https://recaptcha.google.com/recaptcha/"),
            },
        ),
    )
}


# ---- Verification by a vendor
# The vendor gets only the secret and its own token, never the sender's address or anything from the email. Any answer
# but a clear success counts as a failure.


TOKEN_LIMIT = 16_384
"""Limit in characters of a token. Turnstile's have at most 2,048; the others document no limit."""

ANSWER_LIMIT = 64 * 1024
TIMEOUT = 5.0


class SiteVerify:
    """`Captcha` of one `Vendor`. `http` is not closed here; `host` is the host name of our pages."""

    def __init__(
        self,
        vendor: Vendor,
        http: aiohttp.ClientSession,
        *,
        site_key: str,
        secret: str,
        host: str,
        verify_url: str = "",
        timeout: float = TIMEOUT,
    ) -> None:
        self._vendor = vendor
        self._http = http
        self._site_key = site_key
        self._secret = secret
        self._host = host.lower()
        self._url = verify_url or vendor.verify_url
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    @property
    def kind(self) -> CaptchaKind:
        return self._vendor.kind

    @property
    def widget(self) -> Widget:
        return self._vendor.widget(self._site_key)

    def task(self, challenge_id: str, factor: int, now: datetime) -> dict[str, Any]:
        """What the vendor's script needs. The vendor sets the task, so the work `factor` has no effect."""
        return {"kind": self.kind, "site_key": self._site_key, "field": self._vendor.field}

    async def verify(self, payload: str, challenge_id: str, factor: int, now: datetime) -> CheckedAnswer:
        """Ask the vendor, which accepts each token once. Its digest prevents reuse on our side as well."""
        if not payload or len(payload) > TOKEN_LIMIT:
            raise Refused("captcha_malformed")
        response = await self._ask(payload)
        if response.get("success") is not True:
            raise self._refusal(response.get("error-codes"))
        self._check_site(response)
        digest = hashlib.sha256(payload.encode("utf-8", "surrogatepass")).hexdigest()
        return CheckedAnswer(signature=f"{self.kind}:{digest}", expires_at=now + timedelta(days=1))

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
        # Vendors may refuse with 4xx; a success is valid only with 200.
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
        """The error for a list of codes. If one is our fault or the vendor's, the sender is not blamed."""
        names = [code for code in codes if isinstance(code, str)] if isinstance(codes, list) else []
        meanings = {code: self._vendor.errors.get(code, ErrorMeaning.THEIRS) for code in names}
        for code, meaning in meanings.items():
            if meaning in (ErrorMeaning.OURS, ErrorMeaning.THEIRS):
                return self._later(code[:60])
        for meaning in (ErrorMeaning.REPLAYED, ErrorMeaning.EXPIRED, ErrorMeaning.WRONG):
            if meaning in meanings.values():
                return Refused(meaning.value)
        return self._later("no reason given")

    def _check_site(self, response: Mapping[str, Any]) -> None:
        """Reject tokens issued for another site or another form."""
        host = str(response.get("hostname", "")).lower()
        if host != self._host and not (host and host == self._vendor.unnamed_host):
            raise Refused("captcha_wrong.site")
        if self._vendor.action and response.get("action") != self._vendor.action:
            raise Refused("captcha_wrong.action")

    def _later(self, reason: str) -> TryLater:
        return TryLater("later.captcha", vendor=self._vendor.name, reason=f"{self.kind}: {reason}")


# ---- The configured captcha


@asynccontextmanager
async def open_captchas(
    settings: Settings, secret: str, vault: Vault, tokens: TokenSource
) -> AsyncIterator[tuple[Captcha, TypedCodes]]:
    """The configured captcha, and the typed codes, which senders who have solved often must enter as well. `secret`
    signs proofs of work. Connections to a vendor are closed at the end."""
    codes = TypedCode(vault, tokens, settings.captcha_life)
    if settings.captcha is CaptchaKind.PROOF_OF_WORK:
        yield ProofOfWork(secret, settings.captcha_cost, settings.captcha_life), codes
    elif settings.captcha is CaptchaKind.TYPED_CODE:
        yield codes, codes
    else:
        # Without proxies from the environment and without cookies: the vendor gets only what `SiteVerify` sends.
        async with aiohttp.ClientSession(
            trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": "Pitchgate"}
        ) as http:
            yield (
                SiteVerify(
                    VENDORS[settings.captcha],
                    http,
                    site_key=settings.captcha_site_key,
                    secret=settings.captcha_secret.get_secret_value(),
                    host=urlsplit(settings.public_url).hostname or "",
                    verify_url=settings.captcha_verify_url,
                ),
                codes,
            )
