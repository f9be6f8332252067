"""A settings file: lines of NAME=value that Pitchgate and systemd read alike, for its owner's eyes only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from backend.home.client import OAuthClient

NAME = "settings.env"
HEAD = """\
# Written by Pitchgate. Whoever reads this file can read the mailbox: keep it to yourself.
# Change a line and start again; a line PITCHGATE_…= may be added for every other setting.
"""


def settings_of_home(folder: Path, client: OAuthClient, port: int) -> dict[str, str]:
    """What a home needs, by setting. A new key seals the refresh token."""
    from backend.system.vault import make_key  # here, for the help of the commands that write settings

    return {
        "PITCHGATE_ENVIRONMENT": "production",
        "PITCHGATE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PITCHGATE_BIND": f"127.0.0.1:{port}",
        "PITCHGATE_STATE_DIR": str(folder / "state"),
        "PITCHGATE_SECRET_KEYS": make_key(),
        "PITCHGATE_CLIENT_ID": client.id,
        "PITCHGATE_CLIENT_SECRET": client.secret,
        "PITCHGATE_NOTICES": "poll",
        "PITCHGATE_LOG_LEVEL": "WARNING",
    }


def read(path: Path) -> dict[str, str]:
    """What stands in it by name; nothing where there is none."""
    from dotenv import dotenv_values

    return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}


def write(path: Path, values: Mapping[str, str]) -> None:
    """Write it whole or not at all, readable by its owner alone (0600). Its folder is made, for them alone (0700).
    Of an earlier one every line stays but those of these names: a person may have added some."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    earlier = path.read_text(encoding="utf-8") if path.exists() else HEAD
    named = [(line.partition("=")[0].strip(), line) for line in earlier.splitlines()]
    lines = [f"{name}={values[name]}" if name in values else line for name, line in named]
    there = {name for name, _ in named}
    lines += [f"{name}={value}" for name, value in values.items() if name not in there]
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    new.chmod(0o600)  # an older one that was left lying may have had other rights
    new.replace(path)
