"""The `pitchgate` command line."""

from __future__ import annotations

import importlib

import click

from backend.failure import in_words

COMMANDS = {
    "serve": ("backend.commands.serve", "serve_command"),
    "demo": ("backend.commands.demo", "demo_command"),
    "sandbox": ("backend.sandbox.cli", "sandbox_command"),
    "scan": ("backend.commands.scan", "scan_command"),
    "mailbox": ("backend.commands.mailbox", "mailbox_group"),
    "addon": ("backend.commands.addon", "addon_group"),
    "keys": ("backend.commands.keys", "keys_group"),
    "db": ("backend.commands.db", "db_group"),
    "jobs": ("backend.commands.jobs", "jobs_group"),
}
"""Name → where its click command lives. Imported when it is called: `scan` need not pay for a web server."""


class Lazy(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return it, or None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pitchgate")
def cli() -> None:
    """Pitchgate keeps unsolicited sales mail out of a Gmail inbox without shutting people out."""


def main() -> None:
    """Entry point: an error made for people is shown as one, without a stack trace."""
    with in_words("pitchgate"):
        cli()


if __name__ == "__main__":
    main()
