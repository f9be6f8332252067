"""Gmail's side of an add-on: the events it sends, and how it handles the answers."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from backend.sandbox import BadRequest
from backend.sandbox.addon_cards import answer_problems, cards_of
from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.oauth.tokens import ISSUER, SigningKey
from backend.sandbox.world import World

# ---- What Google knows of an add-on


DEFAULT_ACCOUNT = "service-104400000017@gcp-sa-gsuiteaddons.iam.gserviceaccount.com"
DEFAULT_CLIENT = "104400000017-addon.apps.googleusercontent.com"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed add-on. `home`, `message` and `settings` are its endpoints; its links may lead only to `prefixes`."""

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
        """From {"deployment": the JSON given to Google, "account"?, "client_id"?}. Raises BadRequest."""
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
            raise BadRequest(f"The deployment lacks {error}.") from error


# ---- The event a host posts


EMAIL = "https://www.googleapis.com/auth/userinfo.email"
LIFE = 3600
ACCOUNT_NUMBER = "104400000000000000017"
ID_FORMS = ("msg-f", "hex")


@dataclass(frozen=True, slots=True)
class OwnerSetup:
    """How the owner's Gmail is set up: platform, language, time zone, and the form of message ids (`ID_FORMS`)."""

    platform: str = "WEB"
    locale: str = "en-US"
    offset_ms: int = 0
    id_form: str = "msg-f"


@dataclass(frozen=True, slots=True)
class Forgery:
    """What is wrong with the tokens: claims that replace the true ones (None removes one), and which of the two is
    signed with a stranger's key."""

    system: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] = field(default_factory=dict)
    stranger: str = ""
    no_header: bool = False


@dataclass(frozen=True, slots=True)
class AddonRequest:
    """One request, kept so that it can be sent again as it was."""

    url: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OwnerClick:
    """The owner's click: on a message or on a card, with the values that the card sends."""

    url: str
    message: str = ""
    thread: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, list[str]] = field(default_factory=dict)


def addon_request(
    key: SigningKey,
    now: float,
    deployment: Deployment,
    owner: Mailbox,
    granted: frozenset[str],
    setting: OwnerSetup,
    request: OwnerClick,
    forgery: Forgery,
) -> AddonRequest:
    """The request that Google would send. `granted` are the scopes that the owner consented to."""
    claims = _claims(deployment.account, request.url, ACCOUNT_NUMBER, ACCOUNT_NUMBER, now)
    system = _signed(key, claims | dict(forgery.system), forgery, "system")
    auth: dict[str, Any] = {"systemIdToken": system, "authorizedScopes": sorted(granted)}
    if granted:
        auth["userOAuthToken"] = f"ya29.sandbox-{secrets.token_urlsafe(24)}"
    if EMAIL in granted:
        client = deployment.client_id
        claims = _claims(owner.address, client, client, owner.owner.sub, now)
        auth["userIdToken"] = _signed(key, claims | dict(forgery.user), forgery, "user")
    body = {"commonEventObject": _common(setting, request), "authorizationEventObject": auth}
    if request.message:
        body["gmail"] = {
            "messageId": _id("msg", request.message, setting.id_form),
            "threadId": _id("thread", request.thread or request.message, setting.id_form),
            "accessToken": f"AKwx-{secrets.token_urlsafe(24)}",
        }
    headers = {} if forgery.no_header else {"Authorization": f"Bearer {system}"}
    return AddonRequest(request.url, headers, body)


def _common(setting: OwnerSetup, request: OwnerClick) -> dict[str, Any]:
    common: dict[str, Any] = {
        "hostApp": "GMAIL",
        "platform": setting.platform,
        "userLocale": setting.locale,
        "timeZone": {"id": "UTC", "offset": setting.offset_ms},
    }
    if request.parameters:
        common["parameters"] = dict(request.parameters)
    if request.inputs:
        common["formInputs"] = {
            name: {"stringInputs": {"value": list(values)}} for name, values in request.inputs.items()
        }
    return common


def _id(kind: str, hex_id: str, form: str) -> str:
    if ":" in hex_id:  # msg-a:… of the owner's own drafts and sends has no number
        return hex_id
    return f"{kind}-f:{int(hex_id, 16)}" if form == "msg-f" else hex_id


def _claims(email: str, audience: str, party: str, subject: str, now: float) -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "aud": audience,
        "azp": party,
        "sub": subject,
        "email": email,
        "email_verified": True,
        "iat": int(now),
        "exp": int(now) + LIFE,
    }


def _signed(key: SigningKey, claims: dict[str, Any], forgery: Forgery, which: str) -> str:
    present = {name: value for name, value in claims.items() if value is not None}
    # A stranger signs with a key of their own, under the id of the published one.
    return SigningKey().sign(present, key.kid) if forgery.stranger == which else key.sign(present)


# ---- Gmail's part as add-on host


TIMEOUT = aiohttp.ClientTimeout(total=10)
MOST_ANSWER = 512 * 1024
HONEST = Forgery()
Card = Mapping[str, Any]


@dataclass(slots=True)
class Panel:
    """What one owner sees. `prompt` is {"scopes": [...]} or {"connect": address, "resource": name}; `pending` is the
    call to repeat after consent. `stale`: the last answer put other cards out of date; `outdated`: one since `open`."""

    setting: OwnerSetup = field(default_factory=OwnerSetup)
    message: str = ""
    stack: list[Card] = field(default_factory=list)
    toast: str = ""
    prompt: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    status: int = 0
    stale: bool = False
    outdated: bool = False
    answer: dict[str, Any] = field(default_factory=dict)
    pending: tuple[OwnerClick, bool] | None = None
    sent: AddonRequest | None = None
    clicked: bool = False
    milliseconds: float = 0.0

    @property
    def card(self) -> Card | None:
        return self.stack[-1] if self.stack else None

    def as_json(self) -> dict[str, Any]:
        """The panel for tests and tools."""
        return {
            "status": self.status,
            "answer": self.answer,
            "card": self.card,
            "depth": len(self.stack),
            "toast": self.toast,
            "prompt": self.prompt,
            "problems": self.problems,
            "stale": self.stale,
            "ms": round(self.milliseconds, 1),
        }


class Host:
    """The host of one add-on, for all owners."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.deployment: Deployment | None = None
        self.granted: dict[str, frozenset[str]] = {}
        self._panels: dict[str, Panel] = {}

    def panel(self, owner: Mailbox) -> Panel:
        return self._panels.setdefault(owner.address, Panel())

    def scopes(self, owner: Mailbox) -> frozenset[str]:
        """What the owner has consented to: everything, unless a test has changed it."""
        return self.granted.get(owner.address, self._deployed().scopes)

    async def open(
        self, owner: Mailbox, message: str = "", thread: str = "", page: str = "", forgery: Forgery = HONEST
    ) -> Panel:
        """The homepage, the card of a message, or the settings (`page`)."""
        deployed, panel = self._deployed(), self.panel(owner)
        panel.stack, panel.message, panel.outdated = [], message, False
        url = deployed.settings if page == "settings" else deployed.message if message else deployed.home
        await self._call(owner, OwnerClick(url, message, thread), clicked=False, forgery=forgery)
        return panel

    async def click(
        self, owner: Mailbox, number: int, inputs: Mapping[str, list[str]], forgery: Forgery = HONEST
    ) -> Panel:
        """Click the control with this number on the card that is shown."""
        panel = self.panel(owner)
        found = clicks(panel.card or {})
        if not 0 <= number < len(found):
            raise BadRequest("The card has no such button.", 409)
        action = found[number].get("action")
        if action is None:
            raise BadRequest("That is a link, not an action.", 409)
        parameters = {item["key"]: item["value"] for item in action.get("parameters", ())}
        chosen = {**defaults(panel.card or {}), **{name: list(values) for name, values in inputs.items()}}
        request = OwnerClick(action["function"], panel.message, "", parameters, chosen)
        await self._call(owner, request, clicked=True, forgery=forgery)
        return panel

    async def back(self, owner: Mailbox) -> Panel:
        """Click the arrow back to the card below. If it is the first one and out of date, it is requested again."""
        panel = self.panel(owner)
        if len(panel.stack) > 1:
            panel.stack.pop()
        panel.toast, panel.problems, panel.prompt = "", [], {}
        if panel.outdated and len(panel.stack) == 1:
            await self.open(owner, panel.message)
        return panel

    async def consent(self, owner: Mailbox) -> Panel:
        """Consent to the scopes asked for, and repeat the call."""
        panel = self.panel(owner)
        if panel.pending is None:
            raise BadRequest("Nothing was asked for.", 409)
        request, clicked = panel.pending
        self.granted[owner.address] = self.scopes(owner) | frozenset(panel.prompt.get("scopes", ()))
        await self._call(owner, request, clicked=clicked, forgery=HONEST)
        return panel

    async def replay(self, owner: Mailbox) -> Panel:
        """Send the last request again, byte for byte."""
        panel = self.panel(owner)
        if panel.sent is None:
            raise BadRequest("Nothing was sent yet.", 409)
        await self._send(panel, panel.sent, clicked=panel.clicked)
        return panel

    def _deployed(self) -> Deployment:
        if self.deployment is None:
            raise BadRequest("No add-on is deployed. PUT its deployment to /sandbox/addon first.", 409)
        return self.deployment

    async def _call(self, owner: Mailbox, request: OwnerClick, *, clicked: bool, forgery: Forgery) -> None:
        panel = self.panel(owner)
        panel.pending, panel.clicked = (request, clicked), clicked
        panel.sent = addon_request(
            self._world.key,
            self._world.clock.real(),
            self._deployed(),
            owner,
            self.scopes(owner),
            panel.setting,
            request,
            forgery,
        )
        await self._send(panel, panel.sent, clicked=clicked)

    async def _send(self, panel: Panel, request: AddonRequest, *, clicked: bool) -> None:
        panel.toast, panel.prompt, panel.problems, panel.stale, panel.answer = "", {}, [], False, {}
        began = time.perf_counter()
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=TIMEOUT, headers={"User-Agent": "Google-Workspace-Add-ons"}
                ) as http,
                http.post(request.url, json=request.body, headers=request.headers) as answer,
            ):
                panel.status = answer.status
                content = await answer.content.read(MOST_ANSWER)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            panel.status = 0
            panel.problems = [f"The add-on does not answer ({type(error).__name__})."]
            return
        finally:
            panel.milliseconds = (time.perf_counter() - began) * 1000
        self._read_answer(panel, content, clicked)

    def _read_answer(self, panel: Panel, content: bytes, clicked: bool) -> None:
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if panel.status != 200 or not isinstance(answer, dict):
            panel.problems = [f"The add-on answered {panel.status}, which is shown as a failure."]
            panel.answer = answer if isinstance(answer, dict) else {}
            return
        panel.answer, panel.problems = answer, answer_problems(answer, clicked=clicked)
        panel.problems += self._forbidden_links(answer)
        if "requesting_google_scopes" in answer:
            wanted = answer["requesting_google_scopes"]
            every = sorted(self._deployed().scopes)
            panel.prompt = {"scopes": every if wanted.get("all_scopes") else list(wanted.get("scopes", ()))}
            return
        if "basic_authorization_prompt" in answer:
            prompt = answer["basic_authorization_prompt"]
            panel.prompt = {"connect": prompt["authorization_url"], "resource": prompt["resource"]}
            return
        panel.pending = None
        _show(panel, answer.get("renderActions", answer).get("action", {}))
        panel.stale = bool(answer.get("stateChanged"))
        panel.outdated |= panel.stale

    def _forbidden_links(self, answer: Mapping[str, Any]) -> list[str]:
        """Links that Gmail would not open, because they match no prefix of the deployment."""
        allowed = self._deployed().prefixes
        urls = [
            click["openLink"]["url"]
            for card in cards_of(answer)
            for click in clicks(card)
            if "openLink" in click
        ]
        return [f"{url} matches no openLinkUrlPrefixes" for url in urls if not url.startswith(allowed)]


def _show(panel: Panel, action: Mapping[str, Any]) -> None:
    for step in action.get("navigations", ()):
        if "pushCard" in step:
            panel.stack.append(step["pushCard"])
        elif "updateCard" in step:
            panel.stack[-1:] = [step["updateCard"]]
        elif "popToRoot" in step:
            del panel.stack[1:]
        elif "pop" in step and len(panel.stack) > 1:
            panel.stack.pop()
    panel.toast = action.get("notification", {}).get("text", "")


def clicks(card: Any) -> list[Mapping[str, Any]]:
    """Every control of a card that can be clicked, in the order of the page."""
    if isinstance(card, list):
        return [click for item in card for click in clicks(item)]
    if not isinstance(card, Mapping):
        return []
    own = [card["onClick"]] if "onClick" in card else []
    return own + [click for name, inner in card.items() if name != "onClick" for click in clicks(inner)]


def defaults(card: Card) -> dict[str, list[str]]:
    """The initial values of the card's inputs."""
    found: dict[str, list[str]] = {}
    for section in card.get("sections", ()):
        for widget in section.get("widgets", ()):
            if choice := widget.get("selectionInput"):
                found[choice["name"]] = [item["value"] for item in choice["items"] if item.get("selected")]
            if text := widget.get("textInput"):
                found[text["name"]] = [text.get("value", "")]
    return {name: values for name, values in found.items() if values}


def change_setup(panel: Panel, **changes: Any) -> None:
    panel.setting = replace(panel.setting, **changes)
