"""What made `kept.json` and `database.sql` beside it, run by the program of release 0.1.0 itself, not by today's:

    git worktree add /tmp/0.1.0 9953a85
    make -C /tmp/0.1.0 setup
    cp tests/journeys/from_0_1_0/make.py /tmp/0.1.0/
    cd /tmp/0.1.0 && .venv/bin/python make.py OUT_FOLDER

The sandbox, the server and all mail are 0.1.0's demo (backend/demo/letters.json): no person is in it. The key and the
tokens open nothing but these rows.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from backend.demo.salesperson import Salesperson
from backend.ports.devices import NewDevice, OneTimeCode, Purpose, Scope
from backend.system.clock import SystemClock
from backend.system.vault import MultiFernetVault, SecretStr

from backend.demo.letters import OWNER, Letter, letters
from backend.demo.play import Options, Stage, _jobs_left, stage
from backend.domain.challenge import token_hash
from backend.store import open_store

SAM, MIRA, TOM = [letter for letter in letters() if letter.local]
OTHERS = {letter.kind: letter for letter in letters() if not letter.local}


async def until(look: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(120):
        while not await look():  # noqa: ASYNC110 - of other processes
            await asyncio.sleep(0.3)


class Story:
    """What happened in the mailbox while 0.1.0 ran it."""

    def __init__(self, running: Stage) -> None:
        self.running = running
        self.database = running.options.folder / "state" / "pitchgate.sqlite3"
        self.api = f"{running.server_url}/api/v1"

    async def comes(self, letter: Letter, subject: str = "") -> str:
        await self.running.deliver(replace(letter, subject=subject or letter.subject))
        return self.running.delivered[-1]

    async def quiet(self) -> None:
        calm = 0

        async def look() -> bool:
            nonlocal calm
            busy = await self.running.sandbox.pushes_pending() or await _jobs_left(self.running)
            calm = 0 if busy else calm + 1
            return calm > 4

        await until(look)

    async def tray(self) -> str:
        """A computer is let in; its token."""
        store, token, now = open_store(self.database), secrets.token_urlsafe(32), SystemClock().now()
        await store.open()
        mailbox = await store.mailbox_by_email(OWNER)
        code = OneTimeCode(
            token_hash(token), mailbox.id, Purpose.DEVICE, "x", now + timedelta(seconds=9), "laptop"
        )
        await store.add_code(code, now)
        await store.exchange(
            token_hash(token),
            "x",
            NewDevice(secrets.token_hex(8), token_hash(token), frozenset(Scope)),
            now,
        )
        await store.close()
        return token

    async def call(self, method: str, path: str, token: str, body: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        async with self.running.http.request(
            method, f"{self.api}/{path}", json=body, headers=headers
        ) as answer:
            assert answer.status == 200, await answer.text()

    async def decide(self, token: str, gmail_id: str, decision: str) -> None:
        key = hashlib.sha256(gmail_id.encode()).hexdigest()[:24]
        await self.call(
            "POST", "corrections", token, {"key": key, "gmail_id": gmail_id, "decision": decision}
        )

    async def mailbox(self, address: str) -> dict[str, Any]:
        async with self.running.http.get(f"{self.running.sandbox.url}/sandbox/mailboxes/{address}") as answer:
            return dict(await answer.json())


async def tell(folder: Path) -> dict[str, Any]:
    async with stage(Options(folder=folder), print) as running:
        story = Story(running)
        await asyncio.sleep(3)
        await story.quiet()
        token = await story.tray()
        ids = {kind: await story.comes(OTHERS[kind]) for kind in ("customer", "receipt", "correspondent")}
        ids["solved"] = await story.comes(SAM)
        ids["open"] = await story.comes(MIRA)
        ids["blocked"] = await story.comes(TOM)
        pitches = [letter for letter in letters() if letter.kind == "pitch" and not letter.local]
        ids["allowed"] = await story.comes(pitches[0])
        ids["waits"] = await story.comes(pitches[1])
        await story.quiet()
        sam = Salesperson(SAM.address)
        await sam.look(running.sandbox)
        assert await sam.answer(running.http) == 1
        await story.quiet()
        ids["on credit"] = await story.comes(SAM, "One more thing")
        ids["open too"] = await story.comes(MIRA, "Did you see my note?")
        await story.decide(token, ids["blocked"], "block")
        await story.decide(token, ids["allowed"], "allow")
        await story.call("PATCH", "preferences", token, {"strictness": "strict"})
        await story.quiet()
        mira = Salesperson(MIRA.address)
        await mira.look(running.sandbox)
        owner = await story.mailbox(OWNER)
        (cookie,) = [c for c in running.http.cookie_jar if "session" in c.key or "sid" in c.key] or [None]
        kept = {
            "ids": ids,
            "link": mira.links[0].removeprefix(running.server_url),
            "solved_link": sam.links[0].removeprefix(running.server_url),
            "tray_token": token,
            "cookie": [cookie.key, cookie.value] if cookie else None,
            "owner": {name: owner[name] for name in ("email", "name", "sub")},
            "labels": owner["userLabels"],
            "settings": {
                name: value
                for name, value in running.server._environment.items()
                if name.startswith("PITCHGATE_CLIENT_")
            },
            "messages": [
                {
                    "id": mail["id"],
                    "threadId": mail["threadId"],
                    "labels": mail["labels"],
                    "internal_date": mail["internalDate"],
                    "raw": mail["raw"],
                }
                for mail in reversed(await running.sandbox.messages(OWNER))
            ],
        }
    kept["made_at"] = int(time.time())
    kept["secret_key"] = (folder / "state" / "secret.keys").read_text().strip()
    return kept


def main(out: Path) -> None:
    folder = out / "play"
    kept = asyncio.run(tell(folder))
    database = sqlite3.connect(folder / "state" / "pitchgate.sqlite3")
    (sealed,) = database.execute("SELECT sealed_token FROM mailboxes").fetchone()
    kept["refresh_token"] = MultiFernetVault([SecretStr(kept["secret_key"])]).open(sealed)
    (version,) = database.execute("PRAGMA user_version").fetchone()
    dump = [*database.iterdump()]
    dump.insert(-1, f"PRAGMA user_version = {version};")
    (out / "database.sql").write_text("\n".join(dump) + "\n", encoding="utf-8")
    (out / "kept.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
