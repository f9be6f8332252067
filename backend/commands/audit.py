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
from backend.domain.watching.replay import differences, model_of
from backend.scoring.session import ModelSession
from backend.settings_read import read_settings
from backend.system.decision_keys import VaultKeys
from backend.system.vault import MultiFernetVault, load_or_make_keys
from backend.terminal import WordedGroup, say, words
from backend.transactions.statement import moment

if TYPE_CHECKING:
    from backend.bootstrap import Application
    from backend.domain.mailbox.mailbox import Mailbox
    from backend.domain.reading.score import Score
    from backend.store import SqlStore

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
    logged = _logged(heads) if heads else {}

    async def work(store: SqlStore) -> bool:
        fine, mailboxes = True, await _mailboxes(store, email)
        if not mailboxes:
            say("audit.no_mailbox")
        for mailbox in mailboxes:
            count, wrong = await _verified(store, mailbox.id, logged.get(mailbox.id, []))
            say("audit.wrong" if wrong else "audit.in_order", email=mailbox.owner.email, count=count)
            for line in wrong:
                click.echo(f"  {line}")
            fine = fine and not wrong
        return fine

    if not with_store(work):
        raise SystemExit(1)


async def _verified(
    store: SqlStore, mailbox_id: str, logged: Sequence[tuple[int, str]]
) -> tuple[int, list[str]]:
    tell, found = words(), await store.decision_chain(mailbox_id)
    entries = [entry async for page in _pages(store, mailbox_id) for entry in page]
    if found is None:
        return len(entries), [tell("audit.no_chain")] if entries or logged else []
    key = VaultKeys(_vault()).open(found.sealed_key)
    if key is None:
        return len(entries), [tell("audit.shut")]
    seals = {entry.number: entry.seal for entry in entries}
    rest = [entry for entry in entries if entry.number > found.began]
    settings = await store.decision_settings(mailbox_id)
    return len(entries), [
        *(
            tell("audit.entry", number=str(number), fault=tell(f"audit.fault_{fault}"))
            for number, fault in chain.faults(key, found.head, rest, found.began)
        ),
        *(tell("audit.cut", number=str(number)) for number in chain.cut(seals, logged)),
        *([tell("audit.lost_key", number=str(found.began))] if found.began else []),
        *(tell("audit.setting", name=name) for name, told in settings.items() if chain.name_of(told) != name),
    ]


async def _pages(store: SqlStore, mailbox_id: str) -> AsyncIterator[tuple[chain.Entry, ...]]:
    after = 0
    while page := await store.decisions(mailbox_id, after, PAGE):
        yield page
        after = page[-1].number


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
        for mailbox in await _mailboxes(store, email):
            settings = await store.decision_settings(mailbox.id)
            for entry in await store.decisions_about(mailbox.id, message):
                says, about = entry.says, {"mailbox": mailbox.owner.email, "number": entry.number}
                setting = json.loads(settings.get(says.get("setting", ""), "{}"))
                if as_json:
                    click.echo(json.dumps({**about, "at": entry.at, **says, "setting": setting}))
                else:
                    at = f"{moment(entry.at or 0):%Y-%m-%d %H:%M:%S}"
                    say("audit.head", at=at, email=mailbox.owner.email, number=str(entry.number))
                    click.echo("\n".join(_in_words(says, setting)))
                shown += 1
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

    settings = read_settings(**({"model_path": model} if model else {}))

    async def work(store: SqlStore) -> Counter[str]:
        counted: Counter[str] = Counter(checked=0, same=0, different=0)
        async with AsyncExitStack() as stack:
            application = await stack.enter_async_context(open_application(settings)) if fetch else None
            replay = Replay(ModelSession.open(settings.model_path), _vault(), application, counted)
            for mailbox in await _mailboxes(store, email):
                async for line in replay.mailbox(store, mailbox, sample):
                    click.echo(line)
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

    async def mailbox(self, store: SqlStore, mailbox: Mailbox, sample: int | None) -> AsyncIterator[str]:
        """A line for each entry that differs; all are counted."""
        found = await store.decision_chain(mailbox.id)
        if found is None:
            return
        key = VaultKeys(self.vault).open(found.sealed_key) or b""
        numbers = range(1, found.head.number + 1)
        chosen = set(random.sample(numbers, min(sample, len(numbers)))) if sample else numbers
        settings = {
            name: json.loads(text) for name, text in (await store.decision_settings(mailbox.id)).items()
        }
        async for page in _pages(store, mailbox.id):
            counts = await store.decision_counts(mailbox.id, page[0].number, page[-1].number)
            for entry in page:
                says = entry.says
                if entry.number not in chosen or "case" not in says:
                    continue
                setting = settings.get(says.get("setting", ""), {})
                source, score, text = await self._score(mailbox, entry, setting, counts.get(entry.number))
                self.counted[source] += 1
                wrong = list(differences(says, setting, score, chain.keyed(key, text) if text else ""))
                self.counted["checked"] += 1
                self.counted["different" if wrong else "same"] += 1
                if wrong:
                    about = {"email": mailbox.owner.email, "number": str(entry.number)}
                    yield words()("audit.differs", names=", ".join(wrong), **about)

    async def _score(
        self, mailbox: Mailbox, entry: chain.Entry, setting: Mapping[str, Any], counts: bytes | None
    ) -> tuple[str, Score | None, str]:
        """From what it was scored again or why it was not, the score, and its text's digest if it was fetched."""
        model, rest = model_of(setting)
        here, besides = model_of({"made_with": self.session.made_with})
        if "p" not in entry.says["case"]:
            return "without_score", None, ""
        if model != here:
            return "of_another_model", None, ""
        if counts is not None:
            self.counted["on_other_machine"] += rest != besides
            return "from_counts", self.session.scored_again(self.vault.open(counts)), ""
        if self.application is None or not entry.about:
            return "score_not_kept", None, ""
        context = self.application.context
        try:
            fetched = await context.gmail.fetch(mailbox.id, entry.about)
        except Gone:
            return "gone", None, ""
        score = (await context.reader.screen(fetched, mailbox.owner)).score
        return "fetched", score, score.trace.text if score and score.trace else ""


def _vault() -> MultiFernetVault:
    return MultiFernetVault(load_or_make_keys(read_settings()))


async def _mailboxes(store: SqlStore, email: str | None) -> tuple[Mailbox, ...]:
    found = await store.mailboxes()
    chosen = tuple(mailbox for mailbox in found if email in (None, mailbox.owner.email))
    if email and not chosen:
        raise NotFound("no_mailbox", email=email)
    return chosen
