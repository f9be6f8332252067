"""How little a message could cost with the packages this program is made of: its bare steps, measured one by one.

Each step is taken as cheaply as its package lets it be, with nothing checked, logged, counted, leased or kept but what
the step is for (`tests/bench/baseline/floor.py`). Their sum is a floor. `ASKED` is what the product asks of a message
on top, just as bare: tokens checked, what a policy must know, duties that outlive a crash, log lines, the log of
decisions. With it the floor is a limit; what ours takes above that is its own.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from backend.demo.people import free_port
from backend.settings import MODELS
from tests.bench import decisions
from tests.bench.processor import spent
from tests.bench.speed_fixtures import NUMBERS, OURS, Google, letters_like
from tests.bench.speed_measures import ORDINARY, PITCH

STEPS: Mapping[str, Mapping[str, float]] = {
    # A look at once and one after Google's window, in which it drops pushes: without it mail would be lost.
    "ordinary, one a push": {"push": 1, "history": 2, "get": 1, "read": 1, "commit": 3},
    "ordinary, ten a push": {"push": 0.1, "history": 0.2, "get": 1, "read": 1, "commit": 0.3, "row": 1},
    # Our own change is pushed too. What is moved is said before it is done, and its end after.
    "held": {"push": 2, "history": 2, "get": 1, "read a pitch": 1, "modify": 1, "commit": 5},
    # Whether the owner is away, and which addresses are theirs; a sending is said before it is begun.
    "challenged": {
        "push": 2,
        "history": 2,
        "get": 1,
        "read a pitch": 1,
        "modify": 1,
        "ask": 2,
        "send": 1,
        "commit": 7,
    },
}
"""How often each step is taken for a message."""
ASKED: Mapping[str, Mapping[str, float]] = {
    # Looked up: the mailbox by its address and at each look, whether the message is known, its sender's standing, what
    # was agreed with them. Kept: the cursor, the verdict, the second look as a duty and its end. Lines: push, message.
    "ordinary, one a push": {"token": 1, "look": 6, "row": 4, "line": 2, "entry": 1},
    "ordinary, ten a push": {"token": 0.1, "look": 3.3, "row": 1.4, "line": 1.1, "entry": 1},
    # The move as a duty, its end, the message's new state; our own change's push and its look.
    "held": {"token": 2, "look": 9, "row": 8, "line": 4, "entry": 1},
    # The challenge, the sending said before it is begun and its end; limits of answers, an earlier challenge.
    "challenged": {"token": 2, "look": 12, "row": 12, "line": 5, "entry": 1},
}
"""How often, on top, what no step of `STEPS` does."""
LETTERS = 200
PUSHES = 2_000


async def floor(google: Google, folder: Path, mail: Mapping[str, Any]) -> dict[str, Any]:
    """µs of CPU a step, ms a message of each kind without and with what is asked, and how many times the latter ours
    takes in the first scene of `mail`, if it was measured."""
    config = await _mailbox(google)
    path = folder / "floor.json"
    await asyncio.to_thread(path.write_text, json.dumps(config), "utf-8")
    output = await asyncio.to_thread(subprocess.check_output, _command("steps", str(path)))
    entry = await asyncio.to_thread(decisions.of_a_message, 5_000, folder)
    steps: dict[str, float] = {"push": await _pushes(google), **json.loads(output), "entry": entry["all"]}
    ours: Mapping[str, Any] = next(iter(mail.values()), {})
    least, asked = (_summed(steps, table) for table in (STEPS, ASKED))
    limit = {kind: ms + asked[kind] for kind, ms in least.items()}
    return {
        "steps_us": {step: round(us, 1) for step, us in steps.items()},
        "floor_ms": {kind: round(ms, 2) for kind, ms in least.items()},
        "limit_ms": {kind: round(ms, 2) for kind, ms in limit.items()},
        "ours": {kind: round(ours[kind][OURS] / ms, 2) for kind, ms in limit.items() if kind in ours},
    }


def _summed(steps: Mapping[str, float], table: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """ms of CPU a message of each kind."""
    return {kind: sum(steps[step] * n for step, n in taken.items()) / 1e3 for kind, taken in table.items()}


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.bench.baseline.floor", *arguments]


async def _mailbox(google: Google) -> dict[str, Any]:
    """One mailbox with mail in it, and what the steps are taken with."""
    email = f"floor{next(NUMBERS)}@floor.example"
    await google.create(email, "Ana Duarte")
    token = (await google.tokens(email))["access_token"]
    label = await google.api(token, "POST", "labels", {"name": "Floor"})
    kinds = (ORDINARY, LETTERS), (PITCH, 40)
    letters = (letters_like(kind, number, next(NUMBERS)) for kind, number in kinds)
    ids, pitches = [[await google.deliver(letter, email) for letter in some] for some in letters]
    found = [await google.api(token, "GET", f"messages/{one}?format=full") for one in (*ids, *pitches)]
    history = (await google.api(token, "GET", "profile"))["historyId"]
    letter = f"From: {email}\r\nTo: kim@r.example\r\nSubject: Re: yours\r\n\r\n{'A link. ' * 40}\r\n".encode()
    raw = base64.urlsafe_b64encode(letter).decode()
    return {
        "google": google.url,
        "token": token,
        "label": label["id"],
        "history": history,
        "ids": ids,
        "raws": [json.dumps(one) for one in found[:40]],
        "pitches": [json.dumps(one) for one in found[LETTERS:]],
        "answers": [(raw, one["threadId"]) for one in found[:LETTERS]],
        "model": str(MODELS / "pitchgate.onnx"),
    }


async def _pushes(google: Google) -> float:
    """µs of CPU that a bare ASGI application takes for a push."""
    where = f"127.0.0.1:{free_port()}"
    server = await asyncio.to_thread(subprocess.Popen, _command("push", where))
    try:
        body = {
            "message": {"data": base64.b64encode(b"x" * 60).decode(), "messageId": "1"},
            "subscription": "s",
        }
        headers = {"authorization": f"Bearer {'x' * 800}"}
        async with aiohttp.ClientSession() as http:
            end = time.monotonic() + 30
            while True:
                try:
                    await http.get(f"http://{where}/")
                    break
                except aiohttp.ClientError:
                    if time.monotonic() > end:
                        raise
                    await asyncio.sleep(0.1)
            before = spent([server.pid])
            for _ in range(PUSHES):
                async with http.post(f"http://{where}/hooks/gmail", json=body, headers=headers) as answer:
                    assert answer.status == 204
            return 1e6 * (spent([server.pid]) - before) / PUSHES
    finally:
        server.terminate()
        await asyncio.to_thread(server.wait)
