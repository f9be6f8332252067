"""Pushes by wrk: our route, token checked and notice durable, against the bare Quart route, in turns with one that
keeps each push and does nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from backend.sandbox.mail.compose import encode_data
from backend.sandbox.oauth.tokens import SigningKey
from backend.sandbox.pubsub import PushModes, PushTokens, read_subscription
from tests.bench.speed_fixtures import PUSH_ACCOUNT

CONNECTIONS = (1, 16, 64, 256)
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}

SCRIPT = """
local id, n = 0, 0
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %(token)s"}
local body = '{"message":{"data":"%(data)s","messageId":"%%d-%%d"},"subscription":"%(subscription)s"}'
function init(args) id = os.time() end
function request()
  n = n + 1
  return wrk.format("POST", "/hooks/gmail", headers, string.format(body, id, n))
end
"""


class Server(Protocol):
    """What is loaded."""

    @property
    def url(self) -> str:
        """Where it listens."""

    def cpu(self) -> float:
        """Seconds of CPU used."""


def token_for(keys: SigningKey, url: str, name: str) -> str:
    """What Pub/Sub would sign for pushes to `url`."""
    endpoint = f"{url}/hooks/gmail"
    oidc = {"serviceAccountEmail": PUSH_ACCOUNT, "audience": endpoint}
    body = {"topic": "projects/bench/topics/t", "pushConfig": {"pushEndpoint": endpoint, "oidcToken": oidc}}
    token = PushTokens(keys).token(read_subscription(name, body), PushModes(), time.time())
    assert token is not None
    return token


def script(folder: Path, token: str, subscription: str, email: str, history_id: int) -> Path:
    """The wrk script that sends a new push each time."""
    fields = json.dumps({"emailAddress": email, "historyId": history_id}).encode()
    path = folder / "push.lua"
    values = {"data": encode_data(fields), "subscription": subscription, "token": token}
    path.write_text(SCRIPT % values, "utf-8")
    return path


def load(server: Server, lua: Path, connections: int, seconds: int) -> dict[str, float]:
    """Rate, p99 in ms, CPU in µs a push. Raises if any answer was not 2xx."""
    before = server.cpu()
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(lua), server.url]
    result = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = server.cpu() - before
    found = re.search(r"(\d+) requests in", result)
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", result)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", result)
    if not (found and tail and rate) or "Non-2xx" in result:
        raise RuntimeError(f"wrk: {result}")
    return {
        "rate": float(rate[1]),
        "p99_ms": float(tail[1]) * UNITS[tail[2]],
        "cpu_us": 1e6 * used / int(found[1]),
    }


def turns(servers: Mapping[str, Server], lua: Path, seconds: int, rounds: int) -> dict[str, dict[str, Any]]:
    """All in turns at each number of connections: medians, and ours over the bare route's. The one that is `kept`, each
    push in a commit of its own, at one connection only: pushes that come together may share a commit."""
    if shutil.which("wrk") is None:
        raise RuntimeError("wrk is not here; as root: apt-get install wrk")
    for server in servers.values():
        load(server, lua, 16, 1)
    report: dict[str, dict[str, Any]] = {}
    for connections in CONNECTIONS:
        names = [name for name in servers if name != "kept" or connections == 1]
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                runs[name].append(load(servers[name], lua, connections, seconds))
        middle = {
            name: {key: round(median(run[key] for run in some), 3) for key in some[0]}
            for name, some in runs.items()
        }
        report[str(connections)] = {
            **middle,
            "rate_ratio": round(middle["ours"]["rate"] / middle["bare"]["rate"], 2),
            "p99_ratio": round(middle["ours"]["p99_ms"] / middle["bare"]["p99_ms"], 1),
        }
    return report
