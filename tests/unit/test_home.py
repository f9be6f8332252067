"""The OAuth client as Google gives it, the settings file, and the unit that starts a home."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from backend import home
from backend.domain.errors import Refused
from backend.home import OAuthClient, check_redirect, checked_client, client_from_file
from backend.settings_read import FILE_VARIABLE, read_settings

CLIENT = {"client_id": "1-a.apps.googleusercontent.com", "client_secret": "GOCSPX-secret"}


def written(folder: Path, data: object) -> Path:
    file = folder / "client.json"
    file.write_text(data if isinstance(data, str) else json.dumps(data))
    return file


@pytest.mark.parametrize("kind", ["installed", "web"])
def test_both_kinds_of_clients_are_read(kind: str, tmp_path: Path) -> None:
    file = written(tmp_path, {kind: CLIENT | {"redirect_uris": ["http://127.0.0.1:8400/connect/callback"]}})
    client = client_from_file(file)
    assert (client.id, client.secret, client.kind) == (*CLIENT.values(), kind)
    check_redirect(client, "http://127.0.0.1:8400/connect/callback")


@pytest.mark.parametrize(
    "data", ["", "[]", "{}", '{"installed": 7}', {"type": "service_account"}, "[" * 9_000]
)
def test_other_files_are_refused_by_name(data: object, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no_client"):
        client_from_file(written(tmp_path, data))
    with pytest.raises(Refused, match="No such file"):
        client_from_file(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("client_id", "secret", "field"),
    [
        ("", "GOCSPX-secret", "client_id"),
        ("an id", "GOCSPX-secret", "client_id"),
        ("1-a.apps", "short", "client_secret"),
        ("1-a.apps", "with space inside", "client_secret"),
        ("1-a.apps", "has$dollar-in-it", "client_secret"),
    ],
)
def test_what_can_be_neither_id_nor_secret(client_id: str, secret: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        checked_client(client_id, secret)
    assert refused.value.field == field
    assert secret not in str(refused.value) or not secret


def test_a_web_client_must_know_the_way_back() -> None:
    with pytest.raises(Refused, match="redirect"):
        check_redirect(
            OAuthClient("i", "s", "web", ("http://127.0.0.1:9/x",)), "http://127.0.0.1:8400/connect/callback"
        )
    check_redirect(OAuthClient("i", "s", "installed"), "http://127.0.0.1:8400/connect/callback")


def test_the_settings_file_is_its_owners_and_read_as_it_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a home"
    file = folder / home.SETTINGS_NAME
    left = folder / f"{home.SETTINGS_NAME}.new"
    folder.mkdir(mode=0o755)
    left.write_text("left lying")
    left.chmod(0o644)
    home.write_settings(file, home.home_settings(folder, checked_client(*CLIENT.values()), 8401))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv(FILE_VARIABLE, str(file))
    settings = read_settings()
    assert settings.public_url == "http://127.0.0.1:8401"
    assert settings.client_secret.get_secret_value() == CLIENT["client_secret"]
    assert settings.state_dir == folder / "state"
    assert not settings.challenges
    monkeypatch.setenv("PITCHGATE_CLIENT_ID", "of-the-environment")
    assert read_settings().client_id == "of-the-environment", "it counts before the file"


def test_a_line_that_a_person_added_stays(tmp_path: Path) -> None:
    file = tmp_path / home.SETTINGS_NAME
    home.write_settings(file, {"PITCHGATE_BIND": "127.0.0.1:8400", "PITCHGATE_CLIENT_ID": "one"})
    with file.open("a") as lines:
        lines.write("# mine\nPITCHGATE_REPLAY_DAYS=30\n")
    before = file.read_text()
    home.write_settings(file, {"PITCHGATE_CLIENT_ID": "two", "PITCHGATE_NOTICES": "poll"})
    assert file.read_text() == before.replace("CLIENT_ID=one", "CLIENT_ID=two") + "PITCHGATE_NOTICES=poll\n"
    assert home.read(file)["PITCHGATE_REPLAY_DAYS"] == "30"


def test_the_unit_starts_the_server_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = home.write_unit(Path("/home/ana/100% mine/settings.env"))
    assert path == tmp_path / "systemd" / "user" / "pitchgate.service"
    text = path.read_text()
    assert "EnvironmentFile=/home/ana/100%% mine/settings.env\n" in text
    assert f'ExecStart="{sys.executable}" -m backend serve\n' in text
