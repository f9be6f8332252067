"""A code against a token; the list of computers; tickets for a browser."""

from __future__ import annotations

from quart import Response

from backend.pipeline.devices import TICKET_LIFE
from backend.transactions.records import Device, Scope
from backend.web.api import requests, schemas
from backend.web.api.answers import answer
from backend.web.api.authentication import Call, blueprint, per_device, service, with_device
from backend.web.api.checking import with_body
from backend.web.api.described import described
from backend.web.api.reading import NETWORK
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.services import services


@blueprint.post("/device/token")
@described(schemas.Letting, refuses=("code_wrong", "code_expired", "too_many_devices"))
@guarded(per_minute(10))
@with_body(requests.Exchange)
async def exchange(data: requests.Exchange) -> Response:
    """The one call without a token: it gives one."""
    token, device, email = await service().exchange(data["code"], data["verifier"])
    return answer({"token": token, "device_id": device.id, "email": email, "scopes": sorted(device.scopes)})


@blueprint.get("/devices")
@described(schemas.Computers, scope=Scope.DEVICES)
@guarded(per_device(120), NETWORK)
@with_device(Scope.DEVICES)
async def devices(call: Call) -> Response:
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
@described(None, scope=Scope.DEVICES, status=204)
@guarded(per_device(120), NETWORK)
@with_device(Scope.DEVICES)
async def remove(call: Call, device_id: str) -> Response:
    """Dead at once: token, tickets and sessions."""
    await call.service.remove(call.mailbox_id, call.device.id if device_id == "current" else device_id)
    return Response(b"", 204)


@blueprint.post("/ticket")
@described(schemas.Ticket, scope=Scope.READ)
@guarded(per_device(120), NETWORK)
@with_device(Scope.READ)
@with_body(requests.TicketWish, may_be_empty=True)
async def ticket(call: Call, data: requests.TicketWish) -> Response:
    """An address that signs one browser in, once."""
    secret = await call.service.ticket(call.device, data.get("page", "review"))
    address = f"{services().context.settings.public_url}/enter?ticket={secret}"
    return answer({"url": address, "expires_in": int(TICKET_LIFE.total_seconds())})
