"""All routes of the API: status, held mail, decisions, settings, events, devices."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import cast

from quart import Response, request
from quart_schema import validate_querystring

from backend.domain.errors import PitchgateError, Refused
from backend.domain.mailbox.decisions import Decision, Order, Origin, rule_domain
from backend.domain.mailbox.mailbox import CATEGORIES, Preferences
from backend.domain.mailbox.message import MessageView, Placement
from backend.domain.mailbox.review import reasons_of, shown_reason
from backend.domain.watching.trial import Answer
from backend.locale import reason as reason_text
from backend.locale import reason_sentence
from backend.pipeline import decide
from backend.pipeline.devices import TICKET_LIFE
from backend.transactions.records import Device, Event, EventKind, HeldSender, Overview, Scope
from backend.web.api import schemas
from backend.web.api.contract import (
    ApiCall,
    answer,
    answer_with_etag,
    blueprint,
    described,
    for_device,
    refusal,
    service,
    with_body,
)
from backend.web.api.schemas import Resumption
from backend.web.guards import guarded, per_minute
from backend.web.pages import language_of, state_of
from backend.web.services import Feed, line, services, streamed, streams

# ---- Status, held mail, messages, questions and previews


VERSION = version("pitchgate")
PAGE = 50


@blueprint.get("/status")
@for_device(schemas.Status, Scope.READ, headers=schemas.IfNoneMatch)
async def status(call: ApiCall) -> Response:
    """State, settings, counts and the number of the latest change."""
    asked = await call.service.questions(call.mailbox_id)
    return answer_with_etag(_status(await call.service.overview(call.mailbox_id), len(asked)))


def _status(found: Overview, questions: int) -> schemas.Status:
    mailbox = found.mailbox
    state = state_of(
        mailbox,
        language_of(request.accept_languages),
        services().context.clock.now(),
        skew=services().context.skew_for_owner(),
    )
    until = mailbox.watch_expires_at
    return {
        "version": VERSION,
        "email": mailbox.owner.email,
        "name": mailbox.owner.name,
        "condition": state.condition,
        "title": state.title,
        "cause": state.cause,
        "remedy": state.remedy,
        "who": state.who,
        "warnings": list(state.warnings),
        "watch_expires_at": until.isoformat() if until else None,
        "index": {"done": mailbox.index_done, "total": mailbox.index_total},
        "preferences": preferences_json(mailbox.preferences),
        "held": {"messages": found.messages, "senders": found.senders},
        "questions": questions,
        "event": str(found.latest),
    }


def message_json(view: MessageView, language: str) -> schemas.Message:
    """A message as described in docs/reference/api.md."""
    reason = shown_reason(view)
    return {
        "gmail_id": view.gmail_id,
        "thread_id": view.thread_id,
        "sender": view.sender,
        "sender_name": view.sender_name,
        "domain": rule_domain(view.sender),
        "subject": view.subject,
        "placement": view.placement or Placement.INBOX,
        "outcome": view.outcome,
        "row": view.row,
        "score": view.score,
        "told": reason_sentence(language, reason.code, reason.quotes, reason.weight > 0) if reason else "",
        "reasons": [
            {"text": reason_text(language, one.code), "weight": one.weight, "words": list(one.quotes)}
            for one in reasons_of(view)
        ],
        "guards": list(view.guards),
        "cause": view.cause,
        "model": view.model,
        "received_at": view.received_at.isoformat() if view.received_at else None,
        "decided_at": view.decided_at.isoformat() if view.decided_at else None,
        "changed_at": view.changed_at.isoformat(),
        "decided_by": view.decided_by,
        "note": view.note,
    }


def sender_json(group: HeldSender, language: str) -> schemas.Sender:
    return {
        "sender": group.sender,
        "sender_name": group.messages[0].sender_name if group.messages else "",
        "domain": rule_domain(group.sender),
        "count": group.count,
        "latest_at": group.latest_at.isoformat(),
        "messages": [message_json(view, language) for view in group.messages],
    }


def preferences_json(preferences: Preferences) -> schemas.Preferences:
    return cast(schemas.Preferences, preferences.to_json())


@blueprint.get("/held")
@for_device(schemas.Held, Scope.READ, headers=schemas.IfNoneMatch, refuses=("malformed", "out_of_range"))
@validate_querystring(schemas.HeldQuery)
async def held(call: ApiCall, query_args: schemas.HeldQuery) -> Response:
    """Held, undecided mail by sender."""
    query, after = query_args.get("q", "").strip(), read_cursor(query_args.get("cursor", ""))
    page = await call.service.held(call.mailbox_id, query, after, query_args.get("limit", PAGE))
    cursor = "" if page.cursor is None else packed_cursor(page.cursor)
    language = language_of(request.accept_languages)
    senders = [sender_json(group, language) for group in page.senders]
    return answer_with_etag({"senders": senders, "cursor": cursor, "total": page.total})


@blueprint.get("/messages")
@for_device(schemas.Messages, Scope.READ, refuses=("malformed", "out_of_range"))
@validate_querystring(schemas.MessagesQuery)
async def messages(call: ApiCall, query_args: schemas.MessagesQuery) -> Response:
    """Messages by their latest change."""
    wanted, limit = query_args.get("placement"), query_args.get("limit", PAGE)
    placement, before = Placement(wanted) if wanted else None, query_args.get("cursor", "")
    views = await call.service.messages(call.mailbox_id, placement, limit + 1, before)
    shown = views[:limit]
    language = language_of(request.accept_languages)
    # A message that is not screened yet has no placement.
    rows = [message_json(view, language) for view in shown if view.placement is not None]
    return answer({"messages": rows, "cursor": shown[-1].gmail_id if len(views) > limit else ""})


@blueprint.get("/questions")
@for_device(schemas.Questions, Scope.READ)
async def questions(call: ApiCall) -> Response:
    """The few messages of a week that the owner is asked about."""
    language = language_of(request.accept_languages)
    views = await call.service.questions(call.mailbox_id)
    return answer({"messages": [message_json(view, language) for view in views]})


@blueprint.get("/messages/<gmail_id>/preview")
@for_device(
    schemas.Preview, Scope.READ, refuses=("unreadable",), calls=30, timeout=25.0
)  # seconds: Gmail is asked
async def preview(call: ApiCall, gmail_id: str) -> Response:
    """The text of a message, read from Gmail and not stored."""
    found = await call.service.preview(call.mailbox_id, gmail_id)
    return answer({"gmail_id": gmail_id, "text": found.text, "truncated": found.truncated})


def packed_cursor(cursor: tuple[int, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(cursor).encode()).rstrip(b"=").decode()


def read_cursor(given: str) -> tuple[int, str] | None:
    """Inverse of `packed_cursor`; None for "". Raises `Refused` (malformed)."""
    if not given:
        return None
    try:
        at, sender = json.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise Refused("malformed.cursor", field="cursor") from error
    # `at` may be a bool, which is an int too, or larger than a column holds.
    if not isinstance(sender, str) or type(at) is not int or abs(at) >= 2**62:
        raise Refused("malformed.cursor", field="cursor")
    return at, sender


# ---- Corrections and undo, settings and pause


@blueprint.post("/corrections")
@for_device(schemas.Corrected, Scope.CORRECT, refuses=("key_reused",))
@with_body(schemas.Correction)
async def correct(call: ApiCall, data: schemas.Correction) -> Response:
    """The owner's decision about a message. A repeat with the same key gets the same answer."""
    key, gmail_id, decision = data["key"], data["gmail_id"], data["decision"]
    order = Order(key, Decision(decision), (gmail_id,), Origin.TRAY)
    done = await decide.carry_out(call.service.context, call.mailbox_id, order)
    return answer({"key": key, "gmail_id": gmail_id, "decision": decision, "moved": list(done.moved)})


@blueprint.post("/corrections/<key>/undo")
@for_device(schemas.Undone, Scope.CORRECT)
async def undo(call: ApiCall, key: str) -> Response:
    """Undo a decision. A repeat gets the same answer."""
    moved = await decide.take_back(call.service.context, call.mailbox_id, key)
    return answer({"key": key, "moved": list(moved)})


@blueprint.put("/questions/<gmail_id>")
@for_device(schemas.Answered, Scope.CORRECT, refuses=("out_of_range",))
@with_body(schemas.QuestionAnswer)
async def answer_question(call: ApiCall, gmail_id: str, data: schemas.QuestionAnswer) -> Response:
    """Answer a question; a later answer replaces an earlier one."""
    given = Answer(data["answer"])
    await decide.answer(call.service.context, call.mailbox_id, gmail_id, given, Origin.TRAY)
    return answer({"gmail_id": gmail_id, "answer": given})


@blueprint.patch("/preferences")
@for_device(schemas.Changed, Scope.SETTINGS, refuses=("out_of_range", "unknown_field"))
@with_body(schemas.PreferenceChanges)
async def save_preferences(call: ApiCall, data: schemas.PreferenceChanges) -> Response:
    """Change settings, all or none."""
    if set(data.get("left_alone", [])) - set(CATEGORIES):  # Gmail categories that are not screened
        raise Refused("out_of_range.category", field="left_alone")
    preferences = await call.service.save_preferences(call.mailbox_id, dict(data))
    return answer({"preferences": preferences_json(preferences)})


@blueprint.post("/pause")
@for_device(schemas.Paused, Scope.SETTINGS, refuses=("out_of_range",))
@with_body(schemas.Pause)
async def pause(call: ApiCall, data: schemas.Pause) -> Response:
    """Do not screen new mail until the given time; null resumes."""
    until = _time(data["until"]) if data["until"] is not None else None
    await call.service.pause(call.mailbox_id, until)
    return answer({"paused_until": until.isoformat() if until else None})


def _time(given: str) -> datetime:
    try:
        at = datetime.fromisoformat(given)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Refused("malformed.until", field="until") from error


# ---- GET events


MOST_STREAMS = 5


@blueprint.get("/events")
@for_device(bytes, Scope.READ, headers=Resumption)
async def events(call: ApiCall) -> Response:
    """Server-sent events: those after `Last-Event-ID`, or without it from now on."""
    device = call.device
    if streams().open[device.id] >= MOST_STREAMS:
        return refusal(PitchgateError("rate_limited"), **{"Retry-After": "10"})
    given = request.headers.get("Last-Event-ID", "")
    latest = -1 if given else (await call.service.news(device, None, 0)).latest  # -1: not needed
    return streamed(
        Feed(
            name=device.id,
            notifier=call.service.changed(device),
            look=lambda after, limit: call.service.news(device, after, limit),
            as_text=partial(_event, language=language_of(request.accept_languages)),
            missed="reset",  # sent if later events are no longer stored
            extra_event=_Condition(call).changed,
        ),
        given,
        latest,
    )


class _Condition:
    """Notices when the mailbox's condition changes by the passing of time, which no event records: a pause ends, a
    watch lapses."""

    def __init__(self, call: ApiCall) -> None:
        self._call = call
        self._clock = services().context.clock
        self._known = ""

    async def changed(self) -> bytes:
        """A status event if the condition changed since the last call, else b""; always b"" the first time."""
        mailbox = (await self._call.service.overview(self._call.mailbox_id)).mailbox
        before, self._known = self._known, mailbox.condition(self._clock.now())
        return b"event: status\ndata: {}\n\n" if before not in ("", self._known) else b""


def _event(event: Event, language: str) -> bytes:
    """An event as sent; b"" if its message has been deleted."""
    if event.kind is EventKind.STATUS:
        return line(event.id, "status", {})
    if event.kind is EventKind.MOVED:
        moved = {"gmail_id": event.gmail_id, "placement": event.placement, "decided_by": event.decided_by}
        return line(event.id, "moved", moved)
    view = event.message
    if view is None:
        return b""
    if event.kind is EventKind.NOTE:
        return line(event.id, "note", message_json(view, language))
    # With its placement at the time: later changes follow as events of their own.
    return line(event.id, "held", message_json(view, language) | {"placement": "held", "decided_by": ""})


# ---- Tokens for codes, connected computers (devices), tickets for the browser


@blueprint.post("/device/token")
@described(schemas.Letting, refuses=("code_wrong", "code_expired", "too_many_devices"))
@guarded(per_minute(10))
@with_body(schemas.Exchange)
async def exchange(data: schemas.Exchange) -> Response:
    """Exchange a code for a token. Needs no token itself."""
    token, device, email = await service().exchange(data["code"], data["verifier"])
    return answer({"token": token, "device_id": device.id, "email": email, "scopes": sorted(device.scopes)})


@blueprint.get("/devices")
@for_device(schemas.Computers, Scope.DEVICES)
async def devices(call: ApiCall) -> Response:
    """All computers of the owner."""
    rows = [_row(device, call.device.id) for device in await call.service.devices(call.mailbox_id)]
    return answer({"devices": rows})


def _row(device: Device, own: str) -> schemas.Computer:
    seen = device.last_seen_at
    return {
        "device_id": device.id,
        "name": device.name,
        "created_at": device.created_at.isoformat(),
        "last_seen_at": seen.isoformat() if seen else None,
        "current": device.id == own,
    }


@blueprint.delete("/devices/<device_id>")
@for_device(None, Scope.DEVICES, status=204)
async def remove(call: ApiCall, device_id: str) -> Response:
    """Revoke a computer's token, tickets and sessions at once."""
    await call.service.remove(call.mailbox_id, call.device.id if device_id == "current" else device_id)
    return Response(b"", 204)


@blueprint.post("/ticket")
@for_device(schemas.Ticket, Scope.READ)
@with_body(schemas.TicketWish, may_be_empty=True)
async def ticket(call: ApiCall, data: schemas.TicketWish) -> Response:
    """A one-time address that signs a browser in."""
    secret = await call.service.ticket(call.device, data.get("page", "review"))
    address = f"{services().context.settings.public_url}/enter?ticket={secret}"
    return answer({"url": address, "expires_in": int(TICKET_LIFE.total_seconds())})


__all__ = ["blueprint"]
