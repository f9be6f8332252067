"""The doctor finds each planted fault and names the mend. One healthy set-up, spoilt one way at a time."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from cryptography.fernet import Fernet

from backend.demo import people
from backend.demo.people import free_port
from backend.doctor import machine
from backend.doctor.checks import examine
from backend.doctor.machine import CheckState, Finding
from backend.domain.mailbox.mailbox import Mode
from backend.scoring import SHIPPED
from backend.settings_read import read_settings
from backend.store.opening import open_store
from backend.system import SystemClock
from backend.transactions.store import Store
from tests.machine import Child
from tests.machine import machine as processes
from tests.sandbox_process import CLIENT_ID, CLIENT_SECRET, PROJECT, SUBSCRIPTION, TOPIC, SandboxProcess

ANA = "ana@corp.test"
KEY = Fernet.generate_key().decode()


@dataclass
class Patient:
    """A sandbox, a server that runs against it with one connected mailbox, and its settings."""

    google: SandboxProcess
    settings: dict[str, str]
    folder: Path

    @property
    def url(self) -> str:
        return self.settings["PITCHGATE_PUBLIC_URL"]

    @property
    def database(self) -> Path:
        return self.folder / "pitchgate.sqlite3"


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    folder, port = tmp_path_factory.mktemp("patient") / "state", free_port()
    folder.mkdir(mode=0o700)
    url = f"http://127.0.0.1:{port}"
    endpoint = f"{url}/hooks/gmail"
    with SandboxProcess(
        *("--mailbox", f"{ANA}=Ana", "--redirect-uri", f"{url}/connect/callback", "--push-endpoint", endpoint)
    ) as google:
        settings = {
            "PITCHGATE_PUBLIC_URL": url,
            "PITCHGATE_BIND": f"127.0.0.1:{port}",
            "PITCHGATE_STATE_DIR": str(folder),
            "PITCHGATE_SECRET_KEYS": KEY,
            "PITCHGATE_CLIENT_ID": CLIENT_ID,
            "PITCHGATE_CLIENT_SECRET": CLIENT_SECRET,
            "PITCHGATE_AUTHORIZE_URL": google.urls["auth"],
            "PITCHGATE_TOKEN_URL": google.urls["token"],
            "PITCHGATE_REVOKE_URL": google.urls["revoke"],
            "PITCHGATE_JWKS_URL": google.urls["jwks"],
            "PITCHGATE_GMAIL_URL": google.url,
            "PITCHGATE_PUBSUB_URL": google.url,
        }
        log = (folder.parent / "server.log").open("wb")
        given = {**os.environ, **settings}
        server = processes().begin(["backend", "serve"], given, log.fileno(), pipe=False, real_time=True)
        try:
            answers(f"{url}/readyz", server)
            yield Patient(google, settings, folder)
        finally:
            server.send_signal(signal.SIGTERM)
            server.ends(30)
            log.close()


def answers(url: str, server: Child) -> None:
    """Wait until the server is ready."""
    for _ in range(600):
        assert server.returncode is None, "the server ended"
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError("the server did not become ready")


@pytest.fixture
async def connected(patient: Patient) -> Patient:
    """With Ana's mailbox connected anew, and the notice that the new watch causes stored: it would be taken for one
    that comes later."""
    began = SystemClock().now()
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=60)) as http:
        await people.connect(http, patient.url, ANA)
    async with OpenStore(patient) as store:
        for _ in range(600):
            box = await store.mailbox_by_email(ANA)
            if box is not None and box.hint is not None and box.hint.at > began:
                return patient
            await asyncio.sleep(0.1)
    raise AssertionError("no notice came of the new watch")


class OpenStore:
    """The patient's store, opened for a moment beside the server."""

    def __init__(self, patient: Patient) -> None:
        self._store = open_store(patient.database)

    async def __aenter__(self) -> Store:
        await self._store.open()
        return self._store

    async def __aexit__(self, *_: object) -> None:
        await self._store.close()


@pytest.fixture
def ask(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`await ask(offline=True, NAME=value)`: what is not well under these settings, by the name of the check."""

    async def examined(offline: bool = False, **changes: str | None) -> dict[str, Finding]:
        for name, value in patient.settings.items():
            monkeypatch.setenv(name, value)
        for name, value in changes.items():
            full = name if name.startswith("GOOGLE") else f"PITCHGATE_{name}"
            monkeypatch.delenv(full, raising=False) if value is None else monkeypatch.setenv(full, value)
        found = await examine(offline=offline)
        well = [one.name for one in found if one.state is CheckState.WELL]
        assert len(well) == len(set(well)), "a name is one thing"
        return {one.name: one for one in found if one.state in (CheckState.BROKEN, CheckState.WARNING)}

    return examined


def copied(patient: Patient, tmp_path: Path) -> Path:
    """A state folder of its own, to be spoilt."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    with (
        closing(sqlite3.connect(patient.database)) as there,
        closing(sqlite3.connect(folder / "pitchgate.sqlite3")) as here,
    ):
        there.backup(here)
    return folder


async def test_a_healthy_set_up_has_nothing_to_mend(connected: Patient, ask: Callable[..., Any]) -> None:
    assert await ask() == {}


@pytest.mark.parametrize(
    ("fault", "check", "mend"),
    [
        ({"SWEEP_INTERVAL": "-1"}, "settings", "Wrong: PITCHGATE_SWEEP_INTERVAL"),
        ({"SWEEP_INTERVALL": "9"}, "settings", "PITCHGATE_SWEEP_INTERVAL"),
        ({"SETTINGS_FILE": "/nowhere/settings.env"}, "settings", "--settings"),
        ({"ENVIRONMENT": "production"}, "notices", "PITCHGATE_NOTICES=poll"),
        (
            {"ENVIRONMENT": "production", "PUBLIC_URL": "https://gate.test"},
            "notices",
            "projects/PROJECT/topics/NAME",
        ),
        (
            {"SUBSCRIPTION": "projects/elsewhere/subscriptions/gmail-push"},
            "notices",
            "PITCHGATE_SUBSCRIPTION",
        ),
        ({"ENVIRONMENT": "production", "SECRET_KEYS": None}, "keys", "keys new"),
        ({"SECRET_KEYS": Fernet.generate_key().decode()}, "keys", "pitchgate keys lost"),
        ({"MODEL_PATH": "/nowhere/model.onnx"}, "model", "PITCHGATE_MODEL_PATH"),
    ],
)
async def test_wrong_settings(
    fault: dict[str, str | None], check: str, mend: str, connected: Patient, ask: Callable[..., Any]
) -> None:
    found = await ask(offline=True, **fault)
    assert mend in found[check].mend + found[check].text


async def test_a_settings_file_that_others_can_read(ask: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("PITCHGATE_SWEEP_INTERVAL=700\n")
    file.chmod(0o644)
    found = await ask(offline=True, SETTINGS_FILE=str(file))
    assert found["settings file"].mend == f"chmod 600 {file}"


async def test_a_full_disk_and_an_open_folder(
    ask: Callable[..., Any], patient: Patient, tmp_path: Path
) -> None:
    folder = copied(patient, tmp_path)
    folder.chmod(0o755)
    found = await ask(offline=True, STATE_DIR=str(folder))
    assert found["disk"].mend == f"chmod 700 {folder}"
    (folder / "somebody").mkdir()
    folder.chmod(0o755)
    assert "chmod" not in (await ask(offline=True, STATE_DIR=str(folder)))["disk"].mend
    [full] = [
        one for one in machine.check_disk(read_settings(), free=1_000) if one.state is CheckState.BROKEN
    ]
    assert "Free some space" in full.mend


SYSTEM = (*"/ /var /tmp /etc /home /root /usr/local /var/lib /srv /mnt . .. /dev/shm".split(),)


@pytest.mark.parametrize("folder", SYSTEM)
async def test_no_advice_touches_a_folder_of_the_systems(folder: str, ask: Callable[..., Any]) -> None:
    found = await ask(offline=True, STATE_DIR=folder, DATABASE_URL=None)
    for one in found.values():
        assert not re.search(r"\b(chmod|chown|mkdir|rm|mv)\b", one.mend), one


async def test_what_belongs_to_somebody_else_keeps_its_rights(
    ask: Callable[..., Any], connected: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(connected, tmp_path)
    monkeypatch.setattr("os.access", lambda *_: False)  # to root, nothing is shut
    found = await ask(offline=True, STATE_DIR=str(folder), SETTINGS_FILE=None)
    for name in ("disk", "database"):
        assert str(folder) in found[name].text
        assert f"{machine.owner_of(folder)}: " in found[name].mend
        assert "sudo pitchgate doctor" in found[name].mend
        assert not re.search(r"chmod|chown", found[name].mend)


async def test_a_damaged_database(ask: Callable[..., Any], connected: Patient, tmp_path: Path) -> None:
    folder = copied(connected, tmp_path)
    with (folder / "pitchgate.sqlite3").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 40_000)
    found = await ask(offline=True, STATE_DIR=str(folder))
    assert "pitchgate db restore" in found["database"].mend


@pytest.mark.parametrize(
    ("version", "mend"), [(999, "Install that release again"), (14, "pitchgate db upgrade")]
)
async def test_a_schema_of_another_release(
    version: int, mend: str, ask: Callable[..., Any], patient: Patient, tmp_path: Path
) -> None:
    folder = copied(patient, tmp_path)
    with closing(sqlite3.connect(folder / "pitchgate.sqlite3")) as database, database:
        database.execute(f"PRAGMA user_version = {version}")
    found = await ask(offline=True, STATE_DIR=str(folder))
    assert mend in found["database"].mend


async def test_a_damaged_model(ask: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    shutil.copyfile(SHIPPED, file)
    with file.open("r+b") as model:
        model.seek(100_000)
        model.write(b"spoilt")
    found = await ask(offline=True, MODEL_PATH=str(file))
    assert found["model"].state is CheckState.BROKEN
    assert "PITCHGATE_MODEL_PATH" in found["model"].mend


@pytest.mark.parametrize(
    ("fault", "check", "mend"),
    [
        ({"CLIENT_SECRET": "another"}, "client", "PITCHGATE_CLIENT_SECRET"),
        ({"PUBLIC_URL": "http://localhost:9"}, "redirect", "http://localhost:9/connect/callback"),
        ({"PUBLIC_URL": "http://nobody.localhost:9"}, "dns", "A or AAAA record"),
        ({"PUBLIC_URL": "http://127.0.0.1:9"}, "server", "pitchgate serve"),
        ({"NOTICES": "pull", "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere"}, "fetching", "gcloud auth"),
    ],
)
async def test_what_is_seen_over_the_network(
    fault: dict[str, str], check: str, mend: str, connected: Patient, ask: Callable[..., Any]
) -> None:
    found = await ask(**fault)
    assert mend in found[check].mend


async def test_something_else_at_our_address_without_tls(connected: Patient, ask: Callable[..., Any]) -> None:
    found = await ask(PUBLIC_URL=connected.google.url)
    assert "something else" in found["server"].text
    found = await ask(PUBLIC_URL=connected.google.url.replace("http:", "https:"))
    assert "Start the proxy" in found["tls"].mend


async def test_a_clock_that_is_off(connected: Patient, ask: Callable[..., Any]) -> None:
    connected.google.http.post("/sandbox/clock", json={"skew": 300}).raise_for_status()
    try:
        found = await ask(NOTICES="poll")
    finally:
        connected.google.http.post("/sandbox/clock", json={"skew": 0}).raise_for_status()
    assert found["clock"].mend == "timedatectl set-ntp true"


async def test_a_topic_that_gmail_may_not_publish_to(connected: Patient, ask: Callable[..., Any]) -> None:
    topic = {"name": TOPIC, "gmail_may_publish": False}
    connected.google.http.put("/sandbox/topics", json=topic).raise_for_status()
    try:
        found = await ask()
    finally:
        connected.google.http.put(
            "/sandbox/topics", json=topic | {"gmail_may_publish": True}
        ).raise_for_status()
    assert "gcloud pubsub topics add-iam-policy-binding gmail" in found["topic"].mend


async def test_a_topic_that_is_not_there(connected: Patient, ask: Callable[..., Any]) -> None:
    found = await ask(TOPIC=f"projects/{PROJECT}/topics/another")
    assert found["topic"].state is CheckState.BROKEN


async def test_a_subscription_that_pushes_elsewhere(
    connected: Patient, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.doctor.checks.ROUND_TRIP", 2.0)
    http, name = connected.google.http, f"/v1/{SUBSCRIPTION}"
    before = http.get(name).json()["pushConfig"]
    http.post(f"{name}:modifyPushConfig", json={"pushConfig": {}}).raise_for_status()
    try:
        found = await ask()
    finally:
        http.post(f"{name}:modifyPushConfig", json={"pushConfig": before}).raise_for_status()
    assert "--push-endpoint=" in found["round trip"].mend


async def test_a_watch_that_has_run_out(connected: Patient, ask: Callable[..., Any], tmp_path: Path) -> None:
    folder = copied(connected, tmp_path)
    async with OpenStore(Patient(connected.google, connected.settings, folder)) as store:
        box = await store.mailbox_by_email(ANA)
        assert box is not None
        now = SystemClock().now()
        await store.save_watch(box.id, now - timedelta(hours=1), box.cursor)
        await store.change_preferences(box.id, {"mode": Mode.CHALLENGE}, now)
    found = await ask(STATE_DIR=str(folder), ENVIRONMENT="staging")
    assert "publisher right" in found["watch"].mend
    assert "PITCHGATE_PUBLIC_URL" in found["challenges"].mend


async def test_notices_that_never_arrive(
    connected: Patient, ask: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.doctor.checks.ROUND_TRIP", 0.1)
    folder = copied(connected, tmp_path)
    with closing(sqlite3.connect(folder / "pitchgate.sqlite3")) as rows, rows:
        rows.execute("UPDATE mailboxes SET unheard_since = 1")
    rows.close()
    found = await ask(STATE_DIR=str(folder))
    assert "no notice has come since" in found["arrival"].text
    assert "round trip" in found["arrival"].mend
    assert "arrival" not in await ask(NOTICES="poll")


async def test_access_that_was_revoked(connected: Patient, ask: Callable[..., Any]) -> None:
    connected.google.act("revoke", ANA)
    found = await ask()
    assert "/connect" in found["access"].mend
