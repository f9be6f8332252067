"""Entry point of `pitchgate-tray`: reports a missing package in one sentence instead of a traceback."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command."""
    try:
        from tray_app.__main__ import main as command

        command()
    except ModuleNotFoundError as error:
        sys.exit(
            f"pitchgate-tray: the package {error.name} is not installed. "
            "In a checkout: make setup EXTRAS=tray. Else: pipx reinstall pitchgate-tray."
        )
