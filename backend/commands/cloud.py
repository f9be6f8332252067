"""`pitchgate cloud`: what Google Cloud must hold for one environment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import click

from backend.cloud import deployment
from backend.cloud import plan as plans
from backend.cloud.google_cloud import SCOPE, GoogleCloud
from backend.cloud.template import ENVIRONMENTS, Environment
from backend.gmail.credentials import CloudCredentials
from backend.home.settings_file import write
from backend.version import release

Work = Callable[[GoogleCloud, Environment], Awaitable[int]]
TIMEOUT = aiohttp.ClientTimeout(total=60)


@click.group("cloud")
def cloud_group() -> None:
    """Set up Google Cloud for an environment: services, topic, rights, service account, subscription, dead letters.

    Uses this machine's own credentials (gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS).
    """


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--api-root", default="", hidden=True, help="In place of Google's addresses, for the sandbox."
        ),
        click.option(
            "--url", default="", help="Public https address; without it notices are fetched, not pushed."
        ),
        click.option("--project", required=True, help="Cloud project of the OAuth client."),
        click.option("--env", "name", type=click.Choice(ENVIRONMENTS), required=True),
    ):
        command = option(command)
    return command


@cloud_group.command("plan")
@_options
def plan_command(**given: str) -> None:
    """Print what apply would do. Changes nothing. Exit status 1 if there is something to do."""

    async def work(cloud: GoogleCloud, environment: Environment) -> int:
        changes = await plans.plan(cloud, environment)
        for change in changes:
            click.echo(str(change))
        return len(changes)

    count = _run(work, given)
    click.echo(f"{count} to do." if count else "Everything is as it should be.")
    raise SystemExit(1 if count else 0)


@cloud_group.command("apply")
@click.option(
    "--settings-file", type=click.Path(path_type=Path), help="Write the environment's settings there."
)
@_options
def apply_command(settings_file: Path | None, **given: str) -> None:
    """Do what the plan says, and say what only a person can do. May run again at any time."""
    count = _run(lambda cloud, environment: plans.apply(cloud, environment, click.echo), given)
    click.echo(f"{count} done." if count else "Everything was as it should be.")
    environment = _environment(given)
    if settings_file is not None:
        if settings_file.exists():
            click.echo(f"{settings_file} is there already and stays as it is; these belong in it:")
            for name, value in environment.settings().items():
                click.echo(f"  {name}={value}")
        else:
            write(settings_file, environment.settings())
            click.echo(f"Settings are in {settings_file}.")
    click.echo("Only a person can do the rest:")
    for number, line in enumerate(environment.by_hand(), 1):
        click.echo(f"  {number}. {line}")


@cloud_group.command("destroy")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options
def destroy_command(yes: bool, **given: str) -> None:
    """Take the environment away again. Services stay on, others in the project may use them."""
    if not yes:
        click.confirm(f"Take away everything of {given['name']} in {given['project']}?", abort=True)
    count = _run(lambda cloud, environment: plans.destroy(cloud, environment, click.echo), given)
    click.echo(f"{count} taken away.")


@cloud_group.command("files")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--image", default="", help="The image's name; without it, one in Artifact Registry.")
@click.option("--region", default="europe-west1", help="Of Artifact Registry and Cloud Run.")
@_options
def files_command(folder: Path, image: str, region: str, **given: str) -> None:
    """Write into FOLDER what runs the environment: settings, systemd unit, proxies, containers, Cloud Run, Kubernetes.

    Asks nobody. Files that are there are written anew, but for pitchgate.env, which holds your secrets.
    """
    environment = _environment(given)
    image = image or deployment.default_image(environment, region, release())
    for name in deployment.write(folder, environment, image):
        click.echo(folder / name)


def _environment(given: dict[str, str]) -> Environment:
    return Environment(given["name"], given["project"], given["url"])


def _run(work: Work, given: dict[str, str]) -> int:
    async def run() -> int:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
            cloud = GoogleCloud(http, CloudCredentials((SCOPE,)), given["api_root"])
            return await work(cloud, _environment(given))

    return asyncio.run(run())
