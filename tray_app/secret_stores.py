"""Where the token is kept: in the desktop's keyring, or in a plain file if the owner asks for that."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tray_app.errors import SecretsRefused
from tray_app.ports import Secrets
from tray_app.words import t

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "Pitchgate"


def platform_secrets() -> Secrets:
    return SecretServiceSecrets() if str(sys.platform).startswith("linux") else KeyringSecrets()


# ---- The keyring of a Linux desktop


SCHEMA = "org.freedesktop.Secret.Generic"


class SecretServiceSecrets:
    """The `Secrets` port over the Secret Service. Calls may wait for the owner to unlock it."""

    def load(self, server: str) -> str:
        """See `Secrets.load`. Raises `SecretsRefused` if the keyring stays locked."""
        secret, failed = _libsecret()
        try:
            found = self._find(secret, server)
            if not found:
                return ""
            # Prefer our own entry: one that the `keyring` package wrote has an "application" attribute.
            own = min(found, key=lambda item: "application" in item.get_attributes())
            return str(own.retrieve_secret_sync().get_text() or "")
        except failed as error:
            raise _keyring_error(error.message) from error

    def save(self, server: str, token: str) -> None:
        secret, failed = _libsecret()
        attributes = {"service": SERVICE, "username": server}
        label = f"{SERVICE} ({server})"
        try:
            stored = secret.password_store_sync(
                _schema(secret), attributes, secret.COLLECTION_DEFAULT, label, token
            )
        except failed as error:
            raise _keyring_error(error.message) from error
        if not stored:
            raise _keyring_error(t("error.still_locked"))

    def forget(self, server: str) -> None:
        secret, failed = _libsecret()
        try:
            if self._find(secret, server):
                secret.password_clear_sync(_schema(secret), {"service": SERVICE, "username": server})
        except failed as error:
            raise _keyring_error(error.message) from error

    def _find(self, secret: Any, server: str) -> list[Any]:
        """The entries for this server, unlocked. Two attributes also find those of `keyring`, which have a third."""
        flags = secret.SearchFlags
        attributes = {"service": SERVICE, "username": server}
        found: list[Any] = secret.password_search_sync(
            _schema(secret), attributes, flags.ALL | flags.UNLOCK | flags.LOAD_SECRETS
        )
        if any(item.get_locked() for item in found):
            raise _keyring_error(t("error.still_locked"))
        return found


def _libsecret() -> tuple[Any, type[Any]]:
    """libsecret, and the error class its calls raise. Imported late: only this store needs it."""
    try:
        import gi

        gi.require_version("Secret", "1")
        from gi.repository import GLib, Secret
    except (ImportError, ValueError) as error:
        raise SecretsRefused(t("error.no_safe_place"), t("error.no_libsecret_remedy")) from error
    return Secret, GLib.Error


def _schema(secret: Any) -> Any:
    text = secret.SchemaAttributeType.STRING
    return secret.Schema.new(SCHEMA, secret.SchemaFlags.DONT_MATCH_NAME, {"service": text, "username": text})


def _keyring_error(why: str) -> SecretsRefused:
    return SecretsRefused(t("error.keyring", why=why), t("error.keyring_remedy"))


# ---- The keyring of Windows or macOS


class KeyringSecrets:
    """The `Secrets` port over the `keyring` package. Calls may wait for the owner to unlock it."""

    def __init__(self, backend: KeyringBackend | None = None) -> None:
        self._chosen = backend

    def load(self, server: str) -> str:
        with self._keyring() as keyring:
            return keyring.get_password(SERVICE, server) or ""

    def save(self, server: str, token: str) -> None:
        with self._keyring() as keyring:
            keyring.set_password(SERVICE, server, token)

    def forget(self, server: str) -> None:
        from keyring.errors import PasswordDeleteError

        with self._keyring() as keyring, contextlib.suppress(PasswordDeleteError):
            keyring.delete_password(SERVICE, server)

    @contextlib.contextmanager
    def _keyring(self) -> Iterator[KeyringBackend]:
        """The keyring; its errors become `SecretsRefused`."""
        import keyring  # late: Linux does without this package
        from keyring.errors import KeyringError

        backend = self._chosen or keyring.get_keyring()
        # fail and null store nothing; those of keyrings.alt write files that end up in backups
        if type(backend).__module__.startswith(
            ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
        ):
            raise SecretsRefused(t("error.no_safe_place"), t("error.keyring_remedy"))
        try:
            yield backend
        except KeyringError as error:
            raise _keyring_error(str(error) or type(error).__name__) from error


# ---- A plain file


class FileSecrets:
    """The `Secrets` port over a file only this user can read. Used only if the owner asks for it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, server: str) -> str:
        return self._read().get(server, "")

    def save(self, server: str, token: str) -> None:
        self._write(self._read() | {server: token})

    def forget(self, server: str) -> None:
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
