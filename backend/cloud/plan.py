"""The resources and deployment files that an environment needs, and the comparison with those that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from backend import home
from backend.addon_manifest import render_manifest
from backend.cloud.resources import (
    APIS,
    Account,
    CloudSubscription,
    CloudTopic,
    GoogleCloud,
    Json,
    Resource,
    RoleGrant,
    Service,
    as_text,
)
from backend.domain.errors import Refused
from backend.locale import LANGUAGES
from backend.terminal import cli_texts
from backend.vault import make_key

PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
RESOURCE_MANAGER = "cloudresourcemanager.googleapis.com"
SERVICES = (RESOURCE_MANAGER, "gmail.googleapis.com", "pubsub.googleapis.com", "iam.googleapis.com")
"""APIs that every environment needs. The first returns the project's number; in a new project it is disabled."""
ADD_ONS = "gsuiteaddons.googleapis.com"
GMAIL = "serviceAccount:gmail-api-push@system.gserviceaccount.com"
PUBLISHER, SUBSCRIBER = "roles/pubsub.publisher", "roles/pubsub.subscriber"
ATTEMPTS = 10
"""Deliveries of one notice before it becomes a dead letter. The periodic sweep still finds the mail it was about."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment in one Cloud project. `url` is its public https address, "" if notices are pulled."""

    name: str
    project: str
    url: str = ""

    def __post_init__(self) -> None:
        if not PROJECT.fullmatch(self.project):
            raise Refused("malformed.project", field="project", project=self.project)
        if self.url and not self.url.startswith("https://"):
            raise Refused("insecure_url.push", field="url")

    @property
    def services(self) -> tuple[str, ...]:
        """The APIs it needs. The add-on needs a public address."""
        return (*SERVICES, ADD_ONS) if self.url else SERVICES

    @property
    def topic(self) -> str:
        return f"projects/{self.project}/topics/pitchgate-{self.name}"

    @property
    def dead_topic(self) -> str:
        """The topic for notices that could not be delivered."""
        return f"{self.topic}-dead"

    @property
    def subscription(self) -> str:
        return f"projects/{self.project}/subscriptions/pitchgate-{self.name}"

    @property
    def dead_subscription(self) -> str:
        """The subscription that keeps dead letters for a person to look at."""
        return f"{self.subscription}-dead"

    @property
    def account_id(self) -> str:
        return f"pitchgate-{self.name}"

    @property
    def account(self) -> str:
        return f"{self.account_id}@{self.project}.iam.gserviceaccount.com"

    @property
    def deployment(self) -> str:
        return f"projects/{self.project}/deployments/pitchgate-{self.name}"

    @property
    def endpoint(self) -> str:
        return f"{self.url.rstrip('/')}/hooks/gmail"

    def subscription_body(self) -> dict[str, Any]:
        """The subscription in Pub/Sub's REST format. With an empty expirationPolicy it never expires."""
        token = {"serviceAccountEmail": self.account, "audience": self.endpoint}
        return {
            "topic": self.topic,
            "pushConfig": {"pushEndpoint": self.endpoint, "oidcToken": token} if self.url else {},
            "ackDeadlineSeconds": 10,
            "expirationPolicy": {},
            "retryPolicy": {"minimumBackoff": "10s", "maximumBackoff": "600s"},
            "deadLetterPolicy": {"deadLetterTopic": self.dead_topic, "maxDeliveryAttempts": ATTEMPTS},
        }

    def settings(self) -> dict[str, str]:
        """The settings of this environment, without those only a person can supply."""
        values = {
            "PITCHGATE_ENVIRONMENT": self.name,
            "PITCHGATE_NOTICES": "push" if self.url else "pull",
            "PITCHGATE_TOPIC": self.topic,
            "PITCHGATE_SUBSCRIPTION": self.subscription,
            "PITCHGATE_PUSH_ACCOUNT": self.account,
        }
        return {"PITCHGATE_PUBLIC_URL": self.url.rstrip("/"), **values} if self.url else values

    def by_hand(self, add_on: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """The steps only a person can do: catalogue key → values of its text. `add_on`: the add-on's settings."""
        console = f"https://console.cloud.google.com/auth/{{}}?project={self.project}"
        places = ("branding", "audience", "scopes", "clients/create", "verification")
        redirect = f"{self.url.rstrip('/') or 'http://127.0.0.1:8400'}/connect/callback"
        steps: dict[str, dict[str, str]] = {
            **{
                place.partition("/")[0]: {"address": console.format(place), "redirect": redirect}
                for place in places
            }
        }
        if add_on:
            steps["addon"] = {
                "name": self.name,
                "project": self.project,
                "address": console.format("scopes"),
                "account": add_on["PITCHGATE_ADDON_ACCOUNT"],
                "client": add_on["PITCHGATE_ADDON_CLIENT_ID"],
            }
        return steps


# ---- Deployment files, from `templates/`


SETTINGS_FILE = "pitchgate.env"
DOCUMENTS = ("gmail.v1", *APIS.values())
"""The API descriptions we use, of about 600 in google-api-python-client."""
KEYS = "PITCHGATE_SECRET_KEYS"
SECRETS = ("SECRET_KEYS", "CLIENT_ID", "CLIENT_SECRET")
_IMAGE = re.compile(r"[\w.:/@-]+")


class _AtTemplate(Template):
    """A template with `@{name}` for values and `@@` for @, because shells and proxies need their own $."""

    delimiter = "@"


def default_image(environment: Environment, region: str, release: str) -> str:
    return f"{region}-docker.pkg.dev/{environment.project}/pitchgate/pitchgate:{release}"


def deployment_files(environment: Environment, image: str) -> dict[str, str]:
    """File name → text. Raises `Refused` without a public address, or for an invalid image name."""
    if not environment.url:
        raise Refused("needs_url", field="url")
    if not _IMAGE.fullmatch(image):
        raise Refused("image", image=image, field="image")
    settings = {**environment.settings(), "PITCHGATE_TRUSTED_PROXIES": "1"}
    secrets = {f"PITCHGATE_{name}": _secret_ref(environment, name) for name in (*SECRETS, "DATABASE_URL")}
    values = {
        "environment": environment.name,
        "host": urlsplit(environment.url).netloc,
        "image": image,
        "account": environment.account,
        "keep_documents": _unless_named(f"{name}.json" for name in DOCUMENTS),
        "keep_languages": _unless_named(("root.dat", *(f"{language}*.dat" for language in LANGUAGES))),
        "config_map": "\n".join(f"  {name}: {json.dumps(value)}" for name, value in settings.items()),
        "cloud_run_settings": json.dumps(
            [{"name": name, "value": value} for name, value in settings.items()]
            + [{"name": name, "valueSource": {"secretKeyRef": ref}} for name, ref in secrets.items()]
        ),
    }
    templates = resources.files(__package__) / "templates"
    return {
        file.name: _AtTemplate(file.read_text(encoding="utf-8")).substitute(values)
        for file in templates.iterdir()
        if file.is_file()
    }


def machine_settings(environment: Environment) -> dict[str, str]:
    """The settings of a server on one machine behind a proxy. Those only a person can supply are empty."""
    return {
        **environment.settings(),
        "PITCHGATE_BIND": "127.0.0.1:8400",
        "PITCHGATE_TRUSTED_PROXIES": "1",
        "PITCHGATE_STATE_DIR": "/var/lib/pitchgate",
        "PITCHGATE_LOG_JSON": "true",
        **{f"PITCHGATE_{name}": "" for name in SECRETS},
    }


def write(folder: Path, environment: Environment, image: str) -> list[str]:
    """Write all files and return their names. An existing settings file keeps its values."""
    files = deployment_files(environment, image)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    complete_settings(folder / SETTINGS_FILE, machine_settings(environment))
    return sorted((*files, SETTINGS_FILE))


def complete_settings(file: Path, wanted: Mapping[str, str]) -> dict[str, str]:
    """Add to a settings file the `wanted` values that are missing or empty, and a new sealing key if it has none.
    Returns the wanted values that were not written because the file already has other values."""
    existing = home.read(file)
    if not existing.get(KEYS):
        wanted = {**wanted, KEYS: make_key()}
    home.write_settings(file, {name: existing.get(name) or value for name, value in wanted.items()})
    return {
        name: value for name, value in wanted.items() if value and existing.get(name, "") not in ("", value)
    }


def _unless_named(names: Iterable[str]) -> str:
    """Arguments of find(1), which deletes the other files of the image."""
    return " ".join(f"! -name '{name}'" for name in names)


def _secret_ref(environment: Environment, name: str) -> Json:
    return {"secret": f"pitchgate-{environment.name}-{name.lower().replace('_', '-')}", "version": "latest"}


# ---- The Gmail add-on's deployment


FIELDS = ("oauthScopes", "addOns")
"""The fields of a deployment that come from our manifest; Google sets the others."""


@dataclass(frozen=True, slots=True)
class AddOn:
    """The Gmail add-on's deployment; `wanted` is the manifest."""

    name: str
    wanted: Json
    shared: bool = False

    @property
    def label(self) -> str:
        return cli_texts()("cloud.thing_add_on", name=self.name)

    async def difference(self, cloud: GoogleCloud) -> list[str] | None:
        found = await cloud.find(_deployments(cloud).get(name=self.name))
        if found is None:
            return None
        current, wanted = _manifest(found), _manifest(self.wanted)
        return [
            f"{path}: {as_text(current.get(path))} -> {as_text(wanted.get(path))}"
            for path in sorted({*current, *wanted})
            if current.get(path) != wanted.get(path)
        ]

    async def make(self, cloud: GoogleCloud) -> None:
        parent, _, short = self.name.partition("/deployments/")
        await cloud.ask(_deployments(cloud).create(parent=parent, deploymentId=short, body=self.wanted))

    async def change(self, cloud: GoogleCloud) -> None:
        """See `Resource`. With the etag Google refuses if somebody else has changed it meanwhile."""
        found = await cloud.ask(_deployments(cloud).get(name=self.name))
        body = {**self.wanted, "name": found["name"], "etag": found["etag"]}
        await cloud.ask(_deployments(cloud).replaceDeployment(name=self.name, body=body))

    async def remove(self, cloud: GoogleCloud) -> None:
        await cloud.ask(_deployments(cloud).delete(name=self.name))


def add_on(environment: Environment) -> AddOn:
    """The add-on of an environment with a public address. Raises `Refused` if its template is missing or invalid."""
    return AddOn(environment.deployment, render_manifest(environment.name, environment.url))


async def add_on_settings(cloud: GoogleCloud, environment: Environment) -> dict[str, str]:
    """The settings with the account that calls the add-on's endpoints and the add-on's OAuth client, which Google
    creates for each project; {} without a public address."""
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


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    """The values of nested JSON by their paths. Empty ones are omitted, as Google does."""
    if isinstance(value, Mapping):
        inner = [(f"{path}.{name}" if path else str(name), item) for name, item in value.items()]
    elif isinstance(value, list):
        inner = [(f"{path}[{number}]", item) for number, item in enumerate(value)]
    else:
        return {path: value} if value else {}
    return {place: leaf for below, item in inner for place, leaf in _leaves(item, below).items()}


def _deployments(cloud: GoogleCloud) -> Any:
    return cloud.api("addons").projects().deployments()


# ---- Compare and reconcile
# Idempotent: another run changes nothing, or finishes what an interrupted one left.


@dataclass(frozen=True, slots=True)
class CloudChange:
    """A resource to create (sign "+"), change ("~") or remove ("-"). `lines` describe the differences."""

    sign: str
    resource: Resource
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.sign} {self.resource.label}", *(f"    {line}" for line in self.lines)])


UNKNOWN = "PROJECT_NUMBER"
"""Placeholder in a plan for the project's number, while the Resource Manager API is disabled."""


def services(environment: Environment) -> list[Resource]:
    """The APIs to enable, which all other resources need."""
    return [Service(environment.project, name) for name in environment.services]


async def other_resources(cloud: GoogleCloud, environment: Environment) -> list[Resource]:
    """All resources but the services, in the order in which they can be created."""
    request = cloud.api("projects").projects().get(name=f"projects/{environment.project}")
    project = await cloud.find(request) or {}
    number = str(project.get("name", "")).rpartition("/")[2] or UNKNOWN
    pubsub_account = f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    account = Account(environment.project, environment.account_id)
    dead_letters = {"topic": environment.dead_topic, "pushConfig": {}, "expirationPolicy": {}}
    wanted: list[Resource] = [
        CloudTopic(environment.topic),
        CloudTopic(environment.dead_topic),
        account,
        CloudSubscription(environment.subscription, environment.subscription_body()),
        CloudSubscription(environment.dead_subscription, dead_letters),
        RoleGrant(environment.topic, PUBLISHER, GMAIL),
        RoleGrant(environment.dead_topic, PUBLISHER, pubsub_account),
        RoleGrant(environment.subscription, SUBSCRIBER, pubsub_account),
    ]
    if environment.url:
        return [*wanted, add_on(environment)]
    return [*wanted, RoleGrant(environment.subscription, SUBSCRIBER, f"serviceAccount:{account.email}")]


async def plan(cloud: GoogleCloud, environment: Environment) -> list[CloudChange]:
    """What `apply` would create or change. Changes nothing itself."""
    changes = []
    for resource in [*services(environment), *await other_resources(cloud, environment)]:
        lines = await resource.difference(cloud)
        if lines is None:
            changes.append(CloudChange("+", resource))
        elif lines:
            changes.append(CloudChange("~", resource, tuple(lines)))
    return changes


async def apply(cloud: GoogleCloud, environment: Environment, report: Callable[[str], None]) -> int:
    """Create missing resources and change those that differ; returns how many. Each is compared again just before."""
    done = 0

    async def reconcile(wanted: list[Resource]) -> None:
        nonlocal done
        for resource in wanted:
            lines = await resource.difference(cloud)
            if lines == []:
                continue
            change = CloudChange("+" if lines is None else "~", resource, tuple(lines or ()))
            await (resource.make(cloud) if lines is None else resource.change(cloud))
            report(str(change))
            done += 1

    await reconcile(services(environment))
    # Only now, since the project's number can be read only with the services enabled.
    await reconcile(await other_resources(cloud, environment))
    return done


async def to_destroy(cloud: GoogleCloud, environment: Environment) -> list[CloudChange]:
    """What `destroy` removes, in reverse order. Services stay enabled, since others in the project may use them. The
    add-on is removed even if no address is given now."""
    candidates = [
        *await other_resources(cloud, replace(environment, url="")),
        AddOn(environment.deployment, {}),
    ]
    own = [one for one in candidates if not one.shared and not isinstance(one, RoleGrant)]
    return [CloudChange("-", one) for one in reversed(own) if await one.difference(cloud) is not None]
