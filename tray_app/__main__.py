"""The `pitchgate-tray` command. Without a subcommand it starts the app."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import threading
from collections.abc import MutableMapping
from typing import TYPE_CHECKING

import click

from tray_app import frozen, installed_version
from tray_app.errors import AlreadyRunning, TrayError

if TYPE_CHECKING:
    from tray_app.app import Settings
    from tray_app.ports import Secrets

KEYRING_PATIENCE = 20.0
"""Seconds the owner has to unlock the keyring."""
KEYRING_NOT_OPENED = (
    "The keyring did not open, so a token may still be in it. Remove the entry “Pitchgate” in the keyring's "
    "own program, and this computer on the review page: that makes the token worthless at once."
)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(installed_version(), prog_name="pitchgate-tray")
@click.option(
    "--server",
    default="http://127.0.0.1:8400",
    envvar="PITCHGATE_TRAY_SERVER",
    help="Address of your Pitchgate server, for the first start.",
)
@click.option("--plain-token-file", is_flag=True, help="Keep the token in a file instead of the keyring.")
@click.option("--at-login", is_flag=True, help="Wait for the desktop's panel to come up.")
@click.pass_context
def main(context: click.Context, server: str, plain_token_file: bool, at_login: bool) -> None:
    """Pitchgate in the tray: shows held mail and lets the owner decide about it."""
    restore_library_path()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if context.invoked_subcommand == "window":
        return  # a process that needs no settings
    from tray_app.app import read_settings

    try:
        context.obj = read_settings(server)
    except TrayError as error:
        where = "--server (PITCHGATE_TRAY_SERVER)"
        raise click.ClickException(f"{where}: {error.title}. {error.remedy}.") from error
    if context.invoked_subcommand is None:
        sys.exit(_start(context.obj, plain_token_file, at_login))


def _start(settings: Settings, plain_token_file: bool, at_login: bool) -> int:
    from tray_app.app import App

    try:
        return App(settings, plain_token_file=plain_token_file, at_login=at_login).run()
    except AlreadyRunning as error:
        click.echo(f"{error.title}. {error.remedy}")
        return 0
    except TrayError as error:
        click.echo(f"{error.title}. {error.remedy}", err=True)
        return 1


@main.command("install")
def install_command() -> None:
    """Add Pitchgate to the applications menu (start menu)."""
    from tray_app.app import start_command
    from tray_app.install import install

    written = install(start_command())
    click.echo(f"Installed: {written[0]}")
    click.echo("Start Pitchgate from your applications menu. It opens at login if you choose so in its menu.")


@main.command("uninstall")
@click.option("--keep-state", is_flag=True, help="Keep the settings and what waits to be sent.")
@click.pass_obj
def uninstall_command(settings: Settings, keep_state: bool) -> None:
    """Remove the menu entry, the login entry, the token and everything stored on this computer."""
    from tray_app.install import platform_autostart, uninstall
    from tray_app.secret_stores import platform_secrets

    for path in uninstall():
        click.echo(f"Removed: {path}")
    autostart = platform_autostart()
    if autostart:
        autostart.disable()
    if keep_state:
        return
    plain = (settings.folder / "token.json").exists()  # then the token is in this file
    forgotten = forget_token(last_server(settings), platform_secrets()) or plain
    shutil.rmtree(settings.folder, ignore_errors=True)
    if not forgotten:
        raise click.ClickException(KEYRING_NOT_OPENED)
    click.echo("Forgotten. Remove this computer on the review page too if it was still connected.")


@main.command("window", hidden=True)
def window_command() -> None:
    """Run the review window's process. The frozen program has no interpreter for `-m tray_app.window`."""
    from tray_app.window import run

    run()


def restore_library_path(environ: MutableMapping[str, str] = os.environ) -> None:
    """Undo PyInstaller's LD_LIBRARY_PATH, so that a browser we start does not load our libraries."""
    if not frozen() or not sys.platform.startswith("linux"):
        return
    environ.pop("LD_LIBRARY_PATH", None)
    if before := environ.pop("LD_LIBRARY_PATH_ORIG", ""):
        environ["LD_LIBRARY_PATH"] = before


def last_server(settings: Settings) -> str:
    """The server this computer was last connected to."""
    from tray_app.memory import Memory

    return Memory(settings.folder / "state.json").settings.server or settings.server


def forget_token(server: str, secrets: Secrets, patience: float = KEYRING_PATIENCE) -> bool:
    """Remove the token of `server`; whether that succeeded within `patience` s (nobody may unlock the keyring)."""
    removed = threading.Event()

    def forget() -> None:
        with contextlib.suppress(TrayError):
            secrets.forget(server)
            removed.set()

    thread = threading.Thread(target=forget, daemon=True)
    thread.start()
    thread.join(patience)
    return removed.is_set()


if __name__ == "__main__":
    main()
