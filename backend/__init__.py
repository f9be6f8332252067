"""Pitchgate's server: `quart --app backend run` for developers, `pitchgate serve` for everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart import Quart


def create_app() -> Quart:
    """The whole server as one ASGI app, opened when serving starts: web and job loop in one process."""
    from backend.serving import development_app

    return development_app()
