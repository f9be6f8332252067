"""The files that run an environment: rendered whole, and taken by the validators of those who read them."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, cast

import aiohttp
import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

import backend
from backend.addon_manifest import ENVIRONMENTS, render_manifest
from backend.cloud.plan import DOCUMENTS, SETTINGS_FILE, AddOn
from backend.cloud.resources import GoogleCloud, Json
from backend.commands.cloud import cloud_group
from backend.gmail.pubsub import CloudCredentials
from backend.settings import Settings
from backend.settings_read import read_settings, unknown_settings

URL = "https://gate.acme.test"
BIN = Path(sys.executable).parent
EXPOSURE = 2.0
"""The most that `systemd-analyze security` may score, out of 10."""


def write(folder: Path, *words: str, environment: str = "production", url: str = URL) -> Result:
    given = ["files", "--env", environment, "--project", "acme-mail", "--url", url, str(folder), *words]
    return CliRunner().invoke(cloud_group, given)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    assert write(folder).exit_code == 0
    return folder


def validated(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment_of(file: Path) -> dict[str, str]:
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str]], Settings]:
    """Reads settings from nothing but what it is given."""

    def read(given: Mapping[str, str]) -> Settings:
        for name in [name for name in os.environ if name.startswith("PITCHGATE_")]:
            monkeypatch.delenv(name)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        assert not unknown_settings(given)
        return read_settings()

    return read


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_blank_is_left_in_any_file(environment: str, tmp_path: Path) -> None:
    output = write(tmp_path, environment=environment)
    assert output.exit_code == 0, output.output
    for file in tmp_path.iterdir():
        assert str(file) in output.output
        assert "@{" not in file.read_text()
        assert "@@" not in file.read_text()


def test_the_settings_file_is_its_owners_alone_and_what_is_in_it_stays(tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / SETTINGS_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("# mine\nPITCHGATE_SECRET_KEYS=mine\nPITCHGATE_BIND=127.0.0.1:9\nPITCHGATE_CLIENT_ID=\n")
    (tmp_path / "Caddyfile").write_text("an older one")
    write(tmp_path)
    assert file.read_text().startswith("# mine\nPITCHGATE_SECRET_KEYS=mine\nPITCHGATE_BIND=127.0.0.1:9\n")
    assert "PITCHGATE_STATE_DIR=/var/lib/pitchgate\n" in file.read_text(), "what it lacked"
    assert "gate.acme.test {" in (tmp_path / "Caddyfile").read_text()


def test_the_settings_are_ones_the_server_takes_once_a_person_has_filled_them_in(
    folder: Path, only: Any
) -> None:
    by_hand = {
        "PITCHGATE_CLIENT_ID": "1234.apps.googleusercontent.com",
        "PITCHGATE_CLIENT_SECRET": "s3cret",
    }
    given = environment_of(folder / SETTINGS_FILE)
    assert {name for name, value in given.items() if not value} == set(by_hand)
    settings = only({**given, **by_hand})
    assert settings.challenges
    assert settings.expected_audience == f"{URL}/hooks/gmail"


def test_without_a_public_address_or_a_sensible_image_nothing_is_written(tmp_path: Path) -> None:
    for output in (write(tmp_path / "a", url=""), write(tmp_path / "a", "--image", "two words")):
        assert output.exit_code == 1
    assert not (tmp_path / "a").exists()


def test_hadolint_has_nothing_to_say(folder: Path) -> None:
    assert not validated(BIN / "hadolint", "--no-color", folder / "Containerfile")


def test_the_image_keeps_each_document_of_googles_that_is_read() -> None:
    read = {
        name
        for module in Path(backend.__file__).parent.rglob("*.py")
        for name in re.findall(r"discovery_cache/documents/([\w.]+)\.json", module.read_text())
    }
    assert read
    assert read <= set(DOCUMENTS)


def test_kubernetes_takes_the_manifests_strictly(folder: Path) -> None:
    output = validated(BIN / "kubernetes-validate", "--strict", folder / "kubernetes.yaml")
    assert output.count("passed for resource") == 6


def test_kubernetes_gives_the_server_settings_it_knows(folder: Path, only: Any) -> None:
    config = next(yaml.safe_load_all((folder / "kubernetes.yaml").read_text()))["data"]
    assert only(config).environment == "production"


def test_cloud_run_takes_the_service(folder: Path) -> None:
    service = json.loads((folder / "cloud-run.json").read_text())
    described = jsonschema.Draft3Validator(closed_schema("run.v2", "GoogleCloudRunV2Service"))
    described.validate(service)
    service["template"]["containers"][0]["livenessProbe"]["httpGet"]["prot"] = 1
    with pytest.raises(jsonschema.ValidationError, match="prot"):
        described.validate(service)


def test_cloud_run_gives_the_server_settings_it_knows(folder: Path) -> None:
    (container,) = json.loads((folder / "cloud-run.json").read_text())["template"]["containers"]
    names = [variable["name"] for variable in container["env"]]
    assert len(set(names)) == len(names)
    assert not unknown_settings(names)


def test_compose_keeps_the_password_out_of_the_file(folder: Path) -> None:
    compose = yaml.safe_load((folder / "compose.yaml").read_text())
    assert set(compose["services"]) == {"pitchgate", "database", "proxy"}
    assert "${DATABASE_PASSWORD" in compose["services"]["pitchgate"]["environment"]["PITCHGATE_DATABASE_URL"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_the_unit_is_shut_in(folder: Path) -> None:
    output = validated("systemd-analyze", "security", "--offline=true", folder / "pitchgate.service")
    score = re.search(r"Overall exposure level for pitchgate.service: ([\d.]+)", output)
    assert score
    print(score[0])
    assert float(score[1]) <= EXPOSURE, output


def closed_schema(document: str, name: str) -> dict[str, Any]:
    """Google's description of a resource, a JSON schema of the third draft, grown so strict that nothing may stand
    where it names nothing."""
    path = f"discovery_cache/documents/{document}.json"
    described = json.loads(resources.files("googleapiclient").joinpath(path).read_text(encoding="utf-8"))

    def closed(value: Any) -> Any:
        if isinstance(value, list):
            return [closed(one) for one in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("$ref"), str):
            return {"$ref": f"#/definitions/{value['$ref']}"}
        made = {key: closed(one) for key, one in value.items() if key != "id" or isinstance(one, dict)}
        return {**made, "additionalProperties": False} if isinstance(made.get("properties"), dict) else made

    definitions = {key: closed(one) for key, one in described["schemas"].items()}
    return {**definitions[name], "definitions": definitions}


# ---- The add-on's deployment: compared with its manifest, and asked for as Google documents it


NAME = "projects/acme-mail/deployments/pitchgate-test"
WANTED = render_manifest("test", "https://gate.acme.test")


class Recording(GoogleCloud):
    """A Google with one deployment, which writes down what it is asked."""

    def __init__(self, present: Json) -> None:
        super().__init__(cast(aiohttp.ClientSession, None), cast(CloudCredentials, None), "acme-mail")
        self.present = {"name": NAME.replace("acme-mail", "123"), "etag": "e1", **present}
        self.asked: list[tuple[str, str, str]] = []

    async def ask(self, request: Any) -> Json:
        self.asked.append((request.method, request.uri, request.body or ""))
        return self.present


async def difference(present: Json) -> list[str] | None:
    return await AddOn(NAME, WANTED).difference(Recording(present))


async def test_what_google_adds_of_its_own_and_leaves_out_empty_is_no_difference() -> None:
    gmail = {"contextualTriggers": [{"onTriggerFunction": "https://gate.acme.test/addon/message"}]}
    assert await difference(WANTED) == []
    assert await difference({**WANTED, "addOns": {**WANTED["addOns"], "gmail": gmail, "drive": {}}}) == []


async def test_what_the_manifest_no_longer_has_is_one() -> None:
    more = {**WANTED["addOns"], "calendar": {"homepageTrigger": {"runFunction": "https://old.acme.test/"}}}
    assert await difference({**WANTED, "addOns": more}) == [
        "addOns.calendar.homepageTrigger.runFunction: https://old.acme.test/ -> none"
    ]


async def test_a_scope_that_is_wanted_is_one() -> None:
    fewer = await difference({**WANTED, "oauthScopes": WANTED["oauthScopes"][:-1]})
    assert fewer == ["oauthScopes[3]: none -> https://www.googleapis.com/auth/script.locale"]


@pytest.mark.parametrize(
    ("act", "method", "address"),
    [
        ("make", "POST", "v1/projects/acme-mail/deployments?deploymentId=pitchgate-test&alt=json"),
        ("change", "PUT", f"v1/{NAME}?alt=json"),
        ("remove", "DELETE", f"v1/{NAME}?alt=json"),
    ],
)
async def test_the_requests_are_those_google_documents(act: str, method: str, address: str) -> None:
    cloud = Recording(WANTED)
    await getattr(AddOn(NAME, WANTED), act)(cloud)
    asked, uri, body = cloud.asked[-1]
    assert (asked, uri) == (method, f"https://gsuiteaddons.googleapis.com/{address}")
    assert ('"etag": "e1"' in body) == (act == "change"), "a change by somebody else meanwhile is a refusal"
