"""Checks of this machine: settings, their file, the state folder, the disk, the model. Nothing is asked of anybody."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from backend.doctor.finding import Finding, broken, refused, warning, well
from backend.domain.errors import PitchgateError
from backend.domain.mailbox.notices import Notices
from backend.scoring.audit import read_model
from backend.setting_kinds import on_this_machine
from backend.settings import FILE_VARIABLE, Environment, Settings, unknown_settings

LITTLE, TOO_LITTLE = 1_000_000_000, 100_000_000
"""Bytes of disk."""
EXAMPLE_PROJECT = "projects/pitchgate-dev/"
_STRICT = (Environment.STAGING, Environment.PRODUCTION)


def of_settings(settings: Settings) -> Iterator[Finding]:
    """The settings themselves. That they were read at all is known already."""
    yield well("settings", f"read; environment {settings.environment}, notices by {settings.notices}")
    for name, meant in unknown_settings().items():
        mend = (
            f"Write {meant} instead."
            if meant
            else "Remove it; docs/reference/operations.md lists all settings."
        )
        yield warning("settings", f"{name} is no setting, so it does nothing.", mend)
    file = Path(os.environ.get(FILE_VARIABLE, "") or os.devnull)
    if file.is_file() and os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield broken(
            "settings file", f"{file} can be read by others, and it holds secrets.", f"chmod 600 {file}"
        )
    yield from _of_addresses(settings)


def _of_addresses(settings: Settings) -> Iterator[Finding]:
    name, strict = "notices", settings.environment in _STRICT
    if settings.notices is Notices.POLL:
        yield well(name, f"history is asked for every {settings.poll_interval:g} s; no Pub/Sub is needed")
        return
    project = settings.topic.split("/")[1]
    if strict and settings.topic.startswith(EXAMPLE_PROJECT):
        yield broken(
            name, "PITCHGATE_TOPIC is still the example's.", "Set it to projects/PROJECT/topics/NAME."
        )
    elif settings.subscription.split("/")[1] != project:
        yield warning(
            name,
            "Topic and subscription belong to two projects.",
            "Set PITCHGATE_TOPIC and PITCHGATE_SUBSCRIPTION to names in the OAuth client's project.",
        )
    else:
        yield well(name, f"topic {settings.topic}")
    if settings.notices is Notices.PUSH and strict and on_this_machine(settings.public_url):
        yield broken(
            name,
            f"Pub/Sub cannot push to {urlsplit(settings.public_url).netloc}: only this machine reaches it.",
            "Set PITCHGATE_NOTICES=poll or pull, or PITCHGATE_PUBLIC_URL to a public https address.",
        )


def of_disk(settings: Settings, free: int | None = None) -> Iterator[Finding]:
    """The state folder: there, ours alone, with space. `free` stands in for what the disk says."""
    folder = settings.state_dir
    if not folder.is_dir():
        yield warning("disk", f"{folder} is not there yet.", f"mkdir -m 700 -p {folder}")
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield broken("disk", f"{folder} is not ours to write in.", f"chown -R $(id -u) {folder}")
        return
    if os.name == "posix" and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield warning("disk", f"{folder} can be looked into by others.", f"chmod 700 {folder}")
    free = shutil.disk_usage(folder).free if free is None else free
    text = f"{free / 1e9:.1f} GB free in {folder}"
    mend = "Make space, or set PITCHGATE_STATE_DIR to a folder on another disk."
    if free < TOO_LITTLE:
        yield broken("disk", text, mend)
    elif free < LITTLE:
        yield warning("disk", text, mend)
    else:
        yield well("disk", text)


def of_model(settings: Settings) -> Iterator[Finding]:
    """The model file and its audit."""
    try:
        _, facts = read_model(settings.model_path)
    except PitchgateError as error:
        yield refused("model", error)
    except OSError as error:
        yield broken("model", f"{settings.model_path}: {error.strerror}.", "Unset PITCHGATE_MODEL_PATH.")
    else:
        yield well("model", f"{settings.model_path.name}, version {facts.version}, audited")
