"""`pitchgate addon`: what deploying the Gmail add-on needs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from backend.addon_manifest import ENVIRONMENTS, FOLDER, rendered


@click.group("addon")
def addon_group() -> None:
    """Deploy the Gmail add-on."""


@addon_group.command("manifest")
@click.option(
    "--env", "environment", type=click.Choice(ENVIRONMENTS), required=True, help="Which environment."
)
@click.option("--url", default="", help="The server's public address, instead of the one on file.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=FOLDER,
    help="Where deployment.json and environments.json are; the checkout's addon_manifest.",
)
def manifest_command(environment: str, url: str, folder: Path) -> None:
    """Print the deployment for one environment, checked, as Google wants it."""
    click.echo(json.dumps(rendered(environment, url, folder), indent=2))
