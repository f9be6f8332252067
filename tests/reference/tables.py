"""Markdown pages of what the code says."""

from __future__ import annotations

from collections.abc import Iterable

WRITTEN = "<!-- Written by `make reference` from the code. -->"


def page(title: str, *parts: str | Iterable[str]) -> str:
    """A page with its mark, title and parts, an empty line between them; those that are text as one line each."""
    lines = [WRITTEN, "", f"# {title}", ""]
    for part in parts:
        lines += [*([" ".join(part.split())] if isinstance(part, str) else part), ""]
    return "\n".join(lines)


def cell(text: str) -> str:
    """One line, with its bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")
