"""Every route of the API, on its blueprint."""

from __future__ import annotations

import asyncio

from quart import Quart

from backend.web.api import changes, contract, deciding, device_routes, reading
from backend.web.api.door import blueprint

__all__ = ["MODULES", "blueprint", "install"]

MODULES = (changes, contract, deciding, device_routes, reading)
"""Importing one puts its routes on the blueprint."""


def install(app: Quart, stopping: asyncio.Event) -> None:
    """What the blueprint's streams need of an app."""
    changes.install(app, stopping)
