"""Structured logs on standard error: JSON for machines, colour for a terminal.

Of an exception only the type and the places in the code are logged, never its message or variables, which could contain
email or a secret. This applies to what libraries log, and to errors of tasks nobody awaited, as well.
"""

from __future__ import annotations

import asyncio
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
        "sender_unread",  # mail of a sender keeps costing too much to be read in full
        "topic_missing",
        "mail_without_push",
        "history_gone",
        "held_mail_not_read",
        "sent_mail_not_read",
        "not_revoked",
        "lane_lost",
        "trial_lost",  # the challenger was worse
        "model_refused",
        "store_fails",
        "store_still_fails",
        "few_descriptors",
    ),
    0,
)
"""Events that may deserve an alarm, and how often this process has logged each."""

FRAMES = 12
HERE = Path(__file__).parent


class LossyStream:
    """A stream that drops lines it cannot write, as on a full disk, so that the server keeps running."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except OSError:
            return

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            return


def configure_logging(settings: Settings) -> None:
    """Set up this process's logs, including those of libraries at warning level and above. Safe to run again."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    as_json = settings.log_json or not sys.stderr.isatty()
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_message,
    ]
    structlog.configure(
        processors=[count_event, structlog.contextvars.merge_contextvars, *processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", LossyStream(sys.stderr))),
        cache_logger_on_first_use=False,
    )
    foreign = logging.StreamHandler(sys.stderr)
    foreign.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                *processors,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[foreign], level=logging.WARNING, force=True)


def log_unhandled_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Log the errors of tasks that nobody awaited, but not their message, which asyncio would print."""

    def log_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # Only the first words: after them asyncio's message quotes callbacks with their arguments.
        what = " ".join(str(context.get("message", "")).split()[:3])
        log.error("lost_error", what=what, exc_info=context.get("exception"))

    loop.set_exception_handler(log_error)


def count_event(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if event.get("event") in COUNTED:
        COUNTED[event["event"]] += 1
    return event


def without_message(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the file, line and function of its last frames."""
    info = event.pop("exc_info", None)
    if isinstance(info, tuple):
        info = info[1]
    error = info if isinstance(info, BaseException) else sys.exc_info()[1] if info else None
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        (error,) = error.exceptions  # unwrap the group that a TaskGroup raises
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        event["error"] = type(error).__name__
        event["places"] = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(HERE.parent)) if path.is_relative_to(HERE) else path.name
