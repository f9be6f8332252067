"""The settings: their form, the pause, the wording of the reply, and notifications in this browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from quart import Blueprint, Response, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import Forbidden

from backend.domain.entry.challenge import LIFE
from backend.domain.entry.challenge_mail import MAX_OWN_WORDING, preview
from backend.domain.mail.message import Address, Message
from backend.domain.mailbox.mailbox import (
    CATEGORIES,
    LIMITS,
    QUESTIONS,
    ROWS_ALWAYS_ON,
    DigestPace,
    Mode,
    Preferences,
    Strictness,
)
from backend.domain.mailbox.message import RowName
from backend.domain.reading.topics import Topic
from backend.locale import LANGUAGES
from backend.pipeline.challenge import challenge_wording
from backend.pipeline.devices import WebPushService
from backend.pipeline.owner_digest import known_zone
from backend.web import browser_session as browser
from backend.web.api.authentication import service
from backend.web.api.routes import VERSION
from backend.web.browser_session import Visitor, back, owner_page, visitor, visitor_form, words
from backend.web.guards import guarded, per_minute
from backend.web.pages import paused_until
from backend.web.services import services

# ---- The settings form


NUMBERS = {name: limits for name, limits in LIMITS.items() if name != "questions_a_week"}
"""The settings that are typed as numbers, with the least and the most of each."""

ROWS = tuple(row for row in RowName if row not in ROWS_ALWAYS_ON and row is not RowName.FAIL_OPEN)
"""The rows an owner may switch off, in the table's order."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": tuple(Mode),
    "strictness": tuple(Strictness),
    "questions_a_week": tuple(map(str, QUESTIONS)),
}
DIGEST: Mapping[str, tuple[str, ...]] = {"digest": tuple(DigestPace), "language": LANGUAGES, "zone": ()}
"""What a form may leave out (an older page, a program): then it stays as it is."""

TICKS: Mapping[str, tuple[str, ...]] = {
    "left_alone": CATEGORIES,
    "rows": ROWS,
    "welcome": tuple(Topic),
}


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it is shown: texts of the single fields, sets of what is ticked, and by field the key of the
    text that says what is wrong with it."""

    single: Mapping[str, str]
    ticked: Mapping[str, frozenset[str]]
    errors: Mapping[str, str] = field(default_factory=dict)


def filled(preferences: Preferences) -> Filled:
    """The form with what is set now."""
    single = {name: str(getattr(preferences, name)) for name in (*CHOICES, *DIGEST)}
    numbers = {name: str(getattr(preferences, name)) for name in NUMBERS}
    rows = frozenset[str](ROWS) - preferences.rows_off
    ticked = {"left_alone": preferences.left_alone, "rows": rows, "welcome": preferences.welcome}
    return Filled(single | numbers, ticked)


def read(
    form: MultiDict[str, str], present: Preferences, challenges: bool = True
) -> tuple[dict[str, Any], Filled]:
    """The changes in JSON form, and the form as it was sent. There are changes only where nothing is wrong.
    `challenges`: senders can open the links of challenges."""
    single = {name: form.get(name, "").strip()[:40] for name in (*CHOICES, *NUMBERS)}
    ticked = {name: frozenset(form.getlist(name)) for name in TICKS}
    errors: dict[str, str] = {}
    changes: dict[str, Any] = {}
    for name, choices in CHOICES.items():
        changes[name] = single[name]
        if single[name] not in choices:
            errors[name] = "error_choice"
    for name in DIGEST:
        single[name] = changes[name] = form.get(name, str(getattr(present, name))).strip()[:64]
        if name == "zone" and not known_zone(single[name]):
            errors[name] = "error_zone"
        elif name != "zone" and single[name] not in DIGEST[name]:
            errors[name] = "error_choice"
    if changes["mode"] == Mode.CHALLENGE and not challenges:
        errors["mode"] = "error_challenge"
    changes["questions_a_week"] = _whole(single["questions_a_week"])
    for name, choices in TICKS.items():
        if ticked[name] - frozenset(choices):
            errors[name] = "error_choice"
    for name, (low, high) in NUMBERS.items():
        number = _whole(single[name])
        changes[name] = number
        if number is None or not low <= number <= high:
            errors[name] = "error_range"
    shown = Filled(single, {name: ticked[name] & frozenset(TICKS[name]) for name in TICKS}, errors)
    if errors:
        return {}, shown
    changes["welcome"] = sorted(ticked["welcome"])
    # What these pages do not show (a newer release may have set it) stays as it is.
    kept = present.left_alone - frozenset(CATEGORIES)
    changes["left_alone"] = sorted(ticked["left_alone"] | kept)
    changes["rows_off"] = sorted(
        (frozenset[str](ROWS) - ticked["rows"]) | (present.rows_off - frozenset(ROWS))
    )
    return changes, shown


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


# ---- The settings page


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
    changes, shown = read(await request.form, mailbox.preferences, services().context.settings.challenges)
    if shown.errors:
        return await _page(sent[0], 422, filled=shown)
    await service().save_preferences(owner.mailbox_id, changes)
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
    await service().save_preferences(
        owner.mailbox_id, {"wording": {code: own[code] for code in own if own[code]}}
    )
    return back("/settings/wording", language=language, done="saved")


async def _page(found: Visitor, status: int = 200, **more: Any) -> Response:
    owner, mailbox = found
    now, until = services().context.clock.now(), mailbox.preferences.paused_until
    done = request.args.get("done", "")
    public_key, sealed_key = services().web_push.offer()
    values: dict[str, Any] = {
        "filled": filled(mailbox.preferences),
        "done": done if done in DONE and status == 200 else "",
        "categories": CATEGORIES,
        "rows": ROWS,
        "topics": TICKS["welcome"],
        "numbers": NUMBERS,
        "questions": CHOICES["questions_a_week"],
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
        explained=f"{ours}/explained",
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
    """The end of a day in UTC; None if this is no date, is past or lies too far ahead."""
    try:
        chosen = date.fromisoformat(day[:10])
    except ValueError:
        return None
    if not now.date() <= chosen <= (now + FARTHEST).date():
        return None
    return datetime.combine(chosen + timedelta(days=1), time(), UTC)


# ---- Browser notifications


notifications = Blueprint("web_push", __name__, url_prefix="/settings/notifications")


@notifications.post("/on")
@guarded(per_minute(20))
async def on() -> Response:
    """Tell this browser from now on."""
    owner, fields = await browser.signed_in_form()
    where, key = _address(fields), fields.get("key", "")
    await web_push_service().switch_on(owner.session, *where, key, words("settings").language)
    return back("/settings", done="notified")


@notifications.post("/off")
@guarded(per_minute(20))
async def off() -> Response:
    """Tell it nothing more."""
    sent = await browser.signed_in_form()
    await web_push_service().switch_off(sent[0].session)
    return back("/settings", done="not_notified")


@notifications.post("/moved")
@guarded(per_minute(20))
async def moved() -> Response:
    """The browser's own worker, which has no page and so no form token, tells of a new address. What is asked of it
    instead no page of another site can send."""
    if request.headers.get("Sec-Fetch-Site") != "same-origin":
        raise Forbidden
    owner = await browser.signed_in()
    fields = {name: str(value) for name, value in (await request.form).items()}
    await web_push_service().moved(owner.session, *_address(fields))
    return Response(b"", 204)


def web_push_service() -> WebPushService:
    """That of this app."""
    return services().web_push


def _address(fields: dict[str, str]) -> tuple[str, str, str]:
    return fields.get("endpoint", ""), fields.get("p256dh", ""), fields.get("auth", "")
