"""Who is measured: our server and the two baselines, each a real process on the same local Google."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK
from pydantic import SecretStr

from backend.demo.letters import Letter
from backend.demo.people import Process, Sandbox, free_port, until_ready
from backend.domain.mailbox.mailbox import Mode, Preferences
from backend.domain.mailbox.message import HELD
from backend.settings import GMAIL_MODIFY
from backend.store.opening import open_store
from backend.transactions.records import NewMailbox
from backend.vault import MultiFernetVault
from tests import postgres_server
from tests.bench.baseline.stores import KeptStore, TinyStore
from tests.bench.processor import descendants, held, spent
from tests.bench.store_rows import NAMES, fill
from tests.contract.store.stories import Story, owning

PROJECT, CLIENT, SECRET = "bench", "bench.apps.example", "bench-secret"
PUSH_ACCOUNT = "push@bench.iam.gserviceaccount.com"
OURS, ARTICLE, KEPT = "ours", "article", "kept"
DOMAINS = {OURS: "ours.example", ARTICLE: "article.example", KEPT: "kept.example"}
NUMBERS = count(1)


@dataclass(frozen=True)
class Scene:
    """What is there before the measure: old messages, mailboxes, and which database ours stands on."""

    rows: int = 1_000
    mailboxes: int = 100
    database: str = "file"

    def __str__(self) -> str:
        boxes = "1 mailbox" if self.mailboxes == 1 else f"{self.mailboxes:,} mailboxes"
        return f"{boxes}, {self.rows:,} rows, {self.database}"


class Google(Sandbox):
    """The sandbox, with what a measurement asks of it."""

    async def certs(self) -> dict[str, str]:
        """The keys that sign pushes, as google-auth's own check wants them: PEM by id."""
        keys = (await self._call("GET", "/oauth2/v3/certs"))["keys"]
        form = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return {key["kid"]: PyJWK(key).key.public_bytes(*form).decode() for key in keys}

    async def subscribe(self, name: str, endpoint: str) -> None:
        """A topic of its own for a house, pushed to `endpoint`."""
        topic = f"projects/{PROJECT}/topics/{name}"
        await self._call("PUT", "/sandbox/topics", {"name": topic})
        token = {"serviceAccountEmail": PUSH_ACCOUNT, "audience": endpoint}
        push = {"pushEndpoint": endpoint, "oidcToken": token}
        await self._call(
            "PUT", f"/v1/projects/{PROJECT}/subscriptions/{name}", {"topic": topic, "pushConfig": push}
        )

    async def tokens(self, account: str) -> dict[str, Any]:
        """Access and refresh token without the consent page."""
        data = {"account": account, "scopes": [GMAIL_MODIFY], "client_id": CLIENT}
        return await self._call("POST", "/sandbox/tokens", data)

    async def api(self, token: str, method: str, path: str, data: Any = None) -> dict[str, Any]:
        """One call of Gmail's API as an owner's program makes it."""
        url = f"{self.url}/gmail/v1/users/me/{path}"
        headers = {"Authorization": f"Bearer {token}"}
        async with self._http.request(method, url, json=data, headers=headers) as answer:
            found: dict[str, Any] = await answer.json(content_type=None)
            assert answer.status == 200, found
            return found

    async def knobs(self, **values: Any) -> None:
        """Turn knobs of the sandbox."""
        await self._call("PUT", "/sandbox/settings", values)

    async def reset_meter(self) -> None:
        """Count from zero."""
        await self._call("POST", "/sandbox/meter/reset", {})

    async def calls(self, domain: str, method: str) -> int:
        """How often `method` was called for mailboxes of a domain since the last reset."""
        report = await self._call("GET", "/sandbox/meter")
        found = (box for email, box in report["mailboxes"].items() if email.endswith(f"@{domain}"))
        return sum(box["methods"].get(f"gmail.users.{method}", {"calls": 0})["calls"] for box in found)

    async def units(self, domain: str) -> int:
        """Quota units spent for mailboxes of a domain since the last reset."""
        report = await self._call("GET", "/sandbox/meter")
        return sum(box["units"] for email, box in report["mailboxes"].items() if email.endswith(f"@{domain}"))

    async def labelled(self, mailbox: str, label: str) -> list[str]:
        """Ids of the messages that carry a label."""
        response = await self._call("GET", f"/sandbox/mailboxes/{mailbox}/messages?label={label}")
        return [message["id"] for message in response["messages"]]

    async def until_labelled(self, mailbox: str, gmail_id: str, label: str) -> float | None:
        """Milliseconds from a message's arrival to its label, by Google's own clock; None while it has none."""
        message = await self._call("GET", f"/sandbox/mailboxes/{mailbox}/messages/{gmail_id}")
        came, *later = message["changes"]
        return next((change["at"] - came["at"] for change in later if label in change["labels"]), None)


@dataclass
class Fixture:
    """One server and its mailboxes: `quiet` ones hold without answering, `open_` ones challenge."""

    kind: str
    folder: Path
    process: Process
    url: str
    quiet: list[str]
    open_: list[str]
    started: dict[str, float] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        """Of its mailboxes."""
        return self.quiet[0].partition("@")[2]

    def cpu(self) -> float:
        """Seconds of CPU the process and all its children have used."""
        return spent(descendants(self.process.pid))

    def resident(self) -> float:
        """Megabytes it holds, children included."""
        return held(descendants(self.process.pid))

    async def start(self, http: aiohttp.ClientSession) -> None:
        """Start the process; how long until it answers, and what it has used by then."""
        began = time.monotonic()
        await self.process.start()
        await until_ready(http, f"{self.url}/readyz", self.process)
        self.started = {
            "seconds": round(time.monotonic() - began, 2),
            "cpu_s": round(self.cpu(), 2),
            "resident_mb": round(self.resident(), 1),
        }


async def make_fixture(
    kind: str,
    scene: Scene,
    google: Google,
    folder: Path,
    model: Path,
    server: postgres_server.Server | None = None,
    jwks: str = "",
    program: str = "backend",
    environment: Mapping[str, str] | None = None,
) -> Fixture:
    """A server with its mailboxes in Google and in its own store, not started yet. `jwks`: where ours finds the keys
    of pushes, if not at Google's. `program`: the module that ours is started by, with more of an `environment`."""
    number = next(NUMBERS)
    name, port = f"{kind}{number}", free_port()
    url, domain = f"http://127.0.0.1:{port}", f"n{number}.{DOMAINS[kind]}"
    folder = folder / name
    folder.mkdir(parents=True)
    await google.subscribe(name, f"{url}/hooks/gmail")
    quiet = [f"q{n}@{domain}" for n in range(scene.mailboxes)]
    open_ = [f"c{n}@{domain}" for n in range(min(scene.mailboxes, 50))]
    if kind == OURS:
        settings = await _ours(name, url, folder, google, quiet, open_, scene, server, jwks)
        settings |= environment or {}
        process = Process(name, [program, "serve"], settings, folder / "server.log")
    else:
        process = await _baseline(name, kind, url, folder, google, quiet, open_, scene, model)
    return Fixture(kind, folder, process, url, quiet, open_)


async def _ours(
    name: str, url: str, folder: Path, google: Google, quiet: Sequence[str], open_: Sequence[str],
    scene: Scene, server: postgres_server.Server | None, jwks: str,
) -> dict[str, str]:  # fmt: skip
    """Its mailboxes, in Google and in its store; its environment."""
    key = Fernet.generate_key().decode()
    path = folder / "pitchgate.sqlite3"
    where = server.address if server else str(path)
    vault = MultiFernetVault([SecretStr(key)])
    store = open_store(where)
    await store.open()
    story = Story(store)
    async with owning(store):
        for old in NAMES:
            await story.mailbox(old)
    await fill("postgres" if server else "sqlite", where, scene.rows, story.now)
    now = datetime.now(UTC) - timedelta(minutes=1)
    for email in (*quiet, *open_):
        await google.create(email, "Ana Duarte")
        tokens = await google.tokens(email)
        mode = Mode.QUARANTINE if email in quiet else Mode.CHALLENGE
        wishes = Preferences(mode=mode, daily_challenges=200)
        sealed = vault.seal(tokens["refresh_token"])
        new = NewMailbox(email, email, email, "Ana Duarte", sealed, frozenset({GMAIL_MODIFY}), wishes)
        await store.connect(new, now)
    await store.close()
    settings = {
        "PUBLIC_URL": url,
        "BIND": url.removeprefix("http://"),
        "STATE_DIR": str(folder),
        "DATABASE_URL": server.address if server else "",
        "SECRET_KEYS": key,
        "CLIENT_ID": CLIENT,
        "CLIENT_SECRET": SECRET,
        "TOKEN_URL": f"{google.url}/token",
        "JWKS_URL": jwks or f"{google.url}/oauth2/v3/certs",
        "GMAIL_URL": google.url,
        "TOPIC": f"projects/{PROJECT}/topics/{name}",
        "SUBSCRIPTION": f"projects/{PROJECT}/subscriptions/{name}",
        "PUSH_ACCOUNT": PUSH_ACCOUNT,
        "QUOTA_PER_USER_MINUTE": "600000",  # one mailbox must take what a hundred do
        "LOG_JSON": "true",
    }
    return {f"PITCHGATE_{key}": value for key, value in settings.items()}


async def _baseline(
    name: str, kind: str, url: str, folder: Path, google: Google, quiet: Sequence[str], open_: Sequence[str],
    scene: Scene, model: Path,
) -> Process:  # fmt: skip
    users = []
    for email in (*quiet, *open_):
        await google.create(email, "Ana Duarte")
        tokens = await google.tokens(email)
        token = tokens["access_token"]
        await google.api(token, "POST", "labels", {"name": "Pitchgate"})
        label = await google.api(token, "POST", "labels", {"name": HELD})
        watch = await google.api(token, "POST", "watch", {"topicName": f"projects/{PROJECT}/topics/{name}"})
        users.append(
            {
                "email": email,
                "access_token": token,
                "refresh_token": tokens["refresh_token"],
                "history_id": str(watch["historyId"]),
                "label": label["id"],
                "mode": "quarantine" if email in quiet else "challenge",
            }
        )
    database = folder / "baseline.db"
    (KeptStore if kind == KEPT else TinyStore)(str(database)).add_users(users, scene.rows)
    config = {
        "kind": kind,
        "model": str(model),
        "database": str(database),
        "google": google.url,
        "token_url": f"{google.url}/token",
        "certs": await google.certs(),
        "client_id": CLIENT,
        "client_secret": SECRET,
        "audience": f"{url}/hooks/gmail",
        "push_account": PUSH_ACCOUNT,
        "url": url,
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    arguments = ["gunicorn", "--threads", "8", "--keep-alive", "30", "--bind", url.removeprefix("http://")]
    environment = {"BASELINE_CONFIG": str(folder / "config.json"), "OMP_NUM_THREADS": "1"}
    return Process(name, [*arguments, "tests.bench.baseline.app:app"], environment, folder / "server.log")


@dataclass(frozen=True)
class Bare:
    """The bare Quart route, in a process of its own."""

    process: subprocess.Popen[bytes]
    url: str

    def cpu(self) -> float:
        """Seconds of CPU used."""
        return spent([self.process.pid])


def bare(*file: str) -> Bare:
    """Start it; with a file it keeps each push there."""
    where = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "tests.bench.baseline.bare", where, *file]
    return Bare(subprocess.Popen(command, env={**os.environ}), f"http://{where}")


def letters_like(kind: Letter | Sequence[Letter], number: int, run: int) -> list[Letter]:
    """`number` letters of that making, each from a stranger of their own."""
    some = [kind] if isinstance(kind, Letter) else list(kind)
    return [_from_stranger(some[n % len(some)], run, n) for n in range(number)]


def _from_stranger(letter: Letter, run: int, number: int) -> Letter:
    sender = f"Kim Stranger <kim{number}@r{run}s{number}.example>"
    return Letter(letter.kind, sender, letter.subject, letter.text)


def sandbox_arguments(knobs: Mapping[str, str]) -> list[str]:
    """The one Google of a run."""
    return [
        *("backend.sandbox", "--port", "0", "--seed", "1", "--client-id", CLIENT, "--client-secret", SECRET),
        *("--app", "", "--project", PROJECT, "--topic", "unused", "--push-mode", "max_in_flight=64"),
        *(part for name, value in knobs.items() for part in ("--set", f"{name}={value}")),
    ]
