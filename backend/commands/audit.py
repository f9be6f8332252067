"""`pitchgate audit`: the log of decisions, verified, told and judged again."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backend.commands.with_store import with_store
from backend.domain.errors import Gone, NotFound
from backend.domain.watching import chain
from backend.domain.watching.grounds import from_bits
from backend.domain.watching.replay import differences
from backend.settings_read import read_settings
from backend.terminal import WordedGroup, say, words
from backend.transactions.statement import moment

if TYPE_CHECKING:
    from backend.bootstrap import Application
    from backend.domain.mailbox.mailbox import Mailbox
    from backend.domain.reading.score import Score
    from backend.ports.decisions import Log
    from backend.scoring.session import ModelSession
    from backend.store import SqlStore
    from backend.system.decision_keys import VaultKeys
    from backend.system.vault import MultiFernetVault


@click.group("audit", cls=WordedGroup)
def audit_group() -> None:
    """Verify the log of decisions, tell one decision, judge messages again."""


@audit_group.command("verify")
@click.option("--mailbox", "email")
@click.option("--heads", type=click.Path(exists=True, path_type=Path))
def verify_command(email: str | None, heads: Path | None) -> None:
    """Find every entry that was changed, removed, swapped or sealed again. Exit status 1 if there is any."""
    logged = _logged(heads) if heads else {}

    async def work(store: SqlStore) -> bool:
        fine: list[bool] = []
        async for mailbox, log in _logs(store, email):
            wrong = list(_wrong(log, logged.get(mailbox.id, [])))
            count = len(log.entries)
            say("audit.wrong" if wrong else "audit.in_order", email=mailbox.owner.email, count=count)
            for line in wrong:
                click.echo(f"  {line}")
            fine.append(not wrong)
        if not fine:
            say("audit.no_mailbox")
        return all(fine)

    if not with_store(work):
        raise SystemExit(1)


def _wrong(log: Log, logged: Sequence[tuple[int, str]]) -> Iterator[str]:
    """A line for each thing that is wrong with a log, given the heads of it that were `logged`."""
    tell, found = words(), log.chain
    if found is None:
        if log.entries or logged:
            yield tell("audit.no_chain")
        return
    key = _keys(_vault()).open(found.sealed_key)
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
    """By mailbox, the heads that the server logged."""
    heads = defaultdict(list)
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if '"decisions_head"' in line and line.startswith("{"):
                noted = json.loads(line)
                heads[noted["mailbox"]].append((noted["number"], noted["seal"]))
    return heads


@audit_group.command("show")
@click.argument("message")
@click.option("--mailbox", "email")
@click.option("--json", "as_json", is_flag=True)
def show_command(message: str, email: str | None, as_json: bool) -> None:
    """Tell everything that was decided about MESSAGE (its id at Gmail), and what went into it."""

    async def work(store: SqlStore) -> int:
        shown = 0
        async for mailbox, log in _logs(store, email, message):
            for entry in log.entries:
                says, setting = entry.says, _setting(log, entry)
                if as_json:
                    about = {"mailbox": mailbox.owner.email, "number": entry.number, "at": entry.at}
                    click.echo(json.dumps({**about, **says, "setting": setting}))
                else:
                    at = f"{moment(entry.at or 0):%Y-%m-%d %H:%M:%S}"
                    say("audit.head", at=at, email=mailbox.owner.email, number=str(entry.number))
                    click.echo("\n".join(_in_words(says, setting)))
            shown += len(log.entries)
        return shown

    if not with_store(work):
        raise NotFound("nothing_written", message=message)


def _in_words(says: Mapping[str, Any], setting: Mapping[str, Any]) -> Iterator[str]:
    tell = words()
    if says["kind"] != "verdict":
        yield tell(f"audit.kind_{says['kind']}", **says)
        return
    texts, row = words("card"), f"row_{says['row']}"
    why = texts(row if row in texts else "row_fail_open")
    yield tell("audit.verdict", outcome=says["outcome"], row=says["row"], why=why)
    if says.get("cause"):
        yield tell("audit.cause", cause=says["cause"])
    case = says.get("case", {})
    if "p" in case:
        limits = {name: round(from_bits(value), 4) for name, value in setting["thresholds"].items()}
        yield tell("audit.score", score=f"{from_bits(case['p']):.6f}", bits=str(case["p"]), limits=limits)
        yield tell("audit.model", version=setting["version"], made_with=setting["made_with"])
        yield tell("audit.text", text=says.get("text"), shares=says.get("shares"))
    yield tell("audit.known", known=_without(case, "p", "logit", "at"))
    yield tell("audit.chosen", chosen=_without(setting, "thresholds", "made_with", "version"))
    if says.get("guards"):
        yield tell("audit.guards", guards=", ".join(says["guards"]))
    if says.get("late"):
        yield tell("audit.late")


def _without(says: Mapping[str, Any], *names: str) -> str:
    return json.dumps({name: value for name, value in says.items() if name not in names})


@audit_group.command("replay")
@click.option("--mailbox", "email")
@click.option("--sample", type=click.IntRange(1))
@click.option("--fetch", is_flag=True)
@click.option("--model", type=click.Path(exists=True, path_type=Path))
def replay_command(email: str | None, sample: int | None, fetch: bool, model: Path | None) -> None:
    """Judge messages again and compare score, shares and verdict bit for bit. Exit status 1 if anything differs.

    The last line is a JSON object. A verdict whose score cannot be made again is reached again from the score that was
    written down.
    """
    from backend.bootstrap import open_application
    from backend.scoring.session import ModelSession

    settings = read_settings(**({"model_path": model} if model else {}))

    async def work(store: SqlStore) -> Counter[str]:
        counted: Counter[str] = Counter(checked=0, same=0, different=0)
        async with AsyncExitStack() as stack:
            application = await stack.enter_async_context(open_application(settings)) if fetch else None
            replay = Replay(ModelSession.open(settings.model_path), _vault(), application, counted)
            async for mailbox, log in _logs(store, email):
                async for number, names in replay.differing(mailbox, log, sample):
                    say("audit.differs", email=mailbox.owner.email, number=str(number), names=names)
        return counted

    counted = with_store(work)
    click.echo(json.dumps(counted))
    if counted["different"]:
        raise SystemExit(1)


@dataclass(frozen=True, slots=True)
class Replay:
    """What judges again, and what of it is counted. `application` is there if messages may be fetched."""

    session: ModelSession
    vault: MultiFernetVault
    application: Application | None
    counted: Counter[str]

    async def differing(
        self, mailbox: Mailbox, log: Log, sample: int | None
    ) -> AsyncIterator[tuple[int, str]]:
        """The number of each entry that differs, and in what; all are counted."""
        key = log.chain and _keys(self.vault).open(log.chain.sealed_key)
        verdicts = [entry for entry in log.entries if "case" in entry.says]
        for entry in random.sample(verdicts, min(sample, len(verdicts))) if sample else verdicts:
            setting = _setting(log, entry)
            source, score = await self._score(mailbox, entry, setting, log.counts.get(entry.number))
            text = score.trace.text if source == "fetched" and score and score.trace else ""
            names = ", ".join(differences(entry.says, setting, score, text and chain.keyed(key or b"", text)))
            self.counted.update([source, "checked", "different" if names else "same"])
            if names:
                yield entry.number, names

    async def _score(
        self, mailbox: Mailbox, entry: chain.Entry, setting: Mapping[str, Any], counts: bytes | None
    ) -> tuple[str, Score | None]:
        """From what it was scored again or why it was not, and the score."""
        made_with, here = str(setting.get("made_with", "")), self.session.made_with
        if "p" not in entry.says["case"]:
            return "without_score", None
        if made_with.partition(" ")[0] != here.partition(" ")[0]:
            return "of_another_model", None
        if counts is not None:
            self.counted["on_other_machine"] += made_with != here
            return "from_counts", self.session.scored_again(self.vault.open(counts))
        if self.application is None or not entry.about:
            return "score_not_kept", None
        context = self.application.context
        try:
            fetched = await context.gmail.fetch(mailbox.id, entry.about)
        except Gone:
            return "gone", None
        return "fetched", (await context.reader.screen(fetched, mailbox.owner)).score


def _keys(vault: MultiFernetVault) -> VaultKeys:
    from backend.system.decision_keys import VaultKeys

    return VaultKeys(vault)


def _vault() -> MultiFernetVault:
    from backend.system.vault import MultiFernetVault, load_or_make_keys

    return MultiFernetVault(load_or_make_keys(read_settings()))


def _setting(log: Log, entry: chain.Entry) -> dict[str, Any]:
    """What an entry shares with others; nothing if it shares none."""
    found: dict[str, Any] = json.loads(log.settings.get(entry.says.get("setting", ""), "{}"))
    return found


async def _logs(
    store: SqlStore, email: str | None, gmail_id: str | None = None
) -> AsyncIterator[tuple[Mailbox, Log]]:
    """The log of every mailbox, or of the one named; of one message if it is named."""
    chosen = [mailbox for mailbox in await store.mailboxes() if email in (None, mailbox.owner.email)]
    if email and not chosen:
        raise NotFound("no_mailbox", email=email)
    for mailbox in chosen:
        yield mailbox, await store.decisions(mailbox.id, gmail_id)
