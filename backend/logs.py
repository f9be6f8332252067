"""Structured logs on standard error: JSON for machines, colour for a terminal.

An exception is told by its type and the places it went through, never by its message or its variables: either
could quote mail or carry a secret.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

from backend.settings import Settings

FRAMES = 12
HERE = Path(__file__).parent


def configure_logging(settings: Settings) -> None:
    """Set up this process's logs. May run again."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    machine = settings.log_json or not sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            places_only,
            structlog.processors.JSONRenderer() if machine else structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def places_only(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the file, line and function of its last frames."""
    info = event.pop("exc_info", None)
    error = info if isinstance(info, BaseException) else sys.exc_info()[1] if info else None
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        event["error"] = type(error).__name__
        event["places"] = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(HERE.parent)) if path.is_relative_to(HERE) else path.name
