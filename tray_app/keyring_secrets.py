"""The token in the keyring of Windows or macOS. For Linux see `secret_stores`."""

from __future__ import annotations

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
        try:
            return self._backend().get_password(SERVICE, server) or ""
        except KeyringError as error:
            raise _keyring_error(error) from error

    def save(self, server: str, token: str) -> None:
        try:
            self._backend().set_password(SERVICE, server, token)
        except KeyringError as error:
            raise _keyring_error(error) from error

    def forget(self, server: str) -> None:
        """Remove the token. Not an error if there is none."""
        try:
            self._backend().delete_password(SERVICE, server)
        except PasswordDeleteError:
            return
        except KeyringError as error:
            raise _keyring_error(error) from error

    def _backend(self) -> KeyringBackend:
        backend = self._chosen or keyring.get_keyring()
        module = type(backend).__module__
        # fail and null store nothing; those of keyrings.alt write files that end up in backups
        if module.startswith(("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")):
            raise SecretsRefused(t("error.no_safe_place"), t("error.keyring_remedy"))
        return backend


def _keyring_error(error: Exception) -> SecretsRefused:
    return SecretsRefused(t("error.keyring", why=error or type(error).__name__), t("error.keyring_remedy"))
