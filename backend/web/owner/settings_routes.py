"""The settings: how it works, the pause, and the wording of the answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from quart import Blueprint, Response, request

from backend.domain.entry.challenge import LIFE
from backend.domain.entry.challenge_mail import MAX_OWN_WORDING, preview
from backend.domain.mail.message import Address, Message
from backend.domain.mailbox.mailbox import CATEGORIES, DigestPace, Strictness
from backend.locale import LANGUAGES
from backend.pipeline.challenge import challenge_wording
from backend.web.api.authentication import service
from backend.web.api.reading import VERSION
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.owner import settings_form
from backend.web.owner.entry import Visitor, back, visitor, visitor_form
from backend.web.owner.page import owner_page, words
from backend.web.services import services
from backend.web.state_words import paused_until

blueprint = Blueprint("settings", __name__, url_prefix="/settings")

DONE = ("saved", "paused", "resumed", "notified", "not_notified")
PAUSES = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
FARTHEST = timedelta(days=30)


@blueprint.get("")
@guarded(per_minute(120))
async def show() -> Response:
    """All settings."""
    found = await visitor()
    return await _page(found)


@blueprint.post("")
@guarded(per_minute(60))
async def save() -> Response:
    """All of them, or none: 422 names each field that is not in order."""
    sent = await visitor_form()
    (owner, mailbox), _ = sent
    changes, shown = settings_form.read(
        await request.form, mailbox.preferences, services().context.settings.challenges
    )
    if shown.errors:
        return await _page(sent[0], 422, filled=shown)
    await service().prefer(owner.mailbox_id, changes)
    return back("/settings", done="saved")


@blueprint.post("/pause")
@guarded(per_minute(60))
async def pause() -> Response:
    """Pause for an hour, a day, or to the end of a day; or go on."""
    sent = await visitor_form()
    (owner, _), fields = sent
    now = services().context.clock.now()
    wish, until = fields.get("until", ""), None
    if wish in PAUSES:
        until = now + PAUSES[wish]
    elif wish == "date":
        until = _end_of(fields.get("day", ""), now)
    if until is None and wish != "resume":
        return await _page(sent[0], 422, pause_error="error_until", day=fields.get("day", "")[:20])
    await service().pause(owner.mailbox_id, until)
    return back("/settings", done="paused" if until else "resumed")


@blueprint.get("/wording")
@guarded(per_minute(120))
async def wording() -> Response:
    """The answer in one language, as its sender gets it."""
    found = await visitor()
    language = request.args.get("language", "")
    language = language if language in LANGUAGES else words("settings").language
    return await _wording(found, language, dict(found[1].preferences.wording).get(language, ""))


@blueprint.post("/wording")
@guarded(per_minute(60))
async def reword() -> Response:
    """Save the owner's own words of one language, or only show what they would look like."""
    sent = await visitor_form()
    (owner, mailbox), fields = sent
    language = fields.get("language", "")
    text = fields.get("text", "").replace("\r\n", "\n").strip()
    if language not in LANGUAGES:
        return await _wording(sent[0], "en", text, 422, error="error_language")
    if len(text) > MAX_OWN_WORDING:
        return await _wording(sent[0], language, text, 422, error="error_wording")
    if fields.get("do") != "save":
        return await _wording(sent[0], language, text, unsaved=True)
    own = {**dict(mailbox.preferences.wording), language: text}
    await service().prefer(owner.mailbox_id, {"wording": {code: own[code] for code in own if own[code]}})
    return back("/settings/wording", language=language, done="saved")


async def _page(found: Visitor, status: int = 200, **more: Any) -> Response:
    owner, mailbox = found
    now, until = services().context.clock.now(), mailbox.preferences.paused_until
    done = request.args.get("done", "")
    public_key, sealed_key = services().web_push.offer()
    values: dict[str, Any] = {
        "filled": settings_form.filled(mailbox.preferences),
        "done": done if done in DONE and status == 200 else "",
        "categories": CATEGORIES,
        "rows": settings_form.ROWS,
        "topics": settings_form.TICKS["welcome"],
        "numbers": settings_form.NUMBERS,
        "questions": settings_form.CHOICES["questions_a_week"],
        "costs": {each.value: service().context.reader.cost(each) for each in Strictness},
        "paused": paused_until(until, (t := words("settings")).language, t.moment)
        if until and mailbox.paused(now)
        else "",
        "challenges": services().context.settings.challenges,
        "paces": tuple(DigestPace),
        "languages": LANGUAGES,
        "notified": await services().web_push.on(owner.session),
        "public_key": public_key,
        "sealed_key": sealed_key,
        "release": VERSION,
        "pause_error": "",
        "day": "",
        "first_day": now.date().isoformat(),
        "last_day": (now + FARTHEST).date().isoformat(),
    }
    return await owner_page(
        "settings.html", owner, mailbox, section="settings", here="settings", status=status, **(values | more)
    )


async def _wording(
    found: Visitor, language: str, text: str, status: int = 200, *, error: str = "", unsaved: bool = False
) -> Response:
    owner, mailbox = found
    now = services().context.clock.now()
    wording = challenge_wording(language, now + LIFE, mailbox.preferences.credits_per_solve)
    ours = services().context.settings.public_url
    shown = preview(
        mailbox.owner,
        Message(
            from_=(Address("sam@pitchworks.example", "Sam Okafor"),),
            subject=words("settings")("wording_example"),
        ),
        link=f"{ours}/c/…",
        explained=f"{ours}/#how",
        wording=wording,
        own=text,
    )
    return await owner_page(
        "settings_wording.html",
        owner,
        mailbox,
        section="settings",
        here="settings",
        status=status,
        languages=LANGUAGES,
        chosen=language,
        chosen_tag=wording.tag,
        text=text[: MAX_OWN_WORDING * 2],
        shown=shown,
        limit=MAX_OWN_WORDING,
        error=error,
        unsaved=unsaved,
        done="saved" if request.args.get("done") == "saved" and not unsaved and status == 200 else "",
    )


def _end_of(day: str, now: datetime) -> datetime | None:
    """The end of a day in UTC, None if it is none, is past or lies too far ahead."""
    try:
        chosen = date.fromisoformat(day[:10])
    except ValueError:
        return None
    if not now.date() <= chosen <= (now + FARTHEST).date():
        return None
    return datetime.combine(chosen + timedelta(days=1), time(), UTC)
