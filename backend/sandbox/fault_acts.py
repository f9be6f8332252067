"""Faults that are acts on the state rather than answers to a call."""

from collections.abc import Callable
from typing import Any

from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.oauth.scopes import expand
from backend.sandbox.world import World

Result = dict[str, Any]
Act = Callable[[World, Mailbox, dict[str, Any]], Result]


class ActError(ValueError):
    """An act that cannot be performed; the text says why."""


def perform(world: World, data: dict[str, Any]) -> Result:
    """Perform {"act": name, "mailbox": address, ...}. Counts it. Raises ActError."""
    act = ACTS.get(str(data.get("act")))
    if act is None:
        raise ActError(f"act must be one of {', '.join(sorted(ACTS))}.")
    mailbox = world.mailboxes.get(str(data.get("mailbox") or "").strip().lower())
    if mailbox is None:
        raise ActError("mailbox must name a mailbox.")
    result = act(world, mailbox, data)
    world.faults.counts[str(data["act"])] += 1
    return result


def _raise_floor(world: World, mailbox: Mailbox, data: dict[str, Any]) -> Result:
    floor = data.get("floor")
    if floor is not None and not str(floor).isdecimal():
        raise ActError("floor must be a history id.")
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
        raise ActError("remove must be a list of scopes.")
    left: set[str] = set()
    for grant in world.grants.of_account(mailbox.address):
        grant.scopes -= set(expand(" ".join(remove)))
        left |= grant.scopes
    return {"scopes": sorted(left)}


def _exhaust_quota(world: World, mailbox: Mailbox, data: dict[str, Any]) -> Result:
    """Something else uses up this minute's units."""
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
        raise ActError("label must name a user label of the mailbox.")
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
