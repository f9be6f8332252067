"""Markdown tables of what the code says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

WRITTEN = "<!-- Written by `make reference` from the code. -->"


def page(title: str, *parts: str | Iterable[str]) -> str:
    """A page with its mark, title and parts, an empty line between them; those that are text as one line each."""
    lines = [WRITTEN, "", f"# {title}", ""]
    for part in parts:
        lines += [*([" ".join(part.split())] if isinstance(part, str) else part), ""]
    return "\n".join(lines)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    return [_row(columns), "|" + "---|" * len(columns), *(_row([cell(each) for each in row]) for row in rows)]


def cell(text: str) -> str:
    """What may stand in a cell: one line without a bar."""
    return " ".join(text.split()).replace("|", "\\|")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
