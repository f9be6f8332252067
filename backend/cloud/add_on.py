"""The Gmail add-on's deployment, one of the things of an environment with a public address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.addon_manifest import rendered
from backend.cloud.google_cloud import GoogleCloud, Json
from backend.cloud.template import Environment
from backend.cloud.things import shown
from backend.terminal import words

FIELDS = ("oauthScopes", "addOns")
"""What a manifest says of a deployment; the rest is Google's."""


@dataclass(frozen=True, slots=True)
class AddOn:
    """A deployment, `wanted` as its manifest has it."""

    name: str
    wanted: Json
    shared: bool = False

    @property
    def label(self) -> str:
        """See `Thing`."""
        return words()("cloud.thing_add_on", name=self.name)

    async def difference(self, cloud: GoogleCloud) -> list[str] | None:
        """See `Thing`."""
        found = await cloud.find(_deployments(cloud).get(name=self.name))
        if found is None:
            return None
        have, want = _manifest(found), _manifest(self.wanted)
        return [
            f"{place}: {shown(have.get(place))} -> {shown(want.get(place))}"
            for place in sorted({*have, *want})
            if have.get(place) != want.get(place)
        ]

    async def make(self, cloud: GoogleCloud) -> None:
        """See `Thing`."""
        parent, _, short = self.name.partition("/deployments/")
        await cloud.ask(_deployments(cloud).create(parent=parent, deploymentId=short, body=self.wanted))

    async def change(self, cloud: GoogleCloud) -> None:
        """See `Thing`. The etag makes a change by somebody else meanwhile a refusal."""
        found = await cloud.ask(_deployments(cloud).get(name=self.name))
        body = {**self.wanted, "name": found["name"], "etag": found["etag"]}
        await cloud.ask(_deployments(cloud).replaceDeployment(name=self.name, body=body))

    async def remove(self, cloud: GoogleCloud) -> None:
        """See `Thing`."""
        await cloud.ask(_deployments(cloud).delete(name=self.name))


def add_on(environment: Environment) -> AddOn:
    """That of an environment with a public address. Raises `Refused` where there is no template, or a wrong one."""
    return AddOn(environment.deployment, rendered(environment.name, environment.url))


async def add_on_settings(cloud: GoogleCloud, environment: Environment) -> dict[str, str]:
    """Who calls the add-on's endpoints, as settings; Google makes that account and client for each project."""
    if not environment.url:
        return {}
    name = f"projects/{environment.project}/authorization"
    found = await cloud.ask(cloud.api("addons").projects().getAuthorization(name=name))
    return {
        "PITCHGATE_ADDON_ACCOUNT": found["serviceAccountEmail"],
        "PITCHGATE_ADDON_CLIENT_ID": found["oauthClientId"],
    }


def _manifest(deployment: Json) -> dict[str, Any]:
    return _leaves({field: deployment.get(field) for field in FIELDS})


def _leaves(value: Any, place: str = "") -> dict[str, Any]:
    """Each value by its place. One that is empty is as good as none: Google leaves those out."""
    if isinstance(value, Mapping):
        found = [(f"{place}.{name}" if place else str(name), inner) for name, inner in value.items()]
    elif isinstance(value, list):
        found = [(f"{place}[{number}]", inner) for number, inner in enumerate(value)]
    else:
        return {place: value} if value else {}
    return {where: leaf for inside, inner in found for where, leaf in _leaves(inner, inside).items()}


def _deployments(cloud: GoogleCloud) -> Any:
    return cloud.api("addons").projects().deployments()
