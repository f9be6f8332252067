"""The Gmail add-on's deployment for one environment: rendered from a template and checked.

The template is in the checkout's top-level folder, not in the package: a running server never reads it, and each
installation replaces its addresses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from backend.domain.errors import Refused
from backend.terminal import cli_texts

Json = dict[str, Any]
FOLDER = Path(__file__).parents[1] / "addon_manifest"
ENVIRONMENTS = ("dev", "test", "staging", "production")
SCOPE_PREFIX = "https://www.googleapis.com/auth/"
NEEDED_SCOPES = ("gmail.addons.execute", "userinfo.email")
ALLOWED_SCOPES = frozenset(
    (
        *NEEDED_SCOPES,
        "gmail.addons.current.message.metadata",
        "gmail.addons.current.message.readonly",
        "script.locale",
    )
)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def render_manifest(environment: str, url: str = "", folder: Path = FOLDER) -> Json:
    """The deployment for `environment`, with `url` instead of its configured address if given. Raises `Refused`."""
    template, environments = _read(folder / "deployment.json"), _read(folder / "environments.json")
    try:
        values = json.loads(environments)[environment]
        values = {"name": values["name"], "url": (url or values["url"]).rstrip("/")}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("addon_environment", environment=environment, why=error) from error
    try:
        # Values are JSON-escaped, since the template has them inside quotes.
        found = json.loads(Template(template).substitute({k: json.dumps(v)[1:-1] for k, v in values.items()}))
    except (ValueError, KeyError) as error:
        raise Refused("addon_template.unfilled", why=error) from error
    if wrong := problems(found):
        raise Refused(
            "addon_invalid", environment=environment, faults="\n".join(f"  - {line}" for line in wrong)
        )
    return dict(found)


def problems(deployment: Any) -> list[str]:
    """The faults of a deployment, in words."""
    if not isinstance(deployment, Mapping):
        return [cli_texts()("addon.no_object")]
    return list(_problems(deployment))


def _problems(deployment: Mapping[str, Any]) -> Iterator[str]:
    add_ons = _object(deployment, "addOns")
    common, gmail = _object(add_ons, "common"), _object(add_ons, "gmail")
    yield from _scopes(deployment.get("oauthScopes"))
    for field in ("name", "logoUrl"):
        if not common.get(field):
            yield cli_texts()("addon.required", field=f"addOns.common.{field}")
    if "gmail" not in add_ons:
        yield cli_texts()("addon.required_gmail", field="addOns.gmail")
    if not _object(common, "homepageTrigger").get("runFunction"):
        yield cli_texts()("addon.required", field="addOns.common.homepageTrigger.runFunction")
    triggers = gmail.get("contextualTriggers") or []
    if not triggers:
        yield cli_texts()("addon.required_trigger", field="addOns.gmail.contextualTriggers")
    for number, trigger in enumerate(triggers):
        if not trigger.get("onTriggerFunction") or trigger.get("unconditional") != {}:
            yield cli_texts()("addon.trigger", field=f"addOns.gmail.contextualTriggers[{number}]", value="{}")
    for name, colour in _object(common, "layoutProperties").items():
        if not _COLOUR.fullmatch(str(colour)):
            yield cli_texts()("addon.colour", field=f"addOns.common.layoutProperties.{name}")
    header = _object(add_ons, "httpOptions").get("authorizationHeader")
    if header != "SYSTEM_ID_TOKEN":
        yield cli_texts()("addon.header", field="addOns.httpOptions.authorizationHeader")
    yield from _addresses(common, triggers)


def _addresses(common: Mapping[str, Any], triggers: list[Mapping[str, Any]]) -> Iterator[str]:
    prefixes = tuple(str(prefix) for prefix in common.get("openLinkUrlPrefixes") or ())
    functions = {"homepageTrigger.runFunction": _object(common, "homepageTrigger").get("runFunction")}
    links: dict[str, Any] = {}
    for number, action in enumerate(common.get("universalActions") or ()):
        place = f"universalActions[{number}]"
        if not action.get("label") or ("runFunction" in action) == ("openLink" in action):
            yield cli_texts()("addon.action", field=place)
        if "runFunction" in action:
            functions[f"{place}.runFunction"] = action["runFunction"]
        if "openLink" in action:
            links[f"{place}.openLink"] = action["openLink"]
    for number, trigger in enumerate(triggers):
        functions[f"contextualTriggers[{number}].onTriggerFunction"] = trigger.get("onTriggerFunction")
    addresses = {"logoUrl": common.get("logoUrl"), **functions, **links}
    addresses |= {f"openLinkUrlPrefixes[{number}]": prefix for number, prefix in enumerate(prefixes)}
    for place, address in addresses.items():
        if address and (key := _address_fault(str(address))):
            yield cli_texts()(f"addon.address_{key}", field=place, address=address)
    for place, address in links.items():
        if not str(address).startswith(prefixes):
            yield cli_texts()("addon.prefix", field=place, address=address)
    if len({urlsplit(str(address)).netloc for address in functions.values() if address}) > 1:
        yield cli_texts()("addon.hosts")


def _scopes(scopes: Any) -> Iterator[str]:
    if not isinstance(scopes, list) or not scopes:
        yield cli_texts()("addon.required", field="oauthScopes")
        return
    if len(set(scopes)) != len(scopes):
        yield cli_texts()("addon.scopes_twice")
    for needed in NEEDED_SCOPES:
        if SCOPE_PREFIX + needed not in scopes:
            yield cli_texts()("addon.scopes_lack", scope=needed)
    if not any("gmail.addons.current.message." in str(scope) for scope in scopes):
        yield cli_texts()("addon.scopes_message")
    for scope in scopes:
        if str(scope).removeprefix(SCOPE_PREFIX) not in ALLOWED_SCOPES:
            yield cli_texts()("addon.scopes_more", scope=scope)


def _address_fault(address: str) -> str:
    """The end of the text key `addon.address_…` for what is wrong with an address; "" if nothing is."""
    parts = urlsplit(address)
    if parts.scheme != "https":
        return "https"
    if not parts.hostname or "." not in parts.hostname or parts.username or parts.query or parts.fragment:
        return "public"
    return ""


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object in a field; an empty one if the field is missing or something else."""
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused("addon_template", file=path.name, folder=path.parent) from error
