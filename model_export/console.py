"""What the command line prints while it works, and its results."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from model_export.evaluation import Evaluation
from model_export.metrics import Figures


def progress() -> Progress:
    """A progress bar on the error stream, removed when it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def steps(bar: Progress, total: int) -> Callable[[str], None]:
    """A function to call with the name of each step."""
    task = bar.add_task("…", total=total)

    def step(text: str) -> None:
        bar.update(task, description=text, advance=1)

    return step


def print_evaluation(found: Evaluation, nested: Figures | None = None) -> None:
    """Print the costs of each strictness, then the figures of each file and language."""
    for cost in found.costs:
        click.echo(f"At {cost.strictness.value}: {cost.words}.")
    table = Table(
        "",
        "messages",
        "AUC",
        "recall at 1 %",
        "at 5 %",
        "calibration error",
        "of it chance",
        "strangers held",
    )
    named = {**found.files, "mean over files": found.mean, "all pooled": found.pooled}
    if nested:
        named["mean, nested choice"] = nested
    named |= {f"in {name}": part for name, part in found.languages.items()}
    for name, part in named.items():
        values = (part.auc, part.recall_1, part.recall_5, part.ece, part.noise_floor)
        strangers = found.strangers.get(name.removeprefix("in "))
        shown = f"{strangers.held} of {strangers.count}" if strangers and strangers.count else "–"
        table.add_row(name, str(part.count), *(f"{value:.3f}" for value in values), shown)
    print_table(table)


def print_table(table: Table) -> None:
    """Print a table; into a file or a pipe at its full width, since nobody could read what is cut off there."""
    Console(width=None if sys.stdout.isatty() else 140).print(table)
