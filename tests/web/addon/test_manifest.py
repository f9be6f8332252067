"""The deployment Google is given: valid for every environment, and clear about what is wrong where it is not."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from backend.addon_manifest import ENVIRONMENTS, FOLDER, problems, render_manifest
from backend.commands.cloud import addon_group
from backend.domain.errors import Refused
from backend.sandbox.addon_host import Deployment
from backend.web.addon_routes import ALWAYS, OPEN_MESSAGE
from tests.doubles import in_english

Json = dict[str, Any]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_environment_renders_and_is_deployed(environment: str) -> None:
    answer = CliRunner().invoke(addon_group, ["manifest", "--env", environment])
    assert answer.exit_code == 0, answer.output
    made = json.loads(answer.output)
    assert problems(made) == []
    assert "${" not in answer.output
    host = Deployment.read({"deployment": made})
    assert host.message.endswith("/addon/message")
    # What the server insists on is what was asked for.
    assert host.scopes >= ALWAYS | {OPEN_MESSAGE}


def test_environments_are_apart() -> None:
    homes = {
        render_manifest(environment)["addOns"]["common"]["homepageTrigger"]["runFunction"]
        for environment in ENVIRONMENTS
    }
    assert len(homes) == len(ENVIRONMENTS)


def test_another_address_takes_the_place_of_the_one_on_file() -> None:
    made = json.dumps(render_manifest("production", "https://gate.corp.test/"))
    assert "https://gate.corp.test/addon/home" in made
    assert "pitchgate.example" not in made


def _without(made: Json, *path: str | int) -> Json:
    at: Any = made
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return made


def _with(made: Json, value: Any, *path: str | int) -> Json:
    at: Any = made
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return made


COMMON = ("addOns", "common")
WRONG: dict[str, Any] = {
    "common.name is required": lambda m: _without(m, *COMMON, "name"),
    "common.logoUrl is required": lambda m: _without(m, *COMMON, "logoUrl"),
    "gmail is required": lambda m: _without(m, "addOns", "gmail"),
    "needs onTriggerFunction": lambda m: _with(
        m, [{"unconditional": {}, "runFunction": "https://x.test/"}], "addOns", "gmail", "contextualTriggers"
    ),
    "oauthScopes is required": lambda m: _without(m, "oauthScopes"),
    "lacks userinfo.email": lambda m: _with(m, m["oauthScopes"][:2], "oauthScopes"),
    "none for the open message": lambda m: _with(
        m, [s for s in m["oauthScopes"] if "current" not in s], "oauthScopes"
    ),
    "has no use for": lambda m: _with(m, [*m["oauthScopes"], "https://mail.google.com/"], "oauthScopes"),
    "is not HTTPS": lambda m: _with(
        m, "http://gate.test/addon/home", *COMMON, "homepageTrigger", "runFunction"
    ),
    "not a plain public address": lambda m: _with(m, "https://localhost/logo.png", *COMMON, "logoUrl"),
    "matches no openLinkUrlPrefixes": lambda m: _with(
        m, ["https://other.test/"], *COMMON, "openLinkUrlPrefixes"
    ),
    "different hosts": lambda m: _with(
        m, "https://other.test/addon/settings", *COMMON, "universalActions", 0, "runFunction"
    ),
    "either runFunction or openLink": lambda m: _with(m, "x", *COMMON, "universalActions", 0, "openLink"),
    "SYSTEM_ID_TOKEN": lambda m: _with(m, "NONE", "addOns", "httpOptions", "authorizationHeader"),
    "is not a colour": lambda m: _with(m, "teal", *COMMON, "layoutProperties", "primaryColor"),
}


@pytest.mark.parametrize("problem", WRONG)
def test_what_is_wrong_is_said(problem: str) -> None:
    spoilt = WRONG[problem](copy.deepcopy(render_manifest("production")))
    assert any(problem in found for found in problems(spoilt)), problems(spoilt)


def test_a_local_address_is_refused_with_every_place_named() -> None:
    with pytest.raises(Refused) as caught:
        render_manifest("dev", "http://127.0.0.1:8400")
    assert in_english(caught.value).count("is not HTTPS") == 6


def test_outside_a_checkout_it_says_where_the_template_is(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        render_manifest("dev", folder=tmp_path)
    assert "from a checkout" in in_english(caught.value)


@pytest.mark.parametrize(
    ("name", "text"), [("environments.json", "{}"), ("deployment.json", '{"a": "${b}"}')]
)
def test_a_spoilt_template_is_told(tmp_path: Path, name: str, text: str) -> None:
    for path in FOLDER.glob("*.json"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / name).write_text(text)
    with pytest.raises(Refused) as caught:
        render_manifest("dev", folder=tmp_path)
    assert name in in_english(caught.value)
