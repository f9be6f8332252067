"""Open at login on Windows: a value under the user's Run key."""

from __future__ import annotations

import subprocess
from typing import Any

RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
VALUE = "Pitchgate"


class WindowsAutostart:
    """The `Autostart` port. `registry` is the winreg module, or a stand-in for it."""

    def __init__(self, registry: Any = None) -> None:
        if registry is None:
            import winreg as registry
        self._registry = registry

    def enabled(self) -> bool:
        """Whether the value is there."""
        try:
            with self._key(self._registry.KEY_READ) as key:
                self._registry.QueryValueEx(key, VALUE)
        except OSError:
            return False
        return True

    def enable(self, command: list[str]) -> None:
        """Write the value."""
        with self._key(self._registry.KEY_SET_VALUE) as key:
            line = subprocess.list2cmdline(command)
            self._registry.SetValueEx(key, VALUE, 0, self._registry.REG_SZ, line)

    def disable(self) -> None:
        """Remove it."""
        try:
            with self._key(self._registry.KEY_SET_VALUE) as key:
                self._registry.DeleteValue(key, VALUE)
        except OSError:
            return

    def _key(self, access: int) -> Any:
        return self._registry.CreateKeyEx(self._registry.HKEY_CURRENT_USER, RUN_KEY, 0, access)
