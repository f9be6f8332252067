"""`pitchgate serve`: web and job loop in one process."""

from __future__ import annotations

import asyncio
import gc

import click

from backend.settings_read import read_settings
from backend.terminal import Worded


@click.command("serve", cls=Worded)
@click.option("--bind")
def serve_command(bind: str | None) -> None:
    """Serve until stopped. Everything else is set by PITCHGATE_… in the environment (docs/how-to/deploy.md)."""
    gc.disable()  # what is imported stays: looking for garbage in it takes a tenth of the start
    from backend.serving import quick_loop, serve

    gc.freeze()
    gc.enable()
    settings = read_settings(bind=bind) if bind else read_settings()
    with asyncio.Runner(loop_factory=quick_loop()) as runner:
        runner.run(serve(settings))
