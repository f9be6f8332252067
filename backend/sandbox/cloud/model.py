"""What a project holds beside Pub/Sub's own: services switched on, service accounts, policies of rights, add-ons."""

import base64
import secrets
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


def new_etag() -> str:
    """A new one: base64 with its padding, as Google writes bytes in JSON."""
    return base64.b64encode(secrets.token_bytes(8)).decode()


@dataclass(slots=True)
class Cloud:
    """All projects; each there is when it is asked for."""

    services: set[str] = field(default_factory=set)
    accounts: dict[str, Json] = field(default_factory=dict)
    policies: dict[str, Json] = field(default_factory=dict)
    deployments: dict[str, Json] = field(default_factory=dict)

    def policy(self, resource: str) -> Json:
        """Who may what on a resource, with the etag a change must show."""
        return self.policies.setdefault(resource, {"version": 1, "etag": new_etag()})

    def set_policy(self, resource: str, wanted: Json) -> Json | None:
        """Keep it; None when somebody else has changed it since it was read."""
        present = self.policy(resource)
        if wanted.get("etag") and wanted["etag"] != present["etag"]:
            return None
        bindings = wanted.get("bindings") or []
        self.policies[resource] = {"version": 1, "etag": new_etag(), "bindings": bindings}
        return self.policies[resource]

    def forget(self, resource: str) -> None:
        """The resource is no more."""
        self.policies.pop(resource, None)
