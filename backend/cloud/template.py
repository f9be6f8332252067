"""What each environment is to hold. Four environments, one template: they differ in names and in nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.domain.errors import Refused

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
