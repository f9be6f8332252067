"""What Google knows of an add-on: its deployment, the service account that calls it, its OAuth client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DEFAULT_ACCOUNT = "service-104400000017@gcp-sa-gsuiteaddons.iam.gserviceaccount.com"
DEFAULT_CLIENT = "104400000017-addon.apps.googleusercontent.com"


class DeploymentError(ValueError):
    """A deployment Google would refuse; the text says why."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed add-on. `prefixes` are where its links may lead."""

    name: str
    home: str
    message: str
    settings: str
    prefixes: tuple[str, ...]
    scopes: frozenset[str]
    account: str = DEFAULT_ACCOUNT
    client_id: str = DEFAULT_CLIENT

    @classmethod
    def read(cls, data: dict[str, Any]) -> Deployment:
        """From {"deployment": the JSON given to Google, "account"?, "client_id"?}. Raises DeploymentError."""
        try:
            sent = data["deployment"]
            common, gmail = sent["addOns"]["common"], sent["addOns"]["gmail"]
            actions = common.get("universalActions", [])
            return cls(
                name=str(common["name"]),
                home=str(common["homepageTrigger"]["runFunction"]),
                message=str(gmail["contextualTriggers"][0]["onTriggerFunction"]),
                settings=next((str(item["runFunction"]) for item in actions if "runFunction" in item), ""),
                prefixes=tuple(str(prefix) for prefix in common.get("openLinkUrlPrefixes", ())),
                scopes=frozenset(str(scope) for scope in sent["oauthScopes"]),
                account=str(data.get("account") or DEFAULT_ACCOUNT),
                client_id=str(data.get("client_id") or DEFAULT_CLIENT),
            )
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise DeploymentError(f"The deployment lacks {error}.") from error
