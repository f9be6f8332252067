"""The bare steps of a message, each as cheap as the packages it must be taken with let it be.

python -m tests.bench.baseline.floor push HOST:PORT    an ASGI application that reads a push and answers 204
python -m tests.bench.baseline.floor read MODEL        the other end of `read`: parses, authenticates, reads, scores
python -m tests.bench.baseline.floor steps CONFIG      takes the other steps; one JSON object of µs of CPU
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import os
import resource
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SIZE = struct.Struct("<I")
AT_ONCE = 16
"""Calls under way at a time, as of a server in bulk."""


def push(where: str) -> None:
    """Nothing is checked and nothing is kept."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from backend.starting import quick_loop

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", scope["method"] == "POST"
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        if body:
            json.loads(body)
        await send({"type": "http.response.start", "status": 204 if body else 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    config = Config()
    config.bind, config.accesslog = [where], None
    config.keep_alive_max_requests = 1_000_000
    config.errorlog = logging.getLogger("hypercorn.error")
    with asyncio.Runner(loop_factory=quick_loop()) as runner:
        runner.run(serve(application, config))


def read(model: str) -> None:
    """Length and bytes of Google's answer in; length and a JSON of what a policy needs out."""
    from backend.domain.mail.message import Owner
    from backend.domain.mail.sender import authenticate
    from backend.domain.reading.model_text import model_input as reading
    from backend.domain.reading.model_text import model_text
    from backend.gmail.arrivals import read_message
    from backend.scoring.session import ModelSession

    session = ModelSession.open(Path(model))
    owner = Owner("ana@example.com", "Ana Duarte", frozenset({"ana@example.com"}))
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while size := requests.read(SIZE.size):
        message = read_message(requests.read(*SIZE.unpack(size))).message
        passed = authenticate(message).passed
        score = session.score_alone(model_text(reading(message, owner)))
        sender = message.sender.address
        told = json.dumps([passed, sender, message.subject, message.message_id, score.probability]).encode()
        answers.write(SIZE.pack(len(told)) + told)
        answers.flush()


def used() -> float:
    """µs of CPU of this process and its ended children."""
    whose = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return 1e6 * sum(one.ru_utime + one.ru_stime for one in whose)


async def _calls(config: dict[str, Any]) -> dict[str, float]:
    """By method, over one kept session."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def call(verb: str, path: str, body: bytes | None = None) -> None:
            headers = {"authorization": f"Bearer {config['token']}", "content-type": "application/json"}
            url = f"{config['google']}/gmail/v1/users/me/{path}"
            async with session.request(verb, url, data=body, headers=headers) as answer:
                text = await answer.read()
                assert answer.status == 200, text
                if "format=full" not in path:
                    json.loads(text)

        ids = config["ids"]
        moved = json.dumps({"addLabelIds": [config["label"]], "removeLabelIds": ["INBOX"]}).encode()
        sent = [json.dumps({"raw": raw, "threadId": thread}).encode() for raw, thread in config["answers"]]
        start = f"history?startHistoryId={config['history']}&maxResults=500"
        return {
            "history": await _each([start] * len(ids), lambda path: call("GET", path)),
            "get": await _each(ids, lambda one: call("GET", f"messages/{one}?format=full&alt=json")),
            "ask": await _each(["settings/vacation"] * len(ids), lambda path: call("GET", path)),
            "modify": await _each(ids, lambda one: call("POST", f"messages/{one}/modify", moved)),
            "send": await _each(sent, lambda body: call("POST", "messages/send", body)),
        }


async def _each(things: Sequence[Any], call: Callable[[Any], Awaitable[None]]) -> float:
    left = list(things[AT_ONCE:])

    async def some() -> None:
        while left:
            await call(left.pop())

    await asyncio.gather(*map(call, things[:AT_ONCE]))  # connections, and what is done once
    number, before = len(left), used()
    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return (used() - before) / number


def _read_each(messages: Sequence[str], model: str) -> float:
    """A message handed to a process of its own and back; the CPU of both."""
    raws = [raw.encode() for raw in messages]
    command = [sys.executable, "-m", "tests.bench.baseline.floor", "read", model]

    def hand_over(rounds: int) -> float:
        before = used()
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            for raw in raws * rounds:
                child.stdin.write(SIZE.pack(len(raw)) + raw)
                child.stdin.flush()
                json.loads(child.stdout.read(*SIZE.unpack(child.stdout.read(SIZE.size))))
            child.stdin.close()
        return used() - before

    few, many = hand_over(1), hand_over(9)  # the difference holds no start of a process
    return (many - few) / (8 * len(raws))


def _commits(rows: int, number: int) -> float:
    """One durable commit of so many rows."""
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(Path(folder) / "floor.sqlite3", isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE messages (id TEXT PRIMARY KEY, cursor TEXT, facts TEXT) WITHOUT ROWID")
        before = used()
        for one in range(number):
            database.execute("BEGIN IMMEDIATE")
            for row in range(rows):
                values = (f"{one}-{row}", "1234567", "x" * 600)
                database.execute("INSERT INTO messages VALUES (?, ?, ?)", values)
            database.execute("COMMIT")
        spent = used() - before
        database.close()
    return spent / number


def _looks(number: int) -> float:
    """A row read by its key."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE messages (id TEXT PRIMARY KEY, cursor TEXT, facts TEXT) WITHOUT ROWID")
    rows = [(str(one), "1234567", "x" * 600) for one in range(1_000)]
    database.executemany("INSERT INTO messages VALUES (?, ?, ?)", rows)
    before = used()
    for one in range(number):
        database.execute("SELECT cursor, facts FROM messages WHERE id = ?", (str(one % 1_000),)).fetchone()
    return (used() - before) / number


def _tokens(number: int) -> float:
    """A push's token against one whose signature was verified before: its digest, times and claims, and a limit."""
    token, now, pushes = "x" * 800, time.time(), dict.fromkeys(map(str, range(100)), 0)
    digest = hashlib.sha256(token.encode()).digest()
    claims = {
        "exp": now + 3_600,
        "iat": now,
        "aud": "https://a.example",
        "email": "p@a.example",
        "iss": "google",
    }
    kept, wanted = {digest: claims}, ("https://a.example", "p@a.example", "google")
    before = used()
    for one in range(number):
        found = kept[hashlib.sha256(token.encode()).digest()]
        asked = (found["aud"], found["email"], found["iss"])
        assert all(map(hmac.compare_digest, asked, wanted))
        assert found["iat"] <= time.time() < found["exp"]
        pushes[str(one % 100)] += 1
    return (used() - before) / number


def _lines(number: int) -> float:
    """A line of JSON that tells what was done, written at once."""
    with open(os.devnull, "wb", buffering=0) as log:
        before = used()
        for one in range(number):
            line = {
                "event": "job_done",
                "level": "info",
                "mailbox": "ana@corp.example",
                "message": f"{one:016x}",
            }
            line |= {"job": "screen", "ms": 5.6, "timestamp": datetime.now(UTC).isoformat(), "attempt": 1}
            log.write(json.dumps(line).encode() + b"\n")
    return (used() - before) / number


def steps(config: dict[str, Any]) -> dict[str, float]:
    """µs of CPU a step."""
    from backend.starting import quick_loop

    with asyncio.Runner(loop_factory=quick_loop()) as runner:
        found = runner.run(_calls(config))
    one, ten = _commits(1, 1_000), _commits(10, 500)
    found |= {"read": _read_each(config["raws"], config["model"])}
    found |= {
        "read a pitch": _read_each(config["pitches"], config["model"]),
        "commit": one,
        "row": max(0.0, (ten - one) / 9),
    }
    found |= {"look": _looks(20_000), "token": _tokens(20_000), "line": _lines(20_000)}
    return found


if __name__ == "__main__":
    what, argument = sys.argv[1:]
    if what == "steps":
        print(json.dumps(steps(json.loads(Path(argument).read_text("utf-8")))))
    else:
        {"push": push, "read": read}[what](argument)
