"""Checks of this machine and its data: settings, state folder, disk, model, database, keys."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from backend.domain.errors import PitchgateError, Refused
from backend.domain.mailbox.mailbox import NoticeMode
from backend.locale import error_words
from backend.scoring.model_file import read_model
from backend.settings import ENCODER_FILE, SQLITE_FILE, Environment, Settings, on_this_machine
from backend.settings_read import FILE_VARIABLE, unknown_settings
from backend.store import opening
from backend.store.library import Dialect
from backend.store.opening import Place, status
from backend.system import MIN_OPEN_FILES, raise_file_limit
from backend.terminal import cli_texts, language
from backend.transactions.store import Store
from backend.vault import KEY_FILE, MultiFernetVault, can_open, configured_vault

# ---- Findings


class CheckState(StrEnum):
    """The result of a check."""

    WELL = "well"
    WARNING = "warning"  # works, but needs attention
    BROKEN = "broken"
    SKIPPED = "skipped"  # could not be checked, or there is nothing to check


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: its `name`, the `key` of what it found, that as a sentence (`text`), and what
    corrects it (`mend`, "" if nothing is wrong). Contains no secret and no email."""

    name: str
    state: CheckState
    key: str
    text: str
    mend: str = ""


def _finding(name: str, key: str, /, *, state: CheckState, **blanks: object) -> Finding:
    """A finding with the texts `doctor.<name>.<key>` and, if there is one, `doctor.<name>.<key>_mend`."""
    texts, place = cli_texts("doctor"), f"{name.replace(' ', '_')}.{key}"
    mend = texts(f"{place}_mend", **blanks) if f"{place}_mend" in texts else ""
    return Finding(name, state, key, texts(place, **blanks), mend)


well = partial(_finding, state=CheckState.WELL)
warning = partial(_finding, state=CheckState.WARNING)
broken = partial(_finding, state=CheckState.BROKEN)
skipped = partial(_finding, state=CheckState.SKIPPED)


def refused(name: str, error: PitchgateError, before: str = "", mend: str = "") -> Finding:
    """A broken check, with the words of `error`. `before` is put before its title, `mend` after its remedy."""
    title, remedy = error_words(language(), error)
    return Finding(name, CheckState.BROKEN, error.key, before + title, f"{remedy} {mend}".strip())


# ---- Checks of this machine, without the network


WARN_BELOW, BROKEN_BELOW, FULL_BELOW = 1_000_000_000, 100_000_000, 1_000_000
"""Free bytes of disk below which a finding is a warning, broken, or a full disk."""
EXAMPLE_PROJECT = "projects/pitchgate-dev/"
_STRICT = (Environment.STAGING, Environment.PRODUCTION)


def check_settings(settings: Settings) -> Iterator[Finding]:
    """The settings, which were read without an error already."""
    yield well("settings", "read", environment=settings.environment, notices=settings.notices)
    for name, meant in unknown_settings().items():
        yield warning("settings", "misspelt" if meant else "unknown", name=name, meant=meant)
    file = Path(os.environ.get(FILE_VARIABLE, "") or os.devnull)
    if file.is_file() and os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield broken("settings file", "readable", file=shlex.quote(str(file.absolute())))
    yield from _check_addresses(settings)


def _check_addresses(settings: Settings) -> Iterator[Finding]:
    name, strict = "notices", settings.environment in _STRICT
    if settings.notices is NoticeMode.POLL:
        yield well(name, "polled", seconds=settings.poll_interval)
        return
    project = settings.topic.split("/")[1]
    if strict and settings.topic.startswith(EXAMPLE_PROJECT):
        yield broken(name, "example")
    elif settings.subscription.split("/")[1] != project:
        yield warning(name, "two_projects")
    else:
        yield well(name, "topic", topic=settings.topic)
    if settings.notices is NoticeMode.PUSH and strict and on_this_machine(settings.public_url):
        yield broken(name, "local", host=urlsplit(settings.public_url).netloc)


def check_disk(settings: Settings, free: int | None = None) -> Iterator[Finding]:
    """Whether the state folder exists, is readable by us only, and has free space. `free` replaces the disk's value."""
    folder = settings.state_dir
    if not os.path.isdir(folder):  # unlike pathlib's, False if this user may not look
        yield warning("disk", "absent", folder=folder)
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        # Do not suggest changing its permissions: most likely the command runs as the wrong user.
        yield broken("disk", "not_ours", path=folder, owner=owner_of(folder))
        return
    # Not for an empty folder, whose permissions the server sets when it creates the database.
    if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077 and any(folder.iterdir()):
        yield warning(
            "disk", "readable" if is_only_ours(folder) else "shared", folder=shlex.quote(str(folder))
        )
    free = shutil.disk_usage(folder).free if free is None else free
    facts: dict[str, Any] = {"folder": folder, "size": round(free / 1e9, 1)}
    if free < FULL_BELOW:
        yield broken("disk", "full", folder=folder)
    elif free < BROKEN_BELOW:
        yield broken("disk", "little", **facts)
    elif free < WARN_BELOW:
        yield warning("disk", "little", **facts)
    else:
        yield well("disk", "free", **facts)


def check_descriptors() -> Iterator[Finding]:
    """Whether enough files may be open. The server's own limit may differ, as its supervisor sets it."""
    limit = raise_file_limit()
    if limit >= MIN_OPEN_FILES:
        yield well("descriptors", "enough", limit=limit)
    else:
        yield broken("descriptors", "few", limit=limit, needed=MIN_OPEN_FILES)


def is_only_ours(folder: Path) -> bool:
    """Whether a command to change the folder's permissions is safe: it contains our database and no folders, is not
    at the top of the disk, and is not meant for others to write in."""
    folder = folder.resolve()
    has_only_ours = (folder / SQLITE_FILE).exists() and not any(entry.is_dir() for entry in folder.iterdir())
    meant_for_others = folder.stat().st_mode & (stat.S_ISVTX | 0o022)
    return has_only_ours and not meant_for_others and len(folder.parts) > 2


def owner_of(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, OSError, NotImplementedError):  # no such user, no permission, no owners on Windows
        return "?"


def check_model(settings: Settings) -> Iterator[Finding]:
    """Whether the model file can be read and passes its audit."""
    try:
        _, facts = read_model(settings.model_path)
    except PitchgateError as error:
        yield refused("model", error)
    except OSError as error:
        yield broken("model", "unread", path=settings.model_path, why=error.strerror)
    else:
        yield well("model", "audited", name=settings.model_path.name, version=facts.version)
        if settings.second_reading:
            yield _second_reading(settings, facts.digest)


def _second_reading(settings: Settings, model: str) -> Finding:
    """Whether the second reading works. Without it mail is still read once."""
    # Imported late: it needs the libraries of an extra.
    from backend.scoring.second_reading import SecondReading

    path = settings.state_dir / ENCODER_FILE
    try:
        SecondReading.open(path, model)
    except PitchgateError as error:
        why, mend = error_words(language(), error)
        return replace(warning("second_reading", "once", why=why), mend=mend)
    return well("second_reading", "ready", name=path.name)


# ---- Checks of the database


async def check_database(settings: Settings) -> list[Finding]:
    """Whether the database exists, is intact, readable by us only, and has the current schema. Changes nothing."""
    where = opening.configured(settings)
    try:
        with opening.explained(where):
            if where.dialect is Dialect.SQLITE and not where.path.exists():
                return [skipped("database", "none", name=where.name)]
            if where.dialect is Dialect.POSTGRES:
                from backend.store.lane_sessions import refuse_shared_sessions  # its driver is an extra

                await refuse_shared_sessions(where.address)
            if where.dialect is Dialect.SQLITE and (damage := _damage(where.path)):
                return [broken("database", "damaged", name=where.name, why=damage)]
            found = await status(where)
    except PitchgateError as error:
        return [refused("database", error)]
    facts: dict[str, Any] = {"kind": where.dialect.value, "name": where.name, "schema": str(found.version)}
    if found.ahead:
        return [broken("database", "ahead", **facts)]
    if found.pending:
        return [*_rights(where), warning("database", "pending", count=len(found.pending), **facts)]
    return [*_rights(where), well("database", "current", **facts)]


def _damage(path: Path) -> str:
    """The damage SQLite finds in a file, "" for none."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        damage = getattr(error, "sqlite_errorcode", 0) & 0xFF in (
            sqlite3.SQLITE_CORRUPT,
            sqlite3.SQLITE_NOTADB,
        )
        return str(error) if damage else ""  # full disk and missing permission are reported by later checks
    return "" if result == "ok" else str(result)[:200]


def _rights(where: Place) -> Iterator[Finding]:
    if where.dialect is not Dialect.SQLITE:
        return
    if not os.access(where.path, os.R_OK | os.W_OK):
        yield broken("database", "not_ours", path=where.path, owner=owner_of(where.path))
    elif os.name == "posix" and all(
        stat.S_IMODE(place.stat().st_mode) & 0o077 for place in (where.path, where.path.parent)
    ):
        yield warning("database", "readable", name=where.name, path=shlex.quote(str(where.path.absolute())))


def vault_of(settings: Settings) -> MultiFernetVault | Finding:
    """The vault with the existing keys, or the finding that says what is wrong. Creates no key."""
    key_file = settings.state_dir / KEY_FILE
    if (
        not settings.secret_keys
        and settings.environment in (Environment.DEV, Environment.TEST)
        and not os.path.exists(key_file)
    ):
        return skipped("keys", "none")
    try:
        return configured_vault(settings)
    except Refused as error:
        return refused("keys", error)


async def check_keys(store: Store | None, vault: MultiFernetVault, pending: bool) -> list[Finding]:
    """Whether the keys decrypt every stored token. Not known with a `pending` upgrade of the schema."""
    if store is None:
        return [skipped("keys", "untried") if pending else well("keys", "unused")]
    sealed = await store.sealed_tokens()
    unreadable = sum(not can_open(vault, token) for token in sealed)
    if not unreadable:
        return [well("keys", "open_all", count=len(sealed))]
    return [broken("keys", "shut", count=len(sealed), shut=unreadable)]


async def check_jobs(store: Store) -> list[Finding]:
    counts = await store.census()
    failing, dead = counts.get("failing_seconds", 0), counts.get("dead_letters", 0)
    found = []
    if failing > 120:
        found.append(warning("jobs", "failing", seconds=failing))
    if dead:
        found.append(warning("jobs", "dead_letters", count=dead))
    return found or [well("jobs", "none")]
