"""The token in a Linux desktop's keyring: libsecret, which speaks to GNOME Keyring, KWallet or KeePassXC over D-Bus.

The library is the system's, as GTK and WebKit are, so nothing has to be installed to encrypt what it carries.
"""

from __future__ import annotations

from typing import Any

from tray_app.errors import SecretsRefused
from tray_app.words import t

SERVICE = "Pitchgate"
SCHEMA = "org.freedesktop.Secret.Generic"


class SecretServiceSecrets:
    """The `Secrets` port over the Secret Service. Calls may wait for the owner to unlock it."""

    def load(self, server: str) -> str:
        """See `Secrets.load`. Raises `SecretsRefused` for one that stays locked."""
        secret, failed = _libsecret()
        try:
            found = self._find(secret, server)
            if not found:
                return ""
            # What `keyring` kept says so, and may be of the same second as ours.
            ours = min(found, key=lambda item: "application" in item.get_attributes())
            return str(ours.retrieve_secret_sync().get_text() or "")
        except failed as error:
            raise _locked(error.message) from error

    def save(self, server: str, token: str) -> None:
        """See `Secrets.save`."""
        secret, failed = _libsecret()
        attributes = {"service": SERVICE, "username": server}
        label = f"{SERVICE} ({server})"
        try:
            kept = secret.password_store_sync(
                _schema(secret), attributes, secret.COLLECTION_DEFAULT, label, token
            )
        except failed as error:
            raise _locked(error.message) from error
        if not kept:
            raise _locked(t("error.still_locked"))

    def forget(self, server: str) -> None:
        """Forget the token. Not an error if there is none."""
        secret, failed = _libsecret()
        try:
            if self._find(secret, server):
                secret.password_clear_sync(_schema(secret), {"service": SERVICE, "username": server})
        except failed as error:
            raise _locked(error.message) from error

    def _find(self, secret: Any, server: str) -> list[Any]:
        """What is kept for this server, unlocked. By two attributes: `keyring`, which kept it before, has a third."""
        flags = secret.SearchFlags
        attributes = {"service": SERVICE, "username": server}
        found: list[Any] = secret.password_search_sync(
            _schema(secret), attributes, flags.ALL | flags.UNLOCK | flags.LOAD_SECRETS
        )
        if any(item.get_locked() for item in found):
            raise _locked(t("error.still_locked"))
        return found


def _libsecret() -> tuple[Any, type[Any]]:
    """The library, and what its calls raise. Asked for late: nothing else needs it."""
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


def _locked(why: str) -> SecretsRefused:
    return SecretsRefused(t("error.keyring", why=why), t("error.keyring_remedy"))
