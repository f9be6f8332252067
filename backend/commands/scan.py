"""`pitchgate scan`: what would have been held of mail that lies in files. No account, no network."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from backend.domain.mailbox.mailbox import Strictness
from backend.locale import reason as reason_text
from backend.settings_read import read_settings
from backend.terminal import Worded, language, words

if TYPE_CHECKING:
    from backend.offline.judge import Judged

SHOWN_SENDERS = 60
TOLD = 20
"""After so many messages the bar moves on. It tells the rate of its last thousand moves, half a minute at most."""
COLUMNS = ("sender", "emails", "score", "subject", "why")


@click.command("scan", cls=Worded)
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--me", default="", metavar="ADDRESS")
@click.option(
    "--strictness",
    type=click.Choice([word.value for word in Strictness]),
    default="normal",
    show_default=True,
)
@click.option("--jsonl", is_flag=True)
@click.option("--model", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=lambda: _cores(),
    metavar="N",
)
def scan_command(path: Path, me: str, strictness: str, jsonl: bool, model: Path | None, jobs: int) -> None:
    """Screen an mbox, a Google Takeout zip, a folder of .eml or one .eml: who would be held, and why."""
    # Reading and scoring are imported here: help needs neither.
    from backend.offline.archives import opened
    from backend.offline.cores import weighed
    from backend.offline.judge import Judge, judge
    from backend.scoring.audit import read_model

    how_strict = Strictness(strictness)
    model = model or read_settings().model_path
    data, facts = read_model(model)
    begin = partial(Judge.of, data, model, me.strip().lower(), how_strict)
    console = Console(stderr=True)
    held: dict[str, list[Judged]] = defaultdict(list)
    rows: Counter[str] = Counter()
    with _progress(console) as progress, opened(path) as (total, messages):
        task = progress.add_task(words()("scan.screening"), total=total)
        read = []
        for mail in weighed(begin, messages, total, jobs):
            read.append(mail)
            if len(read) % TOLD == 0:
                progress.update(task, completed=len(read))
        progress.update(task, completed=len(read))
    spoken, lines = language(), list[str]()
    for judged in judge(read, facts.thresholds[how_strict]):
        rows[judged.verdict.row] += 1
        if judged.held:
            held[judged.message.sender.address or words()("scan.no_sender")].append(judged)
        if jsonl:
            lines.append(json.dumps(_line(judged, spoken), ensure_ascii=False))
    if lines:
        click.echo("\n".join(lines))
    if not jsonl:
        _report(Console(), held, rows)


def _cores() -> int:
    from backend.offline.cores import cores

    return cores()


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
    )


class _Rate(ProgressColumn):
    """Messages a second, once there is something to tell."""

    def render(self, task: Task) -> Text:
        rate = task.finished_speed or task.speed
        return Text(f"{rate:,.0f}/s" if rate else "", style="progress.data.speed")


def _line(judged: Judged, spoken: str) -> dict[str, object]:
    return {
        "file": judged.file,
        "message_id": judged.message.message_id,
        "verdict": judged.verdict.outcome,
        "row": judged.verdict.row,
        "score": round(judged.score.probability, 4),
        "reasons": [reason_text(spoken, reason.code) for reason in judged.reasons],
    }


def _report(console: Console, held: dict[str, list[Judged]], rows: Counter[str]) -> None:
    """The senders that would be held, most mail first. Mail text goes to the terminal as text, never as markup."""
    total, out = sum(rows.values()), sum(map(len, held.values()))
    if held:
        table = Table(*(words()(f"scan.column_{name}") for name in COLUMNS), title=words()("scan.held"))
        ranked = sorted(held.items(), key=lambda item: (-len(item[1]), item[0]))
        for sender, theirs in ranked[:SHOWN_SENDERS]:
            top = max(theirs, key=lambda judged: judged.score.probability)
            why = ", ".join(
                reason_text(language(), reason.code) for reason in top.reasons[:3] if reason.weight > 0
            )
            cells = (
                sender,
                str(len(theirs)),
                f"{top.score.probability:.0%}",
                theirs[-1].message.subject[:60],
                why,
            )
            table.add_row(*(Text(_printable(cell)) for cell in cells))
        console.print(table)
        if len(ranked) > SHOWN_SENDERS:
            console.print(words()("scan.more", count=len(ranked) - SHOWN_SENDERS))
    decided = Table(*(words()(f"scan.column_{name}") for name in ("row", "emails", "meaning")))
    for row, count in rows.most_common():
        decided.add_row(row, str(count), words("card")(f"row_{row}"))
    console.print(decided)
    console.print(words()("scan.total", held=out, total=total, count=len(held)))


def _printable(text: str) -> str:
    """Without control characters: a subject must not be able to steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
