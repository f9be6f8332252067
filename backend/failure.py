"""What a person at the command line reads when a command fails: what is wrong and what to do, in three lines."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from backend.domain.errors import PitchgateError

_OF_FILES = (
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EROFS, errno.ENOSPC, errno.ENAMETOOLONG,
)  # fmt: skip
NEWLINES = str.maketrans("\r\n", "  ")


@contextmanager
def in_words(program: str) -> Iterator[None]:
    """Show an error that was made for people, without a stack trace, and end with status 1.

    A file that cannot be used is one as well. Anything else is a fault of ours and keeps its trace.
    """
    try:
        yield
    except (PitchgateError, OSError, BaseExceptionGroup) as error:
        found = _for_people(error)
        if found is None:
            raise
        click.echo(f"{program}: {found.title.translate(NEWLINES)}", err=True)
        if found.remedy:
            click.echo(f"  {found.remedy.translate(NEWLINES)}", err=True)
        sys.exit(1)


def _for_people(error: BaseException) -> PitchgateError | None:
    """The first part of `error` that people can do something about."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_for_people, error.exceptions)), None)
    if isinstance(error, OSError) and error.errno in _OF_FILES:
        place = f"{error.filename}: " if error.filename is not None else ""
        return PitchgateError(f"{place}{error.strerror}.", "Check the path, and that this user may use it.")
    return error if isinstance(error, PitchgateError) else None
