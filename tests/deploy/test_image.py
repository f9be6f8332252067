"""The image: built from the Containerfile, small, without rights, and nothing lost or doubled inside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from importlib import resources
from pathlib import Path

import httpx
from cryptography.fernet import Fernet

from backend.demo.people import free_port
from tests.deploy.debian import first_inside
from tests.deploy.image import STATE, Builder, Image, head, started

LARGEST = 450_000_000
PATIENCE = 60.0


def folder_size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_it_is_small_and_keeps_only_what_is_read(builder: Builder, image: Image) -> None:
    assert image.size <= LARGEST
    with builder.mounted(image) as root:
        (packages,) = (root / "opt/pitchgate/lib").glob("python3*/site-packages")
        here, there = Path(str(resources.files("googleapiclient"))), packages / "googleapiclient"
        print(
            f"\ngoogleapiclient: {folder_size(here) / 1e6:.0f} MB here, {folder_size(there) / 1e6:.1f} in the image"
        )
        assert folder_size(there) < 5_000_000
        assert not (packages / "pip").exists()
        assert not (packages / "backend/sandbox").exists(), "the local Google is in the target demo alone"


def test_it_runs_as_nobody_in_particular_and_says_how_it_is(image: Image) -> None:
    assert image.config["User"] == "10001:10001"
    assert image.config["Volumes"] == {STATE: {}}
    assert image.config["Healthcheck"]["Test"][0] == "CMD"


def test_it_tells_the_commit_it_was_built_from(builder: Builder, image: Image) -> None:
    with builder.mounted(image) as root:
        output, _ = started(root, image, "pitchgate", "--version").communicate(timeout=PATIENCE)
    assert f"commit {head()[:12]}," in output


def test_the_health_check_is_content_while_the_server_runs_and_not_after(
    builder: Builder, image: Image
) -> None:
    port = free_port()
    settings = {
        "PITCHGATE_ENVIRONMENT": "production",
        "PITCHGATE_PUBLIC_URL": "https://gate.acme.test",
        "PITCHGATE_BIND": f"127.0.0.1:{port}",
        "PITCHGATE_SECRET_KEYS": Fernet.generate_key().decode(),
    }
    check = [word.replace(":8400", f":{port}") for word in image.config["Healthcheck"]["Test"][1:]]
    with builder.mounted(image) as root:

        def healthy() -> bool:
            found = started(root, image, *check)
            found.communicate(timeout=PATIENCE)
            return found.returncode == 0

        assert not healthy()
        server = started(root, image, **settings)
        try:
            until_ready(server, port)
            assert healthy()
            os.kill(first_inside(server.pid), signal.SIGTERM)
            _, output = server.communicate(timeout=PATIENCE)
        finally:
            server.kill()
            server.wait(PATIENCE)
        assert server.returncode == 0, output
        assert not healthy()


def until_ready(server: subprocess.Popen[str], port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert server.poll() is None, server.communicate()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("it was not ready in time")


def test_the_demo_inside_loses_nothing_and_doubles_nothing(builder: Builder, files: Path) -> None:
    demo = builder.build(files / "Containerfile", "demo")
    words = "pitchgate demo --no-browser --json --seconds 20 --every 0.5 --kills 2".split()
    with builder.mounted(demo) as root:
        playing = started(root, demo, *words)
        output, said = playing.communicate(timeout=300)
    assert playing.returncode == 0, said[-4000:]
    tally = json.loads(output.splitlines()[-1])
    print(f"\n{tally}")
    assert tally["kills"] == 2
    assert tally["held"]
    assert (tally["lost"], tally["doubled"], tally["ledger_differences"]) == (0, 0, 0)
