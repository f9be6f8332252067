"""The token in a plain file, only where the owner insists."""

from __future__ import annotations

import json
import os
from pathlib import Path


class FileSecrets:
    """The `Secrets` port over a file that only this user can read. Used only when the owner asked for it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, server: str) -> str:
        """See `Secrets.load`."""
        return self._read().get(server, "")

    def save(self, server: str, token: str) -> None:
        """See `Secrets.save`."""
        self._write(self._read() | {server: token})

    def forget(self, server: str) -> None:
        """Forget the token. Not an error if there is none."""
        self._write({name: token for name, token in self._read().items() if name != server})

    def _read(self) -> dict[str, str]:
        try:
            return dict(json.loads(self._path.read_text()))
        except (OSError, ValueError):
            return {}

    def _write(self, tokens: dict[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self._path.with_name(self._path.name + ".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(tokens, file)
        os.replace(temporary, self._path)
