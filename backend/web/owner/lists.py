"""The page of the owner's allow and block rules: list, test of a sender, import and export."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, request

from backend.domain.errors import Refused
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.rules import MOST_LINES, MOST_RULES, subject_of
from backend.pipeline import decide, review
from backend.web.api.contract import service
from backend.web.browser_session import Visitor, back, owner_page, visitor, visitor_form
from backend.web.guards import guarded, per_minute

blueprint = Blueprint("lists", __name__, url_prefix="/settings/lists")

PAGE = 50
MOST_FAULTS = 20
LONGEST_SUBJECT = 254
IMPORT_LIMIT = 256 * 1024
"""Bytes of an import's form; the app's limit for request bodies may be lower."""


@blueprint.get("")
@guarded(per_minute(120))
async def show_rules() -> Response:
    """A page of rules, and the forms."""
    return await _lists_page(await visitor())


@blueprint.post("/add")
@guarded(per_minute(120))
async def add_rule() -> Response:
    """Set one rule."""
    who, fields = await visitor_form()
    owner, _ = who
    subject, kind = fields.get("subject", "")[:LONGEST_SUBJECT], _kind(fields.get("kind", ""))
    if kind is None:
        return await _lists_page(who, 422, subject=subject, errors={"kind": "error_kind"})
    try:
        plain = subject_of(subject)
        await decide.set_rule(service().context, owner.mailbox_id, plain, kind)
    except Refused as error:
        return await _lists_page(who, 422, subject=subject, kind=kind, errors={"subject": error.code})
    return back("/settings/lists", done=f"added_{kind}", subject=plain)


@blueprint.post("/remove")
@guarded(per_minute(120))
async def remove_rule() -> Response:
    """Remove one rule."""
    who, fields = await visitor_form()
    owner, _ = who
    if not (subject := fields.get("subject", "")).strip():
        return await _lists_page(who, 422, errors={"subject": "rule_empty"})
    await decide.set_rule(service().context, owner.mailbox_id, subject, None)
    return back("/settings/lists", done="removed")


@blueprint.post("/test")
@guarded(per_minute(120))
async def test_sender() -> Response:
    """Would mail of this sender pass? Changes nothing. It is a POST so that no email address appears in a URL."""
    who, fields = await visitor_form()
    _, mailbox = who
    address, confirmed = fields.get("address", "")[:LONGEST_SUBJECT], "confirmed" in fields
    shown: dict[str, Any] = {"address": address, "confirmed": confirmed}
    try:
        trial = await review.try_sender(service().context, mailbox, address, authenticated=confirmed)
    except Refused as error:
        code = "rule_address" if error.code in ("rule_domain", "rule_provider") else error.code
        return await _lists_page(who, 422, errors={"address": code}, **shown)
    return await _lists_page(who, trial=trial, **shown)


@blueprint.post("/import")
@guarded(per_minute(30))
async def import_rules() -> Response:
    """Preview the effect of a list, or import it."""
    request.max_form_memory_size = IMPORT_LIMIT
    who, fields = await visitor_form()
    owner, _ = who
    text, kind = await _uploaded() or fields.get("text", ""), _kind(fields.get("default", ""))
    shown: dict[str, Any] = {"text": text, "default": kind or RuleKind.BLOCK}
    if kind is None:
        return await _lists_page(who, 422, errors={"default": "error_kind"}, **shown)
    really = fields.get("do") == "import"
    try:
        work = decide.bring_in_rules if really else decide.weigh_rules
        reading, effect = await work(service().context, owner.mailbox_id, text, kind)
    except Refused as error:
        return await _lists_page(who, 422, errors={"text": error.code}, **shown)
    if not reading.rules:
        return await _lists_page(who, 422, errors={"text": "import_empty"}, reading=reading, **shown)
    shown["text"] = "" if really else text
    return await _lists_page(who, reading=reading, effect=effect, imported=really, **shown)


@blueprint.get("/export")
@guarded(per_minute(30))
async def export_rules() -> Response:
    """All rules as a text file that can be imported again."""
    owner, _ = await visitor()
    text = await review.written_out(service().context, owner.mailbox_id)
    response = Response(text.encode(), 200, content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="pitchgate-rules.txt"'
    return response


async def _lists_page(found: Visitor, status: int = 200, **more: Any) -> Response:
    owner, mailbox = found
    args = request.args
    query, kind = args.get("q", "").strip()[:100], _kind(args.get("show", ""))
    after = args.get("after", "")[:LONGEST_SUBJECT]
    store = service().context.store
    rules = await store.rules(owner.mailbox_id, kind, query, after, PAGE + 1)
    values: dict[str, Any] = {
        "rules": rules[:PAGE],
        "following": rules[PAGE - 1].rule.subject if len(rules) > PAGE else "",
        "total": await store.count_rules(owner.mailbox_id),
        "query": query,
        "shown_kind": kind or "",
        "beginning": not after,
        "done": args.get("done", "") if status == 200 else "",
        "subject_of_rule": args.get("subject", "")[:LONGEST_SUBJECT],
        "most_faults": MOST_FAULTS,
        "most_lines": MOST_LINES,
        "most_rules": MOST_RULES,
        "errors": {},
        "kind": RuleKind.ALLOW,
        "default": RuleKind.BLOCK,
        "confirmed": True,
    }
    return await owner_page(
        "settings_lists.html",
        owner,
        mailbox,
        section="lists",
        here="settings",
        status=status,
        **(values | more),
    )


async def _uploaded() -> str:
    """The text of the uploaded file, "" without one. Text that is not UTF-8 is read as Latin-1, never refused."""
    file = (await request.files).get("file")
    data = file.read() if file is not None else b""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _kind(text: str) -> RuleKind | None:
    return RuleKind(text) if text in tuple(RuleKind) else None
