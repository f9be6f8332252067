"""The real clock, the operating system's randomness and file descriptors, and secrets at rest under keys that can
be rotated."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import tempfile
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from backend.domain.errors import Refused
from backend.domain.watching.audit import KEY_BYTES, SALT_BYTES
from backend.ports.system import Vault
from backend.settings import Environment, Settings

# ---- The real clock, and the same held against Google's.


BELIEVED = timedelta(minutes=1)
"""A difference up to this is none: nothing we do depends on less, and Google tells whole seconds."""

AGREE = 3
"""So many answers in a row must name the same difference before ours is the time that is wrong."""

FRESH = 3600.0
"""Seconds for which an answer's time counts."""


class SystemClock:
    """`backend.ports.system.Clock` by the machine's own time."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)


def _passed() -> float:
    """Seconds that go on evenly whatever the clock is set to; on Linux also while the machine sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class GuidedClock:
    """`Clock` and `TimeCheck`: the machine's time, put right where Google's differs from it by more than a minute.

    Somebody may set the machine's clock while we run. Ours then goes on as if nothing had happened, and is not settled
    until an answer of Google's has said who is right.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] | None = None,
        passed: Callable[[], float] = _passed,
    ) -> None:
        self._wall, self._passed = wall or SystemClock().now, passed
        self._seen = self._wall(), passed()
        self._added = timedelta(0)
        self._doubts: list[timedelta] = []
        self._settled_at: float | None = None

    @property
    def settled(self) -> bool:
        """See `TimeCheck`."""
        self.now()
        return self._settled_at is not None and self._passed() - self._settled_at < FRESH

    @property
    def skew(self) -> timedelta:
        """See `TimeCheck`."""
        self.now()
        return -self._added

    def now(self) -> datetime:
        """Aware UTC."""
        wall, passed = self._wall(), self._passed()
        set_by = wall - self._seen[0] - timedelta(seconds=passed - self._seen[1])
        if abs(set_by) > BELIEVED:
            self._added -= set_by
            self._settled_at = None
        self._seen = wall, passed
        return wall + self._added

    def heard(self, date: datetime) -> None:
        """Google's time was this just now."""
        ours = self.now()
        wall, passed = self._seen
        if abs(date - ours) > BELIEVED:
            self._doubt(date - wall)
            return
        self._doubts.clear()
        self._settled_at = passed
        if abs(date - wall) <= BELIEVED / 2:
            self._added = timedelta(0)  # the machine's own time is right again

    def _doubt(self, difference: timedelta) -> None:
        """One answer that differs may be a mistake of somebody's: nothing is deleted meanwhile."""
        agree = [one for one in self._doubts if abs(one - difference) <= BELIEVED / 4]
        self._doubts = [*agree, difference][-AGREE:]
        self._settled_at = None
        if len(self._doubts) == AGREE:
            self._added, self._settled_at = difference, self._seen[1]
            self._doubts.clear()


# ---- Randomness from the operating system.


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no letter is taken for a digit
_LENGTH = 26
_RANDOM_BITS = 80


class SystemTokens:
    """`backend.ports.system.TokenSource` by `secrets`."""

    def token(self, size: int = 24) -> str:
        """A URL-safe secret of `size` random bytes."""
        return secrets.token_urlsafe(size)

    def identifier(self) -> str:
        """26 characters that sort by the millisecond they were made in; 80 of their bits are random.

        Sorted ids keep new rows together in an index, where random ones would touch every page of it.
        """
        milliseconds = time.time_ns() // 1_000_000
        number = milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))


# ---- How many files this process may have open at once, and who gets how many: connections are files, too.
# Without one left nothing works: the store cannot be opened, no module imported, no caller answered. So of few
# each has its part, and those that come in, which anybody may open, never take the others'.


NEEDED = 512
"""At work: 200 connections to Google, `OWN`, and those that come in."""

OWN = 48
"""For the store, the processes that read, logs, locks, and a file that is read in passing."""

MOST = 65_536


def raise_limit() -> int:
    """As many as the system lets us have by ourselves; returns how many. `MOST` where there is no such limit."""
    try:
        import resource
    except ImportError:  # Windows
        return MOST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST
    wanted = MOST if hard == resource.RLIM_INFINITY else min(MOST, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


def for_google(limit: int) -> int:
    """How many of so many are for connections to Google."""
    return 200 if limit >= NEEDED else max(8, (limit - OWN) // 2)


def for_callers(limit: int) -> int:
    """How many of so many are for connections that come in."""
    return max(8, limit - OWN - for_google(limit))


# ---- Secrets at rest under Fernet keys that can be rotated, and where those keys come from.


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
        """The id of the key that opens it, None if none does."""
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

    def fresh(self) -> tuple[bytes, bytes]:
        """A new key."""
        key = os.urandom(KEY_BYTES)
        return self.vault.seal(b64encode(key).decode()), key

    def _open(self, sealed: bytes) -> bytes | None:
        try:
            return b64decode(self.vault.open(sealed))
        except Refused:
            return None

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
