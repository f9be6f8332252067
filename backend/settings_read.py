"""Reads the settings: the environment is looked at here and nowhere else. Pydantic is imported when they are read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.domain.errors import Refused

if TYPE_CHECKING:
    from pydantic import ValidationError

    from backend.settings import Settings

PREFIX = "PITCHGATE_"

FILE_VARIABLE = "PITCHGATE_SETTINGS_FILE"
"""Names a file of settings, one NAME=value a line; what the environment says counts before it."""
_OTHERS = ("PITCHGATE_TRAY_", "PITCHGATE_LINKED_", "PITCHGATE_SHOTS", FILE_VARIABLE)
"""Of the desktop app and the tests."""
SOURCE = Path(__file__).resolve().parent.parent
"""Where this program lies: a checkout, or a folder of installed packages."""


def read_settings(*, placed: bool = True, **given: object) -> Settings:
    """The settings of the environment and of the file it names; `given` counts before both. Raises `Refused`, which
    names what is wrong and never quotes a value. `placed`: refuse a state folder that nobody named, unless the command
    is started in a checkout. Anywhere else the default would be a new, empty database in a folder of somebody else's.
    """
    from pydantic import ValidationError

    from backend.settings import Settings

    arguments: dict[str, Any] = {"_env_file": _file(), **given}
    try:
        settings = Settings(**arguments)
    except ValidationError as error:
        raise _refused(error) from None  # the cause knows the values
    if placed and "state_dir" not in settings.model_fields_set and not in_checkout():
        raise Refused("settings.none", field="state_dir")
    return settings


def in_checkout() -> bool:
    """Whether the command is started in the folder of its own source."""
    return Path.cwd() == SOURCE and (SOURCE / "pyproject.toml").is_file()


def _file() -> str | None:
    """The file of settings, if one is named. Raises `Refused` for one that cannot be read."""
    name = os.environ.get(FILE_VARIABLE, "")
    if name and not os.access(name, os.R_OK):
        raise Refused("settings.file", path=name)
    return name or None


def unknown_settings(environment: Iterable[str] = os.environ) -> dict[str, str]:
    """Variables that look like settings but are not, each with the setting that may have been meant, or ""."""

    from backend.settings import Settings

    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    strange = {
        name for name in environment if name.startswith(PREFIX) and not name.startswith(_OTHERS)
    } - known
    return {name: next(iter(get_close_matches(name, known, 1, 0.8)), "") for name in sorted(strange)}


def _refused(error: ValidationError) -> Refused:
    """The first fault; others by name. What pydantic itself finds wrong stays in its words."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    names = [f"{PREFIX}{fault['loc'][0]}".upper() if fault["loc"] else "" for fault in faults]
    why = faults[0]["msg"].removeprefix("Value error, ")
    key = why if why.startswith("settings.") else "settings.other"
    wrong = ", ".join(sorted({*names}))
    return Refused(key, setting=names[0], why=why, wrong=wrong, field=names[0].removeprefix(PREFIX).lower())
