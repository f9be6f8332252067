"""`pitchgate audit` and `pitchgate watch`: the log of decisions verified and judged again, and whether mail has
changed."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backend.commands.models import height, under_way
from backend.commands.store import chosen, of_mailbox, stored
from backend.domain.errors import Gone, NotFound
from backend.domain.reading import words as reading_words
from backend.domain.reading.score import Part
from backend.domain.watching import audit, drift
from backend.domain.watching.audit import differences, from_bits
from backend.domain.watching.drift import Drift, monday_of
from backend.domain.watching.trial import ENOUGH
from backend.settings_read import read_settings
from backend.system import SystemClock
from backend.terminal import Worded, WordedGroup, echo, language, print_table, words
from backend.transactions.decisions import VERDICT
from backend.transactions.statement import moment

if TYPE_CHECKING:
    from backend.bootstrap import Application
    from backend.domain.mailbox.mailbox import Mailbox
    from backend.domain.reading.score import Score
    from backend.scoring.second_reading import Judge
    from backend.scoring.session import ModelSession
    from backend.transactions.records import Log
    from backend.transactions.store import Store
    from backend.vault import VaultKeys
    from backend.web.owner.review_show import Why


# ---- `pitchgate audit`


@click.group("audit", cls=WordedGroup)
def audit_group() -> None:
    """Verify the log of decisions, show one decision, judge messages again."""


@audit_group.command("verify")
@of_mailbox
@click.option("--heads", type=click.Path(exists=True, path_type=Path))
@stored
async def verify_command(store: Store, email: str | None, heads: Path | None) -> None:
    """Find every entry that was changed, removed, swapped or sealed again. Exit status 1 if there is any."""
    keys, logged, faulty = _keys(), _logged(store, heads), False
    names = {mailbox.id: mailbox.owner.email for mailbox in await chosen(store, email)}
    for mailbox_id, name in (names if email else dict.fromkeys(logged) | names).items():
        log = await store.decisions(mailbox_id)
        kept = await store.decided_messages(mailbox_id)
        wrong = list(_wrong(mailbox_id, log, keys, logged.get(mailbox_id, ()), kept))
        echo("audit.wrong" if wrong else "audit.in_order", email=name or mailbox_id, count=len(log.entries))
        click.echo("".join(f"  {line}\n" for line in wrong), nl=False)
        faulty |= bool(wrong)
    if not names:
        echo("audit.no_mailbox")
    elif not logged:
        echo("audit.no_heads")
    if faulty:
        raise SystemExit(1)


def _wrong(
    mailbox_id: str,
    log: Log,
    keys: VaultKeys,
    logged: Iterable[tuple[int, str]],
    kept: Sequence[audit.KeptVerdict],
) -> Iterator[str]:
    """A line for each thing that is wrong with a log, given the heads of it that were `logged` and the messages that
    are `kept`."""
    tell, found = words(), log.chain
    if found is None:
        if log.entries or logged or kept:
            yield tell("audit.no_chain")
    elif (key := keys.open(found.sealed_key, mailbox_id)) is None:
        yield tell("audit.shut")
    else:
        for number, fault in audit.faults(key, found, log.entries, logged):
            yield tell("audit.entry", number=str(number), fault=tell(f"audit.fault_{fault}"))
        if found.began:
            yield tell("audit.lost_key", number=str(found.began))
        named = {entry.says["setting"] for entry in log.entries if "setting" in entry.says}
        for name in sorted(named | set(log.settings)):
            if name not in log.settings or audit.name_of(log.settings[name]) != name:
                yield tell("audit.setting", name=name)
        for gmail_id in audit.unlike(log.entries, kept):
            yield tell("audit.message", message=gmail_id)


def _logged(store: Store, logs: Path | None) -> dict[str, list[tuple[int, str]]]:
    """The heads that were kept beside the database and in the server's logs, by mailbox; none of those that have
    left."""
    heads = defaultdict(list)
    for mailbox, number, seal in store.heads.read():
        heads[mailbox].append((number, seal))
    with logs.open(encoding="utf-8", errors="replace") if logs else nullcontext(()) as lines:
        for line in lines:
            with suppress(ValueError):  # not JSON, or the half of a line
                match json.loads(line):
                    case {"event": "decisions_head", "mailbox": mailbox, "number": number, "seal": seal}:
                        heads[mailbox].append((number, seal))
                    case {"event": "mailbox_left", "mailbox": mailbox}:
                        heads.pop(mailbox, None)
    return {mailbox: told for mailbox, told in heads.items() if not store.departures.has(mailbox)}


@audit_group.command("show")
@click.argument("message")
@of_mailbox
@stored
async def show_command(store: Store, message: str, email: str | None) -> None:
    """Show everything that was decided about MESSAGE (its id at Gmail), and what went into it."""
    from jinja2 import Environment, FileSystemLoader  # here and below: help needs no templates

    from backend.web.owner.review_show import reasons

    told = list[tuple[str, audit.LogEntry, dict[str, Any]]]()
    saw: dict[tuple[str, int], Sequence[Why]] = {}
    for mailbox in await chosen(store, email):
        log = await store.decisions(mailbox.id, message)
        told += [(mailbox.owner.email, entry, _setting(log, entry)) for entry in log.entries]
        # Reasons are kept with the message alone, and are those of its last verdict.
        if view := (await store.known(mailbox.id, [message])).get(message):
            verdicts = [
                one for one in log.entries if one.says["kind"] == VERDICT and not one.says.get("late")
            ]
            saw |= {(mailbox.owner.email, one.number): reasons(view, language()) for one in verdicts[-1:]}
    if not told:
        raise NotFound("nothing_written", message=message)
    here = Environment(loader=FileSystemLoader(Path(__file__).parent), trim_blocks=True)  # noqa: S701 - no HTML
    text = here.get_template("audit.txt")
    about = {"told": told, "saw": saw, "moment": moment, "from_bits": from_bits}
    shown = text.render(t=words(), card=words("card"), **about)
    click.echo(shown, nl=False)


def _setting(log: Log, entry: audit.LogEntry) -> dict[str, Any]:
    setting: dict[str, Any] = json.loads(log.settings.get(entry.says.get("setting", ""), "{}"))
    return setting


@audit_group.command("replay")
@of_mailbox
@click.option("--sample", type=click.IntRange(1))
@click.option("--fetch", is_flag=True)
@stored
async def replay_command(store: Store, email: str | None, sample: int | None, fetch: bool) -> None:
    """Judge messages again and compare score, shares and verdict bit for bit. Exit status 1 if anything differs.

    The last line is a JSON object. A verdict whose score cannot be made again is reached again from the score that was
    written down.
    """
    from backend.bootstrap import open_application
    from backend.scoring.model_file import read_model
    from backend.scoring.second_reading import Judge
    from backend.scoring.session import ModelSession

    settings, keys = read_settings(), _keys()
    counted = Counter(checked=0, same=0, different=0)
    async with open_application(settings) if fetch else nullcontext() as application:
        # Counts need no lexicon: a model of another release scores them as it did.
        session = ModelSession(*read_model(settings.model_path, read_here=fetch), settings.model_path)
        again = Again(session, Judge.open(), keys, application)
        for mailbox in await chosen(store, email):
            log = await store.decisions(mailbox.id)
            verdicts = [entry for entry in log.entries if "case" in entry.says]
            for entry in sorted(random.sample(verdicts, min(sample or len(verdicts), len(verdicts)))):
                setting = _setting(log, entry)
                source, score = await again.score(mailbox, entry, setting, log.counts.get(entry.number))
                key = (
                    keys.open(log.chain.sealed_key, mailbox.id) if log.chain and source == "fetched" else None
                )
                names = ", ".join(differences(entry.says, setting, score, key))
                counted.update([source, "checked", "different" if names else "same"])
                counted["on_other_machine"] += bool(score) and setting["made_with"] != again.session.made_with
                if names:
                    echo("audit.differs", email=mailbox.owner.email, number=str(entry.number), names=names)
    click.echo(json.dumps(counted))
    if counted["different"]:
        raise SystemExit(1)


@dataclass(frozen=True, slots=True)
class Again:
    """What scores again. `application` is there if messages may be fetched."""

    session: ModelSession
    judge: Judge
    keys: VaultKeys
    application: Application | None

    async def score(
        self, mailbox: Mailbox, entry: audit.LogEntry, setting: Mapping[str, Any], counts: bytes | None
    ) -> tuple[str, Score | None]:
        """From what it was scored again or why it was not, and the score."""
        if "p" not in entry.says["case"]:
            return "without_score", None
        if setting["made_with"].partition(" ")[0] != self.session.made_with.partition(" ")[0]:
            return "of_another_model", None
        if setting.get("judge", self.judge.facts.digest[:32]) != self.judge.facts.digest[:32]:
            return "of_another_judge", None
        if counts is not None:
            return "from_counts", self.from_kept(self.keys.vault.open(counts), entry.says["case"])
        if self.application is None or not entry.about:
            return "score_not_kept", None
        context = self.application.context
        try:
            fetched = await context.gmail.fetch(mailbox.id, entry.about)
        except Gone:
            return "gone", None
        score = (await context.reader.screen(fetched, mailbox.owner)).score
        twice = score is not None and score.trace is not None and score.trace.again is not None
        # Read once now and twice then, or the other way round: the setting was another.
        return ("fetched", score) if twice == ("first" in entry.says["case"]) else ("read_otherwise", None)

    def from_kept(self, kept: str, case: Mapping[str, Any]) -> Score:
        """The score of a message of which the counts were kept."""
        from backend.scoring.second_reading import numbers_kept

        counts, numbers = audit.from_kept(kept)
        score = self.session.scored_again(counts).of_part(Part(case.get("part", "")))
        return self.judge.judge(score, numbers_kept(numbers)) if numbers else score


def _keys() -> VaultKeys:
    from backend.vault import VaultKeys, configured_vault

    return VaultKeys(configured_vault(read_settings()))


# ---- `pitchgate watch`


COLUMNS = ("mailbox", "state", "weeks", "change")


@dataclass(frozen=True, slots=True)
class Watched:
    """A mailbox and what the test said of it."""

    email: str
    drift: Drift

    @property
    def sentence(self) -> str:
        """The change in a sentence, "" if nothing changed."""
        t, change = words("watch"), self.drift.change
        if change is None:
            return ""
        told = {"day": t.day(monday_of(change.week)), "tongue": t.tongue(change.grown)}
        told |= {"before": t.percent(change.before), "since": t.percent(change.since)}
        return t(f"cause_{change.cause}", **told)

    def begin(self, channel: str) -> list[float]:
        """Where the classes of a channel begin but for the lowest, in its own unit; none where they have no order."""
        steps = drift.bounds(channel, [week.counts for week in self.drift.weeks]) or []
        return [step * drift.STEPS[channel] for step in steps]

    def stacked(self, channel: str) -> dict[str, list[tuple[float, float]]]:
        """The classes of a channel, one on the other: from 0 to 1 where each begins and how high it is, by week."""
        counts = [week.counts for week in self.drift.weeks]
        begin = drift.bounds(channel, counts)
        weeks = [drift.in_classes(channel, week, begin) for week in counts]
        often = sum(map(Counter, weeks), Counter[str]())
        names = sorted(often, key=lambda name: -often[name] if channel == "language" else int(name))
        shares = [{name: week.get(name, 0) / sum(week.values()) for name in names} for week in weeks]
        return {
            name: [(1 - sum(week[above] for above in names[:place]), week[name]) for week in shares]
            for place, name in enumerate(names, 1)
        }

    def as_json(self) -> dict[str, Any]:
        """It for programs."""
        change, weeks = self.drift.change, self.drift.weeks
        began = change and asdict(change) | {"cause": change.cause, "began": str(monday_of(change.week))}
        told = [{"monday": str(monday_of(one.number)), "model": one.model, **one.counts} for one in weeks]
        state = {"email": self.email, "state": self.drift.state, "told": self.sentence}
        return {**state, "change": began, "weeks": told}


@click.command("watch", cls=Worded)
@click.option("--json", "as_json", is_flag=True)
@click.option("--html", type=click.Path(path_type=Path))
@stored
async def watch_command(store: Store, as_json: bool, html: Path | None) -> None:
    """Say of each mailbox whether its mail has changed since its first weeks."""
    mailboxes = await store.mailboxes()
    watched = [Watched(mailbox.owner.email, await store.drift(mailbox.id)) for mailbox in mailboxes]
    found = sorted(watched, key=lambda one: one.drift.change is None)
    if html is not None:
        from jinja2 import Environment, FileSystemLoader  # here: help needs no templates

        here = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
        shown = {"found": found, "columns": COLUMNS, "drift": drift, "language": reading_words}
        trial = {"trial": await under_way(store), "height": height, "enough": ENOUGH}
        page = here.get_template("watch.html")
        text = page.render(t=words("watch"), now=SystemClock().now(), **shown, **trial)
        await asyncio.to_thread(html.write_text, text, "utf-8")
        echo("watch.written", file=html)
    elif as_json:
        for one in found:
            click.echo(json.dumps(one.as_json()))
    else:
        t = words("watch")
        rows = (
            (one.email, t(f"state_{one.drift.state}"), len(one.drift.weeks), one.sentence) for one in found
        )
        print_table((t(f"column_{name}") for name in COLUMNS), rows)
