"""Pitchgate's server: `quart --app backend run` for developers, `pitchgate serve` for everybody else."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart import Quart


def create_app() -> Quart:
    """The whole server as one ASGI app, opened when serving starts: web and job loop in one process.

    Found by name when it is called: imported here, every module of the package, the domain among them, would
    depend on the whole server.
    """
    app: Quart = importlib.import_module("backend.serving").development_app()
    return app
