"""`pitchgate home`: one mailbox on this machine, behind a router."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backend import starting
from backend.domain.errors import Refused
from backend.home import client as clients
from backend.home import settings_file, unit
from backend.settings_read import read_settings
from backend.terminal import Worded, say, words

if TYPE_CHECKING:
    from backend.home.client import OAuthClient
    from backend.settings import Settings

PORTS = range(8400, 8420)


def default_folder() -> Path:
    """Where a home is kept unless told otherwise."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base else Path.home() / ".local" / "share") / "pitchgate"


@click.command("home", cls=Worded)
@click.option("--folder", type=click.Path(path_type=Path))
@click.option("--client-file", type=click.Path(path_type=Path))
@click.option("--client-id")
@click.option("--port", type=click.IntRange(1024, 65535))
@click.option("--again", is_flag=True)
@click.option("--unit/--no-unit", default=None)
@click.option("--no-browser", is_flag=True)
def home_command(
    *,
    folder: Path | None,
    client_file: Path | None,
    client_id: str | None,
    port: int | None,
    again: bool,
    unit: bool | None,
    no_browser: bool,
) -> None:
    """Set up and run Pitchgate for one mailbox of yours. No Pub/Sub and no public address are needed.

    Before that Google wants an OAuth client of the type Desktop app, made at
    https://console.cloud.google.com/auth/clients.
    """
    where = (folder or default_folder()).expanduser().absolute()
    file = where / settings_file.NAME
    if again or not file.exists():
        client = _client(client_file, client_id)
        _set_up(file, client, port)
        _offer_unit(file, unit)
    os.environ["PITCHGATE_SETTINGS_FILE"] = str(file)
    _run(read_settings(), browser=not no_browser)


def _client(file: Path | None, client_id: str | None) -> OAuthClient:
    if file is not None:
        return clients.from_file(file.expanduser())
    if client_id is None:
        say("home.make_client", console=clients.CONSOLE)
        given = click.prompt(words()("home.client")).strip().strip("'\"")
        if given.endswith(".json") or Path(given).expanduser().is_file():
            return clients.from_file(Path(given).expanduser())
        client_id = given
    return clients.typed(client_id, click.prompt(words()("home.secret"), hide_input=True))


def _set_up(file: Path, client: OAuthClient, port: int | None) -> None:
    """Check everything, then write: what is refused leaves no file behind, and an earlier one as it was."""
    values = settings_file.settings_of_home(file.parent, client, port or _port(client))
    if file.exists():
        earlier = _read(file)
        for name in ("PITCHGATE_SECRET_KEYS", "PITCHGATE_STATE_DIR"):
            values[name] = earlier.get(name) or values[name]
    given = {name.removeprefix("PITCHGATE_").lower(): value for name, value in values.items()}
    settings = read_settings(**given)
    clients.check_redirect(client, settings.redirect_uri)
    say("home.asking")
    asyncio.run(clients.try_out(client, settings))
    settings_file.write(file, values)
    say("home.settings", file=file)


def _read(file: Path) -> dict[str, str | None]:
    from dotenv import dotenv_values

    return dotenv_values(file, interpolate=False)


def _port(client: OAuthClient) -> int:
    """The port a web client was registered with, else the first that is free."""
    from urllib.parse import urlsplit

    from backend import listening

    for redirect in client.redirects if client.kind == "web" else ():
        parts = urlsplit(redirect)
        if parts.hostname == "127.0.0.1" and parts.port:
            return parts.port
    for port in PORTS:
        try:
            listening.probe(f"127.0.0.1:{port}", "--port")
        except Refused:
            continue
        return port
    raise Refused("ports_taken", first=str(PORTS[0]), last=str(PORTS[-1]))


def _offer_unit(file: Path, wanted: bool | None) -> None:
    if wanted is None:
        if not unit.offered():
            return
        wanted = click.confirm(words()("home.unit"), default=False)
    if wanted:
        say("home.unit_written", file=unit.write(file), command=unit.COMMAND)


def _run(settings: Settings, *, browser: bool) -> None:
    from backend.home.guide import Guide

    starting.run(settings, Guide(say, browser=browser).run)
