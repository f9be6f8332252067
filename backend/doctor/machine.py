"""Checks of this machine: settings, their file, the state folder, the disk, the model. Nothing is asked of anybody."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from backend.doctor.finding import Finding, broken, refused, warning, well
from backend.domain.errors import PitchgateError
from backend.domain.mailbox.mailbox import Notices
from backend.scoring.audit import read_model
from backend.setting_kinds import on_this_machine
from backend.settings import SQLITE_FILE, Environment, Settings
from backend.settings_read import FILE_VARIABLE, unknown_settings
from backend.system.descriptors import NEEDED, raise_limit

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
