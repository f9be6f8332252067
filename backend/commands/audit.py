"""`pitchgate audit`: the log of decisions, verified, told and judged again."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backend.commands.with_store import chosen, of_mailbox, stored
from backend.domain.errors import Gone, NotFound
from backend.domain.watching import chain
from backend.domain.watching.grounds import differences, from_bits
from backend.settings_read import read_settings
from backend.terminal import WordedGroup, say, words
from backend.transactions.statement import moment

if TYPE_CHECKING:
    from backend.bootstrap import Application
    from backend.domain.mailbox.mailbox import Mailbox
    from backend.domain.reading.score import Score
    from backend.ports.decisions import Log
    from backend.ports.system import Vault
    from backend.scoring.session import ModelSession
    from backend.store import SqlStore
    from backend.system.decision_keys import VaultKeys

LINES = ("cause", "score", "model", "text", "known", "chosen", "guards", "late")
"""What is told of a verdict, a line each, where there is something to tell."""


@click.group("audit", cls=WordedGroup)
def audit_group() -> None:
    """Verify the log of decisions, tell one decision, judge messages again."""


@audit_group.command("verify")
@of_mailbox
@click.option("--heads", type=click.Path(exists=True, path_type=Path))
@stored
async def verify_command(store: SqlStore, email: str | None, heads: Path | None) -> None:
    """Find every entry that was changed, removed, swapped or sealed again. Exit status 1 if there is any."""
    keys, logged, faulty = _keys(), _logged(heads) if heads else {}, False
    mailboxes = await chosen(store, email)
    for mailbox in mailboxes:
        log = await store.decisions(mailbox.id)
        wrong = list(_wrong(log, keys, logged.pop(mailbox.id, ())))
        say("audit.wrong" if wrong else "audit.in_order", email=mailbox.owner.email, count=len(log.entries))
        for line in wrong:
            click.echo(f"  {line}")
        faulty |= bool(wrong)
    if not mailboxes:
        say("audit.no_mailbox")
    for mailbox_id, rest in logged.items() if email is None else ():
        say("audit.no_log", mailbox=mailbox_id, number=str(rest[-1][0]))
        faulty = True
    if faulty:
        raise SystemExit(1)


def _wrong(log: Log, keys: VaultKeys, logged: Sequence[tuple[int, str]]) -> Iterator[str]:
    """A line for each thing that is wrong with a log, given the heads of it that were `logged`."""
    tell, found = words(), log.chain
    if found is None:
        if log.entries or logged:
            yield tell("audit.no_chain")
        return
    key = keys.open(found.sealed_key)
    if key is None:
        yield tell("audit.shut")
        return
    rest = [entry for entry in log.entries if entry.number > found.began]
    for number, fault in chain.faults(key, found.head, rest, found.began):
        yield tell("audit.entry", number=str(number), fault=tell(f"audit.fault_{fault}"))
    for number in chain.cut({entry.number: entry.seal for entry in log.entries}, logged):
        yield tell("audit.cut", number=str(number))
    if found.began:
        yield tell("audit.lost_key", number=str(found.began))
    for name, content in log.settings.items():
        if chain.name_of(content) != name:
            yield tell("audit.setting", name=name)


def _logged(path: Path) -> dict[str, list[tuple[int, str]]]:
    """The heads that the server logged, by mailbox; none of those that it says have left."""
    heads = defaultdict(list)
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("{") and ('"decisions_head"' in line or '"mailbox_left"' in line):
                noted = json.loads(line)
                if noted["event"] == "decisions_head":
                    heads[noted["mailbox"]].append((noted["number"], noted["seal"]))
                else:
                    heads.pop(noted["mailbox"], None)
    return heads


@audit_group.command("show")
@click.argument("message")
@of_mailbox
@click.option("--json", "as_json", is_flag=True)
@stored
async def show_command(store: SqlStore, message: str, email: str | None, as_json: bool) -> None:
    """Tell everything that was decided about MESSAGE (its id at Gmail), and what went into it."""
    shown = 0
    for mailbox in await chosen(store, email):
        log = await store.decisions(mailbox.id, message)
        shown += len(log.entries)
        for entry in log.entries:
            says, address = entry.says, mailbox.owner.email
            setting = json.loads(log.settings.get(says.get("setting", ""), "{}"))
            if as_json:
                about = {"mailbox": address, "number": entry.number, "at": entry.at}
                click.echo(json.dumps(about | says | {"setting": setting}))
            else:
                at = f"{moment(entry.at or 0):%Y-%m-%d %H:%M:%S}"
                say("audit.head", at=at, email=address, number=str(entry.number))
                click.echo("\n".join(_in_words(says, setting)))
    if not shown:
        raise NotFound("nothing_written", message=message)


def _in_words(says: Mapping[str, Any], setting: Mapping[str, Any]) -> Iterator[str]:
    tell, card, kind = words(), words("card"), says["kind"]
    if kind != "verdict":
        yield tell(f"audit.kind_{kind}", **says)
        return
    case, row = says.get("case", {}), f"row_{says['row']}"
    why = card(row if row in card else "row_fail_open")
    yield tell("audit.verdict", outcome=says["outcome"], row=says["row"], why=why)
    told = {
        **says,
        "known": _without(case, "p", "logit", "at"),
        "chosen": _without(setting, "thresholds", "made_with", "version"),
        "guards": ", ".join(says.get("guards", ())),
    }
    if "p" in case:
        limits = {name: round(from_bits(value), 4) for name, value in setting["thresholds"].items()}
        told |= {"score": f"{from_bits(case['p']):.6f}", "bits": str(case["p"]), "limits": limits}
        told |= {"model": setting["version"], **setting}
    yield from (tell(f"audit.{line}", **told) for line in LINES if told.get(line))


def _without(says: Mapping[str, Any], *names: str) -> str:
    return json.dumps({name: value for name, value in says.items() if name not in names})


@audit_group.command("replay")
@of_mailbox
@click.option("--sample", type=click.IntRange(1))
@click.option("--fetch", is_flag=True)
@click.option("--model", type=click.Path(exists=True, path_type=Path))
@stored
async def replay_command(
    store: SqlStore, email: str | None, sample: int | None, fetch: bool, model: Path | None
) -> None:
    """Judge messages again and compare score, shares and verdict bit for bit. Exit status 1 if anything differs.

    The last line is a JSON object. A verdict whose score cannot be made again is reached again from the score that was
    written down.
    """
    from backend.bootstrap import open_application
    from backend.scoring.session import ModelSession

    settings = read_settings(**({"model_path": model} if model else {}))
    counted: Counter[str] = Counter(checked=0, same=0, different=0)
    keys, session = _keys(), ModelSession.open(settings.model_path)
    async with open_application(settings) if fetch else nullcontext() as application:
        again = Again(session, keys.vault, application)
        for mailbox in await chosen(store, email):
            log = await store.decisions(mailbox.id)
            key = keys.open(log.chain.sealed_key) if log.chain else None
            verdicts = [entry for entry in log.entries if "case" in entry.says]
            for entry in random.sample(verdicts, min(sample, len(verdicts))) if sample else verdicts:
                setting = json.loads(log.settings.get(entry.says.get("setting", ""), "{}"))
                source, score = await again.score(mailbox, entry, setting, log.counts.get(entry.number))
                text = score.trace.text if source == "fetched" and score and score.trace else ""
                digest = text and chain.keyed(key or b"", text)
                names = ", ".join(differences(entry.says, setting, score, digest))
                counted.update([source, "checked", "different" if names else "same"])
                counted["on_other_machine"] += bool(score) and setting["made_with"] != session.made_with
                if names:
                    say("audit.differs", email=mailbox.owner.email, number=str(entry.number), names=names)
    click.echo(json.dumps(counted))
    if counted["different"]:
        raise SystemExit(1)


@dataclass(frozen=True, slots=True)
class Again:
    """What scores again. `application` is there if messages may be fetched."""

    session: ModelSession
    vault: Vault
    application: Application | None

    async def score(
        self, mailbox: Mailbox, entry: chain.Entry, setting: Mapping[str, Any], counts: bytes | None
    ) -> tuple[str, Score | None]:
        """From what it was scored again or why it was not, and the score."""
        if "p" not in entry.says["case"]:
            return "without_score", None
        if setting["made_with"].partition(" ")[0] != self.session.made_with.partition(" ")[0]:
            return "of_another_model", None
        if counts is not None:
            return "from_counts", self.session.scored_again(self.vault.open(counts))
        if self.application is None or not entry.about:
            return "score_not_kept", None
        context = self.application.context
        try:
            fetched = await context.gmail.fetch(mailbox.id, entry.about)
        except Gone:
            return "gone", None
        return "fetched", (await context.reader.screen(fetched, mailbox.owner)).score


def _keys() -> VaultKeys:
    from backend.system.decision_keys import VaultKeys
    from backend.system.vault import configured_vault

    return VaultKeys(configured_vault(read_settings()))
