"""`pitchgate audit`: the log of decisions, verified, told and judged again."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from backend.bootstrap import Application, open_application
from backend.commands.with_store import with_store
from backend.domain.errors import Gone, NotFound
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.reading.score import Score
from backend.domain.watching import chain
from backend.domain.watching.grounds import from_bits
from backend.domain.watching.replay import differences, model_of
from backend.ports.decisions import Told
from backend.scoring.session import ModelSession
from backend.settings import read_settings
from backend.store import SqlStore
from backend.system.decision_keys import VaultKeys
from backend.system.vault import MultiFernetVault, load_or_make_keys
from backend.terminal import WordedGroup, say, words
from backend.transactions.statement import moment

PAGE = 2_000


@click.group("audit", cls=WordedGroup)
def audit_group() -> None:
    """Verify the log of decisions, tell one decision, judge messages again."""


@audit_group.command("verify")
@click.option("--mailbox", "email")
@click.option(
    "--heads",
    type=click.Path(exists=True, path_type=Path),
)
def verify_command(email: str | None, heads: Path | None) -> None:
    """Find every entry that was changed, removed, swapped or sealed again. Exit status 1 if there is any."""
    logged = dict(_logged(heads)) if heads else {}

    async def work(store: SqlStore) -> bool:
        fine = True
        for mailbox in await _mailboxes(store, email):
            count, wrong = await _verified(store, mailbox.id, logged.get(mailbox.id, []))
            say("audit.wrong" if wrong else "audit.in_order", email=mailbox.owner.email, count=count)
            for line in wrong:
                click.echo(f"  {line}")
            fine = fine and not wrong
        return fine

    if not with_store(work):
        raise SystemExit(1)


async def _verified(
    store: SqlStore, mailbox_id: str, logged: Iterable[tuple[int, str]]
) -> tuple[int, list[str]]:
    found = await store.decision_chain(mailbox_id)
    entries = [entry async for entry in _entries(store, mailbox_id)]
    if found is None:
        lost = len(entries) or list(logged)
        return len(entries), [words()("audit.no_chain")] if lost else []
    key = _keys().open(found.sealed_key)
    if key is None:
        return len(entries), [words()("audit.shut")]
    rest = [entry for entry in entries if entry.number > found.began]
    wrong = [
        words()("audit.entry", number=str(number), fault=fault)
        for number, fault in chain.faults(key, found.head, rest, found.began)
    ]
    seals = {entry.number: entry.seal for entry in entries}
    wrong += [words()("audit.cut", number=str(number)) for number in chain.cut(seals, logged)]
    if found.began:
        wrong.append(words()("audit.lost_key", number=str(found.began)))
    known = await store.decision_settings(mailbox_id)
    wrong += [
        words()("audit.setting", name=name)
        for name, content in known.items()
        if chain.name_of(content) != name
    ]
    return len(entries), wrong


async def _entries(store: SqlStore, mailbox_id: str) -> AsyncIterator[chain.Entry]:
    after = 0
    while page := await store.decisions(mailbox_id, after, PAGE):
        for entry in page:
            yield entry
        after = page[-1].number


def _logged(path: Path) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    heads: dict[str, list[tuple[int, str]]] = {}
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if '"decisions_head"' in line and line.startswith("{"):
                told = json.loads(line)
                heads.setdefault(told["mailbox"], []).append((told["number"], told["seal"]))
    yield from heads.items()


@audit_group.command("show")
@click.argument("message")
@click.option("--mailbox", "email")
@click.option("--json", "as_json", is_flag=True)
def show_command(message: str, email: str | None, as_json: bool) -> None:
    """Tell everything that was decided about MESSAGE (its id at Gmail), and what went into it."""

    async def work(store: SqlStore) -> int:
        shown = 0
        for mailbox in await _mailboxes(store, email):
            settings = await store.decision_settings(mailbox.id)
            for told in await store.decisions_about(mailbox.id, message):
                setting = json.loads(settings.get(told.says.get("setting", ""), "{}"))
                if as_json:
                    about = {"mailbox": mailbox.owner.email, "number": told.entry.number, "at": told.entry.at}
                    click.echo(json.dumps({**about, **told.says, "setting": setting}))
                else:
                    click.echo("\n".join(_in_words(mailbox, told, setting)))
                shown += 1
        return shown

    if not with_store(work):
        raise NotFound("nothing_written", message=message)


def _in_words(mailbox: Mailbox, told: Told, setting: Mapping[str, Any]) -> Iterator[str]:
    says = told.says
    at, number = f"{moment(told.entry.at or 0):%Y-%m-%d %H:%M:%S}", str(told.entry.number)
    yield words()("audit.head", at=at, email=mailbox.owner.email, number=number)
    if says["kind"] != "verdict":
        yield words()(f"audit.kind_{says['kind']}", **says)
        return
    texts, row = words("card"), f"row_{says['row']}"
    why = texts(row if row in texts else "row_fail_open")
    yield words()("audit.verdict", outcome=says["outcome"], row=says["row"], why=why)
    if says.get("cause"):
        yield words()("audit.cause", cause=says["cause"])
    case = says.get("case", {})
    if "p" in case:
        limits = {name: round(from_bits(value), 4) for name, value in setting["thresholds"].items()}
        yield words()("audit.score", score=f"{from_bits(case['p']):.6f}", bits=str(case["p"]), limits=limits)
        yield words()("audit.model", version=setting["version"], made_with=setting["made_with"])
        yield words()("audit.text", text=says.get("text"), shares=says.get("shares"))
    known = {name: value for name, value in case.items() if name not in ("p", "logit", "at")}
    yield words()("audit.known", known=json.dumps(known))
    chosen = {
        name: value for name, value in setting.items() if name not in ("thresholds", "made_with", "version")
    }
    yield words()("audit.chosen", chosen=json.dumps(chosen))
    if says.get("guards"):
        yield words()("audit.guards", guards=", ".join(says["guards"]))
    if says.get("late"):
        yield words()("audit.late")


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
    settings = read_settings(**({"model_path": model} if model else {}))

    async def work(store: SqlStore) -> Counter[str]:
        counted: Counter[str] = Counter(checked=0, same=0, different=0)
        async with AsyncExitStack() as stack:
            application = await stack.enter_async_context(open_application(settings)) if fetch else None
            replay = Replay(ModelSession.open(settings.model_path), _keys(), _vault(), application)
            for mailbox in await _mailboxes(store, email):
                async for line in replay.mailbox(store, mailbox, sample, counted):
                    click.echo(line)
        return counted

    counted = with_store(work)
    click.echo(json.dumps(counted))
    if counted["different"]:
        raise SystemExit(1)


@dataclass(frozen=True, slots=True)
class Replay:
    """What judges again: the model, the keys, and the way to Gmail if messages may be fetched."""

    session: ModelSession
    keys: VaultKeys
    vault: MultiFernetVault
    application: Application | None

    async def mailbox(
        self, store: SqlStore, mailbox: Mailbox, sample: int | None, counted: Counter[str]
    ) -> AsyncIterator[str]:
        """A line for each entry that differs; all are counted."""
        found = await store.decision_chain(mailbox.id)
        if found is None:
            return
        key = self.keys.open(found.sealed_key) or b""
        settings = {
            name: json.loads(text) for name, text in (await store.decision_settings(mailbox.id)).items()
        }
        async for told in _told(store, mailbox.id, found.head.number, sample):
            if "case" not in told.says:
                continue
            setting = settings.get(told.says.get("setting", ""), {})
            score, text = await self._score(mailbox, told, setting, key, counted)
            wrong = list(differences(told.says, setting, score, text))
            counted["checked"] += 1
            counted["different" if wrong else "same"] += 1
            if wrong:
                yield words()(
                    "audit.differs",
                    email=mailbox.owner.email,
                    number=str(told.entry.number),
                    names=", ".join(wrong),
                )

    async def _score(
        self, mailbox: Mailbox, told: Told, setting: Mapping[str, Any], key: bytes, counted: Counter[str]
    ) -> tuple[Score | None, str]:
        """The message scored again, and the digest of its text if it was fetched."""
        model, rest = model_of(setting)
        here, besides = model_of({"made_with": self.session.made_with})
        if "p" not in told.says["case"]:
            counted["without_score"] += 1
        elif model != here:
            counted["of_another_model"] += 1
        elif told.counts is not None:
            counted["from_counts"] += 1
            counted["on_other_machine"] += rest != besides
            return self.session.scored_again(self.vault.open(told.counts)), ""
        elif self.application is not None and told.entry.about:
            context = self.application.context
            try:
                fetched = await context.gmail.fetch(mailbox.id, told.entry.about)
                digest = await context.reader.screen(fetched, mailbox.owner)
            except Gone:
                counted["gone"] += 1
                return None, ""
            counted["fetched"] += 1
            if digest.score is not None and digest.score.trace is not None:
                return digest.score, chain.keyed(key, digest.score.trace.text)
        else:
            counted["score_not_kept"] += 1
        return None, ""


async def _told(store: SqlStore, mailbox_id: str, last: int, sample: int | None) -> AsyncIterator[Told]:
    if sample is not None and sample < last:
        for number in sorted(random.sample(range(last), sample)):
            for told in await store.decisions_told(mailbox_id, number, 1):
                yield told
        return
    after = 0
    while page := await store.decisions_told(mailbox_id, after, PAGE):
        for told in page:
            yield told
        after = page[-1].entry.number


def _vault() -> MultiFernetVault:
    return MultiFernetVault(load_or_make_keys(read_settings()))


def _keys() -> VaultKeys:
    return VaultKeys(_vault())


async def _mailboxes(store: SqlStore, email: str | None) -> tuple[Mailbox, ...]:
    found = await store.mailboxes()
    chosen = tuple(mailbox for mailbox in found if email in (None, mailbox.owner.email))
    if email and not chosen:
        raise NotFound("no_mailbox", email=email)
    return chosen
