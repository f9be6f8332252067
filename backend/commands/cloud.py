"""`pitchgate cloud` and `pitchgate addon`: set up Google Cloud and the Gmail add-on for one environment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backend.addon_manifest import ENVIRONMENTS, FOLDER, render_manifest
from backend.terminal import TranslatedGroup, cli_texts, echo

# ---- `pitchgate addon`


@click.group("addon", cls=TranslatedGroup)
def addon_group() -> None:
    """Deploy the Gmail add-on."""


@addon_group.command("manifest")
@click.option("--env", "environment", type=click.Choice(ENVIRONMENTS), required=True)
@click.option("--url", default="")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER)
def manifest_command(environment: str, url: str, folder: Path) -> None:
    """Print the add-on's deployment for one environment, checked, in Google's format."""
    click.echo(json.dumps(render_manifest(environment, url, folder), indent=2))


# ---- `pitchgate cloud`


if TYPE_CHECKING:
    from backend.cloud.plan import Environment
    from backend.cloud.resources import GoogleCloud

    Work = Callable[[GoogleCloud, Environment], Awaitable[int]]
SECONDS = 60


@click.group("cloud", cls=TranslatedGroup)
def cloud_group() -> None:
    """Set up Google Cloud for an environment: services, topics, roles, service account, subscriptions, Gmail add-on.

    Uses this machine's own credentials (gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS).
    """


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--api-root", default="", hidden=True),
        click.option("--url", default=""),
        click.option("--project", required=True),
        click.option("--env", "name", type=click.Choice(ENVIRONMENTS), required=True),
    ):
        command = option(command)
    return command


@cloud_group.command("plan")
@_options
def plan_command(**given: str) -> None:
    """Print what `apply` would do, changing nothing. Exit status 1 if there is something to do."""

    from backend.cloud import plan as plans

    async def work(cloud: GoogleCloud, environment: Environment) -> int:
        changes = await plans.plan(cloud, environment)
        for change in changes:
            click.echo(str(change))
        return len(changes)

    count = _run(work, given)
    echo("cloud.to_do" if count else "cloud.in_order", count=count)
    raise SystemExit(1 if count else 0)


@cloud_group.command("apply")
@click.option("--settings-file", type=click.Path(path_type=Path))
@_options
def apply_command(settings_file: Path | None, **given: str) -> None:
    """Do what `plan` prints, and list the steps only a person can do. May run again at any time."""
    from backend.cloud import plan as plans
    from backend.cloud.plan import add_on_settings

    add_on: dict[str, str] = {}

    async def work(cloud: GoogleCloud, environment: Environment) -> int:
        count = await plans.apply(cloud, environment, click.echo)
        add_on.update(await add_on_settings(cloud, environment))
        return count

    count = _run(work, given)
    echo("cloud.done" if count else "cloud.was_in_order", count=count)
    environment = _environment(given)
    if settings_file is not None:
        from backend.cloud.plan import complete_settings, machine_settings

        not_written = complete_settings(settings_file, {**machine_settings(environment), **add_on})
        echo("cloud.settings", file=settings_file)
        if not_written:
            echo("cloud.settings_there", file=settings_file)
        for name, value in not_written.items():
            click.echo(f"  {name}={value}")
    echo("cloud.by_hand")
    for number, (key, blanks) in enumerate(environment.by_hand(add_on).items(), 1):
        click.echo(f"  {number}. {cli_texts()(f'cloud.by_hand_{key}', **blanks)}")


@cloud_group.command("destroy")
@click.option("--yes", is_flag=True)
@_options
def destroy_command(yes: bool, **given: str) -> None:
    """List the environment's resources, ask, and delete them. Services stay enabled."""

    from backend.cloud import plan as plans

    async def work(cloud: GoogleCloud, environment: Environment) -> int:
        changes = await plans.to_destroy(cloud, environment)
        for change in changes:
            click.echo(str(change))
        if changes and not yes:
            question = cli_texts()("cloud.destroy_really", name=given["name"], project=given["project"])
            click.confirm(question, abort=True)
        for change in changes:
            await change.resource.remove(cloud)
        return len(changes)

    echo("cloud.taken_away", count=_run(work, given))


@cloud_group.command("files")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--image", default="")
@click.option("--region", default="europe-west1")
@_options
def files_command(folder: Path, image: str, region: str, **given: str) -> None:
    """Write the environment's deployment files into FOLDER: settings, systemd unit, the command pitchgate, proxies,
    containers, Cloud Run, Kubernetes.

    Replaces existing files without asking, except pitchgate.env, where only missing values are added.
    """
    from backend import release
    from backend.cloud import plan

    environment = _environment(given)
    image = image or plan.default_image(environment, region, release())
    for name in plan.write(folder, environment, image):
        click.echo(folder / name)


def _environment(given: dict[str, str]) -> Environment:
    from backend.cloud.plan import Environment

    return Environment(given["name"], given["project"], given["url"])


def _run(work: Work, given: dict[str, str]) -> int:
    # Imported late, here and above: help does not need it.
    import aiohttp

    from backend.cloud.resources import SCOPE, GoogleCloud
    from backend.gmail.pubsub import CloudCredentials

    async def run() -> int:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            cloud = GoogleCloud(http, CloudCredentials((SCOPE,)), given["project"], given["api_root"])
            return await work(cloud, _environment(given))

    return asyncio.run(run())
