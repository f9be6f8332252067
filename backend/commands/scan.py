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
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from backend.domain.errors import Refused
from backend.domain.mailbox.mailbox import Strictness
from backend.locale import error_words
from backend.locale import reason as reason_text
from backend.settings_read import read_settings
from backend.terminal import Worded, language, words

if TYPE_CHECKING:
    from backend.offline.archives import Archive
    from backend.offline.judge import ScannedMessage

SHOWN_SENDERS = 60
TOLD = 20
"""After so many messages the bar moves on: by the bytes that have been read, since how many messages there are is known
at the end."""
COLUMNS = ("sender", "emails", "score", "subject", "why")


@click.command("scan", cls=Worded)
@click.argument("path", type=click.Path(path_type=Path))
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
    """Screen mail that lies in files: who would be held, and why."""
    # Reading and scoring are imported here: help needs neither.
    from backend.offline.archives import Archive
    from backend.offline.judge import Judge, judge, weighed
    from backend.scoring.model_file import read_model

    how_strict = Strictness(strictness)
    model = model or read_settings(placed=False).model_path
    data, facts = read_model(model)
    begin = partial(Judge.of, data, model, me.strip().lower(), how_strict)
    console = Console(stderr=True)
    held: dict[str, list[ScannedMessage]] = defaultdict(list)
    rows: Counter[str] = Counter()
    archive, read = Archive(path), []
    with _progress(console) as progress:
        task = progress.add_task(words()("scan.screening"), total=archive.size, messages=0)
        for mail in weighed(begin, archive, jobs):
            read.append(mail)
            if len(read) % TOLD == 0:
                progress.update(task, completed=archive.done, messages=len(read))
        progress.update(task, completed=archive.size, messages=len(read))
    _tell_unread(archive)
    archive.check()
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
    from backend.offline.judge import cores

    return cores()


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
    )


class _Rate(ProgressColumn):
    """Messages, and how many a second, once there is something to tell."""

    def render(self, task: Task) -> Text:
        count, seconds = task.fields["messages"], task.finished_time or task.elapsed
        rate = f" {count / seconds:,.0f}/s" if count and seconds else ""
        return Text(f"{count:,}{rate}", style="progress.data.speed")


def _tell_unread(archive: Archive) -> None:
    """On standard error, what was not read, by its reason. If an archive holds nothing else, it is an error."""
    unread = archive.unread.values()
    count = sum(one.count for one in unread)
    if not archive.found and count <= 1:
        return
    if count:
        click.echo(words()("scan.unread", count=count), err=True)
    _, usual = error_words(language(), Refused("archive.nothing", path=""))  # what to give: they gave it
    for one in unread:
        title, remedy = error_words(language(), one.first)
        click.echo(f"  {title} {remedy}" if remedy != usual else f"  {title}", err=True)
        if one.count > 1:
            more = ", ".join(one.names[1:]) + (" …" if one.count > len(one.names) else "")
            click.echo("    " + words()("scan.unread_more", count=one.count - 1, names=more), err=True)


def _line(judged: ScannedMessage, spoken: str) -> dict[str, object]:
    return {
        "file": judged.file,
        "message_id": judged.message.message_id,
        "verdict": judged.verdict.outcome,
        "row": judged.verdict.row,
        "score": round(judged.score.probability, 4),
        "reasons": [reason_text(spoken, reason.code) for reason in judged.reasons],
    }


def _report(console: Console, held: dict[str, list[ScannedMessage]], rows: Counter[str]) -> None:
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
