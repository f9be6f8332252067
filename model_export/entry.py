"""Where `pitchgate-model` begins: a package that is not there is said in words."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command. Training needs the extra `train`; serving never does."""
    try:
        from model_export.__main__ import main as command
    except ModuleNotFoundError as error:
        sys.exit(
            f"pitchgate-model: the package {error.name} is not installed.\n"
            "  Install the extra: `make setup EXTRAS=train` in a checkout, or pip install 'pitchgate[train]'."
        )
    command()
