"""Leaving: the last question, how far it is, and the receipt that outlives the mailbox."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from quart import Blueprint, Response

from backend.domain.errors import NotFound
from backend.domain.mailbox.mailbox import Link
from backend.pipeline import connect
from backend.transactions.records import Duty
from backend.web import browser_session as browser
from backend.web.api.authentication import service
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.owner.entry import Visitor, back, visitor, visitor_form
from backend.web.owner.open_page import open_page
from backend.web.owner.page import owner_page

blueprint = Blueprint("leave", __name__)

POLL = 1500
GROUPS: Mapping[str, tuple[str, ...]] = {
    "messages": ("messages", "corrections", "previews", "preview_runs"),
    "rules": ("rules",),
    "known": ("correspondents", "threads"),
    "challenges": ("challenges", "answers", "code_tries"),
    "credits": ("ledger", "balances", "daily_totals"),
    "devices": ("devices", "one_time_codes", "sessions"),
    "mailbox": ("mailboxes",),
}
"""Tables as their owner knows them. Those not named here keep the work going and are counted together."""


@blueprint.get("/settings/leave")
@guarded(per_minute(60))
async def ask() -> Response:
    """What leaving means, and the field that makes sure."""
    return await _ask(await visitor())


@blueprint.post("/settings/leave")
@guarded(per_minute(10))
async def go() -> Response:
    """Disconnect and delete, if the address of the mailbox was typed."""
    sent = await visitor_form()
    (owner, mailbox), fields = sent
    typed = fields.get("confirm", "").strip().lower()
    if not hmac.compare_digest(typed.encode(), mailbox.owner.email.lower().encode()):
        return await _ask(sent[0], 422, typed=typed[:254], error="error_confirm")
    secret = await connect.ask(service().context, owner.mailbox_id)
    return browser.drop(back(f"/goodbye/{secret}"))


@blueprint.get("/goodbye/<secret>")
@guarded(per_minute(120))
async def receipt(secret: str) -> Response:
    """How far the leaving is; then its receipt. Whoever has the address may see it: it names nobody."""
    try:
        found = await connect.receipt(service().context, secret)
    except NotFound:
        return await _page("leave_lost.html", 404)
    if found.left_at is not None:
        return await _page("leave_receipt.html", receipt=found, groups=grouped(found.deleted))
    mailbox = await service().context.store.mailbox(found.mailbox_id)
    stayed = mailbox is not None and mailbox.link is not Link.LEAVING
    failing = mailbox is not None and any(job.job == Duty.LEAVE for job in mailbox.failing)
    return await _page(
        "leave_going.html", stayed=stayed, failing=failing, poll=0 if stayed else POLL, here=secret
    )


def grouped(deleted: Mapping[str, int]) -> list[tuple[str, int]]:
    """(name of a group, rows) with every table counted once."""
    counts = [(name, sum(deleted.get(table, 0) for table in tables)) for name, tables in GROUPS.items()]
    rest = sum(deleted.values()) - sum(count for _, count in counts)
    return [*counts, ("rest", rest)]


async def _ask(found: Visitor, status: int = 200, **more: Any) -> Response:
    owner, mailbox = found
    values = {"typed": "", "error": ""} | more
    return await owner_page(
        "leave.html", owner, mailbox, section="leave", here="settings", status=status, **values
    )


async def _page(template: str, status: int = 200, **values: Any) -> Response:
    return await open_page(template, status, section="leave", **values)
