"""Structured logs on standard error: JSON for machines, colour for a terminal.

An exception is logged by its type and the places it went through, never by its message or its variables: either
could quote mail or carry a secret. That holds for what libraries log, and for errors nobody waited for, as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO, cast

import structlog

from backend.settings import Settings

log = structlog.get_logger()

COUNTED = dict.fromkeys(
    (
        "reading_process_not_started",
        "reading_process_lost",
        "notices_not_fetched",
        "sender_unread",
        "topic_missing",
        "mail_without_push",
        "history_gone",
        "held_mail_not_read",
        "sent_mail_not_read",
        "not_revoked",
        "lane_lost",
        "trial_lost",
        "model_refused",
        "store_fails",
        "store_still_fails",
        "few_descriptors",
    ),
    0,
)
"""Events of this process that somebody may want to be called for, and how often each was logged."""

FRAMES = 12
HERE = Path(__file__).parent


class Unfailing:
    """A stream whose lines are lost where they cannot be written, as on a full disk: a server goes on without them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """See `TextIO`."""
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """See `TextIO`."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def configure_logging(settings: Settings) -> None:
    """Set up this process's logs, those of its libraries from warnings on included. May run again."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    machine = settings.log_json or not sys.stderr.isatty()
    written: Any = structlog.processors.JSONRenderer() if machine else structlog.dev.ConsoleRenderer()
    stamped: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        places_only,
    ]
    structlog.configure(
        processors=[counted, structlog.contextvars.merge_contextvars, *stamped, written],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", Unfailing(sys.stderr))),
        cache_logger_on_first_use=False,
    )
    foreign = logging.StreamHandler(sys.stderr)
    foreign.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                *stamped,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, written],
        )
    )
    logging.basicConfig(handlers=[foreign], level=logging.WARNING, force=True)


def tell_of_lost_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Let `loop` log what nobody waited for. Its own way quotes the exception."""

    def tell(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # Behind its first words asyncio quotes callbacks with their arguments.
        what = " ".join(str(context.get("message", "")).split()[:3])
        log.error("lost_error", what=what, exc_info=context.get("exception"))

    loop.set_exception_handler(tell)


def counted(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Count the events of `COUNTED`."""
    if event.get("event") in COUNTED:
        COUNTED[event["event"]] += 1
    return event


def places_only(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the file, line and function of its last frames."""
    info = event.pop("exc_info", None)
    if isinstance(info, tuple):
        info = info[1]
    error = info if isinstance(info, BaseException) else sys.exc_info()[1] if info else None
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        (error,) = error.exceptions  # a task group's, from Python 3.13 on
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        event["error"] = type(error).__name__
        event["places"] = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(HERE.parent)) if path.is_relative_to(HERE) else path.name
