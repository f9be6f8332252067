"""Admin routes about the sandbox itself: meter, faults, pushes, clients, clock."""

from typing import Any, cast

from quart import Blueprint, Response, current_app, jsonify

from backend.sandbox.fault_acts import ActError, perform
from backend.sandbox.faults import FaultError, FaultRule
from backend.sandbox.knobs import KnobError
from backend.sandbox.letters import check_keys, strings
from backend.sandbox.oauth.clients import Client, ClientError
from backend.sandbox.oauth.scopes import expand
from backend.sandbox.oauth.token_answers import mint
from backend.sandbox.pubsub.model import PubSubError
from backend.sandbox.pubsub.pusher import Pusher
from backend.sandbox.web import BadRequest, json_object, refuse, world

blueprint = Blueprint("admin", __name__)


@blueprint.get("/sandbox/health")
async def health() -> Response:
    """{"ok": true, "now": epoch milliseconds}"""
    return jsonify({"ok": True, "now": world().clock.now_ms()})


@blueprint.get("/sandbox/meter")
async def meter() -> Response:
    """Quota units per mailbox and method, with the highest sum in any 60 seconds."""
    return jsonify(world().meter.report())


@blueprint.post("/sandbox/meter/reset")
async def reset_meter() -> Response:
    """Count from zero."""
    world().meter.reset()
    return jsonify({})


@blueprint.get("/sandbox/settings")
async def get_settings() -> Response:
    """All knobs."""
    return jsonify(world().knobs.as_json())


@blueprint.put("/sandbox/settings")
async def put_settings() -> Response:
    """Turn some knobs."""
    try:
        world().knobs.update(await json_object())
    except KnobError as error:
        return refuse(str(error))
    return jsonify(world().knobs.as_json())


@blueprint.get("/sandbox/faults")
async def get_faults() -> Response:
    """{"rules": [...], "counts": {kind: hits so far}, "methods": {kind: {method: hits so far}}}"""
    plan = world().faults
    rules = [rule.as_json() for rule in plan.rules]
    return jsonify({"rules": rules, "counts": dict(plan.counts), "methods": plan.methods})


@blueprint.post("/sandbox/faults")
async def add_fault() -> Response:
    """A rule {kind, method?, mailbox?, times?, skip?, probability?, seconds?}, or an act {act, ...}."""
    data = await json_object()
    if "act" in data:
        try:
            return jsonify(perform(world(), data))
        except ActError as error:
            return refuse(str(error))
    try:
        rule = FaultRule.from_json(data)
    except FaultError as error:
        return refuse(str(error))
    return jsonify({"id": world().faults.add(rule)})


@blueprint.delete("/sandbox/faults")
async def clear_faults() -> Response:
    """Lift all rules."""
    world().faults.clear()
    return jsonify({})


@blueprint.delete("/sandbox/faults/<int:rule_id>")
async def remove_fault(rule_id: int) -> Response:
    """Lift one rule."""
    return jsonify({}) if world().faults.remove(rule_id) else refuse("There is no such rule.", 404)


@blueprint.get("/sandbox/push")
async def get_push() -> Response:
    """Modes, counts, and how many pushes are pending."""
    broker = world().broker
    pusher = cast(Pusher, current_app.config["PUSHER"])
    return jsonify(
        {
            "modes": broker.modes.as_json(),
            "counts": dict(broker.counts),
            "watch": dict(world().watches.counts),
            "pending": pusher.pending(),
            "unfetched": pusher.unfetched(),
            "topics": sorted(broker.topics),
            "subscriptions": [item.as_json() for item in broker.subscriptions.values()],
        }
    )


@blueprint.put("/sandbox/push")
async def put_push() -> Response:
    """Set push modes."""
    try:
        world().broker.modes.update(await json_object())
    except PubSubError as error:
        return refuse(error.message, error.status)
    world().broker.wake()
    return await get_push()


@blueprint.put("/sandbox/topics")
async def put_topic() -> Response:
    """{"name": full topic name, "gmail_may_publish"?: bool}: create or change a topic."""
    data = await json_object()
    check_keys(data, frozenset({"name", "gmail_may_publish"}))
    broker, name = world().broker, str(data.get("name"))
    try:
        topic = broker.topics.get(name) or broker.create_topic(name)
    except PubSubError as error:
        return refuse(error.message, error.status)
    topic.gmail_may_publish = bool(data.get("gmail_may_publish", True))
    return jsonify({"name": topic.name, "gmail_may_publish": topic.gmail_may_publish})


@blueprint.get("/sandbox/clients")
async def list_clients() -> Response:
    """{"clients": [...]}: OAuth clients with their secrets."""
    return jsonify({"clients": [_client_json(client) for client in world().clients.values()]})


@blueprint.post("/sandbox/clients")
async def add_client() -> Response:
    """{client_id, client_secret, redirect_uris?, kind? ("web", "desktop"), project?} -> the client."""
    data = await json_object()
    check_keys(data, frozenset({"client_id", "client_secret", "redirect_uris", "kind", "project"}))
    client_id, secret = data.get("client_id"), data.get("client_secret")
    if not isinstance(client_id, str) or not isinstance(secret, str) or not client_id or not secret:
        raise BadRequest("client_id and client_secret must be texts.")
    if data.get("kind", "web") not in ("web", "desktop"):
        raise BadRequest("kind must be web or desktop.")
    project = data.get("project") or next(iter(world().clients.values())).project
    client = Client(client_id, secret, str(project), data.get("kind", "web"))
    _register(client, strings(data, "redirect_uris"))
    world().clients[client_id] = client
    return jsonify(_client_json(client))


@blueprint.post("/sandbox/clients/<client_id>/redirect-uris")
async def add_redirects(client_id: str) -> Response:
    """{"redirect_uris": [...]}: allow more redirect addresses."""
    client = world().clients.get(client_id)
    if client is None:
        return refuse("There is no such client.", 404)
    _register(client, strings(await json_object(), "redirect_uris"))
    return jsonify(_client_json(client))


@blueprint.post("/sandbox/tokens")
async def mint_tokens() -> Response:
    """{account, scopes: [...], client_id?, refresh_token?} -> a token answer, without the consent page. With
    `refresh_token` that one is the grant's, as another sandbox gave it out."""
    data = await json_object()
    check_keys(data, frozenset({"account", "scopes", "client_id", "refresh_token"}))
    account = str(data.get("account") or "").strip().lower()
    if account not in world().mailboxes:
        return refuse("There is no such mailbox.", 404)
    client_id = data.get("client_id") or next(iter(world().clients))
    if client_id not in world().clients:
        return refuse("There is no such client.", 404)
    scopes = frozenset(expand(" ".join(strings(data, "scopes"))))
    given = str(data.get("refresh_token") or "")
    return jsonify(mint(world(), world().clients[client_id], account, scopes, given))


@blueprint.post("/sandbox/clock")
async def advance_clock() -> Response:
    """{"advance"?: seconds, "skew"?: seconds}: move the clock forward; tell times that are off by so much."""
    data, clock = await json_object(), world().clock
    check_keys(data, frozenset({"advance", "skew"}))
    for name, seconds in data.items():
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise BadRequest(f"{name} must be a number of seconds.")
    advance = data.get("advance", 0.0)
    if not 0 <= advance <= 10**9:
        raise BadRequest("advance must be a number of seconds.")
    try:
        clock.set_skew(data.get("skew", clock.skew))
    except ValueError as error:
        raise BadRequest(str(error)) from error
    clock.advance(advance)
    world().broker.wake()
    return jsonify({"now": clock.now_ms(), "offset": clock.offset, "skew": clock.skew})


@blueprint.post("/sandbox/keys/rotate")
async def rotate_keys() -> Response:
    """{"retire"?: bool}: sign with a new key; `retire` stops publishing the old one."""
    data = await json_object()
    return jsonify({"kid": world().keys.rotate(bool(data.get("retire", False)))})


def _register(client: Client, uris: list[str]) -> None:
    try:
        for uri in uris:
            client.register(uri)
    except ClientError as error:
        raise BadRequest(str(error)) from error


def _client_json(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "client_secret": client.secret,
        "kind": client.kind,
        "project": client.project,
        "redirect_uris": client.redirect_uris,
    }
