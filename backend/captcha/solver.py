"""Solves the task of the captcha page as the page does: for scripted clients, tests and measurements."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from backend.domain.errors import Refused

MAX_STEPS = 64_000
MAX_COST = 1_000_000


def solve(task: dict[str, Any]) -> str:
    """The answer to a public task (the JSON of /c/<token>/task), ready to be posted as `payload`.

    Pure, and busy for some tenths of a second of processor time at factor 1, so call it in a thread. Raises
    `Refused` (captcha_malformed) for a task that is none, is beyond the bounds here or has no solution.
    """
    try:
        parameters = task["parameters"]
        nonce, salt = bytes.fromhex(parameters["nonce"]), bytes.fromhex(parameters["salt"])
        prefix = bytes.fromhex(parameters["keyPrefix"])
        cost, length = int(parameters["cost"]), int(parameters["keyLength"])
        ceiling = int(parameters["data"]["ceiling"])
        understood = parameters["algorithm"] == "PBKDF2/SHA-256" and 0 < length <= 64
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("captcha_malformed.task") from error
    if not understood or not 0 < cost <= MAX_COST or not 0 < ceiling <= MAX_STEPS:
        raise Refused("captcha_malformed.task")
    for counter in range(ceiling):
        key = hashlib.pbkdf2_hmac("sha256", nonce + counter.to_bytes(4, "big"), salt, cost, length)
        if key.startswith(prefix):
            answer = {"challenge": task, "solution": {"counter": counter, "derivedKey": key.hex()}}
            return base64.b64encode(json.dumps(answer).encode()).decode()
    raise Refused("captcha_malformed.task")
