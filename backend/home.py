"""Parts of `pitchgate home`, which sets up a server for one mailbox on the owner's own computer: the OAuth client, the
settings file, the systemd unit, and the messages during set-up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
import webbrowser
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from backend.domain.errors import Refused
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import Condition, Mailbox

if TYPE_CHECKING:
    from backend.bootstrap import Application
    from backend.settings import Settings


# ---- The OAuth client


LARGEST_FILE = 64 * 1024
_ID = re.compile(r"[A-Za-z0-9._-]{5,200}")
_SECRET = re.compile(r"[\x21-\x7e]{8,200}")
_RISKY = frozenset("'\"\\#$`")
"""Characters with a meaning in a settings file."""
CONSOLE = "https://console.cloud.google.com/auth/clients"


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """An OAuth client. `kind` is "installed" (Desktop app), "web", or "" if it was typed in. `redirects` are its
    registered redirect addresses; a desktop app needs none."""

    id: str
    secret: str = field(repr=False)
    kind: str = ""
    redirects: tuple[str, ...] = ()


def checked_client(client_id: str, secret: str) -> OAuthClient:
    """A client from typed values. Raises `Refused` (field client_id or client_secret) if one cannot be valid."""
    client_id, secret = client_id.strip(), secret.strip()
    if not _ID.fullmatch(client_id):
        raise Refused("client_id", console=CONSOLE, field="client_id")
    if not _SECRET.fullmatch(secret) or _RISKY & set(secret):
        raise Refused("client_secret", console=CONSOLE, field="client_secret")
    return OAuthClient(client_id, secret)


def client_from_file(path: Path) -> OAuthClient:
    """A client from the JSON file that Google's console offers for download. Raises `Refused` (field file)."""
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
    client = checked_client(str(inner.get("client_id", "")), str(inner.get("client_secret", "")))
    uris = inner.get("redirect_uris")
    redirects = tuple(map(str, uris)) if isinstance(uris, list) else ()
    return OAuthClient(client.id, client.secret, kind, redirects)


def check_redirect(client: OAuthClient, redirect: str) -> None:
    """Raise `Refused` (field redirect) for a web client that is not registered with the address `redirect`. A
    desktop app may redirect to any port of this machine; about a typed client nothing is known."""
    if client.kind == "web" and redirect not in client.redirects:
        raise Refused("redirect", console=CONSOLE, redirect=redirect, field="redirect")


async def verify_client(client: OAuthClient, settings: Settings) -> str:
    """Ask Google for a token with an invalid code, to learn whether it knows the client: then the error is about the
    code, else about the client. Returns the answer's Date. Raises `Refused`: field client_id if Google does not know
    the client, field network if there is no answer."""
    import aiohttp  # imported late: help does not need it

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


# ---- The settings file


SETTINGS_NAME = "settings.env"
HEAD = """\
# Written by Pitchgate. Anybody who reads this file can read the mailbox: keep it to yourself.
# Change a line and start again; a line PITCHGATE_…= may be added for every other setting.
"""


def home_settings(folder: Path, client: OAuthClient, port: int) -> dict[str, str]:
    """The settings of a new set-up in `folder`, with a new key to encrypt refresh tokens."""
    from backend.vault import make_key  # imported late: help does not need it

    return {
        "PITCHGATE_ENVIRONMENT": "production",
        "PITCHGATE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PITCHGATE_BIND": f"127.0.0.1:{port}",
        "PITCHGATE_STATE_DIR": str(folder / "state"),
        "PITCHGATE_SECRET_KEYS": make_key(),
        "PITCHGATE_CLIENT_ID": client.id,
        "PITCHGATE_CLIENT_SECRET": client.secret,
        "PITCHGATE_NOTICES": "poll",
        "PITCHGATE_LOG_LEVEL": "WARNING",
    }


def read(path: Path) -> dict[str, str]:
    """The values of a settings file; {} if there is no file."""
    from dotenv import dotenv_values

    return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}


def write_settings(path: Path, values: Mapping[str, str]) -> None:
    """Write `values` to a settings file atomically, readable by its owner only (0600, its folder 0700). Other lines
    of an existing file are kept, as a person may have added them."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    earlier = path.read_text(encoding="utf-8") if path.exists() else HEAD
    earlier_lines = [(line.partition("=")[0].strip(), line) for line in earlier.splitlines()]
    lines = [f"{name}={values[name]}" if name in values else line for name, line in earlier_lines]
    existing = {name for name, _ in earlier_lines}
    lines += [f"{name}={value}" for name, value in values.items() if name not in existing]
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    new.chmod(0o600)  # a leftover from an interrupted run may have other permissions
    new.replace(path)


# ---- The systemd user unit, written only if the owner agrees


UNIT_NAME = "pitchgate.service"
COMMAND = " && ".join(
    f"systemctl --user {words}" for words in ("daemon-reload", f"enable {UNIT_NAME}", f"restart {UNIT_NAME}")
)
"""Enables and (re)starts the unit."""


def unit_path() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base else Path.home() / ".config") / "systemd" / "user" / UNIT_NAME


def has_systemd() -> bool:
    return sys.platform == "linux" and Path("/run/systemd/system").is_dir()


def unit_text(settings_file: Path) -> str:
    return f"""\
[Unit]
Description=Pitchgate, for one mailbox

[Service]
EnvironmentFile={_escaped(settings_file)}
ExecStart={_quoted(Path(sys.executable))} -m backend serve
# always, not on-failure: a server that dies inside may leave with exit status 0
Restart=always
RestartSec=5
NoNewPrivileges=true
PrivateTmp=true

[Install]
WantedBy=default.target
"""


def write_unit(settings_file: Path) -> Path:
    """Write the unit; returns its path."""
    path = unit_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(unit_text(settings_file), encoding="utf-8")
    return path


def _escaped(path: Path) -> str:
    """A path in a unit file, where a percent sign must be doubled."""
    return str(path).replace("%", "%%")


def _quoted(path: Path) -> str:
    return '"' + _escaped(path).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$") + '"'


# ---- Messages to the owner while they connect


POLL_SECONDS = 0.5
_NOT_READY = frozenset({Condition.CONNECTING, Condition.INDEXING})


class Guide:
    """Prints what the owner should do next, with `tell(key, **blanks)`. `browser`: also open the address in a
    browser."""

    def __init__(self, tell: Callable[..., None], *, browser: bool) -> None:
        self._tell = tell
        self._browser = browser

    async def run(self, application: Application) -> None:
        """Guide the owner until their mailbox is connected and indexed, while the server runs."""
        address = application.settings.public_url
        known = await application.context.store.mailboxes()
        if known:
            self._tell("home.running", address=address)
            self._tell_when_grants_end(known, address, application.context.clock.now())
            return
        self._tell("home.open", address=address)
        if self._browser:
            with contextlib.suppress(webbrowser.Error, OSError):
                await asyncio.to_thread(webbrowser.open, address)
        mailbox = await self._first_mailbox(application)
        self._tell("home.connected", email=mailbox.owner.email)
        await self._until_indexed(application, mailbox.id)
        self._tell("home.reading", address=address)
        self._tell("home.testing")

    def _tell_when_grants_end(self, mailboxes: Iterable[Mailbox], address: str, now: datetime) -> None:
        for mailbox in mailboxes:
            if (at := mailbox.grant_expires_at) is not None and now < at:
                self._tell(
                    "home.ends", email=mailbox.owner.email, at=f"{at:%Y-%m-%d %H:%M} UTC", address=address
                )

    async def _first_mailbox(self, application: Application) -> Mailbox:
        while True:
            if found := await application.context.store.mailboxes():
                return found[0]
            await asyncio.sleep(POLL_SECONDS)

    async def _until_indexed(self, application: Application, mailbox_id: MailboxId) -> None:
        shown = -1
        while True:
            mailbox = await application.context.store.mailbox(mailbox_id)
            if mailbox is None:
                return
            condition = mailbox.condition(application.context.clock.now())
            if condition not in _NOT_READY:
                return
            tenth = 10 * mailbox.index_done // mailbox.index_total if mailbox.index_total else -1
            if tenth > shown:
                shown = tenth
                self._tell("home.progress", done=mailbox.index_done, total=mailbox.index_total)
            await asyncio.sleep(POLL_SECONDS)
