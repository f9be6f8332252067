"""`pitchgate scan`: what would have been held of mail that lies in files. No account, no network."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from backend.domain.mailbox.mailbox import Strictness
from backend.domain.policy.table import TABLE
from backend.offline.archives import opened
from backend.offline.judge import Judge, Judged, Weighed
from backend.scoring.session import ModelSession
from backend.settings import read_settings

SHOWN_SENDERS = 60
SENTENCES: dict[str, str] = {row.row: row.catches for row in TABLE}


@click.command("scan")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--me", default="", metavar="ADDRESS", help="Your address: people you wrote to are never held.")
@click.option(
    "--strictness",
    type=click.Choice([word.value for word in Strictness]),
    default="normal",
    show_default=True,
)
@click.option(
    "--jsonl", is_flag=True, help="One JSON object a message on standard output instead of a table."
)
@click.option("--model", type=click.Path(exists=True, path_type=Path), help="Another model file.")
def scan_command(path: Path, me: str, strictness: str, jsonl: bool, model: Path | None) -> None:
    """Screen an mbox, a Google Takeout zip, a folder of .eml or one .eml: who would be held, and why."""
    judge = Judge(
        ModelSession.open(model or read_settings().model_path), me.strip().lower(), Strictness(strictness)
    )
    console = Console(stderr=True)
    held: dict[str, list[Judged]] = defaultdict(list)
    rows: Counter[str] = Counter()
    with _progress(console) as progress:
        if judge.me:
            with opened(path) as (total, messages):
                task = progress.add_task("reading whom you wrote to", total=total)
                for filed in messages:
                    judge.learn(filed)
                    progress.advance(task)
        with opened(path) as (total, messages):
            task = progress.add_task("screening", total=total)
            weighed: list[Weighed] = []
            for filed in messages:
                weighed.append(judge.weigh(filed))
                progress.advance(task)
    for judged in judge.judge(weighed):
        rows[judged.verdict.row] += 1
        if judged.held:
            held[judged.message.sender.address or "(no sender)"].append(judged)
        if jsonl:
            click.echo(json.dumps(_line(judged), ensure_ascii=False))
    if not jsonl:
        _report(Console(), held, rows)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _line(judged: Judged) -> dict[str, object]:
    return {
        "file": judged.file,
        "message_id": judged.message.message_id,
        "verdict": judged.verdict.outcome,
        "row": judged.verdict.row,
        "score": round(judged.score.probability, 4),
        "reasons": [reason.text for reason in judged.reasons],
    }


def _report(console: Console, held: dict[str, list[Judged]], rows: Counter[str]) -> None:
    """The senders that would be held, most mail first. Mail text goes to the terminal as text, never as markup."""
    total, out = sum(rows.values()), sum(map(len, held.values()))
    if held:
        table = Table("sender", "mails", "score", "latest subject", "why", title="Would be held")
        ranked = sorted(held.items(), key=lambda item: (-len(item[1]), item[0]))
        for sender, mails in ranked[:SHOWN_SENDERS]:
            top = max(mails, key=lambda judged: judged.score.probability)
            why = ", ".join(reason.text for reason in top.reasons[:3] if reason.weight > 0)
            cells = (
                sender,
                str(len(mails)),
                f"{top.score.probability:.0%}",
                mails[-1].message.subject[:60],
                why,
            )
            table.add_row(*(Text(_printable(cell)) for cell in cells))
        console.print(table)
        if len(ranked) > SHOWN_SENDERS:
            console.print(f"… and {len(ranked) - SHOWN_SENDERS} more senders (see --jsonl).")
    decided = Table("what decided", "mails", "that is")
    for row, count in rows.most_common():
        decided.add_row(
            row, str(count), SENTENCES.get(row, "It could not be judged, so it stays in the inbox.")
        )
    console.print(decided)
    senders = "1 sender" if len(held) == 1 else f"{len(held)} senders"
    console.print(f"{out} of {total} messages would be held, from {senders}.")


def _printable(text: str) -> str:
    """Without control characters: a subject must not be able to steer the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
