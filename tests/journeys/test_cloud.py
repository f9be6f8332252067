"""An environment in the cloud: planned, applied, left alone, changed, finished after a break, taken away."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend import home
from backend.cloud.plan import Environment
from backend.cloud.resources import SCOPE
from backend.commands.cloud import cloud_group
from backend.gmail.pubsub import CloudCredentials
from backend.sandbox.cloud import number
from tests.architecture.shell_blocks import to_play
from tests.sandbox_process import SandboxProcess

PROJECT = "acme-mail"
TOPIC = f"projects/{PROJECT}/topics/pitchgate-test"
SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/pitchgate-test"
DEPLOYMENT = f"projects/{PROJECT}/deployments/pitchgate-test"
URL = "https://gate.acme.test"
Run = Callable[..., Result]


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxProcess]:
    """An empty project, and credentials of somebody who may set it up."""
    with SandboxProcess("--project", PROJECT, "--topic", "other-topic") as sandbox:
        fields = {"email": f"admin@{PROJECT}.iam.gserviceaccount.com", "project": PROJECT}
        key = tmp_path / "key.json"
        key.write_text(json.dumps(sandbox.http.post("/sandbox/service-accounts", json=fields).json()))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
        yield sandbox


@pytest.fixture
def run(cloud: SandboxProcess) -> Run:
    def do(*words: str, url: str = URL, answer: str = "") -> Result:
        where = ["--env", "test", "--project", PROJECT, "--url", url, "--api-root", cloud.url]
        return CliRunner().invoke(
            cloud_group, [words[0], *where, *words[1:]], input=answer, catch_exceptions=False
        )

    return do


def held(cloud: SandboxProcess) -> tuple[list[str], list[str]]:
    response = cloud.http.get("/sandbox/push").json()
    return response["topics"], [one["name"] for one in response["subscriptions"]]


def test_a_second_plan_is_empty_and_a_second_apply_changes_nothing(run: Run, tmp_path: Path) -> None:
    planned = run("plan")
    assert planned.exit_code == 1
    assert planned.output.count("\n+ ") + planned.output.startswith("+ ") == 14
    file = tmp_path / "settings.env"
    applied = run("apply", "--settings-file", str(file))
    assert applied.exit_code == 0
    assert "14 things done." in applied.output
    assert f"{URL}/connect/callback" in applied.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"PITCHGATE_TOPIC={TOPIC}" in file.read_text()
    caller = re.search(
        r"^PITCHGATE_ADDON_ACCOUNT=(service-\d+@gcp-sa-gsuiteaddons\S+)$", file.read_text(), re.M
    )
    assert caller
    assert caller[1] in applied.output
    assert "PITCHGATE_STATE_DIR=/var/lib/pitchgate\n" in file.read_text(), (
        "the same file as `cloud files` writes"
    )
    with file.open("a") as lines:
        lines.write("PITCHGATE_REPLAY_DAYS=30\n")
    file.write_text(
        file.read_text().replace("CLIENT_ID=\n", "CLIENT_ID=mine\n").replace(TOPIC, "projects/x/topics/y")
    )
    before = file.read_text()
    assert f"  PITCHGATE_TOPIC={TOPIC}\n" in run("apply", "--settings-file", str(file)).output
    assert file.read_text() == before
    files = CliRunner().invoke(
        cloud_group,
        ["files", "--env", "test", "--project", PROJECT, "--url", URL, str(tmp_path / "files")],
        catch_exceptions=False,
    )
    assert files.exit_code == 0
    written = home.read(tmp_path / "files" / "pitchgate.env")
    assert written.keys() == home.read(file).keys() - {
        "PITCHGATE_ADDON_ACCOUNT",
        "PITCHGATE_ADDON_CLIENT_ID",
        "PITCHGATE_REPLAY_DAYS",
    }, "one settings file, of which Google alone knows the add-on's lines"
    again = run("plan")
    assert (again.exit_code, again.output) == (0, "Everything is as it should be.\n")
    assert "Everything was as it should be." in run("apply").output


def test_what_is_otherwise_is_shown_and_changed_alone(run: Run, cloud: SandboxProcess) -> None:
    run("apply")
    moved = run("plan", url="https://new.acme.test")
    assert moved.output.startswith(f"~ subscription {SUBSCRIPTION}\n    pushConfig: ")
    assert f"~ add-on deployment {DEPLOYMENT}\n    addOns." in moved.output
    assert f"    addOns.common.logoUrl: {URL}/static/logo-128.png -> https://new.acme.test/" in moved.output
    assert "2 things to do." in moved.output
    assert "2 things done." in run("apply", url="https://new.acme.test").output
    assert run("plan", url="https://new.acme.test").exit_code == 0
    fetched = run("apply", url="")
    assert "2 things done." in fetched.output, "no endpoint, and the account may fetch"


def test_what_was_left_half_done_is_finished(run: Run, cloud: SandboxProcess) -> None:
    run("apply")
    token = asyncio.run(CloudCredentials((SCOPE,)).token())
    headers = {"Authorization": f"Bearer {token}", "X-Goog-User-Project": PROJECT}
    for name in (SUBSCRIPTION, DEPLOYMENT):
        assert cloud.http.delete(f"/v1/{name}", headers=headers).status_code == 200
    assert "+ subscription" in run("plan").output
    assert "3 things done." in run("apply").output, "the subscription, the right on it, and the add-on"
    assert run("plan").exit_code == 0


def test_destroy_leaves_nothing_of_it_and_everything_else(run: Run, cloud: SandboxProcess) -> None:
    before = held(cloud)
    run("apply")
    assert held(cloud) != before
    thought_better = run("destroy", answer="n\n")
    assert thought_better.output.index(f"- subscription {SUBSCRIPTION}\n") < thought_better.output.index(
        "[y/N]"
    )
    assert (thought_better.exit_code, run("plan").exit_code) == (1, 0), "all of it is still there"
    assert "6 things taken away." in run("destroy", answer="y\n", url="").output, "whatever address is told"
    assert held(cloud) == before
    assert "0 things taken away." in run("destroy", "--yes").output
    assert run("plan").output.count("+ ") == 9, "all but the services"


def test_somebody_without_a_right_is_told(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    from backend.domain.errors import TryLater

    with pytest.raises(TryLater, match="credentials"):
        run("plan")


GCLOUD = """
gcloud() {
    printf '%s\\n' "$*" >&3
    case "$*" in *" describe "*value*) echo NUMBER ;; *" describe "*) return 1 ;; esac
}
pitchgate() { :; }
"""


def by_hand(words: list[str]) -> Iterator[str]:
    """What a `gcloud` command makes, as the plan names it."""
    flags = dict(word[2:].split("=", 1) for word in words if word.startswith("--") and "=" in word)
    plain = [word for word in words if not word.startswith("--")]
    match plain:
        case ["services", "enable", *names]:
            yield from (f"service {name}" for name in names)
        case ["pubsub", "topics" | "subscriptions" as kind, "create", name]:
            yield f"{kind[:-1]} projects/{PROJECT}/{kind}/{name}"
        case ["pubsub", "topics" | "subscriptions" as kind, "add-iam-policy-binding", name]:
            yield f"right {flags['role']} of {flags['member']} on projects/{PROJECT}/{kind}/{name}"
        case ["iam", "service-accounts", "create", name]:
            yield f"service account {name}@{PROJECT}.iam.gserviceaccount.com"
        case ["workspace-add-ons", "deployments", "create", name]:
            yield f"add-on deployment projects/{PROJECT}/deployments/{name}"


def test_the_steps_by_hand_make_what_the_plan_lists(run: Run, tmp_path: Path) -> None:
    """One list in the program, one on the page: neither has a thing that the other lacks."""
    headings = ("1. ", "2. ", "3. ", "The Gmail add-on")
    code = "".join(block.code for heading in headings for block in to_play("docs/how-to/deploy.md", heading))
    done = subprocess.run(
        ["bash", "-e"],
        input=f"exec 3>&1 1>&2\n{GCLOUD.replace('NUMBER', str(number(PROJECT)))}{code}",
        env={"PATH": os.environ["PATH"], "PROJECT": PROJECT, "HOST": "gate.acme.test"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    told = [shlex.split(line) for line in done.stdout.splitlines()]
    made = {
        thing.replace("pitchgate-production", "pitchgate-test") for words in told for thing in by_hand(words)
    }
    run("apply")  # so that the project tells its number
    run("destroy", "--yes")
    planned = {line[2:] for line in run("plan").output.splitlines() if line.startswith("+ ")}
    services = {f"service {name}" for name in Environment("test", PROJECT, URL).services}
    assert made == planned | services


def test_a_new_project_is_planned_and_made_though_it_has_every_service_off(run: Run) -> None:
    assert "service-PROJECT_NUMBER@" in run("plan").output, "Resource Manager tells it once it is on"
    applied = run("apply").output
    assert applied.startswith("+ service cloudresourcemanager.googleapis.com\n")
    assert f"service-{number(PROJECT)}@" in applied
    assert "PROJECT_NUMBER" not in applied
