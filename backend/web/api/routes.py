"""Every route of the API, on its blueprint."""

from __future__ import annotations

from backend.web.api.authentication import blueprint

__all__ = ["blueprint"]
