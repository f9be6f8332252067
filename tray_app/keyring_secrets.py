"""The token in the operating system's keyring; in a plain file only where the owner insists."""

from __future__ import annotations

import json
import os
from pathlib import Path

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, PasswordDeleteError

from tray_app.errors import SecretsRefused
from tray_app.words import t

SERVICE = "Pitchgate"


class KeyringSecrets:
    """The `Secrets` port over the OS keyring. Calls may wait for the owner to unlock it."""

    def __init__(self, backend: KeyringBackend | None = None) -> None:
        self._chosen = backend

    def load(self, server: str) -> str:
        """See `Secrets.load`."""
        try:
            return self._backend().get_password(SERVICE, server) or ""
        except KeyringError as error:
            raise _locked(error) from error

    def save(self, server: str, token: str) -> None:
        """See `Secrets.save`."""
        try:
            self._backend().set_password(SERVICE, server, token)
        except KeyringError as error:
            raise _locked(error) from error

    def forget(self, server: str) -> None:
        """Forget the token. Not an error if there is none."""
        try:
            self._backend().delete_password(SERVICE, server)
        except PasswordDeleteError:
            return
        except KeyringError as error:
            raise _locked(error) from error

    def _backend(self) -> KeyringBackend:
        backend = self._chosen or keyring.get_keyring()
        home = type(backend).__module__
        # fail and null keep nothing; those of the keyrings.alt package write files anybody's backup picks up
        if home.startswith(("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")):
            raise SecretsRefused(t("error.no_safe_place"), t("error.keyring_remedy"))
        return backend


class FileSecrets:
    """The `Secrets` port over a file that only this user can read. Used only when the owner asked for it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, server: str) -> str:
        """See `Secrets.load`."""
        return self._read().get(server, "")

    def save(self, server: str, token: str) -> None:
        """See `Secrets.save`."""
        self._write(self._read() | {server: token})

    def forget(self, server: str) -> None:
        """Forget the token. Not an error if there is none."""
        self._write({name: token for name, token in self._read().items() if name != server})

    def _read(self) -> dict[str, str]:
        try:
            return dict(json.loads(self._path.read_text()))
        except (OSError, ValueError):
            return {}

    def _write(self, tokens: dict[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self._path.with_name(self._path.name + ".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(tokens, file)
        os.replace(temporary, self._path)


def _locked(error: Exception) -> SecretsRefused:
    return SecretsRefused(t("error.keyring", why=error or type(error).__name__), t("error.keyring_remedy"))
