"""Admin routes about mail: mailboxes, deliveries, and what an owner does by hand."""

import secrets
from typing import Any

from quart import Blueprint, Response, jsonify, request

from backend.sandbox import BadRequest
from backend.sandbox.admin import mailbox_json, message_json, sent_json
from backend.sandbox.gmail.resources import read_filters
from backend.sandbox.letters import (
    ARRIVAL_KEYS,
    LETTER_KEYS,
    check_keys,
    label_id,
    perform_owner_act,
    read_arrival,
    read_raw,
    reply_letter,
    strings,
)
from backend.sandbox.mail.mailbox import Mailbox, SendAs, StoredMessage
from backend.sandbox.world import json_object, world

blueprint = Blueprint("admin_mail", __name__)
MAX_SEEDED = 5_000
MAX_SHOWN = 20_000


@blueprint.post("/sandbox/mailboxes")
async def create_mailbox() -> Response:
    """{email, name?, sub?, hd?} -> 201 the mailbox."""
    data = await json_object()
    check_keys(data, frozenset({"email", "name", "sub", "hd"}))
    if not all(value is None or isinstance(value, str) for value in data.values()):
        raise BadRequest("email, name, sub and hd must be texts.")
    mailbox = world().create_mailbox(
        data.get("email") or "", data.get("name") or "", data.get("sub"), data.get("hd")
    )
    response = jsonify(mailbox_json(world(), mailbox))
    response.status_code = 201
    return response


@blueprint.get("/sandbox/mailboxes")
async def list_mailboxes() -> Response:
    """{"mailboxes": [...]}"""
    return jsonify({"mailboxes": [mailbox_json(world(), box) for box in world().mailboxes.values()]})


@blueprint.get("/sandbox/mailboxes/<address>")
async def get_mailbox(address: str) -> Response:
    return jsonify(mailbox_json(world(), world().mailbox(address)))


@blueprint.delete("/sandbox/mailboxes/<address>")
async def delete_mailbox(address: str) -> Response:
    world().delete_mailbox(world().mailbox(address).address)
    return jsonify({})


@blueprint.get("/sandbox/mailboxes/<address>/messages")
async def list_messages(address: str) -> Response:
    """?label=NAME&full=1&limit=N -> {"messages": [...]}, newest first, spam and trash included."""
    mailbox = world().mailbox(address)
    labels = [label_id(mailbox, name) for name in request.args.getlist("label")]
    full = request.args.get("full") == "1"
    limit = min(request.args.get("limit", MAX_SHOWN, type=int), MAX_SHOWN)
    shown: list[dict[str, Any]] = []
    for message in mailbox.newest_first(labels, hidden=True):
        if len(shown) >= limit:
            break
        shown.append(message_json(mailbox, message, full))
    return jsonify({"messages": shown})


@blueprint.get("/sandbox/mailboxes/<address>/messages/<message_id>")
async def get_message(address: str, message_id: str) -> Response:
    mailbox = world().mailbox(address)
    return jsonify(message_json(mailbox, mailbox.these([message_id])[0], full=True))


@blueprint.post("/sandbox/mailboxes/<address>/messages")
async def seed_messages(address: str) -> Response:
    """{"messages": [letter + arrival], "quiet": true} -> {"ids": [...]}; quiet mail leaves no history."""
    mailbox = world().mailbox(address)
    data = await json_object()
    check_keys(data, frozenset({"messages", "quiet"}))
    items = data.get("messages")
    if not isinstance(items, list) or len(items) > MAX_SEEDED:
        raise BadRequest(f"messages must be a list of at most {MAX_SEEDED}.")
    ids = []
    for item in items:
        if not isinstance(item, dict):
            raise BadRequest("Each message must be an object.")
        message = _receive(mailbox, item, [mailbox.address], quiet=bool(data.get("quiet", True)))
        ids.append({"id": message.id, "threadId": message.thread_id})
    return jsonify({"ids": ids})


@blueprint.post("/sandbox/deliver")
async def deliver() -> Response:
    """{"to": address or list, letter, arrival} -> {"delivered": [{mailbox, id, threadId}], "unknown": [...]}."""
    data = await json_object()
    to = strings(data, "to")
    if not to:
        raise BadRequest("to must name at least one mailbox.")
    delivered: list[dict[str, str]] = []
    unknown: list[str] = []
    for address in to:
        mailbox = world().post.find(address)
        if mailbox is None:
            unknown.append(address)
            continue
        if mailbox.address in [item["mailbox"] for item in delivered]:
            continue
        message = _receive(mailbox, data, to, quiet=False)
        delivered.append({"mailbox": mailbox.address, "id": message.id, "threadId": message.thread_id})
    response = jsonify({"delivered": delivered, "unknown": unknown})
    response.status_code = 200 if delivered else 404
    return response


@blueprint.post("/sandbox/mailboxes/<address>/labels")
async def move_labels(address: str) -> Response:
    """The owner changes labels: {"ids": [...], "add": [names], "remove": [names]}; missing labels are created."""
    mailbox = world().mailbox(address)
    data = await json_object()
    check_keys(data, frozenset({"ids", "add", "remove"}))
    add = [label_id(mailbox, name, create=True) for name in strings(data, "add")]
    remove = [label_id(mailbox, name) for name in strings(data, "remove")]
    messages = mailbox.these(strings(data, "ids"))
    mailbox.change_labels(messages, add, remove, world().clock.now_ms())
    return jsonify({"historyId": str(mailbox.history.current)})


@blueprint.post("/sandbox/mailboxes/<address>/act")
async def act(address: str) -> Response:
    """The owner acts in Gmail: {"act", "ids"?, "label"?, "to"?} -> {"now": its name, "historyId": ...}."""
    mailbox = world().mailbox(address)
    data = await json_object()
    check_keys(data, frozenset({"act", "ids", "label", "to"}))
    now = perform_owner_act(world(), mailbox, data)
    return jsonify({"now": now, "historyId": str(mailbox.history.current)})


@blueprint.post("/sandbox/mailboxes/<address>/delete")
async def delete_messages(address: str) -> Response:
    """The owner deletes for good: {"ids": [...]}."""
    mailbox = world().mailbox(address)
    mailbox.delete(mailbox.these(strings(await json_object(), "ids")), world().clock.now_ms())
    return jsonify({"historyId": str(mailbox.history.current)})


@blueprint.post("/sandbox/mailboxes/<address>/send")
async def send(address: str) -> Response:
    """The owner writes: {"to": ..., letter} or {"reply_to_id": id, "text": ...} -> {id, threadId, messageId}."""
    mailbox = world().mailbox(address)
    data = await json_object()
    check_keys(data, LETTER_KEYS | {"to", "reply_to_id"})
    now_ms = world().clock.now_ms()
    thread_id = None
    if data.get("reply_to_id") is not None:
        parent = mailbox.these([str(data.pop("reply_to_id"))])[0]
        data = reply_letter(mailbox, parent) | data
        thread_id = parent.thread_id
    data.setdefault("from", f"{mailbox.owner.name} <{mailbox.address}>")
    to = strings(data, "to")
    if not to and "raw" not in data:
        raise BadRequest("to must name at least one address.")
    raw = read_raw(data, to, world().clock.reported_ms(), secrets.token_hex(12))
    message = world().post.send(mailbox, raw, thread_id, now_ms)
    return jsonify({"id": message.id, "threadId": message.thread_id, "messageId": message.rfc822_id})


@blueprint.put("/sandbox/mailboxes/<address>/vacation")
async def set_vacation(address: str) -> Response:
    """{"enableAutoReply": bool}: whether the owner's vacation responder is on. It sends no replies."""
    data = await json_object()
    check_keys(data, frozenset({"enableAutoReply"}))
    world().mailbox(address).settings.vacation_on = bool(data.get("enableAutoReply"))
    return jsonify(data)


@blueprint.put("/sandbox/mailboxes/<address>/filters")
async def set_filters(address: str) -> Response:
    """{"filters": [{"criteria", "action"}]}: the owner's filters for mail that arrives from now on."""
    mailbox = world().mailbox(address)
    data = await json_object()
    check_keys(data, frozenset({"filters"}))
    mailbox.settings.filters = read_filters(data.get("filters"), mailbox.labels)
    return jsonify({"filters": mailbox.settings.filters})


@blueprint.post("/sandbox/mailboxes/<address>/send-as")
async def add_alias(address: str) -> Response:
    """{"email", "name"?, "accepted"?}: another address that the owner may send from."""
    mailbox = world().mailbox(address)
    data = await json_object()
    check_keys(data, frozenset({"email", "name", "accepted"}))
    email = str(data.get("email") or "").strip().lower()
    if "@" not in email:
        raise BadRequest("email must be an e-mail address.")
    alias = SendAs(email, display_name=str(data.get("name") or ""), accepted=bool(data.get("accepted", True)))
    mailbox.settings.send_as.append(alias)
    return jsonify(mailbox_json(world(), mailbox))


@blueprint.get("/sandbox/outbox")
async def outbox() -> Response:
    """{"messages": [...]}: everything that local mailboxes sent to any address, oldest first."""
    return jsonify({"messages": [sent_json(sent) for sent in world().post.outbox]})


@blueprint.delete("/sandbox/outbox")
async def clear_outbox() -> Response:
    world().post.outbox.clear()
    return jsonify({})


def _receive(mailbox: Mailbox, data: dict[str, Any], to: list[str], quiet: bool) -> StoredMessage:
    check_keys(data, LETTER_KEYS | ARRIVAL_KEYS | {"to", "header_to"})
    now_ms = world().clock.now_ms()
    raw = read_raw(data, to, now_ms, secrets.token_hex(12))
    arrival = read_arrival(data, raw, mailbox)
    arrival.quiet = quiet
    return world().post.deliver(mailbox, raw, arrival, now_ms)
