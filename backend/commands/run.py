"""`pitchgate serve` runs a server, `home` sets one up for one mailbox behind a router and runs it, `doctor` checks a
set-up."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backend import home, starting
from backend.domain.errors import Conflict, Refused
from backend.ports.system import clock_off
from backend.settings_read import read_settings
from backend.system import SystemClock
from backend.terminal import TranslatedCommand, cli_texts, echo

if TYPE_CHECKING:
    from backend.doctor.machine import Finding
    from backend.home import OAuthClient
    from backend.settings import Settings


@click.command("serve", cls=TranslatedCommand)
@click.option("--bind")
def serve_command(bind: str | None) -> None:
    """Serve until stopped. All other settings are PITCHGATE_… in the environment or in the file of --settings."""
    starting.run(read_settings(bind=bind) if bind else read_settings())


PORTS = range(8400, 8420)
REPLACEABLE = frozenset(f"PITCHGATE_{name}" for name in ("CLIENT_ID", "CLIENT_SECRET", "BIND", "PUBLIC_URL"))
"""Settings that setting up again may change."""


def default_folder() -> Path:
    """The folder of a `home` set-up, unless --folder names another."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base else Path.home() / ".local" / "share") / "pitchgate"


@click.command("home", cls=TranslatedCommand)
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

    It needs an OAuth client of the type Desktop app, created at https://console.cloud.google.com/auth/home.
    """
    file = (folder or default_folder()).expanduser().absolute() / home.SETTINGS_NAME
    new = again or not file.exists()
    if new:
        _set_up(file, _client(client_file, client_id), port)
    elif port is not None:
        _change_port(file, port)
    os.environ["PITCHGATE_SETTINGS_FILE"] = str(file)
    settings = read_settings()
    if (new or unit) and _write_unit_if_wanted(file, unit, settings):
        return  # systemd runs the server from now on
    _run(settings, browser=not no_browser)


def _client(file: Path | None, client_id: str | None) -> OAuthClient:
    if file is not None:
        return home.client_from_file(file.expanduser())
    if client_id is None:
        echo("home.make_client", console=home.CONSOLE)
        given = click.prompt(cli_texts()("home.client")).strip().strip("'\"")
        if given.endswith(".json") or Path(given).expanduser().is_file():
            return home.client_from_file(Path(given).expanduser())
        client_id = given
    return home.checked_client(client_id, click.prompt(cli_texts()("home.secret"), hide_input=True))


def _set_up(file: Path, client: OAuthClient, port: int | None) -> None:
    """Check everything, then write the settings file. If a check fails, an earlier file is unchanged. Otherwise only
    its client, and its port if another is wanted, are replaced."""
    earlier = home.read(file)
    values = home.home_settings(file.parent, client, port or _port(client, earlier))
    values = {
        name: value if name in REPLACEABLE or not earlier.get(name) else earlier[name]
        for name, value in values.items()
    }
    given: dict[str, Any] = {name.removeprefix("PITCHGATE_").lower(): value for name, value in values.items()}
    settings = read_settings(**given)
    home.check_redirect(client, settings.redirect_uri)
    echo("home.asking")
    date = asyncio.run(home.verify_client(client, settings))
    if off := clock_off(SystemClock().now(), date, settings.clock_skew):
        raise off
    home.write_settings(file, values)
    echo("home.settings", file=file)


def _change_port(file: Path, port: int) -> None:
    """Change the port. The new one must be free, and no server may be running on the old one."""
    from backend import serving
    from backend.store.sqlite import alone

    settings = read_settings(_env_file=file)
    address = f"127.0.0.1:{port}"
    if settings.bind == address:
        return
    serving.check_can_bind(address, "--port")
    with alone(settings.sqlite_path) as not_running:
        if not not_running:
            raise Conflict("in_use.home", path=settings.sqlite_path)
    home.write_settings(file, {"PITCHGATE_BIND": address, "PITCHGATE_PUBLIC_URL": f"http://{address}"})
    echo("home.moved", address=f"http://{address}")


def _port(client: OAuthClient, earlier: Mapping[str, str]) -> int:
    """The port a web client is registered with, else the one set up before, else the first free one."""
    from urllib.parse import urlsplit

    from backend import serving

    for redirect in client.redirects if client.kind == "web" else ():
        parts = urlsplit(redirect)
        if parts.hostname == "127.0.0.1" and parts.port:
            return parts.port
    before = earlier.get("PITCHGATE_BIND", "").rpartition(":")[2]
    if before.isdecimal():
        return int(before)
    for port in PORTS:
        try:
            serving.check_can_bind(f"127.0.0.1:{port}", "--port")
        except Refused:
            continue
        return port
    raise Refused("ports_taken", first=str(PORTS[0]), last=str(PORTS[-1]))


def _write_unit_if_wanted(file: Path, wanted: bool | None, settings: Settings) -> bool:
    if wanted is None:
        wanted = home.has_systemd() and click.confirm(cli_texts()("home.unit"), default=False)
    if wanted:
        path = home.write_unit(file)
        echo("home.unit_written", file=path, command=home.COMMAND, address=settings.public_url)
    return bool(wanted)


def _run(settings: Settings, *, browser: bool) -> None:
    from backend.home import Guide

    starting.run(settings, Guide(echo, browser=browser).run)


@click.command("doctor", cls=TranslatedCommand)
@click.option("--json", "as_json", is_flag=True)
@click.option("--offline", is_flag=True)
def doctor_command(as_json: bool, offline: bool) -> None:
    """Check a set-up from end to end, changing nothing; may run beside the server. Exit status 1 if anything is
    broken."""
    from backend.doctor.checks import examine
    from backend.doctor.machine import CheckState

    found = asyncio.run(examine(offline=offline))
    if as_json:
        click.echo(json.dumps({"checks": [asdict(finding) for finding in found]}))
    else:
        for finding in found:
            _show_finding(finding)
    if any(finding.state is CheckState.BROKEN for finding in found):
        sys.exit(1)


def _show_finding(finding: Finding) -> None:
    texts = cli_texts("doctor")
    mark, name = (texts(f"state.{finding.state}"), texts(f"name.{finding.name.replace(' ', '_')}"))
    click.echo(f"{mark:<6}{name}: {finding.text}")
    if finding.mend:
        click.echo(f"      {finding.mend}")
