"""Secrets at rest under Fernet keys that can be rotated, and where those keys come from."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from backend.domain.errors import Refused
from backend.domain.watching.audit import KEY_BYTES, SALT_BYTES
from backend.ports.system import Vault
from backend.settings import Environment, Settings

KEY_FILE = "secret.keys"
_KEY_FILE_LIMIT = 64 * 1024
_REMEMBERED = 10_000


def make_key() -> str:
    """A new key in the form PITCHGATE_SECRET_KEYS takes."""
    return Fernet.generate_key().decode("ascii")


def key_id(key: SecretStr) -> str:
    """What a key is called: eight characters from which it cannot be found."""
    return hashlib.sha256(key.get_secret_value().encode()).hexdigest()[:8]


class MultiFernetVault:
    """`backend.ports.system.Vault`: seals with the first key, opens with any."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        """`keys` newest first. Raises `Refused` (field secret_keys) for none or one that is no key."""
        if not keys:
            raise Refused("secret_keys", field="secret_keys")
        self._named = {key_id(key): _fernet(key, place) for place, key in enumerate(keys, 1)}
        self._fernet = MultiFernet([*self._named.values()])

    @property
    def ids(self) -> tuple[str, ...]:
        """What the keys are called where they must not be shown, newest first."""
        return tuple(self._named)

    def key_of(self, sealed: bytes) -> str | None:
        """The id of the key that opens it, or None."""
        for name, fernet in self._named.items():
            try:
                fernet.decrypt(sealed)
            except InvalidToken:
                continue
            return name
        return None

    def seal(self, secret: str) -> bytes:
        """Encrypt with the newest key."""
        return self._fernet.encrypt(secret.encode("utf-8"))

    def open(self, sealed: bytes) -> str:
        """Decrypt with whichever key fits. Raises `Refused` (code sealed) if none does."""
        try:
            return self._fernet.decrypt(sealed).decode("utf-8")
        except (InvalidToken, UnicodeDecodeError) as error:
            raise _unsealable() from error

    def rotate(self, sealed: bytes) -> bytes:
        """The same secret under the newest key. Raises `Refused` (code sealed) if no key fits."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise _unsealable() from error


class VaultKeys:
    """`backend.ports.system.DecisionKeys`. What was opened is remembered: opening costs as much as all the rest of
    an entry."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.open = lru_cache(_REMEMBERED)(self._open)

    def fresh(self, mailbox_id: str) -> tuple[bytes, bytes]:
        """A new key. The mailbox is sealed with it, so that it seals no other's log."""
        key = os.urandom(KEY_BYTES)
        return self.vault.seal(f"{b64encode(key).decode()} {mailbox_id}"), key

    def _open(self, sealed: bytes, mailbox_id: str) -> bytes | None:
        try:
            key, _, owner = self.vault.open(sealed).partition(" ")
        except Refused:
            return None
        # Releases up to 0.2 sealed the key alone.
        return b64decode(key) if owner in ("", mailbox_id) else None

    def salt(self) -> bytes:
        """16 random bytes."""
        return os.urandom(SALT_BYTES)


def configured_vault(settings: Settings) -> MultiFernetVault:
    """The vault of this deployment. See `load_or_make_keys`."""
    return MultiFernetVault(load_or_make_keys(settings))


def opens(vault: Vault, sealed: bytes) -> bool:
    """Whether any key of the vault fits."""
    try:
        vault.open(sealed)
    except Refused:
        return False
    return True


def load_or_make_keys(settings: Settings) -> tuple[SecretStr, ...]:
    """The keys of this deployment, newest first.

    Without keys in the settings, dev and test keep one in `state_dir` (mode 0600). Staging and production
    refuse: a key that was made on one machine's disk is lost with it, and every grant with the key.
    """
    if settings.secret_keys:
        return settings.secret_keys
    if settings.environment in (Environment.STAGING, Environment.PRODUCTION):
        raise Refused("secret_keys.empty", environment=settings.environment, field="secret_keys")
    path = settings.state_dir / KEY_FILE
    try:
        if not path.exists():
            _write_once(path, make_key())
        return _read(path)
    except OSError as error:
        raise Refused("state_dir", path=path, why=error.strerror, field="state_dir") from error


def _write_once(path: Path, key: str) -> None:
    """Create `path` with `key`, or leave the file another process made meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link appears whole or not at all and never replaces: two processes end up with one key.
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> tuple[SecretStr, ...]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise Refused("secret_keys.readable", path=path, mode=f"{mode:04o}", field="secret_keys")
    with path.open(encoding="ascii", errors="replace") as file:
        lines = file.read(_KEY_FILE_LIMIT).split()
    if not lines:
        raise Refused("secret_keys.none", path=path, field="secret_keys")
    return tuple(SecretStr(line) for line in lines)


def _fernet(key: SecretStr, place: int) -> Fernet:
    try:
        return Fernet(key.get_secret_value())
    except ValueError:
        raise Refused(
            "secret_keys.form", place=place, field="secret_keys"
        ) from None  # the cause may quote the key


def _unsealable() -> Refused:
    return Refused("sealed")
