"""Everything kept about an owner: taking it away as one file, and bringing such a file back."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, request

from backend.domain.errors import Refused
from backend.locale.words import error_words
from backend.pipeline.archive import ArchiveService
from backend.web import browser_session as browser
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.owner.page import owner_page
from backend.web.services import services
from backend.web.words import language_of

blueprint = Blueprint("data", __name__, url_prefix="/settings/data")

CODES = ("malformed", "other_mailbox", "no_credit")
"""What can be wrong with a file; each has a text of its own."""


@blueprint.get("")
@guarded(per_minute(60))
async def show() -> Response:
    """What is kept, the file, and the form to bring one back."""
    return await _page(await browser.signed_in())


@blueprint.get("/export")
@guarded(per_minute(6), patience=30.0)
async def export() -> Response:
    """The file, as it is written. Changes nothing."""
    owner = await browser.signed_in()
    await service().mailbox(owner.mailbox_id)
    day = services().context.clock.now().date().isoformat()
    response = Response(
        service().export(owner.mailbox_id), 200, content_type="application/json; charset=utf-8"
    )
    response.timeout = None
    response.headers["Content-Disposition"] = f'attachment; filename="pitchgate-{day}.json"'
    return response


@blueprint.post("/restore")
@guarded(per_minute(6), patience=30.0)
async def restore() -> Response:
    """Add what the file holds to this mailbox."""
    sent = await browser.signed_in_form()
    owner = sent[0]
    file = (await request.files).get("file")
    content = file.read() if file is not None else b""
    if not content:
        return await _page(owner, 422, error="no_file")
    try:
        restored = await service().restore(owner.mailbox_id, content)
    except Refused as error:
        known = error.code if error.code in CODES else "malformed"
        return await _page(
            owner, 422, error=known, detail=error_words(language_of(request.accept_languages), error)[0]
        )
    return await _page(owner, restored=restored)


def service() -> ArchiveService:
    """Those of this app."""
    return services().archive


async def _page(owner: browser.SignedIn, status: int = 200, **more: Any) -> Response:
    mailbox = await service().mailbox(owner.mailbox_id)
    return await owner_page(
        "settings_data.html", owner, mailbox, section="data", here="settings", status=status, **more
    )
