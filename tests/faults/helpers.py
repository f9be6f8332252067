"""What both fault houses stand on: how the sandbox and a backend are started, when all is at rest, who answers."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import aiohttp

from backend.demo.people import Salesperson
from backend.domain.errors import PitchgateError
from backend.transactions.store import Store
from tests.faults.google import FaultySandbox

Tell = Callable[[str], None]


def sandbox_arguments(name: str, seed: int, server_url: str, *knobs: str) -> list[str]:
    """The command line of a sandbox for one backend, whose OAuth client and project are named after `name`."""
    return [
        *("backend.sandbox", "--port", "0", "--seed", str(seed)),
        *("--client-id", name, "--client-secret", f"{name}-secret"),
        *("--redirect-uri", f"{server_url}/connect/callback"),
        *("--project", project(name), "--topic", "gmail", "--subscription", "gmail-push"),
        *("--push-endpoint", f"{server_url}/hooks/gmail", "--push-account", _push_account(name)),
        *("--push-mode", "backoff_max=1"),
        *(part for knob in knobs for part in ("--set", knob)),
    ]


def environment(
    name: str, folder: Path, server_url: str, google: str, own: Mapping[str, Any]
) -> dict[str, str]:
    """Settings of a backend that serves `server_url` and believes in that sandbox; `own` are the house's, on top."""
    settings: dict[str, Any] = {
        "PUBLIC_URL": server_url,
        "STATE_DIR": folder / "state",
        "CLIENT_ID": name,
        "CLIENT_SECRET": f"{name}-secret",
        "AUTHORIZE_URL": f"{google}/o/oauth2/v2/auth",
        "TOKEN_URL": f"{google}/token",
        "REVOKE_URL": f"{google}/revoke",
        "JWKS_URL": f"{google}/oauth2/v3/certs",
        "GMAIL_URL": google,
        "TOPIC": f"projects/{project(name)}/topics/gmail",
        "SUBSCRIPTION": f"projects/{project(name)}/subscriptions/gmail-push",
        "PUSH_ACCOUNT": _push_account(name),
        "DEFAULT_MODE": "challenge",
        "CAPTCHA_COST": "10",
        "SWEEP_INTERVAL": "4",
        "QUOTA_PER_USER_MINUTE": "240000",
        "LOG_JSON": "true",
    }
    return {f"PITCHGATE_{key}": str(value) for key, value in (settings | dict(own)).items()}


def project(name: str) -> str:
    """The Cloud project of the house `name`."""
    return f"pitchgate-{name}"


def _push_account(name: str) -> str:
    return f"push@{project(name)}.iam.gserviceaccount.com"


async def work_left(store: Store, sandbox: FaultySandbox) -> str:
    """What the jobs and the pushes still have to do, in words; "" if nothing."""
    census = await store.census()
    stages = {k: n for k, n in census.items() if k.startswith("stages.") and k != "stages.ended"}
    if sum(stages.values()) > census.get("dead_letters", 0):
        return f"stages {stages}"
    return "pushes pending" if await sandbox.pushes_pending() else ""


async def come_to_rest(
    unrest: Callable[[], Awaitable[str]], looks: int, seconds: float, logs: Path, pause: float = 0.3
) -> None:
    """Wait until `unrest` has nothing to say, `looks` times in a row; while it has, it is asked again after `pause`.
    Raises `PitchgateError` naming what does not end within `seconds`."""
    calm, end = 0, time.monotonic() + seconds
    while calm < looks:
        why = await unrest()
        calm = 0 if why else calm + 1
        if time.monotonic() > end:
            raise PitchgateError(f"It did not come to rest: {why} See the logs in {logs}")
        await asyncio.sleep(0.3 if calm else pause)


async def answer_challenges(
    people: Sequence[Salesperson], sandbox: FaultySandbox, http: aiohttp.ClientSession
) -> int:
    """Every seller looks into their mailbox and solves what they find; how many were let in now."""
    solved = 0
    for person in people:
        await person.look(sandbox)
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            solved += await person.answer(http)
    return solved


def all_answered(people: Sequence[Salesperson]) -> bool:
    """Whether every challenge that was found has been solved."""
    return all(set(person.links) <= set(person.solved) for person in people)


def arguments(description: str | None, scales: Mapping[str, object]) -> argparse.Namespace:
    """The command line of a journey: `seed`, `scale` (a key of `scales`) and `keep`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", choices=sorted(scales), default="full")
    parser.add_argument("--keep", type=Path, help="folder to keep logs and state in")
    return parser.parse_args()


def tell(text: str) -> None:
    """How it goes, beside the result on stdout."""
    print(text, file=sys.stderr, flush=True)


def conclude(result: Mapping[str, Any], *, clean: bool) -> NoReturn:
    """The result as the last line, the exit status as its judgement."""
    print(json.dumps(result))
    sys.exit(0 if clean else 1)
