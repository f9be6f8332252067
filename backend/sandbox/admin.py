"""Admin routes of the local Google: mailboxes, letters, faults, and what an owner does in Gmail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from quart import Blueprint, Response, current_app, jsonify

from backend.sandbox import BadRequest
from backend.sandbox.faults import FaultRule, checked
from backend.sandbox.letters import check_keys, strings
from backend.sandbox.mail.mailbox import Mailbox, StoredMessage
from backend.sandbox.mail.post_office import Sent
from backend.sandbox.oauth.grants import Client, expand
from backend.sandbox.oauth.tokens import mint
from backend.sandbox.pubsub import PubSubError
from backend.sandbox.pubsub_routes import Pusher
from backend.sandbox.world import World, json_object, refuse, world

# ---- Mailboxes and messages for admin routes


def mailbox_json(world: World, mailbox: Mailbox) -> dict[str, Any]:
    """One mailbox: owner, position, label counts, watches."""
    counts = {
        label.name: mailbox.count(label.id) for label in mailbox.labels.all() if mailbox.count(label.id)
    }
    return {
        "email": mailbox.address,
        "name": mailbox.owner.name,
        "sub": mailbox.owner.sub,
        "hd": mailbox.owner.hd,
        "historyId": str(mailbox.history.current),
        "historyFloor": str(mailbox.history.floor),
        "messages": len(mailbox),
        "threads": len(mailbox.threads),
        "labelCounts": counts,
        "userLabels": {label.name: label.id for label in mailbox.labels.all() if not label.system},
        "watches": [
            {
                "topic": watch.topic,
                "expiration": int(watch.expires * 1000),
                "active": watch.expires > world.clock.now(),
                "labelIds": sorted(watch.labels),
                "exclude": watch.exclude,
            }
            for watch in world.watches.of(mailbox.address)
        ],
        "vacationOn": mailbox.settings.vacation_on,
        "sendAs": [alias.email for alias in mailbox.settings.send_as],
    }


def message_json(mailbox: Mailbox, message: StoredMessage, full: bool) -> dict[str, Any]:
    """One message; `full` adds all headers, the text, the raw source, and when it got which labels (epoch
    milliseconds)."""
    body: dict[str, Any] = {
        "id": message.id,
        "threadId": message.thread_id,
        "labelIds": sorted(message.labels),
        "labels": sorted(_label_name(mailbox, label) for label in message.labels),
        "messageId": message.rfc822_id,
        "from": message.header("From"),
        "to": message.header("To"),
        "subject": message.subject,
        "internalDate": message.internal_date,
        "historyId": str(message.history_id),
    }
    if full:
        body["headers"] = [[name, value] for name, value in message.headers]
        body["text"] = message.text
        body["raw"] = message.raw.decode("utf-8", "replace")
        body["changes"] = [
            {
                "at": round(record.at * 1000),
                "labels": [_label_name(mailbox, label) for label in record.labels],
            }
            for record in mailbox.history.of(message.id)
        ]
    return body


def sent_json(sent: Sent) -> dict[str, Any]:
    """One message that a local mailbox handed to the post office."""
    return {
        "sender": sent.sender,
        "recipients": list(sent.recipients),
        "messageId": sent.message_id,
        "subject": sent.subject,
        "autoSubmitted": sent.auto_submitted,
        "at": sent.at_ms,
        "raw": sent.raw.decode("utf-8", "replace"),
    }


def _label_name(mailbox: Mailbox, label_id: str) -> str:
    label = mailbox.labels.get(label_id)
    return label.name if label is not None else label_id


# ---- Faults that act on the state


Result = dict[str, Any]
Act = Callable[[World, Mailbox, dict[str, Any]], Result]


def perform(world: World, data: dict[str, Any]) -> Result:
    """Carry out {"act": name, "mailbox": address, ...} and count it. Raises BadRequest."""
    act = ACTS.get(str(data.get("act")))
    if act is None:
        raise BadRequest(f"act must be one of {', '.join(sorted(ACTS))}.")
    mailbox = world.mailboxes.get(str(data.get("mailbox") or "").strip().lower())
    if mailbox is None:
        raise BadRequest("mailbox must name a mailbox.")
    result = act(world, mailbox, data)
    world.faults.counts[str(data["act"])] += 1
    return result


def _raise_floor(world: World, mailbox: Mailbox, data: dict[str, Any]) -> Result:
    floor = data.get("floor")
    if floor is not None and not str(floor).isdecimal():
        raise BadRequest("floor must be a history id.")
    return {"floor": str(mailbox.history.raise_floor(None if floor is None else int(floor)))}


def _expire_watch(world: World, mailbox: Mailbox, data: dict[str, Any]) -> Result:
    return {"expired": world.watches.expire(mailbox.address)}


def _revoke(world: World, mailbox: Mailbox, data: dict[str, Any]) -> Result:
    grants = world.grants.of_account(mailbox.address)
    for grant in grants:
        world.grants.revoke_grant(mailbox.address, grant.project)
    return {"revoked": len(grants)}


def _expire_access(world: World, mailbox: Mailbox, data: dict[str, Any]) -> Result:
    return {"expired": world.grants.expire_access(mailbox.address)}


def _refuse_refresh(world: World, mailbox: Mailbox, data: dict[str, Any]) -> Result:
    """ "on" (default true) switches invalid_grant; "subtype" adds Google's error_subtype."""
    reason = str(data.get("subtype") or "invalid_grant") if data.get("on", True) else None
    grants = world.grants.of_account(mailbox.address)
    for grant in grants:
        grant.refuse_refresh = reason
    return {"grants": len(grants)}


def _narrow_scopes(world: World, mailbox: Mailbox, data: dict[str, Any]) -> Result:
    remove = data.get("remove")
    if not isinstance(remove, list) or not all(isinstance(item, str) for item in remove):
        raise BadRequest("remove must be a list of scopes.")
    left: set[str] = set()
    for grant in world.grants.of_account(mailbox.address):
        grant.scopes -= set(expand(" ".join(remove)))
        left |= grant.scopes
    return {"scopes": sorted(left)}


def _exhaust_quota(world: World, mailbox: Mailbox, data: dict[str, Any]) -> Result:
    """Use up this minute's units, as another program of the owner might."""
    units = int(data.get("units") or world.knobs.quota_per_minute)
    world.meter.charge(mailbox.address, "another.application", units, world.clock.now())
    return {"units": units}


def _delete_messages(world: World, mailbox: Mailbox, data: dict[str, Any]) -> Result:
    """The owner deletes for good, from another device: `ids`, or the newest `count`."""
    if isinstance(data.get("ids"), list):
        found = [mailbox.get(str(item)) for item in data["ids"]]
        messages = [message for message in found if message is not None]
    else:
        count = int(data.get("count") or 1)
        messages = [message for message, _ in zip(mailbox.newest_first(), range(count), strict=False)]
    mailbox.delete(messages, world.clock.now_ms())
    return {"deleted": [message.id for message in messages]}


def _delete_label(world: World, mailbox: Mailbox, data: dict[str, Any]) -> Result:
    """The owner deletes one of the labels."""
    label = mailbox.labels.named(str(data.get("label") or ""))
    if label is None or label.system:
        raise BadRequest("label must name a user label of the mailbox.")
    mailbox.delete_label(label, world.clock.now_ms())
    return {"deleted": label.id}


ACTS: dict[str, Act] = {
    "raise_history_floor": _raise_floor,
    "expire_watch": _expire_watch,
    "revoke": _revoke,
    "expire_access_tokens": _expire_access,
    "refuse_refresh": _refuse_refresh,
    "narrow_scopes": _narrow_scopes,
    "exhaust_quota": _exhaust_quota,
    "delete_messages": _delete_messages,
    "delete_label": _delete_label,
}


# ---- Admin routes about the sandbox


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
    world().meter.reset()
    return jsonify({})


@blueprint.get("/sandbox/settings")
async def get_settings() -> Response:
    return jsonify(world().knobs.as_json())


@blueprint.put("/sandbox/settings")
async def put_settings() -> Response:
    """Change some settings."""
    world().knobs.update(await json_object())
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
        return jsonify(perform(world(), data))
    return jsonify({"id": world().faults.add(checked(FaultRule, data))})


@blueprint.delete("/sandbox/faults")
async def clear_faults() -> Response:
    world().faults.clear()
    return jsonify({})


@blueprint.delete("/sandbox/faults/<int:rule_id>")
async def remove_fault(rule_id: int) -> Response:
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
    world().broker.modes.update(await json_object())
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
    `refresh_token` the grant gets this token, which another sandbox issued."""
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
    """{"advance"?: seconds, "skew"?: seconds}: move the clock forward; report times that are wrong by `skew`."""
    data, clock = await json_object(), world().clock
    check_keys(data, frozenset({"advance", "skew"}))
    for name, seconds in data.items():
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise BadRequest(f"{name} must be a number of seconds.")
    advance = data.get("advance", 0.0)
    if not 0 <= advance <= 10**9:
        raise BadRequest("advance must be a number of seconds.")
    clock.set_skew(data.get("skew", clock.skew))
    clock.advance(advance)
    world().broker.wake()
    return jsonify({"now": clock.now_ms(), "offset": clock.offset, "skew": clock.skew})


def _register(client: Client, uris: list[str]) -> None:
    for uri in uris:
        client.register(uri)


def _client_json(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "client_secret": client.secret,
        "kind": client.kind,
        "project": client.project,
        "redirect_uris": client.redirect_uris,
    }
