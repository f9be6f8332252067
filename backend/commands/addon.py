"""`pitchgate addon`: what deploying the Gmail add-on needs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from backend.addon_manifest import ENVIRONMENTS, FOLDER, rendered
from backend.terminal import WordedGroup


@click.group("addon", cls=WordedGroup)
def addon_group() -> None:
    """Deploy the Gmail add-on."""


@addon_group.command("manifest")
@click.option("--env", "environment", type=click.Choice(ENVIRONMENTS), required=True)
@click.option("--url", default="")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=FOLDER,
)
def manifest_command(environment: str, url: str, folder: Path) -> None:
    """Print the deployment for one environment, checked, as Google wants it."""
    click.echo(json.dumps(rendered(environment, url, folder), indent=2))
