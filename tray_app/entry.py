"""Where `pitchgate-tray` begins: a package that is not there is said in words."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command. The server's packages alone do not make a desktop app: it needs the extra `tray`."""
    try:
        from tray_app.__main__ import main as command

        command()
    except ModuleNotFoundError as error:
        sys.exit(
            f"pitchgate-tray: the package {error.name} is not installed.\n"
            "  Install the extra: `make setup EXTRAS=tray` in a checkout, or pip install 'pitchgate[tray]'."
        )
