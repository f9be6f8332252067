"""Checks of this machine and of what is stored: settings, folder, disk, model, database, keys."""

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
from backend.domain.mailbox.mailbox import Notices
from backend.locale import error_words
from backend.scoring.model_file import read_model
from backend.settings import ENCODER_FILE, SQLITE_FILE, Environment, Settings, on_this_machine
from backend.settings_read import FILE_VARIABLE, unknown_settings
from backend.store import opening
from backend.store.library import Dialect
from backend.store.schema import Place, status
from backend.system import NEEDED, raise_limit
from backend.terminal import language, words
from backend.transactions.store import Store
from backend.vault import KEY_FILE, MultiFernetVault, configured_vault, opens

# ---- What a check found.


class CheckState(StrEnum):
    """How it stands."""

    WELL = "well"
    WARNING = "warning"  # works, and should be looked at
    BROKEN = "broken"
    SKIPPED = "skipped"  # could not be looked at, or there is nothing to look at


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what it looked at, what it found by its key, how it stands in a sentence, and what mends it ("" if
    nothing is wrong). Holds no secret and no mail."""

    name: str
    state: CheckState
    key: str
    text: str
    mend: str = ""


def found(name: str, key: str, /, *, state: CheckState, **blanks: object) -> Finding:
    """What the catalogue has under `doctor.<name>.<key>`, and under that with `_mend` behind it if there is."""
    texts, place = words("doctor"), f"{name.replace(' ', '_')}.{key}"
    mend = texts(f"{place}_mend", **blanks) if f"{place}_mend" in texts else ""
    return Finding(name, state, key, texts(place, **blanks), mend)


well = partial(found, state=CheckState.WELL)
warning = partial(found, state=CheckState.WARNING)
broken = partial(found, state=CheckState.BROKEN)
skipped = partial(found, state=CheckState.SKIPPED)


def refused(name: str, error: PitchgateError, before: str = "", mend: str = "") -> Finding:
    """An error says why it does not work. `before` and `mend` stand around its words."""
    title, remedy = error_words(language(), error)
    return Finding(name, CheckState.BROKEN, error.key, before + title, f"{remedy} {mend}".strip())


# ---- Checks of this machine
# Nothing is asked of anybody.


LITTLE, TOO_LITTLE, NOTHING = 1_000_000_000, 100_000_000, 1_000_000
"""Bytes of disk."""
EXAMPLE_PROJECT = "projects/pitchgate-dev/"
_STRICT = (Environment.STAGING, Environment.PRODUCTION)


def of_settings(settings: Settings) -> Iterator[Finding]:
    """The settings themselves. That they were read at all is known already."""
    yield well("settings", "read", environment=settings.environment, notices=settings.notices)
    for name, meant in unknown_settings().items():
        yield warning("settings", "misspelt" if meant else "unknown", name=name, meant=meant)
    file = Path(os.environ.get(FILE_VARIABLE, "") or os.devnull)
    if file.is_file() and os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield broken("settings file", "readable", file=shlex.quote(str(file.absolute())))
    yield from _of_addresses(settings)


def _of_addresses(settings: Settings) -> Iterator[Finding]:
    name, strict = "notices", settings.environment in _STRICT
    if settings.notices is Notices.POLL:
        yield well(name, "polled", seconds=settings.poll_interval)
        return
    project = settings.topic.split("/")[1]
    if strict and settings.topic.startswith(EXAMPLE_PROJECT):
        yield broken(name, "example")
    elif settings.subscription.split("/")[1] != project:
        yield warning(name, "two_projects")
    else:
        yield well(name, "topic", topic=settings.topic)
    if settings.notices is Notices.PUSH and strict and on_this_machine(settings.public_url):
        yield broken(name, "local", host=urlsplit(settings.public_url).netloc)


def of_disk(settings: Settings, free: int | None = None) -> Iterator[Finding]:
    """The state folder: there, ours alone, with space. `free` stands in for what the disk says."""
    folder = settings.state_dir
    if not os.path.isdir(folder):  # which, unlike pathlib, says no where this user may not look
        yield warning("disk", "absent", folder=folder)
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        # Its rights stay as they are: more likely the command runs as the wrong user.
        yield broken("disk", "not_ours", path=folder, owner=owner_of(folder))
        return
    # One that is empty is closed by the server when it makes its database.
    if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077 and any(folder.iterdir()):
        told: dict[str, Any] = {"folder": shlex.quote(str(folder))}
        if for_us_alone(folder):
            yield warning("disk", "readable", **told)
        else:
            yield warning("disk", "shared", **told)
    free = shutil.disk_usage(folder).free if free is None else free
    facts: dict[str, Any] = {"folder": folder, "size": round(free / 1e9, 1)}
    if free < NOTHING:
        yield broken("disk", "full", folder=folder)
    elif free < TOO_LITTLE:
        yield broken("disk", "little", **facts)
    elif free < LITTLE:
        yield warning("disk", "little", **facts)
    else:
        yield well("disk", "free", **facts)


def of_descriptors() -> Iterator[Finding]:
    """How many files may be open. The server is under its own supervisor's limit, which may be another."""
    limit = raise_limit()
    yield (
        well("descriptors", "enough", limit=limit)
        if limit >= NEEDED
        else broken("descriptors", "few", limit=limit, needed=NEEDED)
    )


def for_us_alone(folder: Path) -> bool:
    """Whether a command about the whole folder can hurt nobody else: it has our database in it and no folders, is not
    at the top of the disk, and others were never meant to write in it."""
    folder = folder.resolve()
    ours = (folder / SQLITE_FILE).exists() and not any(entry.is_dir() for entry in folder.iterdir())
    meant_for_others = folder.stat().st_mode & (stat.S_ISVTX | 0o022)
    return ours and not meant_for_others and len(folder.parts) > 2


def owner_of(path: Path) -> str:
    """Whose it is, by name."""
    try:
        return path.owner()
    except (KeyError, OSError, NotImplementedError):  # no name, no look, no owners at all
        return "?"


def of_model(settings: Settings) -> Iterator[Finding]:
    """The model file and its audit."""
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
    """Whether mail can be read a second time. Without that it is still read once."""
    from backend.scoring.second_reading import (
        SecondReading,
    )  # here: nothing else looks at the extra's libraries

    path = settings.state_dir / ENCODER_FILE
    try:
        SecondReading.open(path, model)
    except PitchgateError as error:
        why, mend = error_words(language(), error)
        return replace(warning("second_reading", "once", why=why), mend=mend)
    return well("second_reading", "ready", name=path.name)


# ---- Checks of the database


async def of_database(settings: Settings) -> list[Finding]:
    """Whether there is one, its schema, its rights, its pages. Changes nothing."""
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
    """What SQLite says is wrong with a file, "" for nothing."""
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
        return str(error) if damage else ""  # a full disk or a missing right has its own message, further on
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
    """The keys that are there already (none is made), or the finding that says what is wrong."""
    made = settings.state_dir / KEY_FILE
    if (
        not settings.secret_keys
        and settings.environment in (Environment.DEV, Environment.TEST)
        and not os.path.exists(made)
    ):
        return skipped("keys", "none")
    try:
        return configured_vault(settings)
    except Refused as error:
        return refused("keys", error)


async def of_keys(store: Store | None, vault: MultiFernetVault, pending: bool) -> list[Finding]:
    """Whether they open every token that is kept. With a schema of an older release (`pending`) nobody knows yet."""
    if store is None:
        return [skipped("keys", "untried") if pending else well("keys", "unused")]
    sealed = await store.sealed_tokens()
    shut = sum(not opens(vault, token) for token in sealed)
    if not shut:
        return [well("keys", "open_all", count=len(sealed))]
    return [broken("keys", "shut", count=len(sealed), shut=shut)]


async def of_jobs(store: Store) -> list[Finding]:
    """Jobs that fail, and dead letters."""
    counts = await store.census()
    failing, dead = counts.get("failing_seconds", 0), counts.get("dead_letters", 0)
    found = []
    if failing > 120:
        found.append(warning("jobs", "failing", seconds=failing))
    if dead:
        found.append(warning("jobs", "dead_letters", count=dead))
    return found or [well("jobs", "none")]
