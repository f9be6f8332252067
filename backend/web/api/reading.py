"""GET status, held, messages and preview."""

from __future__ import annotations

import base64
import binascii
import json
from importlib.metadata import version

from quart import Response, request
from quart_schema import validate_querystring

from backend.domain.errors import Refused
from backend.domain.mailbox.message import Placement
from backend.transactions.records import Overview, Scope
from backend.web.api import requests, schemas
from backend.web.api.answers import answer, message_json, preferences_json, sender_json, tagged
from backend.web.api.authentication import Call, blueprint, per_device, with_device
from backend.web.api.described import described
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.services import services
from backend.web.state_words import state_of
from backend.web.words import language_of

NETWORK = per_minute(1_200)
"""For all of an address together, whatever tokens it shows."""

VERSION = version("pitchgate")
PAGE = 50


@blueprint.get("/status")
@described(schemas.Status, scope=Scope.READ, headers=requests.Unchanged)
@guarded(per_device(120), NETWORK)
@with_device(Scope.READ)
async def status(call: Call) -> Response:
    """State, settings, counts and the number of the latest change."""
    asked = await call.service.questions(call.mailbox_id)
    return tagged(_status(await call.service.overview(call.mailbox_id), len(asked)))


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


@blueprint.get("/held")
@described(
    schemas.Held,
    scope=Scope.READ,
    headers=requests.Unchanged,
    refuses=("malformed", "out_of_range"),
)
@guarded(per_device(120), NETWORK)
@with_device(Scope.READ)
@validate_querystring(requests.HeldQuestion)
async def held(call: Call, query_args: requests.HeldQuestion) -> Response:
    """Held, undecided mail by sender."""
    query, after = query_args.get("q", "").strip(), read_cursor(query_args.get("cursor", ""))
    page = await call.service.held(call.mailbox_id, query, after, query_args.get("limit", PAGE))
    cursor = "" if page.cursor is None else packed_cursor(page.cursor)
    language = language_of(request.accept_languages)
    senders = [sender_json(group, language) for group in page.senders]
    return tagged({"senders": senders, "cursor": cursor, "total": page.total})


@blueprint.get("/messages")
@described(
    schemas.Messages,
    scope=Scope.READ,
    refuses=("malformed", "out_of_range"),
)
@guarded(per_device(120), NETWORK)
@with_device(Scope.READ)
@validate_querystring(requests.MessagesQuestion)
async def messages(call: Call, query_args: requests.MessagesQuestion) -> Response:
    """Messages by their latest change."""
    wanted, limit = query_args.get("placement"), query_args.get("limit", PAGE)
    placement, before = Placement(wanted) if wanted else None, query_args.get("cursor", "")
    views = await call.service.messages(call.mailbox_id, placement, limit + 1, before)
    shown = views[:limit]
    # What is still to be looked at is in no place yet.
    language = language_of(request.accept_languages)
    rows = [message_json(view, language) for view in shown if view.placement is not None]
    return answer({"messages": rows, "cursor": shown[-1].gmail_id if len(views) > limit else ""})


@blueprint.get("/questions")
@described(schemas.Questions, scope=Scope.READ)
@guarded(per_device(120), NETWORK)
@with_device(Scope.READ)
async def questions(call: Call) -> Response:
    """The few messages of a week that the owner is asked about."""
    language = language_of(request.accept_languages)
    views = await call.service.questions(call.mailbox_id)
    return answer({"messages": [message_json(view, language) for view in views]})


@blueprint.get("/messages/<gmail_id>/preview")
@described(schemas.Preview, scope=Scope.READ, refuses=("unreadable",))
@guarded(per_device(30), NETWORK, patience=25.0)
@with_device(Scope.READ)
async def preview(call: Call, gmail_id: str) -> Response:
    """The text of a message, from Gmail, kept nowhere."""
    found = await call.service.preview(call.mailbox_id, gmail_id)
    return answer({"gmail_id": gmail_id, "text": found.text, "truncated": found.truncated})


def packed_cursor(cursor: tuple[int, str]) -> str:
    """A position in the list of senders, as pages hand it out."""
    return base64.urlsafe_b64encode(json.dumps(cursor).encode()).rstrip(b"=").decode()


def read_cursor(given: str) -> tuple[int, str] | None:
    """Inverse of `packed_cursor`; None for "". Raises `Refused` (malformed)."""
    if not given:
        return None
    try:
        at, sender = json.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise Refused("malformed.cursor", field="cursor") from error
    if not isinstance(sender, str) or type(at) is not int or abs(at) >= 2**62:
        raise Refused("malformed.cursor", field="cursor")
    return at, sender
