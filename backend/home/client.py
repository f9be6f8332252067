"""The OAuth client a person made in Google's console: read from its JSON file or typed, and tried at Google."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from backend.domain.errors import Refused

if TYPE_CHECKING:
    from backend.settings import Settings

LARGEST_FILE = 64 * 1024
_ID = re.compile(r"[A-Za-z0-9._-]{5,200}")
_SECRET = re.compile(r"[\x21-\x7e]{8,200}")
_RISKY = frozenset("'\"\\#$`")
"""Signs that mean something in a settings file."""
CONSOLE = "https://console.cloud.google.com/auth/clients"


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """`kind` is "installed" (Desktop app), "web", or "" where it was typed. `redirects` are those it was registered
    with; a desktop app needs none."""

    id: str
    secret: str = field(repr=False)
    kind: str = ""
    redirects: tuple[str, ...] = ()


def typed(client_id: str, secret: str) -> OAuthClient:
    """From the keyboard. Raises `Refused` (field client_id or client_secret) for what can be neither."""
    client_id, secret = client_id.strip(), secret.strip()
    if not _ID.fullmatch(client_id):
        raise Refused("client_id", console=CONSOLE, field="client_id")
    if not _SECRET.fullmatch(secret) or _RISKY & set(secret):
        raise Refused("client_secret", console=CONSOLE, field="client_secret")
    return OAuthClient(client_id, secret)


def from_file(path: Path) -> OAuthClient:
    """From the JSON that the console gives for download. Raises `Refused` (field file)."""
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(LARGEST_FILE))
    except OSError as error:
        raise Refused(
            "no_client.unread", console=CONSOLE, path=path, why=error.strerror, field="file"
        ) from error
    except (ValueError, RecursionError) as error:
        raise Refused("no_client.no_json", console=CONSOLE, path=path, field="file") from error
    kind = next((name for name in ("installed", "web") if isinstance(data, dict) and name in data), "")
    inner = data[kind] if kind else None
    if not isinstance(inner, dict):
        raise Refused("no_client", console=CONSOLE, path=path, field="file")
    read = typed(str(inner.get("client_id", "")), str(inner.get("client_secret", "")))
    redirects = inner.get("redirect_uris")
    listed = tuple(map(str, redirects)) if isinstance(redirects, list) else ()
    return OAuthClient(read.id, read.secret, kind, listed)


def check_redirect(client: OAuthClient, redirect: str) -> None:
    """Raise `Refused` (field redirect) for a web client that was not registered with our address. A desktop app may
    come back to any port of this machine; of a typed client nothing is known."""
    if client.kind == "web" and redirect not in client.redirects:
        raise Refused("redirect", console=CONSOLE, redirect=redirect, field="redirect")


async def try_out(client: OAuthClient, settings: Settings) -> str:
    """Ask Google for a token with a code that cannot be right: a client it knows is told that the code is wrong, any
    other that it is unknown. Returns the answer's Date. Raises `Refused` (field client_id), or `Refused` (field
    network) without an answer."""
    import aiohttp  # here, for the help of the command

    from backend.gmail.oauth import CLIENT_REFUSED

    form = urlencode(
        {
            "grant_type": "authorization_code",
            "code": "4/pitchgate-asks-whether-this-client-exists",
            "client_id": client.id,
            "client_secret": client.secret,
            "redirect_uri": settings.redirect_uri,
        }
    )
    timeout = aiohttp.ClientTimeout(total=settings.request_timeout)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(settings.token_url, data=form, headers=headers) as answer,
        ):
            response, date = await answer.json(content_type=None), answer.headers.get("Date", "")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Refused("network", field="network") from error
    cause = response.get("error") if isinstance(response, dict) else None
    if isinstance(cause, str) and cause in CLIENT_REFUSED:
        raise Refused("client_unknown", console=CONSOLE, field="client_id")
    return date
