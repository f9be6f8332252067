"""Opens the checks that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from backend.captcha.proof_of_work import ProofOfWork
from backend.captcha.siteverify import SiteVerify
from backend.captcha.typed_code import TypedCode
from backend.captcha.vendors import VENDORS
from backend.ports.captcha import Captcha, Kind, TypedCodes
from backend.ports.system import TokenSource, Vault
from backend.settings import Settings


@asynccontextmanager
async def open_captchas(
    settings: Settings, secret: str, vault: Vault, tokens: TokenSource
) -> AsyncIterator[tuple[Captcha, TypedCodes]]:
    """The first check, and the typed codes that may follow it. Connections to another company are closed on
    the way out; without one there are none."""
    codes = TypedCode(vault, tokens, settings.captcha_life)
    if settings.captcha is Kind.PROOF_OF_WORK:
        yield ProofOfWork(secret, settings.captcha_cost, settings.captcha_life), codes
    elif settings.captcha is Kind.TYPED_CODE:
        yield codes, codes
    else:
        # No proxies or cookies of the surroundings: what is told to the company is what stands in the adapter.
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
