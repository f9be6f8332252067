"""The `pitchgate` command line."""

from __future__ import annotations

import importlib.util
import os

import click

from backend.terminal import TranslatedGroup, cli_texts, showing_errors

COMMANDS = {
    "serve": ("backend.commands.run", "serve_command"),
    "home": ("backend.commands.run", "home_command"),
    "demo": ("backend.commands.demo", "demo_command"),
    "sandbox": ("backend.sandbox.__main__", "sandbox_command"),
    "scan": ("backend.commands.scan", "scan_command"),
    "mailbox": ("backend.commands.store", "mailbox_group"),
    "addon": ("backend.commands.cloud", "addon_group"),
    "keys": ("backend.commands.store", "keys_group"),
    "db": ("backend.commands.store", "db_group"),
    "audit": ("backend.commands.audit", "audit_group"),
    "watch": ("backend.commands.audit", "watch_command"),
    "models": ("backend.commands.models", "models_group"),
    "jobs": ("backend.commands.store", "jobs_group"),
    "cloud": ("backend.commands.cloud", "cloud_group"),
    "doctor": ("backend.commands.run", "doctor_command"),
}
"""Command name → module and attribute of its click command, imported only when it is called. `home` serves one mailbox,
`watch` reports drift."""


SOURCE_ONLY = ("backend.sandbox", "backend.demo")
"""Packages left out of the wheel on purpose: only development and the demo need the local Google."""
SANDBOX = (*SOURCE_ONLY, "markupsafe")
"""Modules that `demo` and `sandbox` need: the above, and a package of the extra `sandbox`."""


class Lazy(TranslatedGroup):
    """The command group, which imports each command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        if cmd_name in ("demo", "sandbox") and None in map(importlib.util.find_spec, SANDBOX):
            any_arguments = {"ignore_unknown_options": True, "allow_extra_args": True}
            return click.Command(
                cmd_name, callback=_not_installed, context_settings=any_arguments, add_help_option=False
            )
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their help from the catalogue, without importing them, which would take seconds."""
        texts, room = cli_texts("help"), formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section(cli_texts("click")("commands")):
            formatter.write_dl(
                [(name, click.Command(name, help=texts(name)).get_short_help_str(room)) for name in COMMANDS]
            )


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=lambda context, _, wanted: _version(context) if wanted else None,
)
@click.option("--settings", metavar="FILE")
def cli(settings: str | None) -> None:
    """Pitchgate keeps unsolicited sales mail out of a Gmail inbox without shutting people out."""
    if settings:
        os.environ["PITCHGATE_SETTINGS_FILE"] = settings


def _not_installed() -> None:
    raise click.ClickException(cli_texts()("not_installed"))


def _version(context: click.Context) -> None:
    from backend import commit, release
    from backend.store.library import Dialect, migrations

    line = f"pitchgate {release()}, commit {commit()}, schema {migrations(Dialect.SQLITE)[-1].version}"
    click.echo(line)
    context.exit()


def main() -> None:
    """Entry point. Expected errors are shown in words, without a stack trace."""
    with showing_errors("pitchgate"):
        cli()


if __name__ == "__main__":
    main()
