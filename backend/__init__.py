"""Pitchgate's server: start it with `pitchgate serve`, or for development with `quart --app backend run`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart import Quart


def create_app() -> Quart:
    """The whole server as one ASGI app for `quart run`: web and job loop in one process.

    Imported only when called, or every module of the package, even the domain, would import the whole server.
    """
    app: Quart = importlib.import_module("backend.serving").development_app()
    return app
