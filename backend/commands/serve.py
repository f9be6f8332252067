"""`pitchgate serve`: web and job loop in one process."""

from __future__ import annotations

import asyncio

import click

from backend.settings import read_settings


@click.command("serve")
@click.option("--bind", help="Address and port to listen on, e.g. 0.0.0.0:8400.")
def serve_command(bind: str | None) -> None:
    """Serve until stopped. Everything else is set by PITCHGATE_… in the environment (docs/deploy.md)."""
    from backend.serving import serve

    settings = read_settings(bind=bind) if bind else read_settings()
    asyncio.run(serve(settings))
