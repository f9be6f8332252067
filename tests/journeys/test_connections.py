"""A running server speaks to Google's addresses in its settings, and to nobody else: watched from outside, by the
system calls of the server and of all its children."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from backend.demo import people
from backend.demo.letters import letters
from backend.demo.people import free_port
from tests.journeys.conftest import until
from tests.sandbox_process import CLIENT_ID, CLIENT_SECRET, SandboxProcess

CALLS = "connect,sendto,sendmsg,sendmmsg"
INET = re.compile(r"sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"([^\"]+)\"")

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None, reason="no strace here: apt-get install strace"
)


async def test_the_server_opens_no_connection_but_those_to_google(tmp_path: Path) -> None:
    port = free_port()
    url, trace = f"http://127.0.0.1:{port}", tmp_path / "trace"
    with SandboxProcess(
        "--mailbox", "ana@corp.test=Ana", "--redirect-uri", f"{url}/connect/callback"
    ) as google:
        environment = settings(google, url, tmp_path)
        process = watched(trace, environment)
        try:
            await a_pitch_is_held(google, url)
        finally:
            await asyncio.to_thread(end, process)
        spoken_to = {(address, int(number)) for number, address in INET.findall(trace.read_text())}
        sandbox = urlsplit(google.url)
        assert spoken_to == {(sandbox.hostname, sandbox.port)}
    home = tmp_path / "home"
    assert [str(path) for path in home.rglob("*")] == [], "and leaves nothing outside its state folder"


def watched(trace: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """The server under strace, which writes to `trace`."""
    command = ["strace", "-f", "-qq", "-e", f"trace={CALLS}", "-o", str(trace)]
    return subprocess.Popen([*command, sys.executable, "-m", "backend", "serve"], env=environment)


def settings(google: SandboxProcess, url: str, folder: Path) -> dict[str, str]:
    """Nothing from outside but the path of programs; an empty home."""
    (folder / "home").mkdir()
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder / "home"),
        "PITCHGATE_PUBLIC_URL": url,
        "PITCHGATE_BIND": url.removeprefix("http://"),
        "PITCHGATE_STATE_DIR": str(folder / "state"),
        "PITCHGATE_CLIENT_ID": CLIENT_ID,
        "PITCHGATE_CLIENT_SECRET": CLIENT_SECRET,
        "PITCHGATE_AUTHORIZE_URL": google.urls["auth"],
        "PITCHGATE_TOKEN_URL": google.urls["token"],
        "PITCHGATE_REVOKE_URL": google.urls["revoke"],
        "PITCHGATE_JWKS_URL": google.urls["jwks"],
        "PITCHGATE_GMAIL_URL": google.url,
        "PITCHGATE_NOTICES": "poll",
        "PITCHGATE_POLL_INTERVAL": "1",
        "PITCHGATE_DEFAULT_MODE": "quarantine",
        "PITCHGATE_READER_SECONDS": "20",
    }


async def a_pitch_is_held(google: SandboxProcess, url: str) -> None:
    """An owner connects, and a pitch comes."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=60)) as http:

        async def ready() -> bool:
            try:
                async with http.get(f"{url}/readyz") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await until(ready, "the server, which is slow while it is watched")
        await people.connect(http, url, "ana@corp.test")

    async def begun() -> bool:
        return "gmail.users.history.list" in google.meter("ana@corp.test").get("methods", {})

    await until(begun, "the first look at history")
    pitch = next(letter for letter in letters() if letter.local)
    google.deliver("ana@corp.test", sender=pitch.sender, subject=pitch.subject, text=pitch.text)

    async def held() -> bool:
        return any("Pitchgate/Held" in mail["labels"] for mail in google.messages("ana@corp.test"))

    await until(held, "the pitch held")


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop the server; strace ends with it."""
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
    for pid in children.stdout.split():
        subprocess.run(["kill", f"-{signal.SIGTERM.value}", pid], check=False)
    process.wait(60)
