"""Where the token is kept: keyring or file, and what is said without either. A real keyring: test_tray_screen."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import keyring.backends.fail
import keyring.backends.null
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from tests.desktop.fake_backend import FakeBackend
from tests.desktop.rig import FakeSecrets, running
from tests.desktop.rights import private
from tray_app.__main__ import forget_token
from tray_app.errors import SecretsRefused
from tray_app.secret_stores import FileSecrets, KeyringSecrets, SecretServiceSecrets


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("Prompt dismissed")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked("Prompt dismissed")
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.locked:
            raise KeyringLocked("Prompt dismissed")
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not there")


def test_the_token_goes_to_the_keyring_and_from_it() -> None:
    ring = Ring()
    secrets = KeyringSecrets(ring)
    assert secrets.load("https://p.example") == ""
    secrets.save("https://p.example", "t0ken")
    assert secrets.load("https://p.example") == "t0ken"
    secrets.forget("https://p.example")
    secrets.forget("https://p.example")
    assert ring.kept == {}


@pytest.mark.parametrize("backend", [keyring.backends.fail.Keyring(), keyring.backends.null.Keyring()])
def test_without_a_safe_place_it_refuses_and_says_what_to_do(backend: KeyringBackend) -> None:
    with pytest.raises(SecretsRefused) as refused:
        KeyringSecrets(backend).save("https://p.example", "t0ken")
    assert "--plain-token-file" in refused.value.remedy


def test_a_plain_text_keyring_is_refused_too() -> None:
    plain = type("PlaintextKeyring", (Ring,), {"__module__": "keyrings.alt.file"})()
    with pytest.raises(SecretsRefused):
        KeyringSecrets(plain).save("https://p.example", "t0ken")
    assert plain.kept == {}


def test_a_locked_keyring_is_told_in_plain_words() -> None:
    ring = Ring()
    ring.locked = True
    with pytest.raises(SecretsRefused, match="The keyring did not open: Prompt dismissed"):
        KeyringSecrets(ring).load("https://p.example")


def test_where_libsecret_is_not_there_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gi", None)
    with pytest.raises(SecretsRefused) as refused:
        SecretServiceSecrets().load("https://p.example")
    assert "gir1.2-secret-1" in refused.value.remedy


class Unanswered(FileSecrets):
    """A keyring that asks for its password until it is `left`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.left = threading.Event()

    def forget(self, server: str) -> None:
        self.left.wait()


def test_uninstalling_waits_for_a_keyring_only_so_long(tmp_path: Path) -> None:
    assert forget_token("https://p.example", FileSecrets(tmp_path / "token.json"))
    asking = Unanswered(tmp_path / "token.json")
    assert not forget_token("https://p.example", asking, patience=0.01)
    asking.left.set()


def test_uninstalling_tells_of_a_keyring_that_refuses() -> None:
    ring = Ring()
    ring.locked = True
    assert not forget_token("https://p.example", KeyringSecrets(ring))


def test_the_plain_file_is_for_its_owner_only(tmp_path: Path) -> None:
    secrets = FileSecrets(tmp_path / "s" / "token.json")
    assert secrets.load("https://p.example") == ""
    secrets.save("https://p.example", "one")
    secrets.save("https://q.example", "two")
    assert private(tmp_path / "s" / "token.json")
    secrets.forget("https://p.example")
    assert (secrets.load("https://p.example"), secrets.load("https://q.example")) == ("", "two")


async def test_without_an_icon_the_window_says_that_the_keyring_refuses(
    backend: FakeBackend, tmp_path: Path
) -> None:
    shut = FakeSecrets(locked=True)
    async with running(backend, tmp_path, signed_in=False, secrets=shut, window_only="No tray.") as rig:
        await rig.until(lambda: rig.window.opened == ["local"] and rig.app.state.trouble is not None)
        assert rig.app.state.trouble is not None
        assert rig.app.state.trouble.remedy == "Unlock it."
