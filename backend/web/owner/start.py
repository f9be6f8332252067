"""The first run with its preview, leaving Pitchgate, and export and import of all data."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from quart import Blueprint, Response, request

from backend.domain.errors import NotFound, Refused
from backend.domain.mailbox.mailbox import AccessState, Mailbox, Mode, Strictness
from backend.domain.mailbox.message import Outcome, Verdict
from backend.domain.mailbox.review import reason_to_show
from backend.domain.policy.preview import PreviewAnswer, PreviewedMail, RunState
from backend.locale import error_words
from backend.pipeline import account, first_run
from backend.pipeline.account import ArchiveService
from backend.transactions.records import Duty
from backend.web import browser_session as browser
from backend.web.api.contract import service
from backend.web.browser_session import (
    Visitor,
    back,
    open_page,
    owner_page,
    page_texts,
    visitor,
    visitor_form,
)
from backend.web.guards import guarded, per_minute
from backend.web.owner.review_show import ShownReason, as_shown
from backend.web.pages import language_of
from backend.web.services import services

# ---- The first run


blueprint = Blueprint("start", __name__, url_prefix="/start")

POLL = 1500
"""Milliseconds between two reloads while work is going on."""

DONE = ("noted", "taken_back", "lost")
ANSWERS = {"sales": PreviewAnswer.SALES, "not_sales": PreviewAnswer.NOT_SALES, "back": PreviewAnswer.NONE}


@blueprint.get("")
@guarded(per_minute(240))
async def show_start() -> Response:
    """The progress and the preview of the first run, for the mode and strictness in the URL. Changes nothing."""
    owner, mailbox = await visitor()
    mode, strictness = _choice(request.args, mailbox)
    seen = await first_run.preview_result(service().context, mailbox, mode, strictness)
    judged = [*seen.caught, *seen.passed]
    done, about = request.args.get("done", ""), request.args.get("about", "")
    return await owner_page(
        "start.html",
        owner,
        mailbox,
        section="start",
        settings=page_texts("settings"),
        here="",
        seen=seen,
        mode=mode,
        strictness=strictness,
        modes=tuple(Mode),
        challenges=service().context.settings.challenges,
        strictnesses=tuple(Strictness),
        waits=mailbox.indexed_at is None,
        listing=seen.run is not None and seen.run.state is RunState.LISTING,
        caught=list(seen.caught),
        spoken=[pair for pair in seen.passed if pair[0].answer],
        passed=[pair for pair in seen.passed if not pair[0].answer],
        answered=sum(verdict.outcome is Outcome.CHALLENGE for _, verdict in seen.caught),
        unread=seen.run.done - len(judged) if seen.run else 0,
        poll=POLL if mailbox.indexed_at is None or (seen.run and not seen.ready) else 0,
        why=_why,
        done=done if done in DONE else "",
        undo=next((mail for mail, _ in judged if mail.gmail_id == about and mail.answer), None),
    )


@blueprint.post("/preview")
@guarded(per_minute(6))
async def order_preview() -> Response:
    """Order a preview (again)."""
    (owner, _), _ = await visitor_form()
    await first_run.order(service().context, owner.mailbox_id)
    return back("/start")


@blueprint.post("/say")
@guarded(per_minute(120))
async def label_preview() -> Response:
    """Record the owner's answer about a previewed message, or undo it. Moves no mail."""
    (owner, mailbox), fields = await visitor_form()
    mode, strictness = _choice(fields, mailbox)
    choice = {"mode": mode.value, "strictness": strictness.value}
    answer, _, gmail_id = fields.get("say", "").partition(" ")
    if answer not in ANSWERS:
        return back("/start", **choice, done="lost")
    try:
        await first_run.label_preview(service().context, owner.mailbox_id, gmail_id[:64], ANSWERS[answer])
    except NotFound:
        return back("/start", **choice, done="lost")
    if not ANSWERS[answer]:
        return back("/start", **choice, done="taken_back")
    return back("/start", **choice, done="noted", about=gmail_id)


@blueprint.post("/choose")
@guarded(per_minute(60))
async def save_choice() -> Response:
    """Save the owner's choice of mode and strictness."""
    (owner, mailbox), fields = await visitor_form()
    mode, strictness = _choice(fields, mailbox)
    await service().save_preferences(owner.mailbox_id, {"mode": mode.value, "strictness": strictness.value})
    return back("/review")


def _choice(given: Any, mailbox: Mailbox) -> tuple[Mode, Strictness]:
    """Mode and strictness as requested; if missing or invalid, as they are set."""
    mode, strictness = given.get("mode", ""), given.get("strictness", "")
    return (
        Mode(mode) if mode in tuple(Mode) else mailbox.preferences.mode,
        Strictness(strictness) if strictness in tuple(Strictness) else mailbox.preferences.strictness,
    )


def _why(mail: PreviewedMail, verdict: Verdict, is_caught: bool) -> ShownReason | None:
    reason = reason_to_show(mail.score.reasons if mail.score else (), verdict.row, not is_caught)
    return as_shown(reason, page_texts("start").language) if reason else None


# ---- Leaving


leaving = Blueprint("leave", __name__)

GROUPS: Mapping[str, tuple[str, ...]] = {
    "messages": ("messages", "corrections", "previews", "preview_runs"),
    "rules": ("rules",),
    "known": ("correspondents", "threads"),
    "challenges": ("challenges", "answers", "code_tries"),
    "credits": ("ledger", "balances", "daily_totals"),
    "devices": ("devices", "one_time_codes", "sessions"),
    "mailbox": ("mailboxes",),
}
"""Group of data → its tables. All other tables are internal and counted together as "rest"."""


@leaving.get("/settings/leave")
@guarded(per_minute(60))
async def show_leave() -> Response:
    """Explain what leaving means, and ask for confirmation."""
    return await _leave_form(await visitor())


@leaving.post("/settings/leave")
@guarded(per_minute(10))
async def leave_mailbox() -> Response:
    """Disconnect and delete, if the address of the mailbox was typed."""
    sent = await visitor_form()
    (owner, mailbox), fields = sent
    typed = fields.get("confirm", "").strip().lower()
    if not hmac.compare_digest(typed.encode(), mailbox.owner.email.lower().encode()):
        return await _leave_form(sent[0], 422, typed=typed[:254], error="error_confirm")
    secret = await account.begin_leaving(service().context, owner.mailbox_id)
    return browser.drop_session(back(f"/goodbye/{secret}"))


@leaving.get("/goodbye/<secret>")
@guarded(per_minute(120))
async def show_receipt(secret: str) -> Response:
    """The progress of leaving, then its receipt. Anybody with the URL may see it, because it names nobody."""
    try:
        found = await account.receipt(service().context, secret)
    except NotFound:
        return await _goodbye_page("leave_lost.html", 404)
    if found.left_at is not None:
        return await _goodbye_page("leave_receipt.html", receipt=found, groups=row_groups(found.deleted))
    mailbox = await service().context.store.mailbox(found.mailbox_id)
    stayed = mailbox is not None and mailbox.link is not AccessState.LEAVING
    failing = mailbox is not None and any(job.job == Duty.LEAVE for job in mailbox.failing)
    return await _goodbye_page(
        "leave_going.html", stayed=stayed, failing=failing, poll=0 if stayed else POLL, here=secret
    )


def row_groups(deleted: Mapping[str, int]) -> list[tuple[str, int]]:
    """(group, number of deleted rows), with every table counted once."""
    counts = [(name, sum(deleted.get(table, 0) for table in tables)) for name, tables in GROUPS.items()]
    rest = sum(deleted.values()) - sum(count for _, count in counts)
    return [*counts, ("rest", rest)]


async def _leave_form(found: Visitor, status: int = 200, **more: Any) -> Response:
    owner, mailbox = found
    values = {"typed": "", "error": ""} | more
    return await owner_page(
        "leave.html", owner, mailbox, section="leave", here="settings", status=status, **values
    )


async def _goodbye_page(template: str, status: int = 200, **values: Any) -> Response:
    return await open_page(template, status, section="leave", **values)


# ---- Export and import


data = Blueprint("data", __name__, url_prefix="/settings/data")

CODES = ("other_mailbox", "no_credit")
"""Import errors with a message of their own on this page."""


@data.get("")
@guarded(per_minute(60))
async def show_data() -> Response:
    """The page about stored data, with export and import."""
    return await _data_page(await browser.signed_in())


@data.get("/export")
@guarded(per_minute(6), timeout=30.0)
async def export_data() -> Response:
    """Stream the archive file. Changes nothing."""
    owner = await browser.signed_in()
    await archive_service().mailbox(owner.mailbox_id)
    day = services().context.clock.now().date().isoformat()
    response = Response(
        archive_service().export(owner.mailbox_id), 200, content_type="application/json; charset=utf-8"
    )
    response.timeout = None
    response.headers["Content-Disposition"] = f'attachment; filename="pitchgate-{day}.json"'
    return response


@data.post("/restore")
@guarded(per_minute(6), timeout=30.0)
async def restore_data() -> Response:
    """Import an archive file into this mailbox."""
    owner, _ = await browser.signed_in_form()
    file = (await request.files).get("file")
    content = file.read() if file is not None else b""
    t = page_texts("data")
    if not content:
        return await _data_page(owner, 422, error=t("error_no_file"))
    try:
        restored = await archive_service().restore(owner.mailbox_id, content)
    except Refused as error:
        words = " ".join(error_words(language_of(request.accept_languages), error)).rstrip()
        return await _data_page(owner, 422, error=t(f"error_{error.code}") if error.code in CODES else words)
    return await _data_page(owner, restored=restored)


def archive_service() -> ArchiveService:
    return services().archive


async def _data_page(owner: browser.SignedIn, status: int = 200, **more: Any) -> Response:
    mailbox = await archive_service().mailbox(owner.mailbox_id)
    return await owner_page(
        "settings_data.html", owner, mailbox, section="data", here="settings", status=status, **more
    )
