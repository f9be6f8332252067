"""The command line's texts, help and errors, in the language of the terminal, from the translation catalogue."""

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

_FILE_ERRORS = (
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EROFS, errno.ENOSPC, errno.ENAMETOOLONG,
)  # fmt: skip
FC = TypeVar("FC", bound=Callable[..., Any] | click.Command)
NEWLINES = str.maketrans("\r\n", "  ")
CLICK_MODULES = ("core", "exceptions", "formatting", "parser", "termui", "types")
"""Click's modules with texts of their own."""
_UNWRAPPED = 30
"""Most columns the first column of a table keeps without wrapping."""
_UNTRANSLATED = {"file", "directory", "path"}
"""Texts that click asks for when a command is defined and never shows. Translating them would read the catalogue, which
takes a tenth of a second."""


def language(environment: Mapping[str, str] = os.environ) -> str:
    """The terminal's language, by the rules of POSIX, if there is a catalogue for it, else English."""
    from backend.locale import spoken

    tag = next(filter(None, map(environment.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return spoken(tag.partition("_")[0].partition(".")[0].lower())


@cache
def cli_texts(section: str = "cli") -> Words:
    """The texts of a section of the catalogue, read at the first use because that is slow."""
    from backend.locale import Words, catalogue

    return Words(catalogue(language()).section(section))


def echo(key: str, *, err: bool = False, **blanks: object) -> None:
    click.echo(cli_texts()(key, **blanks), err=err)


def print_table(titles: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table as wide as the terminal. Long cells are wrapped, never cut; the first column not, if possible."""
    from rich.console import Console
    from rich.table import Column, Table

    shown = [[str(cell) for cell in row] for row in rows]
    table = Table(*(Column(title, overflow="fold") for title in titles))
    table.columns[0].no_wrap = all(len(row[0]) <= _UNWRAPPED for row in shown)
    for row in shown:
        table.add_row(*row)
    Console().print(table)


def confirms(key: str) -> Callable[[FC], FC]:
    """Decorator for a command that first asks the question `cli.<key>`; adds --yes, which skips it."""

    def confirm(context: click.Context, _: click.Parameter, yes: bool) -> None:
        if not yes and not context.resilient_parsing:
            click.confirm(cli_texts()(key), abort=True)

    return click.option("--yes", is_flag=True, expose_value=False, is_eager=False, callback=confirm)


def translate_click(text: str, counted: str = "", number: int = 1) -> str:
    """Replaces click's gettext functions: the translation of a text of click's, blanks unfilled, in the plural form for
    `number`. Untranslated texts stay English (`counted`: their plural)."""
    key = click_key(text)
    if text in _UNTRANSLATED or key not in cli_texts("click"):
        return text if number == 1 else counted
    return cli_texts("click").form(key, number)


def click_key(text: str) -> str:
    """The catalogue key of an English text of click's: "Missing argument" → missing_argument."""
    return re.sub(r"\W+", "_", text.lower()).strip("_")


def click_metavar(kind: click.ParamType[Any], param: click.Parameter, ctx: click.Context) -> str | None:
    """The translated placeholder for an option's value in a command's help, or None."""
    key = f"{kind.name.partition(' ')[0]}_metavar"  # "integer range" too
    return cli_texts("click")(key) if isinstance(param, click.Option) and key in cli_texts("click") else None


for _module in map(importlib.import_module, (f"click.{name}" for name in CLICK_MODULES)):
    # Replace the gettext functions that the module uses: gettext itself reads only compiled catalogues.
    for _name in {"_", "ngettext"} & vars(_module).keys():
        setattr(_module, _name, translate_click)
setattr(click.ParamType, "get_metavar", click_metavar)  # noqa: B010 - for mypy


class TranslatedCommand(click.Command):
    """A command whose help comes from the catalogue: `help.jobs.list` describes the command, `help.jobs.list.email` or
    `help.option.email` an option. It is read only when help is shown."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        explain(self, ".".join(_names(ctx)) or "pitchgate")
        if (option := self.get_help_option(ctx)) is not None:
            option.help = cli_texts("help")("option.help")
        super().format_help(ctx, formatter)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        self.options_metavar = cli_texts("click")("options_metavar")
        return super().collect_usage_pieces(ctx)


class TranslatedGroup(TranslatedCommand, click.Group):
    """A group of translated commands."""

    command_class = TranslatedCommand

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        self.subcommand_metavar = cli_texts("click")("command_metavar")
        return super().collect_usage_pieces(ctx)


def _names(ctx: click.Context) -> list[str]:
    return [] if ctx.parent is None else [*_names(ctx.parent), str(ctx.info_name)]


def explain(command: click.Command, path: str) -> None:
    """Set the help of a command, its options and its subcommands. `path`: the command's catalogue key."""
    texts = cli_texts("help")
    command.help = texts(path)
    for option in command.params:
        name = next((n for n in (f"{path}.{option.name}", f"option.{option.name}") if n in texts), "")
        if isinstance(option, click.Option) and name:
            option.help = texts(name)
    for name, subcommand in getattr(command, "commands", {}).items():
        explain(subcommand, f"{path}.{name}")


@contextmanager
def showing_errors(program: str) -> Iterator[None]:
    """Print expected errors in words, without a stack trace, and exit with status 1. `program` is named first.

    Expected are every `PitchgateError` and errors about files. Anything else is a bug and keeps its trace.
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
    """The expected error in `error`, the first one of a group; None if it is a bug."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_for_people, error.exceptions)), None)
    if isinstance(error, OSError) and error.errno in _FILE_ERRORS:
        key = "path.named" if error.filename is not None else "path"
        return PitchgateError(key, path=error.filename, why=error.strerror)
    return error if isinstance(error, PitchgateError) else None
