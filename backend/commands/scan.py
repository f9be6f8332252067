"""`pitchgate scan`: shows which emails in files would have been held. Needs no account and no network."""

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
from backend.terminal import TranslatedCommand, cli_texts, language

if TYPE_CHECKING:
    from backend.offline.archives import Archive
    from backend.offline.judge import ScannedMessage

SHOWN_SENDERS = 60
PROGRESS_EVERY = 20
"""Messages between two updates of the progress bar, which counts bytes because the number of messages is known only
at the end."""
COLUMNS = ("sender", "emails", "score", "subject", "why")


@click.command("scan", cls=TranslatedCommand)
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
@click.option("--jobs", type=click.IntRange(1, 256), default=lambda: _cores(), metavar="N")
def scan_command(path: Path, me: str, strictness: str, jsonl: bool, model: Path | None, jobs: int) -> None:
    """Screen the emails in files: whose would be held, and why. `me` is the owner's address."""
    # Imported late: help does not need it.
    from backend.offline.archives import Archive
    from backend.offline.judge import Judge, judge, score_messages
    from backend.scoring.model_file import read_model

    level = Strictness(strictness)
    model = model or read_settings(placed=False).model_path
    data, facts = read_model(model)
    make_judge = partial(Judge.of, data, model, me.strip().lower(), level)
    console = Console(stderr=True)
    held: dict[str, list[ScannedMessage]] = defaultdict(list)
    rows: Counter[str] = Counter()
    archive, read = Archive(path), []
    with _progress(console) as progress:
        task = progress.add_task(cli_texts()("scan.screening"), total=archive.size, messages=0)
        for mail in score_messages(make_judge, archive, jobs):
            read.append(mail)
            if len(read) % PROGRESS_EVERY == 0:
                progress.update(task, completed=archive.done, messages=len(read))
        progress.update(task, completed=archive.size, messages=len(read))
    _report_unread(archive)
    archive.check()
    tag, lines = language(), list[str]()
    for judged in judge(read, facts.thresholds[level]):
        rows[judged.verdict.row] += 1
        if judged.held:
            held[judged.message.sender.address or cli_texts()("scan.no_sender")].append(judged)
        if jsonl:
            lines.append(json.dumps(_line(judged, tag), ensure_ascii=False))
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
    """Shows the number of messages, and their rate once there is one."""

    def render(self, task: Task) -> Text:
        count, seconds = task.fields["messages"], task.finished_time or task.elapsed
        rate = f" {count / seconds:,.0f}/s" if count and seconds else ""
        return Text(f"{count:,}{rate}", style="progress.data.speed")


def _report_unread(archive: Archive) -> None:
    """Print to standard error what could not be read, by reason. Not for a single unreadable file: `Archive.check`
    raises that as an error."""
    unread = archive.unread.values()
    count = sum(one.count for one in unread)
    if not archive.found and count <= 1:
        return
    if count:
        click.echo(cli_texts()("scan.unread", count=count), err=True)
    # The usual remedy lists the kinds of files that can be read. It is left out: they gave such a file.
    _, usual = error_words(language(), Refused("archive.nothing", path=""))
    for one in unread:
        title, remedy = error_words(language(), one.first)
        click.echo(f"  {title} {remedy}" if remedy != usual else f"  {title}", err=True)
        if one.count > 1:
            more = ", ".join(one.names[1:]) + (" …" if one.count > len(one.names) else "")
            click.echo("    " + cli_texts()("scan.unread_more", count=one.count - 1, names=more), err=True)


def _line(judged: ScannedMessage, language_tag: str) -> dict[str, object]:
    return {
        "file": judged.file,
        "message_id": judged.message.message_id,
        "verdict": judged.verdict.outcome,
        "row": judged.verdict.row,
        "score": round(judged.score.probability, 4),
        "reasons": [reason_text(language_tag, reason.code) for reason in judged.reasons],
    }


def _report(console: Console, held: dict[str, list[ScannedMessage]], rows: Counter[str]) -> None:
    """Print the senders who would be held, those with most emails first. Their text is never interpreted as markup."""
    total, held_count = sum(rows.values()), sum(map(len, held.values()))
    if held:
        table = Table(
            *(cli_texts()(f"scan.column_{name}") for name in COLUMNS), title=cli_texts()("scan.held")
        )
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
            console.print(cli_texts()("scan.more", count=len(ranked) - SHOWN_SENDERS))
    by_row = Table(*(cli_texts()(f"scan.column_{name}") for name in ("row", "emails", "meaning")))
    for row, count in rows.most_common():
        by_row.add_row(row, str(count), cli_texts("card")(f"row_{row}"))
    console.print(by_row)
    console.print(cli_texts()("scan.total", held=held_count, total=total, count=len(held)))


def _printable(text: str) -> str:
    """`text` without control characters, so that a subject cannot control the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
