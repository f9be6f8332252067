"""Every route of the API, on its blueprint."""

from __future__ import annotations

from backend.web.api import changes, contract, deciding, device_routes, reading
from backend.web.api.authentication import blueprint

__all__ = ["MODULES", "blueprint"]

MODULES = (changes, contract, deciding, device_routes, reading)
"""Importing one puts its routes on the blueprint."""
