"""Our way to Gmail against google-api-python-client's own: calls a second and client CPU per call.

    python -m tests.bench.gmail_client [--calls N] [--rounds N]

Both build the same request from the same discovery document and read the same gzip answer (a message's
headers) from one fake server in a process of its own on this machine. "library" executes it with httplib2 in
threads, each with a connection and credentials of its own, as its documentation asks for. "ours" is the
executor below the ports, quota and access tokens included; "ours, parsed" goes on to the domain's message.
Rounds alternate; the median counts. The last line is one JSON object. There is no TLS on the way, which
costs both the same bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import resources

import google_auth_httplib2
import httplib2
from aiohttp import web
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document

from backend.gmail.arrivals import arrival
from backend.gmail.client import open_google
from backend.settings import Settings
from backend.system import SystemClock

HEADERS = "From To Subject Date Message-ID List-Id Auto-Submitted Authentication-Results".split()
MESSAGE = {
    "id": "19a3c0ffee000001",
    "threadId": "19a3c0ffee000001",
    "labelIds": ["UNREAD", "IMPORTANT", "CATEGORY_PERSONAL", "INBOX"],
    "snippet": "Could you send the signed form back to us before the end of the week",
    "historyId": "884230",
    "internalDate": "1796130302000",
    "sizeEstimate": 5312,
    "payload": {
        "partId": "",
        "mimeType": "multipart/alternative",
        "filename": "",
        "headers": [
            {"name": name, "value": f"{name.lower()} value {'x' * 90} <bo@ext.test>"} for name in HEADERS
        ],
        "body": {"size": 0},
    },
}


@dataclass(frozen=True)
class Measure:
    """One way at one width. CPU in microseconds a call, of the client's process only."""

    calls_per_second: float
    cpu_us: float


class NoKeeper:
    async def refresh_token(self, mailbox_id: str) -> str | None:
        return "refresh"

    async def replace_refresh_token(self, mailbox_id: str, old: str, new: str) -> None:
        return None

    async def grant_ends(self, mailbox_id: str, token: str, at: datetime) -> None:
        return None


def serve() -> None:
    """The fake server: one answer to everything below /gmail, a token to everybody. Ends with its parent's pipe."""
    packed = gzip.compress(json.dumps(MESSAGE).encode(), 6)
    token = {"access_token": "a", "expires_in": 3599, "token_type": "Bearer"}

    async def message(_: web.Request) -> web.Response:
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json; charset=UTF-8"}
        return web.Response(body=packed, headers=headers)

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/gmail/{tail:.*}", message)
        app.router.add_post("/token", lambda _: asyncio.sleep(0, web.json_response(token)))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await runner.cleanup()

    asyncio.run(run())


@contextmanager
def server() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.gmail_client", "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def timed(calls: int, run: Callable[[], None]) -> Measure:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measure(calls / wall, cpu / calls * 1e6)


def library(root: str, width: int, calls: int) -> Measure:
    """google-api-python-client as it comes: one Resource, a thread and an authorized Http for each task."""
    document = json.loads(
        resources.files("googleapiclient").joinpath("discovery_cache/documents/gmail.v1.json").read_text()
    )
    document["rootUrl"] = document["baseUrl"] = f"{root}/"
    document.pop("mtlsRootUrl", None)
    messages = build_from_document(document, http=httplib2.Http()).users().messages()
    https = [
        google_auth_httplib2.AuthorizedHttp(Credentials("a"), http=httplib2.Http(timeout=20))
        for _ in range(width)
    ]

    def one(http: google_auth_httplib2.AuthorizedHttp, number: int) -> None:
        for _ in range(number):
            found = messages.get(userId="me", id="a1", format="metadata", metadataHeaders=HEADERS).execute(
                http=http
            )
            assert found["id"] == MESSAGE["id"]

    for http in https:
        one(http, 5)  # connections open, caches warm

    def run() -> None:
        threads = [threading.Thread(target=one, args=(http, calls // width)) for http in https]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return timed(calls // width * width, run)


async def ours(root: str, width: int, calls: int, parsed: bool) -> Measure:
    """The adapter; `parsed` includes the way to an `Arrival`."""
    settings = Settings(
        gmail_url=root,
        token_url=f"{root}/token",
        quota_per_user_minute=1_000_000_000,
        quota_per_project_minute=1_000_000_000,
        requests_in_flight=50,
    )
    async with open_google(settings, NoKeeper(), SystemClock()) as google:
        executor, requests = google._executor, google.gmail._requests

        async def plain() -> None:
            found = await executor.run("m", requests.message_headers("a1", HEADERS))
            assert found["id"] == MESSAGE["id"]

        async def whole() -> None:
            found = arrival(await executor.run("m", requests.message_headers("a1", HEADERS)))
            assert found.gmail_id == MESSAGE["id"]

        async def repeat(call: Callable[[], Awaitable[None]], number: int) -> None:
            for _ in range(number):
                await call()

        call = whole if parsed else plain
        await asyncio.gather(*(repeat(call, 5) for _ in range(width)))
        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(repeat(call, calls // width) for _ in range(width)))
        done = calls // width * width
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return Measure(done / wall, cpu / done * 1e6)


def median(measures: list[Measure]) -> Measure:
    return Measure(
        statistics.median(m.calls_per_second for m in measures), statistics.median(m.cpu_us for m in measures)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=2_000, help="calls per way, width and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve()
    report: dict[str, dict[str, dict[str, float]]] = {}
    print(
        f"{'way':<14}{'at once':>8}{'calls/s':>10}{'CPU µs/call':>13}   {options.calls} calls, {options.rounds} rounds"
    )
    with server() as root:
        for width in (1, 8, 32):
            found: dict[str, list[Measure]] = {"library": [], "ours": [], "ours, parsed": []}
            for _ in range(options.rounds):
                found["library"].append(library(root, width, options.calls))
                found["ours"].append(asyncio.run(ours(root, width, options.calls, parsed=False)))
                found["ours, parsed"].append(asyncio.run(ours(root, width, options.calls, parsed=True)))
            middle = {way: median(measures) for way, measures in found.items()}
            for way, measure in middle.items():
                print(f"{way:<14}{width:>8}{measure.calls_per_second:>10,.0f}{measure.cpu_us:>13,.0f}")
            report[str(width)] = {
                "library_calls_s": round(middle["library"].calls_per_second),
                "library_cpu_us": round(middle["library"].cpu_us, 1),
                "ours_calls_s": round(middle["ours"].calls_per_second),
                "ours_cpu_us": round(middle["ours"].cpu_us, 1),
                "ours_parsed_cpu_us": round(middle["ours, parsed"].cpu_us, 1),
                "calls_ratio": round(middle["ours"].calls_per_second / middle["library"].calls_per_second, 2),
                "cpu_ratio": round(middle["library"].cpu_us / middle["ours"].cpu_us, 2),
            }
            ratio = report[str(width)]
            print(
                f"  at {width}: {ratio['calls_ratio']} times the calls a second, 1/{ratio['cpu_ratio']} of the CPU"
            )
    print(
        json.dumps(
            {"bench": "gmail_client", "calls": options.calls, "rounds": options.rounds, "at_once": report}
        )
    )
    return None


if __name__ == "__main__":
    main()
