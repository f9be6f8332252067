"""The host's admin routes: for tests and tools. Everything a person does on the page, as JSON."""

from __future__ import annotations

from typing import Any, cast

from quart import Blueprint, Response, current_app, jsonify

from backend.sandbox.addon.host import ID_FORMS, Deployment, DeploymentError, Forgery, Host, HostError, settle
from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.web import BadRequest, json_object, world

blueprint = Blueprint("addon_host", __name__, url_prefix="/sandbox/addon")
KEY = "pitchgate_sandbox_addon"


def host() -> Host:
    """The app's host; made when it is first asked for."""
    return cast(Host, current_app.extensions.setdefault(KEY, Host(world())))


@blueprint.errorhandler(HostError)
async def refused(error: HostError) -> Response:
    """What a person can mend."""
    response = jsonify({"error": str(error)})
    response.status_code = 409
    return response


@blueprint.put("")
async def deploy() -> Response:
    """{"deployment": the JSON given to Google, "account"?, "client_id"?}: create or replace the deployment.
    Answers what `get-authorization` tells."""
    try:
        deployment = Deployment.read(await json_object())
    except DeploymentError as error:
        raise BadRequest(str(error)) from error
    host().deployment = deployment
    return jsonify({"serviceAccountEmail": deployment.account, "oauthClientId": deployment.client_id})


@blueprint.post("/open")
async def open_card() -> Response:
    """{mailbox, message?, page? ("settings"), platform?, locale?, offset_ms?, id_form?, forge?} -> the panel."""
    data = await json_object()
    owner = owner_of(str(data.get("mailbox", "")))
    changes = {name: data[name] for name in ("platform", "locale", "offset_ms", "id_form") if name in data}
    if changes.get("id_form", "msg-f") not in ID_FORMS:
        raise BadRequest(f"id_form is one of {', '.join(ID_FORMS)}.")
    settle(host().panel(owner), **changes)
    panel = await host().open(
        owner, str(data.get("message", "")), "", str(data.get("page", "")), _forgery(data)
    )
    return jsonify(panel.as_json())


@blueprint.post("/click")
async def click() -> Response:
    """{mailbox, text (of the button) or number, inputs?: {name: [values]}, forge?} -> the panel."""
    data = await json_object()
    owner = owner_of(str(data.get("mailbox", "")))
    number = data.get("number")
    if number is None:
        number = numbered(host().panel(owner).card or {}, str(data.get("text", "")))
    panel = await host().click(owner, int(number), data.get("inputs") or {}, _forgery(data))
    return jsonify(panel.as_json())


@blueprint.post("/replay")
async def replay() -> Response:
    """{mailbox}: send the last request again as it was."""
    return jsonify((await host().replay(owner_of(str((await json_object()).get("mailbox", ""))))).as_json())


@blueprint.post("/consent")
async def consent() -> Response:
    """{mailbox}: agree to the scopes asked for; the call is repeated."""
    return jsonify((await host().consent(owner_of(str((await json_object()).get("mailbox", ""))))).as_json())


@blueprint.put("/grants")
async def put_grants() -> Response:
    """{mailbox, scopes: [...]}: what this owner has consented to."""
    data = await json_object()
    owner = owner_of(str(data.get("mailbox", "")))
    host().granted[owner.address] = frozenset(str(scope) for scope in data.get("scopes", ()))
    return jsonify({"scopes": sorted(host().granted[owner.address])})


def owner_of(address: str) -> Mailbox:
    """The mailbox of an address. Raises BadRequest."""
    mailbox = world().mailboxes.get(address.strip().lower())
    if mailbox is None:
        raise BadRequest(f"There is no mailbox {address[:100]}.", 404)
    return mailbox


def numbered(card: Any, text: str) -> int:
    """The number of the click whose button says `text`. Raises HostError."""
    texts = _texts(card)
    if text not in texts:
        raise HostError(f"The card has no button {text!r}; it has {', '.join(map(repr, texts))}.")
    return texts.index(text)


def _texts(card: Any) -> list[str]:
    """The text beside every click, in the same order as `clicks`."""
    if isinstance(card, list):
        return [found for item in card for found in _texts(item)]
    if not isinstance(card, dict):
        return []
    own = [str(card.get("text") or card.get("actionLabel") or "")] if "onClick" in card else []
    return own + [found for name, inner in card.items() if name != "onClick" for found in _texts(inner)]


def _forgery(data: dict[str, Any]) -> Forgery:
    wrong = data.get("forge") or {}
    return Forgery(
        system=dict(wrong.get("system", {})),
        user=dict(wrong.get("user", {})),
        stranger=str(wrong.get("stranger", "")),
        no_header=bool(wrong.get("no_header", False)),
    )
