"""Entry point of `pitchgate-model`: reports a missing package in one sentence instead of a traceback."""

from __future__ import annotations

import sys

ABOUT = "Train the model on the corpus, see how good it is, export it, explain it."
COMMANDS = {
    "compare": "Put two model files side by side.",
    "evaluate": "Leave each file out once, and say how its mail is judged.",
    "export": "Export to ONNX: graph, metadata, audit, parity gate; and the model card beside it.",
    "report": "Write the report: one HTML page with everything known about the model.",
    "reproduce": "Train again what CARD describes.",
    "second-reading": "Learn to judge by a second reading where the first is in doubt, for the shipped model.",
    "score": "Score messages in the corpus's JSON Lines form, one JSON line each out, the way the server does.",
    "train": "Train and keep the fitted model in a file for `export`.",
}
"""What `--help` lists, because importing the commands takes seconds. A test compares the two."""


def main() -> None:
    """Run the command. Training needs the extra `train`; the server never does."""
    try:
        if sys.argv[1:2] in ([], ["-h"], ["--help"]):
            _overview()
        from model_export.__main__ import main as command
    except ModuleNotFoundError as error:
        sys.exit(
            f"pitchgate-model: the package {error.name} is not installed. "
            "In a checkout: make setup EXTRAS=train. Else: pip install 'pitchgate[train]'."
        )
    command()


def _overview() -> None:
    """Print the commands and exit."""
    import click

    commands = [click.Command(name, help=text) for name, text in COMMANDS.items()]
    names = {"help_option_names": ["-h", "--help"]}
    click.Group(commands=commands, help=ABOUT, context_settings=names)(prog_name="pitchgate-model")
