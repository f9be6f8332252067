"""Reads the settings from the environment, which no other module does. Pydantic is imported only then."""

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
"""The variable that names a settings file, with one NAME=value per line. The environment takes precedence over it."""
_OTHERS = ("PITCHGATE_TRAY_", "PITCHGATE_LINKED_", "PITCHGATE_SHOTS", FILE_VARIABLE)
"""Prefixes of variables that are not settings of the server: those of the desktop app and the tests."""
SOURCE = Path(__file__).resolve().parent.parent
"""The folder that contains this package: a checkout, or the installed packages."""


def read_settings(*, placed: bool = True, **given: object) -> Settings:
    """The settings from `given`, the environment and the settings file, in this order of precedence. Raises `Refused`,
    which names the wrong setting and never its value.

    `placed`: refuse the default state folder, unless the command is started in its checkout. Anywhere else it would be
    a new, empty database in an unrelated folder.
    """
    from pydantic import ValidationError

    from backend.settings import Settings

    arguments: dict[str, Any] = {"_env_file": _file(), **given}
    try:
        settings = Settings(**arguments)
    except ValidationError as error:
        raise _refused(error) from None  # pydantic's error contains the values
    if placed and "state_dir" not in settings.model_fields_set and not in_checkout():
        raise Refused("settings.none", field="state_dir")
    return settings


def in_checkout() -> bool:
    return Path.cwd() == SOURCE and (SOURCE / "pyproject.toml").is_file()


def _file() -> str | None:
    """The settings file, if one is named. Raises `Refused` if it cannot be read."""
    name = os.environ.get(FILE_VARIABLE, "")
    if name and not os.access(name, os.R_OK):
        raise Refused("settings.file", path=name)
    return name or None


def unknown_settings(environment: Iterable[str] = os.environ) -> dict[str, str]:
    """Variables with our prefix that are no settings, each with a similar setting that may have been meant, or ""."""

    from backend.settings import Settings

    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    unknown = {
        name for name in environment if name.startswith(PREFIX) and not name.startswith(_OTHERS)
    } - known
    return {name: next(iter(get_close_matches(name, known, 1, 0.8)), "") for name in sorted(unknown)}


def _refused(error: ValidationError) -> Refused:
    """The error for the first wrong setting, with the names of all. Pydantic's own messages are kept."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    names = [f"{PREFIX}{fault['loc'][0]}".upper() if fault["loc"] else "" for fault in faults]
    why = faults[0]["msg"].removeprefix("Value error, ")
    key = why if why.startswith("settings.") else "settings.other"
    wrong = ", ".join(sorted({*names}))
    return Refused(key, setting=names[0], why=why, wrong=wrong, field=names[0].removeprefix(PREFIX).lower())
