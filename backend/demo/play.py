"""A run of the demo: a sandbox, a server that may be killed again and again, an owner, and people who write.

Everything between them goes over HTTP on loopback, so the server behaves as with Google. At the end three records are
compared: what was delivered, where it is now (the labels at Google), and what was decided (the server's own store, read
after the server has stopped)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from email import message_from_string
from pathlib import Path
from typing import Any

import aiohttp

from backend import serving
from backend.demo import people as demo_people
from backend.demo.letters import OWNER, OWNER_NAME, Letter, arrivals, letters
from backend.demo.people import Process, Salesperson, Sandbox, first_digest, free_port, until_ready
from backend.domain.errors import PitchgateError
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.message import HELD, MessageView, Placement
from backend.store.opening import open_store
from backend.transactions.store import Store

# ---- The demo from start to end


DRAIN_SECONDS = 60.0
"""Longest time without any change while something is left to do."""
WATCH_SECONDS = 30.0
SLOWER = 6
"""Factor by which the pause between letters grows once all have arrived."""
DIGEST_AFTER = 4
"""How many messages are held when the owner's first digest comes."""
JOBS_WAITING = re.compile(
    r'^pitchgate_(?:looks_waiting|message_stages\{stage="(?!ended)[a-z]+"\}) ([0-9.e+]+)$', re.MULTILINE
)
ACCOUNT = "push@pitchgate-demo.iam.gserviceaccount.com"


@dataclass(frozen=True)
class Options:
    """How to play. `every` is the seconds between two letters; `scripted`: a script solves the challenges; `kills` is
    how often the server is killed within `seconds`; `copies` is how often each push is delivered. `notices` is how the
    server learns of mail, `poll_interval` how often it asks without notices. `story` shows the bar that guides people
    through the pages."""

    folder: Path
    seconds: float | None = None
    every: float = 3.0
    scripted: bool = False
    kills: int = 0
    copies: int = 1
    seed: int = 1
    port: int = 0
    sandbox_port: int = 0
    credits_per_solve: int = 3
    mode: str = "challenge"
    notices: str = "push"
    poll_interval: float = 20.0
    story: bool = False


@dataclass
class Stage:
    """The running demo (no stage of a message): both processes, the sandbox's admin client, and a browser's cookies."""

    options: Options
    http: aiohttp.ClientSession
    sandbox: Sandbox
    server: Process
    server_url: str
    delivered: list[str] = field(default_factory=list)
    kills: int = 0

    async def ready(self) -> None:
        await until_ready(self.http, f"{self.server_url}/readyz", self.server)

    async def deliver(self, letter: Letter) -> None:
        self.delivered.append(await self.sandbox.deliver(letter, OWNER))

    async def kill_and_restart(self) -> None:
        """Kill the server and start it again."""
        await self.server.kill()
        await self.server.start()
        await self.ready()
        self.kills += 1


@asynccontextmanager
async def stage(
    options: Options, tell: Callable[[str], None], process: type[Process] | None = None
) -> AsyncIterator[Stage]:
    """Start the sandbox and the server and connect the owner; stop both at the end."""
    process = process or Process
    options.folder.mkdir(parents=True, exist_ok=True)
    for taken, name in ((options.port, "--port"), (options.sandbox_port, "--sandbox-port")):
        if taken:
            serving.check_can_bind(f"127.0.0.1:{taken}", name)
    port, jar = options.port or free_port(), aiohttp.CookieJar(unsafe=True)
    server_url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=30)) as http:
        tell("google")
        google = process(
            "sandbox", _sandbox_arguments(options, server_url), {}, options.folder / "sandbox.log"
        )
        await google.start(pipe=True)
        running: Stage | None = None
        try:
            sandbox = Sandbox(http, str((await google.first_line())["sandbox"]))
            story = f"story-{secrets.token_hex(4)}" if options.story else ""
            seller = next(letter.address for letter in letters() if letter.local)
            environment = _environment(options, server_url, sandbox.url, story and f"{story}?seller={seller}")
            if options.notices == "pull":
                environment |= await _credentials(sandbox, options.folder)
            server = process("server", ["backend", "serve"], environment, options.folder / "server.log")
            running = Stage(options, http, sandbox, server, server_url)
            await _create_mailboxes(sandbox)
            if story:
                await sandbox.tell_story(story, seller, OWNER, server_url)
            tell("server")
            await server.start()
            await running.ready()
            await sandbox.deploy_addon(demo_people.deployment(server_url))
            tell("connecting")
            await demo_people.connect(http, server_url, OWNER)
            await _until_watched(sandbox, options)
            yield running
        except (aiohttp.ClientError, ExceptionGroup) as error:
            processes = [google, running.server] if running is not None else [google]
            if ended := next((one for one in processes if not one.running), None):
                raise PitchgateError("demo.ended", name=ended.name, last=ended.last_words()) from error
            raise
        finally:
            if running is not None:
                await running.server.stop()
            await google.stop()


async def play(options: Options, tell: Callable[[str], None], opened: Callable[[Stage], None]) -> Tally:
    """Play until `seconds` are over (or for ever), wait until nothing is left to do, and count."""
    began = time.monotonic()
    async with stage(options, tell) as running:
        opened(running)
        sellers = [Salesperson(letter.address) for letter in letters() if letter.local]
        # The first is left for the reader; the others solve by themselves, so that there is something to see.
        people = sellers if options.scripted else sellers[1:]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_deliver_letters(running))]
            tasks += [group.create_task(_answer(running, person)) for person in people]
            if options.seconds is None:  # somebody watches
                file = options.folder / "state" / "pitchgate.sqlite3"
                tasks.append(group.create_task(first_digest(file, OWNER, DIGEST_AFTER)))
            if options.kills:
                tasks.append(group.create_task(_kill_at_random(running)))
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(options.seconds if options.seconds is not None else 10**9)
            if options.kills:
                await tasks[-1]  # until all kills are done
            for task in tasks:
                task.cancel()
        tell("resting")
        await _settle(running, people)
        mailbox, outbox = await running.sandbox.messages(OWNER), await running.sandbox.outbox()
        meter = await running.sandbox.meter(OWNER)
    store = open_store(options.folder / "state" / "pitchgate.sqlite3")
    await store.open()
    try:
        tally = await count(store, OWNER, running.delivered, mailbox, outbox, meter)
    finally:
        await store.close()
    tally.kills, tally.seconds = running.kills, round(time.monotonic() - began, 1)
    return tally


async def _until_watched(sandbox: Sandbox, options: Options) -> None:
    """Wait until the server watches the mailbox, or has begun to poll: mail from before is not new to it."""
    async with asyncio.timeout(WATCH_SECONDS):
        while True:
            checked = "gmail.users.getProfile" in (await sandbox.meter(OWNER))["methods"]
            if await sandbox.watched(OWNER) or (checked and options.notices == "poll"):
                return
            await asyncio.sleep(0.05)


async def _create_mailboxes(sandbox: Sandbox) -> None:
    """Make the mailboxes of the owner and of those who can answer, and the owner's earlier mail."""
    await sandbox.create(OWNER, OWNER_NAME)
    for letter in letters():
        if letter.local:
            await sandbox.create(letter.address, letter.name)
        if letter.known:
            await sandbox.seed_sent(
                OWNER, letter.address, "Your reading", "Dear Rosa, shall we say the 12th?"
            )


async def _deliver_letters(running: Stage) -> None:
    """Deliver letters at irregular intervals around `every`; more slowly once they repeat and a person watches."""
    chance, first = random.Random(running.options.seed), len(letters())  # noqa: S311 - the rhythm of a play
    for number, letter in enumerate(arrivals(running.options.seed), 1):
        await running.deliver(letter)
        if letter.local:  # what they wrote is in their own Sent
            await running.sandbox.seed_sent(letter.address, OWNER, letter.subject, letter.text)
        slower = SLOWER if number >= first and running.options.seconds is None else 1
        await asyncio.sleep(running.options.every * slower * chance.uniform(0.4, 1.6))


async def _answer(running: Stage, person: Salesperson) -> None:
    while True:
        await asyncio.sleep(1.0)
        await person.look(running.sandbox)
        await person.answer(running.http)


async def _kill_at_random(running: Stage) -> None:
    """Kill the server at random moments, spread over the play."""
    chance = random.Random(running.options.seed + 1)  # noqa: S311 - the moments of a play
    between = (running.options.seconds or 60.0) / (running.options.kills + 1)
    for _ in range(running.options.kills):
        await asyncio.sleep(chance.uniform(0.1, 1.9) * between)
        await running.kill_and_restart()


async def _settle(running: Stage, people: list[Salesperson]) -> None:
    """Wait until no push is pending, no job is due and no challenge is left to solve."""
    interval = running.options.poll_interval if running.options.notices == "poll" else 0.0
    quiet, until, enough, before = 0, time.monotonic() + DRAIN_SECONDS, 3 + interval / 0.7, None
    while quiet < enough:
        if time.monotonic() > until:
            raise PitchgateError("demo.unrest", folder=running.options.folder)
        await asyncio.sleep(0.7)
        solved = 0
        for person in people:
            await person.look(running.sandbox)
            solved += await person.answer(running.http)
        left = (solved, await running.sandbox.pushes_pending(), await jobs_left(running))
        if left != before:
            until, before = time.monotonic() + DRAIN_SECONDS, left
        quiet = 0 if any(left) else quiet + 1


async def jobs_left(running: Stage) -> int:
    """How many syncs and message stages are still to run, by the server's own metrics."""
    async with running.http.get(f"{running.server_url}/metrics") as answer:
        if answer.status != 200:
            return 1
        waiting = JOBS_WAITING.findall(await answer.text())
    return int(sum(float(number) for number in waiting))


def _sandbox_arguments(options: Options, server_url: str) -> list[str]:
    return [
        "backend.sandbox",
        *("--port", str(options.sandbox_port)),
        *("--client-id", "pitchgate-demo", "--client-secret", "pitchgate-demo-secret"),
        *("--redirect-uri", f"{server_url}/connect/callback"),
        *("--project", "pitchgate-demo", "--topic", "gmail", "--subscription", "gmail-push"),
        *("--push-endpoint", f"{server_url}/hooks/gmail", "--push-account", ACCOUNT),
        *(("--pull",) if options.notices == "pull" else ()),
        *("--push-mode", f"copies={options.copies}"),
        *("--seed", str(options.seed)),
    ]


async def _credentials(sandbox: Sandbox, folder: Path) -> dict[str, str]:
    """Make a service account that may pull notices; the setting that names its key file."""
    file = folder / "service-account.json"
    key = await sandbox.service_account("fetch@pitchgate-demo.iam.gserviceaccount.com", "pitchgate-demo")
    file.write_text(json.dumps(key), encoding="utf-8")
    file.chmod(0o600)
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}


def _environment(options: Options, server_url: str, google: str, story: str = "") -> dict[str, str]:
    """The server's settings: as in production, with Google's addresses replaced."""
    return {
        "PITCHGATE_PUBLIC_URL": server_url,
        "PITCHGATE_BIND": server_url.removeprefix("http://"),
        "PITCHGATE_STATE_DIR": str(options.folder / "state"),
        "PITCHGATE_CLIENT_ID": "pitchgate-demo",
        "PITCHGATE_CLIENT_SECRET": "pitchgate-demo-secret",
        "PITCHGATE_AUTHORIZE_URL": f"{google}/o/oauth2/v2/auth",
        "PITCHGATE_TOKEN_URL": f"{google}/token",
        "PITCHGATE_REVOKE_URL": f"{google}/revoke",
        "PITCHGATE_JWKS_URL": f"{google}/oauth2/v3/certs",
        "PITCHGATE_GMAIL_URL": google,
        "PITCHGATE_TOPIC": "projects/pitchgate-demo/topics/gmail",
        "PITCHGATE_SUBSCRIPTION": "projects/pitchgate-demo/subscriptions/gmail-push",
        "PITCHGATE_PUSH_ACCOUNT": ACCOUNT,
        "PITCHGATE_PUBSUB_URL": google,
        "PITCHGATE_NOTICES": options.notices,
        "PITCHGATE_POLL_INTERVAL": str(options.poll_interval),
        **demo_people.settings(),
        "PITCHGATE_DEFAULT_MODE": options.mode,
        "PITCHGATE_DEFAULT_CREDITS_PER_SOLVE": str(options.credits_per_solve),
        "PITCHGATE_LIVE_PAGE": "true",
        "PITCHGATE_STORY_URL": f"{google}/{story}" if story else "",
        "PITCHGATE_SWEEP_INTERVAL": "5" if options.kills else "720",
        "PITCHGATE_LOG_JSON": "true",
    }


# ---- The tally: three records compared


PAGE = 500
IS_HELD = {Placement.HELD: True, Placement.INBOX: False, Placement.MARKED: False}


@dataclass
class Tally:
    """The last line of `pitchgate demo --json`. Messages are counted by what happened to them."""

    delivered: int = 0
    ignored: int = 0
    passed: int = 0
    held: int = 0
    challenged: int = 0
    solved: int = 0
    released: int = 0
    credits: dict[str, int] = field(default_factory=dict)
    quota_units: int = 0
    quota_units_per_message: dict[str, float] = field(default_factory=dict)
    kills: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    ledger_differences: int = 0
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether nothing was lost or doubled, and every balance is the sum of its entries."""
        return not self.lost and not self.doubled and not self.ledger_differences

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `lost` and `doubled` as counts, with their cases if there are any."""
        data = asdict(self)
        for name in ("lost", "doubled"):
            cases = data.pop(name)
            data[name] = len(cases)
            if cases:
                data[f"{name}_cases"] = cases[:20]
        return data


async def count(
    store: Store,
    owner: str,
    delivered: Sequence[str],
    mailbox: Sequence[Mapping[str, Any]],
    outbox: Sequence[Mapping[str, Any]],
    meter: Mapping[str, Any],
) -> Tally:
    """Count what happened. `delivered` are message ids, `mailbox` and `outbox` the sandbox's lists, `meter` its
    units."""
    connected = await store.mailbox_by_email(owner)
    if connected is None:
        return Tally(delivered=len(delivered), lost=list(delivered))
    views = await every_message(store, connected.id)
    labels = {str(mail["id"]): frozenset(mail["labels"]) for mail in mailbox}
    tally = Tally(delivered=len(delivered), quota_units=int(meter["units"]))
    for gmail_id in delivered:
        _count_message(tally, gmail_id, views.get(gmail_id), labels.get(gmail_id, frozenset()))
    await _count_challenges(tally, store, connected.id, owner, delivered, outbox)
    for view in views.values():
        if (
            view.sender
            and view.gmail_id in labels
            and (balance := await store.balance(connected.id, view.sender))
        ):
            tally.credits[view.sender] = balance
    tally.ledger_differences = len(await store.ledger_differences())
    tally.quota_units_per_message = _units_by_outcome(tally, meter)
    return tally


async def every_message(store: Store, mailbox_id: MailboxId) -> dict[str, MessageView]:
    """All messages of a mailbox by id. Nothing may change meanwhile, because pages follow the latest change."""
    found: dict[str, MessageView] = {}
    before = ""
    while page := await store.messages(mailbox_id, limit=PAGE, before=before):
        found |= {view.gmail_id: view for view in page}
        before = page[-1].gmail_id
    return found


def _count_message(tally: Tally, gmail_id: str, view: MessageView | None, labels: frozenset[str]) -> None:
    if view is None or not view.outcome:
        tally.lost.append(f"{gmail_id}: never decided")
        return
    if view.outcome == "ignore":
        tally.ignored += 1
        return
    if view.stage is not None or view.dead_letter:
        tally.lost.append(f"{gmail_id}: stuck at {view.stage or 'dead letter'}")
    if view.placement is not None and IS_HELD[view.placement] is not (HELD in labels):
        tally.lost.append(f"{gmail_id}: meant to be {view.placement}, labels {sorted(labels)}")
    if view.outcome in ("inbox", "mark"):
        tally.passed += 1
    elif view.placement is Placement.HELD:
        tally.held += 1
    else:
        tally.released += 1


async def _count_challenges(
    tally: Tally,
    store: Store,
    mailbox_id: MailboxId,
    owner: str,
    delivered: Sequence[str],
    outbox: Sequence[Mapping[str, Any]],
) -> None:
    sent = [mail for mail in outbox if mail["sender"] == owner and _marker(mail)]
    tally.challenged = len(sent)
    for address, times in Counter(str(mail["recipients"]) for mail in sent).items():
        if times > 1:
            tally.doubled.append(f"{address}: {times} challenges")
    for marker, times in Counter(map(_marker, sent)).items():
        if times > 1:
            tally.doubled.append(f"challenge {marker}: sent {times} times")
    for gmail_id in delivered:
        challenge = await store.challenge_of(mailbox_id, gmail_id)
        if challenge is not None and challenge.solved_at is not None:
            tally.solved += 1


def _marker(mail: Mapping[str, Any]) -> str:
    return str(message_from_string(mail["raw"])["X-Pitchgate-Challenge"] or "")


def _units_by_outcome(tally: Tally, meter: Mapping[str, Any]) -> dict[str, float]:
    """Quota units that a message of each outcome costs, from the meter's totals by method. History is shared by all
    messages; fetching by those that were read; label changes by those that moved; sending by those that were
    answered."""
    methods: Mapping[str, Any] = meter["methods"]

    def units(*names: str) -> float:
        return float(sum(methods.get(f"gmail.users.{name}", {"units": 0})["units"] for name in names))

    moved = tally.held + tally.released
    look = units("history.list", "messages.list", "getProfile") / max(tally.delivered, 1)
    read = units("messages.get") / max(tally.passed + moved, 1)
    move = units("messages.modify") / max(moved + tally.released, 1)
    answer = units("messages.send", "settings.getVacation", "threads.get") / max(tally.challenged, 1)
    prices = {
        "ignored": look,
        "passed": look + read,
        "held": look + read + move,
        "challenged": look + read + move + answer,
    }
    return {name: round(value, 1) for name, value in prices.items()}
