"""Open at login on macOS: a launch agent. Login items need a signed bundle; an agent does not."""

from __future__ import annotations

import plistlib
from pathlib import Path

LABEL = "org.pitchgate.tray"


class MacAutostart:
    """The `Autostart` port. The agent takes effect at the next login."""

    def __init__(self, home: Path | None = None) -> None:
        self._path = (home or Path.home()) / "Library" / "LaunchAgents" / f"{LABEL}.plist"

    def enabled(self) -> bool:
        """Whether the agent is there and not disabled."""
        try:
            return not plistlib.loads(self._path.read_bytes()).get("Disabled", False)
        except (OSError, ValueError):
            return False

    def enable(self, command: list[str]) -> None:
        """Write the agent."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        agent = {
            "Label": LABEL,
            "ProgramArguments": command,
            "RunAtLoad": True,
            "ProcessType": "Interactive",
            "LimitLoadToSessionType": "Aqua",
        }
        self._path.write_bytes(plistlib.dumps(agent))

    def disable(self) -> None:
        """Remove it."""
        self._path.unlink(missing_ok=True)
