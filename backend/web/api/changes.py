"""GET events: what changes, as it changes, and from where a reader left off."""

from __future__ import annotations

from functools import partial

from quart import Response, request

from backend.domain.errors import PitchgateError
from backend.transactions.records import Event, EventKind, Scope
from backend.web.api.answers import message_json, refusal
from backend.web.api.authentication import Call, blueprint, per_device, with_device
from backend.web.api.described import described
from backend.web.api.reading import NETWORK
from backend.web.api.requests import Resumption
from backend.web.guards import guarded
from backend.web.services import services
from backend.web.streams import Feed, line, streamed, streams
from backend.web.words import language_of

MOST_STREAMS = 5


@blueprint.get("/events")
@described(bytes, scope=Scope.READ, headers=Resumption)
@guarded(per_device(120), NETWORK)
@with_device(Scope.READ)
async def events(call: Call) -> Response:
    """Server-sent events. `Last-Event-ID: n` begins behind n, otherwise it begins now."""
    device = call.device
    if streams().open[device.id] >= MOST_STREAMS:
        return refusal(PitchgateError("rate_limited"), **{"Retry-After": "10"})
    given = request.headers.get("Last-Event-ID", "")
    now = -1 if given else (await call.service.news(device, None, 0)).latest
    return streamed(
        Feed(
            name=device.id,
            notifier=call.service.changed(device),
            look=lambda after, limit: call.service.news(device, after, limit),
            as_text=partial(_event, language=language_of(request.accept_languages)),
            missed="reset",
            besides=_Condition(call).changed,
        ),
        given,
        now,
    )


class _Condition:
    """Tells of a pause that ends and a watch that lapses: changes nobody writes down."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._clock = services().context.clock
        self._known = ""

    async def changed(self) -> bytes:
        """A status event if it is another one than when it was last asked for; b"" the first time."""
        mailbox = (await self._call.service.overview(self._call.mailbox_id)).mailbox
        before, self._known = self._known, mailbox.condition(self._clock.now())
        return b"event: status\ndata: {}\n\n" if before not in ("", self._known) else b""


def _event(event: Event, language: str) -> bytes:
    """The bytes of one change; b"" for mail whose row is gone."""
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
    # Told as it was then: whatever has happened to it since comes behind, as an event of its own.
    return line(event.id, "held", message_json(view, language) | {"placement": "held", "decided_by": ""})
