"""Encrypts (seals) stored secrets with Fernet keys that can be rotated, and finds those keys."""

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
from backend.domain.watching.audit import KEY_BYTES, SALT_BYTES, Chain
from backend.ports.system import Vault
from backend.settings import Environment, Settings

KEY_FILE = "secret.keys"
_KEY_FILE_LIMIT = 64 * 1024
_CACHED_KEYS = 10_000


def make_key() -> str:
    return Fernet.generate_key().decode("ascii")


def key_id(key: SecretStr) -> str:
    """The public id of a key: eight characters of its hash."""
    return hashlib.sha256(key.get_secret_value().encode()).hexdigest()[:8]


class MultiFernetVault:
    """`backend.ports.system.Vault`: encrypts with the first key, decrypts with any."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        """`keys`: newest first. Raises `Refused` (field secret_keys) if there is none, or one is invalid."""
        if not keys:
            raise Refused("secret_keys", field="secret_keys")
        self._by_id = {key_id(key): _fernet(key, place) for place, key in enumerate(keys, 1)}
        self._fernet = MultiFernet([*self._by_id.values()])

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._by_id)

    def key_of(self, sealed: bytes) -> str | None:
        """The id of the key that decrypts `sealed`, or None."""
        for name, fernet in self._by_id.items():
            try:
                fernet.decrypt(sealed)
            except InvalidToken:
                continue
            return name
        return None

    def seal(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode("utf-8"))

    def open(self, sealed: bytes) -> str:
        """Decrypt with any of the keys. Raises `Refused` (code sealed) if none fits."""
        try:
            return self._fernet.decrypt(sealed).decode("utf-8")
        except (InvalidToken, UnicodeDecodeError) as error:
            raise _cannot_decrypt() from error

    def rotate(self, sealed: bytes) -> bytes:
        """Encrypt a secret again with the newest key. Raises `Refused` (code sealed) if no key decrypts it."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise _cannot_decrypt() from error


class VaultKeys:
    """`backend.ports.system.DecisionKeys`: the keys of decision logs. Decrypted keys are cached, since decrypting
    costs as much as everything else about an entry."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.open = lru_cache(_CACHED_KEYS)(self._open)
        self.heads: dict[str, Chain] = {}  # see `DecisionKeys`

    def fresh(self, mailbox_id: str) -> tuple[bytes, bytes]:
        """A new key, encrypted and plain. The mailbox's id is encrypted with it, so that it is not accepted for
        another log."""
        key = os.urandom(KEY_BYTES)
        return self.vault.seal(f"{b64encode(key).decode()} {mailbox_id}"), key

    def _open(self, sealed: bytes, mailbox_id: str) -> bytes | None:
        try:
            key, _, owner = self.vault.open(sealed).partition(" ")
        except Refused:
            return None
        # Releases up to 0.2 encrypted the key without an id.
        return b64decode(key) if owner in ("", mailbox_id) else None

    def salt(self) -> bytes:
        """16 random bytes."""
        return os.urandom(SALT_BYTES)


def configured_vault(settings: Settings) -> MultiFernetVault:
    return MultiFernetVault(load_or_make_keys(settings))


def can_open(vault: Vault, sealed: bytes) -> bool:
    """Whether a key of the vault decrypts `sealed`."""
    try:
        vault.open(sealed)
    except Refused:
        return False
    return True


def load_or_make_keys(settings: Settings) -> tuple[SecretStr, ...]:
    """The keys of this deployment, newest first.

    Without keys in the settings, dev and test create one in `state_dir` (mode 0600). Staging and production refuse,
    because a key on one machine's disk could be lost with it, and with the key every grant.
    """
    if settings.secret_keys:
        return settings.secret_keys
    if settings.environment in (Environment.STAGING, Environment.PRODUCTION):
        raise Refused("secret_keys.empty", environment=settings.environment, field="secret_keys")
    path = settings.state_dir / KEY_FILE
    try:
        if not path.exists():
            _write_once(path, make_key())
        return _read_keys(path)
    except OSError as error:
        raise Refused("state_dir", path=path, why=error.strerror, field="state_dir") from error


def _write_once(path: Path, key: str) -> None:
    """Create `path` with `key`, unless another process has created it meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # Linking is atomic and never replaces a file, so two processes end up with the same key.
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)


def _read_keys(path: Path) -> tuple[SecretStr, ...]:
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
        # `from None`: the cause may quote the key.
        raise Refused("secret_keys.form", place=place, field="secret_keys") from None


def _cannot_decrypt() -> Refused:
    return Refused("sealed")
