"""The sandbox as a process: its line of JSON, its options, its end."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from backend.sandbox.__main__ import DEFAULT_APP, sandbox_command
from backend.settings import Settings
from tests.sandbox_process import MODIFY, PUSH_ACCOUNT, SandboxProcess, alive


def test_options_set_the_stage_and_sigterm_ends_it() -> None:
    options = [
        *("--mailbox", "ana@corp.test=Ana Ferrer", "--mailbox", "bo@ext.test"),
        *("--set", "enforce_quota=true", "--set", "quota_prices=old", "--push-mode", "copies=3"),
        *("--fault", '{"kind": "unavailable", "method": "getProfile"}', "--seed", "5"),
        *("--redirect-uri", "http://127.0.0.1:5000/cb"),
        *("--push-endpoint", "http://127.0.0.1:5000/push", "--push-audience", "https://app.test/push"),
    ]
    google = SandboxProcess(*options).start()
    try:
        assert google.mailbox("ana@corp.test")["name"] == "Ana Ferrer"
        assert google.settings()["quota_prices"] == "old"
        report = google.push()
        assert report["modes"]["copies"] == 3
        [subscription] = report["subscriptions"]
        token = subscription["pushConfig"]["oidcToken"]
        assert token == {"serviceAccountEmail": PUSH_ACCOUNT, "audience": "https://app.test/push"}
        head = {"Authorization": f"Bearer {google.tokens('ana@corp.test', MODIFY)['access_token']}"}
        assert [
            google.http.get("/gmail/v1/users/me/profile", headers=head).status_code for _ in range(2)
        ] == [503, 200]
        assert google.consent_code("ana@corp.test", "http://127.0.0.1:5000/cb")
        assert alive(google.pid)
    finally:
        status = google.stop()
    assert status == 0
    assert not alive(google.pid)


def test_the_line_of_json_is_all_it_prints() -> None:
    command = [sys.executable, "-m", "backend.sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        line: dict[str, Any] = json.loads(process.stdout.readline())
        process.terminate()
        rest, errors = process.communicate(timeout=10)
    assert set(line) == {"sandbox", "pid"}
    assert line["pid"] == process.pid
    assert line["sandbox"].startswith("http://127.0.0.1:")
    assert (rest, errors, process.returncode) == (b"", b"", 0)


def test_it_speaks_http1_however_it_is_asked_for_http2() -> None:
    upgrade = (
        b"GET /oauth2/v3/certs HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
    )
    with SandboxProcess() as google:
        place = urlsplit(google.url)
        for asked, status in ((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"505"), (upgrade, b"200")):
            with socket.create_connection((str(place.hostname), place.port or 0), 10) as connection:
                connection.sendall(asked)
                heard = b"".join(iter(lambda: connection.recv(65_536), b""))
            assert heard.startswith(b"HTTP/1.1 " + status), heard[:80]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--mailbox", "nonsense"], "not an e-mail address"),
        (["--redirect-uri", "http://app.corp.test/"], "may not be a redirect address"),
        (["--set", "colour=blue"], "'colour' is not known"),
        (["--set", "enforce_quota"], "name=value"),
        (["--push-mode", "copies=many"], "copies: Input should be a valid integer"),
        (["--fault", "{"], "Expecting"),
        (["--clock-skew", "100000"], "skew must be from"),
        (["--fault", '{"kind": "x"}'], "must be one of unauthenticated, "),
        (["--fault", "[]"], "must be a JSON object"),
        (["--project", "P"], "Invalid topic name"),
        (["--push-endpoint", "ftp://x"], "pushEndpoint"),
    ],
)
def test_options_that_cannot_be_are_explained(options: list[str], expected: str) -> None:
    result = CliRunner().invoke(sandbox_command, options)
    assert result.exit_code == 2
    assert expected in result.output
    assert "Traceback" not in result.output


def test_a_port_in_use_is_explained() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = CliRunner().invoke(sandbox_command, ["--port", str(taken.getsockname()[1])])
    assert result.exit_code == 1
    assert "Choose another --port" in result.output


@pytest.mark.parametrize(
    ("host", "warned"), [("0.0.0.0", True), ("::", True), ("127.0.0.1", False), ("::1", False)]
)
def test_listening_beyond_this_machine_is_warned_of(
    host: str, warned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def served(_: object, listener: socket.socket, host: str) -> None:
        listener.close()

    monkeypatch.setattr("backend.sandbox.server.run", served)
    result = CliRunner().invoke(sandbox_command, ["--host", host, "--port", "0"])
    assert result.exit_code == 0
    assert ("WARNING" in result.stderr) is warned
    assert ("asks nobody who they are" in result.stderr) is warned


def test_a_backend_without_settings_fits_a_sandbox_without_options() -> None:
    """A developer gives neither of them anything but Google's addresses."""
    settings = Settings()
    with SandboxProcess("--mailbox", "ana@corp.test", "--app", settings.public_url) as google:
        [client] = google.http.get("/sandbox/clients").json()["clients"]
        report = google.push()
    assert client["client_id"] == settings.client_id
    assert client["client_secret"] == settings.client_secret.get_secret_value()
    assert client["redirect_uris"] == [settings.redirect_uri]
    assert report["topics"] == [settings.topic]
    [subscription] = report["subscriptions"]
    assert (subscription["name"], subscription["topic"]) == (settings.subscription, settings.topic)
    push = subscription["pushConfig"]
    assert push["pushEndpoint"] == settings.public_url + settings.push_path
    assert push["oidcToken"]["serviceAccountEmail"] == settings.push_account
    assert (push["oidcToken"]["audience"] or push["pushEndpoint"]) == settings.expected_audience
    assert settings.public_url == DEFAULT_APP


def test_a_backend_told_by_its_exports_finds_every_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--exports", "--port", "8901", "--client-secret", "it's one", "--project", "other"]
    shown = CliRunner().invoke(sandbox_command, options).output
    shell = subprocess.run(
        ["sh", "-c", f"{shown}\nenv -0"], env={}, capture_output=True, check=True, timeout=10
    )
    for pair in shell.stdout.decode().split("\0"):
        name, _, value = pair.partition("=")
        if name.startswith("PITCHGATE_"):
            monkeypatch.setenv(name, value)
    settings = Settings()
    google = SandboxProcess()
    google.url = "http://127.0.0.1:8901"
    assert google.urls["auth"] == settings.authorize_url
    assert google.urls["token"] == settings.token_url
    assert google.urls["revoke"] == settings.revoke_url
    assert google.urls["jwks"] == settings.jwks_url
    assert settings.gmail_url == google.url
    assert settings.client_secret.get_secret_value() == "it's one"
    assert settings.topic == "projects/other/topics/gmail"
    google.stop()


def test_help_names_the_essentials() -> None:
    shown = CliRunner().invoke(sandbox_command, ["--help"]).output
    for option in ("--mailbox", "--push-endpoint", "--fault", "--redirect-uri"):
        assert option in shown
