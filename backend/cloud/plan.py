"""What each environment is to hold (one template for four), the files that run it, and what is there against what
is wanted."""

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
from backend.addon_manifest import rendered
from backend.cloud.things import (
    APIS,
    Account,
    CloudSubscription,
    CloudTopic,
    GoogleCloud,
    Json,
    Right,
    Service,
    Thing,
    shown,
)
from backend.domain.errors import Refused
from backend.locale import LANGUAGES
from backend.terminal import words
from backend.vault import make_key

PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
RESOURCE_MANAGER = "cloudresourcemanager.googleapis.com"
SERVICES = (RESOURCE_MANAGER, "gmail.googleapis.com", "pubsub.googleapis.com", "iam.googleapis.com")
"""The first tells the project's number, which others need; a new project has it off."""
ADD_ONS = "gsuiteaddons.googleapis.com"
GMAIL = "serviceAccount:gmail-api-push@system.gserviceaccount.com"
PUBLISHER, SUBSCRIBER = "roles/pubsub.publisher", "roles/pubsub.subscriber"
ATTEMPTS = 10
"""Pushes of one notice before it is a dead letter. The sweep finds the mail it told of all the same."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment in one project. `url` is its public https address, "" where notices are fetched."""

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
        """The APIs that are needed. Gmail calls an add-on at a public address only."""
        return (*SERVICES, ADD_ONS) if self.url else SERVICES

    @property
    def topic(self) -> str:
        """Where Gmail publishes."""
        return f"projects/{self.project}/topics/pitchgate-{self.name}"

    @property
    def dead_topic(self) -> str:
        """Where notices go that could not be delivered."""
        return f"{self.topic}-dead"

    @property
    def subscription(self) -> str:
        """What we hear of new mail by."""
        return f"projects/{self.project}/subscriptions/pitchgate-{self.name}"

    @property
    def dead_subscription(self) -> str:
        """Keeps dead letters for a person to look at."""
        return f"{self.subscription}-dead"

    @property
    def account_id(self) -> str:
        """Of the account that signs pushes, or fetches."""
        return f"pitchgate-{self.name}"

    @property
    def account(self) -> str:
        """Its address."""
        return f"{self.account_id}@{self.project}.iam.gserviceaccount.com"

    @property
    def deployment(self) -> str:
        """The Gmail add-on's."""
        return f"projects/{self.project}/deployments/pitchgate-{self.name}"

    @property
    def endpoint(self) -> str:
        """Where notices are pushed to."""
        return f"{self.url.rstrip('/')}/hooks/gmail"

    def subscription_body(self) -> dict[str, Any]:
        """The subscription as Pub/Sub's REST has it; an empty expirationPolicy never ends it."""
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
        """The settings file of this environment, but for what only a person can bring."""
        found = {
            "PITCHGATE_ENVIRONMENT": self.name,
            "PITCHGATE_NOTICES": "push" if self.url else "pull",
            "PITCHGATE_TOPIC": self.topic,
            "PITCHGATE_SUBSCRIPTION": self.subscription,
            "PITCHGATE_PUSH_ACCOUNT": self.account,
        }
        return {"PITCHGATE_PUBLIC_URL": self.url.rstrip("/"), **found} if self.url else found

    def by_hand(self, add_on: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """What only a person can do, by its key, with the exact place and values. `add_on`: its settings."""
        console = f"https://console.cloud.google.com/auth/{{}}?project={self.project}"
        places = ("branding", "audience", "scopes", "clients/create", "verification")
        redirect = f"{self.url.rstrip('/') or 'http://127.0.0.1:8400'}/connect/callback"
        found: dict[str, dict[str, str]] = {
            **{
                place.partition("/")[0]: {"address": console.format(place), "redirect": redirect}
                for place in places
            },
        }
        if add_on:
            found["addon"] = {
                "name": self.name,
                "project": self.project,
                "address": console.format("scopes"),
                "account": add_on["PITCHGATE_ADDON_ACCOUNT"],
                "client": add_on["PITCHGATE_ADDON_CLIENT_ID"],
            }
        return found


# ---- Files that run an environment
# The files in `templates/`, filled in.


SETTINGS_FILE = "pitchgate.env"
DOCUMENTS = ("gmail.v1", *APIS.values())
"""Google's descriptions of its services that are read; google-api-python-client brings some six hundred."""
KEYS = "PITCHGATE_SECRET_KEYS"
SECRETS = ("SECRET_KEYS", "CLIENT_ID", "CLIENT_SECRET")
_IMAGE = re.compile(r"[\w.:/@-]+")


class _Marked(Template):
    """`@{name}` stands for a value and `@@` for a sign, so that shells and proxies keep their dollars."""

    delimiter = "@"


def default_image(environment: Environment, region: str, release: str) -> str:
    """Where Artifact Registry keeps the image of a release."""
    return f"{region}-docker.pkg.dev/{environment.project}/pitchgate/pitchgate:{release}"


def deployment_files(environment: Environment, image: str) -> dict[str, str]:
    """Each file's text by its name. Raises `Refused` without a public address, or for an unknown name."""
    if not environment.url:
        raise Refused("needs_url", field="url")
    if not _IMAGE.fullmatch(image):
        raise Refused("image", image=image, field="image")
    settings = {**environment.settings(), "PITCHGATE_TRUSTED_PROXIES": "1"}
    secrets = {f"PITCHGATE_{name}": _secret(environment, name) for name in (*SECRETS, "DATABASE_URL")}
    values = {
        "environment": environment.name,
        "host": urlsplit(environment.url).netloc,
        "image": image,
        "account": environment.account,
        "but_documents": _all_but(f"{name}.json" for name in DOCUMENTS),
        "but_languages": _all_but(("root.dat", *(f"{language}*.dat" for language in LANGUAGES))),
        "config_map": "\n".join(f"  {name}: {json.dumps(value)}" for name, value in settings.items()),
        "cloud_run_settings": json.dumps(
            [{"name": name, "value": value} for name, value in settings.items()]
            + [{"name": name, "valueSource": {"secretKeyRef": ref}} for name, ref in secrets.items()]
        ),
    }
    templates = resources.files(__package__) / "templates"
    return {
        file.name: _Marked(file.read_text(encoding="utf-8")).substitute(values)
        for file in templates.iterdir()
        if file.is_file()
    }


def machine_settings(environment: Environment) -> dict[str, str]:
    """The one settings file there is, of a machine behind its proxy; what only a person can bring is empty."""
    return {
        **environment.settings(),
        "PITCHGATE_BIND": "127.0.0.1:8400",
        "PITCHGATE_TRUSTED_PROXIES": "1",
        "PITCHGATE_STATE_DIR": "/var/lib/pitchgate",
        "PITCHGATE_LOG_JSON": "true",
        **{f"PITCHGATE_{name}": "" for name in SECRETS},
    }


def write(folder: Path, environment: Environment, image: str) -> list[str]:
    """Write all files and return their names. What a settings file has already stays: it holds secrets by then."""
    files = deployment_files(environment, image)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    complete(folder / SETTINGS_FILE, machine_settings(environment))
    return sorted((*files, SETTINGS_FILE))


def complete(file: Path, wanted: Mapping[str, str]) -> dict[str, str]:
    """Put into a settings file what it lacks or has empty, a new key among it; returns what it has otherwise and keeps,
    as `wanted` has it."""
    there = home.read(file)
    if not there.get(KEYS):
        wanted = {**wanted, KEYS: make_key()}
    home.write_settings(file, {name: there.get(name) or value for name, value in wanted.items()})
    return {name: value for name, value in wanted.items() if value and there.get(name, "") not in ("", value)}


def _all_but(names: Iterable[str]) -> str:
    """What tells `find` to leave files of these names or patterns."""
    return " ".join(f"! -name '{name}'" for name in names)


def _secret(environment: Environment, name: str) -> Json:
    """Secret Manager's name of a setting, and its version."""
    return {
        "secret": f"pitchgate-{environment.name}-{name.lower().replace('_', '-')}",
        "version": "latest",
    }


# ---- The Gmail add-on's deployment


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


# ---- Compare and reconcile
# Twice in a row changes nothing, and what was left half done is finished by the next.


@dataclass(frozen=True, slots=True)
class CloudChange:
    """One thing to be made ("+"), changed ("~") or taken away ("-"). `lines` tell what is otherwise."""

    sign: str
    thing: Thing
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.sign} {self.thing.label}", *(f"    {line}" for line in self.lines)])


UNKNOWN = "PROJECT_NUMBER"
"""Stands in a plan for what Google tells once Resource Manager is on."""


def services(environment: Environment) -> list[Thing]:
    """The APIs, which everything else needs."""
    return [Service(environment.project, name) for name in environment.services]


async def things(cloud: GoogleCloud, environment: Environment) -> list[Thing]:
    """Everything but the services, in the order in which it can be made."""
    asked = cloud.api("projects").projects().get(name=f"projects/{environment.project}")
    found = await cloud.find(asked) or {}
    number = str(found.get("name", "")).rpartition("/")[2] or UNKNOWN
    broker = f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    account = Account(environment.project, environment.account_id)
    keeping = {"topic": environment.dead_topic, "pushConfig": {}, "expirationPolicy": {}}
    wanted: list[Thing] = [
        CloudTopic(environment.topic),
        CloudTopic(environment.dead_topic),
        account,
        CloudSubscription(environment.subscription, environment.subscription_body()),
        CloudSubscription(environment.dead_subscription, keeping),
        Right(environment.topic, PUBLISHER, GMAIL),
        Right(environment.dead_topic, PUBLISHER, broker),
        Right(environment.subscription, SUBSCRIBER, broker),
    ]
    if environment.url:
        return [*wanted, add_on(environment)]
    return [*wanted, Right(environment.subscription, SUBSCRIBER, f"serviceAccount:{account.email}")]


async def plan(cloud: GoogleCloud, environment: Environment) -> list[CloudChange]:
    """What is to be made or changed. Changes nothing."""
    changes = []
    for thing in [*services(environment), *await things(cloud, environment)]:
        lines = await thing.difference(cloud)
        if lines is None:
            changes.append(CloudChange("+", thing))
        elif lines:
            changes.append(CloudChange("~", thing, tuple(lines)))
    return changes


async def apply(cloud: GoogleCloud, environment: Environment, tell: Callable[[str], None]) -> int:
    """Make what is missing, change what is otherwise; returns how many. Each is looked at again just before."""
    done = 0

    async def do(wanted: list[Thing]) -> None:
        nonlocal done
        for thing in wanted:
            lines = await thing.difference(cloud)
            if lines == []:
                continue
            change = CloudChange("+" if lines is None else "~", thing, tuple(lines or ()))
            await (thing.make(cloud) if lines is None else thing.change(cloud))
            tell(str(change))
            done += 1

    await do(services(environment))
    await do(
        await things(cloud, environment)
    )  # looked up now: before, the project would not have told its number
    return done


async def doomed(cloud: GoogleCloud, environment: Environment) -> list[CloudChange]:
    """What `destroy` would take away, last made first. Services stay: others in the project may use them. An add-on
    goes whichever address is given now."""
    made = [*await things(cloud, replace(environment, url="")), AddOn(environment.deployment, {})]
    found = [thing for thing in made if not thing.shared and not isinstance(thing, Right)]
    return [CloudChange("-", thing) for thing in reversed(found) if await thing.difference(cloud) is not None]
