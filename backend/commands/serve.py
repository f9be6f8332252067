"""`pitchgate serve`: web and job loop in one process."""

from __future__ import annotations

import click

from backend import starting
from backend.settings_read import read_settings
from backend.terminal import Worded


@click.command("serve", cls=Worded)
@click.option("--bind")
def serve_command(bind: str | None) -> None:
    """Serve until stopped. Everything else is set by PITCHGATE_… in the environment or in the file of --settings."""
    starting.run(read_settings(bind=bind) if bind else read_settings())
