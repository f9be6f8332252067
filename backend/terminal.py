"""The command line speaks: its words and what it says of errors, in the language of the terminal."""

from __future__ import annotations

import errno
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import click

from backend.domain.errors import PitchgateError

if TYPE_CHECKING:
    from backend.locale import Words

_OF_FILES = (
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EROFS, errno.ENOSPC, errno.ENAMETOOLONG,
)  # fmt: skip
FC = TypeVar("FC", bound=Callable[..., Any] | click.Command)
NEWLINES = str.maketrans("\r\n", "  ")
CLICKS = ("core", "exceptions", "formatting", "parser", "termui", "types")
"""The modules of click that speak."""
_NAME = 30
"""Columns of a terminal."""
_NEVER_SHOWN = {"file", "directory", "path"}
"""Asked for where a command is defined. A catalogue takes a tenth of a second to read."""


def language(environment: Mapping[str, str] = os.environ) -> str:
    """The terminal's, by the rules of POSIX, if there is a catalogue for it; else English."""
    from backend.locale import spoken

    named = next(filter(None, map(environment.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return spoken(named.partition("_")[0].partition(".")[0].lower())


@cache
def words(section: str = "cli") -> Words:
    """Those of a section of the catalogue. Not read before there is something to say: it takes a while."""
    from backend.locale import Words, catalogue

    return Words(catalogue(language()).section(section))


def echo(key: str, *, err: bool = False, **blanks: object) -> None:
    """Print the text `cli.<key>`, its blanks filled."""
    click.echo(words()(key, **blanks), err=err)


def print_table(titles: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print rows below their titles, as wide as the terminal. Nothing is cut off, and the first of each row, its name,
    stays on one line as far as that leaves room."""
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(*(Column(title, overflow="fold") for title in titles))
    for row in rows:
        name, *others = map(str, row)
        table.columns[0].min_width = min(max(table.columns[0].min_width or 0, len(name)), _NAME)
        table.add_row(name, *others)
    Console().print(table)


def confirms(key: str) -> Callable[[FC], FC]:
    """For a command that asks `cli.<key>` before it does anything; --yes answers."""

    def confirm(context: click.Context, _: click.Parameter, yes: bool) -> None:
        if not yes and not context.resilient_parsing:
            click.confirm(words()(key), abort=True)

    return click.option("--yes", is_flag=True, expose_value=False, is_eager=False, callback=confirm)


def of_click(text: str, counted: str = "", number: int = 1) -> str:
    """What click says, from the section `click`, its blanks unfilled; in the form for `number` where it has forms. The
    key is its English."""
    key = key_of_click(text)
    if text in _NEVER_SHOWN or key not in words("click"):
        return text if number == 1 else counted
    return words("click").form(key, number)


def key_of_click(text: str) -> str:
    """`missing_argument` of "Missing argument"."""
    return re.sub(r"\W+", "_", text.lower()).strip("_")


def metavar_of_click(kind: click.ParamType[Any], param: click.Parameter, ctx: click.Context) -> str | None:
    """What stands for a value of an option in a command's help."""
    key = f"{kind.name.partition(' ')[0]}_metavar"  # "integer range" too
    return words("click")(key) if isinstance(param, click.Option) and key in words("click") else None


for _module in map(importlib.import_module, (f"click.{name}" for name in CLICKS)):
    for _name in {"_", "ngettext"} & vars(
        _module
    ).keys():  # what it has of gettext, which reads compiled files only
        setattr(_module, _name, of_click)
setattr(click.ParamType, "get_metavar", metavar_of_click)  # noqa: B010 - for mypy


class Worded(click.Command):
    """A command whose help stands in the catalogue, section `help`: under `jobs.list` what it does, under
    `jobs.list.email` or `option.email` what an option does. Looked up when somebody asks for help, not before."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See `click.Command`."""
        explain(self, ".".join(_names(ctx)) or "pitchgate")
        if (option := self.get_help_option(ctx)) is not None:
            option.help = words("help")("option.help")
        super().format_help(ctx, formatter)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """See `click.Command`."""
        self.options_metavar = words("click")("options_metavar")
        return super().collect_usage_pieces(ctx)


class WordedGroup(Worded, click.Group):
    """The same of a group and its commands."""

    command_class = Worded

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """See `click.Command`."""
        self.subcommand_metavar = words("click")("command_metavar")
        return super().collect_usage_pieces(ctx)


def _names(ctx: click.Context) -> list[str]:
    """The commands that led here, but for the program, which may be called by several words."""
    return [] if ctx.parent is None else [*_names(ctx.parent), str(ctx.info_name)]


def explain(command: click.Command, path: str) -> None:
    """Give a command, its options and what is below it their help."""
    texts = words("help")
    command.help = texts(path)
    for option in command.params:
        name = next((n for n in (f"{path}.{option.name}", f"option.{option.name}") if n in texts), "")
        if isinstance(option, click.Option) and name:
            option.help = texts(name)
    for name, below in getattr(command, "commands", {}).items():
        explain(below, f"{path}.{name}")


@contextmanager
def in_words(program: str) -> Iterator[None]:
    """Show an error that was made for people, without a stack trace, and end with status 1.

    A file that cannot be used counts as one too. Anything else is a bug and keeps its trace.
    """
    try:
        yield
    except (PitchgateError, OSError, BaseExceptionGroup) as error:
        found = _for_people(error)
        if found is None:
            raise
        from backend.locale import error_words

        title, remedy = error_words(language(), found)
        click.echo(f"{program}: {title.translate(NEWLINES)}", err=True)
        if remedy:
            click.echo(f"  {remedy.translate(NEWLINES)}", err=True)
        sys.exit(1)


def _for_people(error: BaseException) -> PitchgateError | None:
    """The first part of `error` that people can do something about."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_for_people, error.exceptions)), None)
    if isinstance(error, OSError) and error.errno in _OF_FILES:
        key = "path.named" if error.filename is not None else "path"
        return PitchgateError(key, path=error.filename, why=error.strerror)
    return error if isinstance(error, PitchgateError) else None
