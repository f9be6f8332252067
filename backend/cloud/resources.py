"""The kinds of Google Cloud resources an environment needs, and the requests that read and change them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Protocol

import aiohttp

from backend.domain.errors import PitchgateError
from backend.gmail.executor import google_service
from backend.gmail.pubsub import CloudCredentials
from backend.terminal import cli_texts

# ---- Requests to Google Cloud
# google-api-python-client builds each request from its bundled API descriptions and from one that we wrote. They are
# sent one after another.


SCOPE = "https://www.googleapis.com/auth/cloud-platform"
APIS = {
    "pubsub": "pubsub.v1",
    "iam": "iam.v1",
    "serviceusage": "serviceusage.v1",
    "projects": "cloudresourcemanager.v3",
}
OWN = {"addons": "gsuiteaddons.v1"}
"""APIs that google-api-python-client has no description of. Ours, in documents/, describes only the methods we use."""
Json = dict[str, Any]


class CloudRefused(PitchgateError):
    """Google Cloud refused a request. `absent`: the resource does not exist, or its API is disabled."""

    def __init__(self, key: str, absent: bool, **blanks: object) -> None:
        super().__init__(key, **blanks)
        self.absent = absent


class GoogleCloud:
    """Google Cloud's APIs by name: `cloud.api("pubsub").projects().topics()`. Most APIs require a `project` to charge,
    and a person's credentials name none. `root` replaces all hosts, for the sandbox."""

    def __init__(
        self, http: aiohttp.ClientSession, credentials: CloudCredentials, project: str, root: str = ""
    ) -> None:
        self._http = http
        self._project = project
        self._credentials = credentials
        self._root = root.rstrip("/")
        self._built: dict[str, Any] = {}

    def api(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = google_service(_document(name), self._root)
        return self._built[name]

    async def find(self, request: Any) -> Json | None:
        """Google's answer; None if the resource does not exist."""
        try:
            return await self.ask(request)
        except CloudRefused as error:
            if error.absent:
                return None
            raise

    async def ask(self, request: Any) -> Json:
        """Google's answer. Raises `CloudRefused`, `TryLater` without credentials, `PitchgateError` without network."""
        token = await self._credentials.token()
        headers = {
            **request.headers,
            "authorization": f"Bearer {token}",
            "x-goog-user-project": self._project,
        }
        body = request.body.encode() if isinstance(request.body, str) else request.body
        try:
            async with self._http.request(request.method, request.uri, data=body, headers=headers) as answer:
                response = await answer.json(content_type=None)
                status = answer.status
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PitchgateError("cloud.away") from error
        if status >= 400:
            raise _refused(request, response, status)
        return response if isinstance(response, dict) else {}


def _document(name: str) -> Traversable:
    if name in OWN:
        return resources.files(__package__) / "documents" / f"{OWN[name]}.json"
    return resources.files("googleapiclient") / f"discovery_cache/documents/{APIS[name]}.json"


def _refused(request: Any, response: object, status: int) -> CloudRefused:
    error = response.get("error") if isinstance(response, dict) else None
    message = str(error.get("message", ""))[:500] if isinstance(error, dict) else ""
    details = error.get("details") or () if isinstance(error, dict) else ()
    api_disabled = any(isinstance(one, dict) and one.get("reason") == "SERVICE_DISABLED" for one in details)
    key = "cloud.forbidden" if status == 403 and not api_disabled else "cloud.refused"
    return CloudRefused(key, api_disabled or status == 404, method=request.methodId, said=message or status)


# ---- Kinds of resources


OPERATION_POLLS = 60


class Resource(Protocol):
    """One resource. `shared` ones belong to the whole project and stay when an environment is destroyed."""

    @property
    def label(self) -> str:
        """Kind and name, for people."""

    @property
    def shared(self) -> bool: ...

    async def difference(self, cloud: GoogleCloud) -> list[str] | None:
        """One line for each difference from what is wanted; None if the resource does not exist."""

    async def make(self, cloud: GoogleCloud) -> None:
        """Create the resource."""

    async def change(self, cloud: GoogleCloud) -> None:
        """Change the resource to what is wanted."""

    async def remove(self, cloud: GoogleCloud) -> None:
        """Delete the resource."""


@dataclass(frozen=True, slots=True)
class Service:
    """An enabled API."""

    project: str
    name: str
    shared: bool = True

    @property
    def label(self) -> str:
        return cli_texts()("cloud.thing_service", name=self.name)

    @property
    def _resource_name(self) -> str:
        return f"projects/{self.project}/services/{self.name}"

    async def difference(self, cloud: GoogleCloud) -> list[str] | None:
        found = await cloud.ask(cloud.api("serviceusage").services().get(name=self._resource_name))
        return [] if found.get("state") == "ENABLED" else None

    async def make(self, cloud: GoogleCloud) -> None:
        api = cloud.api("serviceusage")
        response = await cloud.ask(api.services().enable(name=self._resource_name, body={}))
        for _ in range(OPERATION_POLLS):
            if response.get("done") or not str(response.get("name", "")).startswith("operations/"):
                return
            await asyncio.sleep(1)
            response = await cloud.ask(api.operations().get(name=response["name"]))
        raise PitchgateError("cloud.slow", name=self.name)

    change = make

    async def remove(self, cloud: GoogleCloud) -> None:
        """Does nothing: others in the project may use the API."""


@dataclass(frozen=True, slots=True)
class CloudTopic:
    """A Pub/Sub topic."""

    name: str
    shared: bool = False

    @property
    def label(self) -> str:
        return cli_texts()("cloud.thing_topic", name=self.name)

    async def difference(self, cloud: GoogleCloud) -> list[str] | None:
        found = await cloud.find(_topics(cloud).get(topic=self.name))
        return None if found is None else []

    async def make(self, cloud: GoogleCloud) -> None:
        await cloud.ask(_topics(cloud).create(name=self.name, body={}))

    change = make

    async def remove(self, cloud: GoogleCloud) -> None:
        await cloud.ask(_topics(cloud).delete(topic=self.name))


@dataclass(frozen=True, slots=True)
class Account:
    """A service account."""

    project: str
    id: str
    shared: bool = False

    @property
    def email(self) -> str:
        return f"{self.id}@{self.project}.iam.gserviceaccount.com"

    @property
    def label(self) -> str:
        return cli_texts()("cloud.thing_account", name=self.email)

    @property
    def _resource_name(self) -> str:
        return f"projects/{self.project}/serviceAccounts/{self.email}"

    async def difference(self, cloud: GoogleCloud) -> list[str] | None:
        found = await cloud.find(_accounts(cloud).get(name=self._resource_name))
        return None if found is None else []

    async def make(self, cloud: GoogleCloud) -> None:
        body = {"accountId": self.id, "serviceAccount": {"displayName": "Pitchgate's notices"}}
        await cloud.ask(_accounts(cloud).create(name=f"projects/{self.project}", body=body))

    change = make

    async def remove(self, cloud: GoogleCloud) -> None:
        await cloud.ask(_accounts(cloud).delete(name=self._resource_name))


@dataclass(frozen=True, slots=True)
class CloudSubscription:
    """A Pub/Sub subscription; `wanted` in REST format."""

    name: str
    wanted: Json
    shared: bool = False

    @property
    def label(self) -> str:
        return cli_texts()("cloud.thing_subscription", name=self.name)

    async def difference(self, cloud: GoogleCloud) -> list[str] | None:
        found = await cloud.find(_subscriptions(cloud).get(subscription=self.name))
        if found is None:
            return None
        return [
            f"{field}: {as_text(found.get(field))} -> {as_text(value)}"
            for field, value in self.wanted.items()
            if _differs(found.get(field), value)
        ]

    async def make(self, cloud: GoogleCloud) -> None:
        await cloud.ask(_subscriptions(cloud).create(name=self.name, body=self.wanted))

    async def change(self, cloud: GoogleCloud) -> None:
        """See `Resource`. A subscription cannot change its topic, so it is then deleted and created."""
        found = await cloud.ask(_subscriptions(cloud).get(subscription=self.name))
        if found.get("topic") != self.wanted["topic"]:
            await self.remove(cloud)
            await self.make(cloud)
            return
        fields = [field for field, value in self.wanted.items() if _differs(found.get(field), value)]
        body = {"subscription": {"name": self.name, **self.wanted}, "updateMask": ",".join(fields)}
        await cloud.ask(_subscriptions(cloud).patch(name=self.name, body=body))

    async def remove(self, cloud: GoogleCloud) -> None:
        await cloud.ask(_subscriptions(cloud).delete(subscription=self.name))


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A role that a member has on a topic or subscription. It disappears when that is deleted."""

    on: str
    role: str
    member: str
    shared: bool = False

    @property
    def label(self) -> str:
        return cli_texts()("cloud.thing_right", role=self.role, member=self.member, on=self.on)

    def _resource(self, cloud: GoogleCloud) -> Any:
        return _topics(cloud) if "/topics/" in self.on else _subscriptions(cloud)

    async def difference(self, cloud: GoogleCloud) -> list[str] | None:
        policy = await cloud.find(self._resource(cloud).getIamPolicy(resource=self.on))
        granted = any(
            binding.get("role") == self.role and self.member in binding.get("members", ())
            for binding in (policy or {}).get("bindings", ())
        )
        return [] if granted else None

    async def make(self, cloud: GoogleCloud) -> None:
        """See `Resource`. With the policy's etag Google refuses if somebody else has changed it meanwhile."""
        policy = await cloud.ask(self._resource(cloud).getIamPolicy(resource=self.on))
        bindings = [dict(binding) for binding in policy.get("bindings", ())]
        same_role = next(
            (one for one in bindings if one.get("role") == self.role and not one.get("condition")), None
        )
        if same_role is None:
            bindings.append({"role": self.role, "members": [self.member]})
        else:
            same_role["members"] = [*same_role.get("members", ()), self.member]
        body = {"policy": {**policy, "bindings": bindings}}
        await cloud.ask(self._resource(cloud).setIamPolicy(resource=self.on, body=body))

    change = make

    async def remove(self, cloud: GoogleCloud) -> None:
        """Does nothing: the role is deleted with what it is on."""


def as_text(value: object) -> str:
    return (
        json.dumps(value) if isinstance(value, dict) and value else str(value or cli_texts()("cloud.nothing"))
    )


def _differs(have: object, wanted: object) -> bool:
    """Whether a value differs from the wanted one. Fields that Google adds are ignored, but not if {} is wanted: for
    Google a missing expirationPolicy means 31 days."""
    if not isinstance(wanted, Mapping) or not isinstance(have, Mapping):
        return have != wanted
    if not wanted:
        return bool(have)
    return any(_differs(have.get(name), value) for name, value in wanted.items())


def _topics(cloud: GoogleCloud) -> Any:
    return cloud.api("pubsub").projects().topics()


def _subscriptions(cloud: GoogleCloud) -> Any:
    return cloud.api("pubsub").projects().subscriptions()


def _accounts(cloud: GoogleCloud) -> Any:
    return cloud.api("iam").projects().serviceAccounts()
