"""The settings: their form, the pause, the wording of the reply, and notifications in this browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from urllib.parse import parse_qs, urlencode

from quart import Blueprint, Response, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import Forbidden

from backend.domain.challenge import LINK_LIFE
from backend.domain.challenge_mail import MAX_OWN_WORDING, preview
from backend.domain.mail.message import Address, Message
from backend.domain.mailbox.mailbox import (
    CATEGORIES,
    LIMITS,
    QUESTIONS,
    ROWS_ALWAYS_ON,
    DigestPace,
    Mailbox,
    Mode,
    Preferences,
    Strictness,
)
from backend.domain.mailbox.message import PolicyRow
from backend.locale import LANGUAGES, Words
from backend.pipeline.act import challenge_wording
from backend.pipeline.devices import WebPushService
from backend.pipeline.owner_digest import known_zone
from backend.web import browser_session as browser
from backend.web.api.contract import service
from backend.web.api.routes import VERSION
from backend.web.browser_session import Visitor, back, owner_page, page_texts, visitor, visitor_form
from backend.web.guards import guarded, per_minute
from backend.web.pages import paused_until, zone_of
from backend.web.services import services

# ---- The settings forms
# Each line of the page is a form of its own that is saved at once. A form changes only the settings it contains.


NUMBERS = {name: limits for name, limits in LIMITS.items() if name != "questions_a_week"}
"""The settings that are typed as numbers → (lowest, highest). The number of questions a week is chosen from a list
instead."""

ROWS = tuple(row for row in PolicyRow if row not in ROWS_ALWAYS_ON and row is not PolicyRow.FAIL_OPEN)
"""The policy rows that an owner may switch off, in the table's order."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": tuple(Mode),
    "strictness": tuple(Strictness),
    "questions_a_week": tuple(map(str, QUESTIONS)),
    "digest": tuple(DigestPace),
    "language": LANGUAGES,
}

TICKED: Mapping[str, tuple[str, ...]] = {"left_alone": CATEGORIES, "rows": ROWS}
"""Groups of checkboxes. A form names its groups in the field `of`, because a browser sends nothing for a group in which
nothing is ticked."""

HEADINGS = {
    "digest": "digest_h",
    "language": "digest_h",
    "zone": "digest_h",
    "left_alone": "categories_h",
    "rows": "rows_h",
}
"""Field → the key of its heading, if that is not the field's name."""


@dataclass(frozen=True, slots=True)
class FormValues:
    """The forms as they are shown: the texts of single fields, the ticked boxes of groups, and for each wrong field the
    key of its error text."""

    single: Mapping[str, str]
    ticked: Mapping[str, frozenset[str]]
    errors: Mapping[str, str] = field(default_factory=dict)

    def sent_as(self, names: Iterable[str]) -> dict[str, list[str]]:
        """The fields that a browser sends for a form with these fields and groups."""
        fields = {name: [self.single[name]] for name in names if name in self.single}
        groups = [name for name in names if name in self.ticked]
        return fields | {name: sorted(self.ticked[name]) for name in groups} | {"of": groups}


def form_values(preferences: Preferences) -> FormValues:
    single = {name: str(getattr(preferences, name)) for name in (*CHOICES, *NUMBERS, "zone")}
    rows = frozenset[str](ROWS) - preferences.rows_off
    ticked = {"left_alone": preferences.left_alone, "rows": rows}
    return FormValues(single, ticked)


def read(
    form: MultiDict[str, str], present: Preferences, challenges: bool = True
) -> tuple[dict[str, Any], FormValues]:
    """Read a sent form: the changes in JSON form (none if anything is wrong), and all fields with what was sent.
    `challenges`: this server can send challenges, because senders can reach it."""
    saved = form_values(present)
    single = {name: form[name].strip()[:64] for name in saved.single if name in form}
    ticked = {name: frozenset(form.getlist(name)) for name in TICKED if name in form.getlist("of")}
    errors: dict[str, str] = {}
    changes: dict[str, Any] = {}
    for name, text in tuple(single.items()):
        if name in NUMBERS:
            changes[name] = number = _number(text)
            low, high = NUMBERS[name]
            if number is None or not low <= number <= high:
                errors[name] = "error_range"
        elif name == "zone":
            changes[name] = text
            if not known_zone(text):
                errors[name] = "error_zone"
        else:
            changes[name] = _number(text) if name == "questions_a_week" else text
            if text not in CHOICES[name]:
                errors[name], single[name] = "error_choice", saved.single[name]
    if changes.get("mode") == Mode.CHALLENGE and not challenges:
        errors["mode"] = "error_challenge"
    errors |= {name: "error_choice" for name in ticked if ticked[name] - frozenset(TICKED[name])}
    known = {name: ticked[name] & frozenset(TICKED[name]) for name in ticked}
    shown = FormValues({**saved.single, **single}, {**saved.ticked, **known}, errors)
    # Values that these pages do not show (a newer release may have set them) stay as they are.
    if "left_alone" in known:
        changes["left_alone"] = sorted(known["left_alone"] | (present.left_alone - frozenset(CATEGORIES)))
    if "rows" in known:
        off = frozenset[str](ROWS) - known["rows"]
        changes["rows_off"] = sorted(off | (present.rows_off - frozenset(ROWS)))
    return {} if errors else changes, shown


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


# ---- The settings page


blueprint = Blueprint("settings", __name__, url_prefix="/settings")

FARTHEST = timedelta(days=30)
MORNING = time(8)
"""When a pause until tomorrow ends."""

UNDO = "pitchgate-undo"
"""The cookie with the earlier values of the fields that the last form changed. It is not trusted: undo sends them as an
ordinary form, which is validated as usual."""
UNDO_LIFE = 600
MOST_UNDONE = 2000


@blueprint.get("")
@guarded(per_minute(120))
async def show_settings() -> Response:
    """The settings page."""
    found = await visitor()
    return await _settings_page(found)


@blueprint.post("")
@guarded(per_minute(120))
async def save_settings() -> Response:
    """Save what the form contains; if a field is wrong, nothing is saved and the page shows the error (422)."""
    sent = await visitor_form()
    (owner, mailbox), fields = sent
    form, present = await request.form, mailbox.preferences
    changes, shown = read(form, present, services().context.settings.challenges)
    if shown.errors:
        return await _settings_page(sent[0], 422, filled=shown)
    names = [name for name in (*shown.single, *shown.ticked) if name in changes or name in form.getlist("of")]
    if changes.get("digest", DigestPace.OFF) != DigestPace.OFF == present.digest and "zone" not in changes:
        changes |= _digest_defaults(present)
    await service().save_preferences(owner.mailbox_id, changes)
    was = form_values(present).sent_as([*names, *({"zone", "language"} & changes.keys() - set(names))])
    return _back_with_undo(names, was, undone=fields.get("done") == "undone")


@blueprint.post("/pause")
@guarded(per_minute(60))
async def pause_screening() -> Response:
    """Pause screening for an hour, until tomorrow or to the end of a day; or resume it."""
    sent = await visitor_form()
    (owner, mailbox), fields = sent
    now, zone = services().context.clock.now(), _zone(mailbox)
    wish, until = fields.get("until", ""), None
    if wish == "hour":
        until = now + timedelta(hours=1)
    elif wish == "day":
        until = _begin_of(now.astimezone(zone).date() + timedelta(days=1), zone, MORNING)
    elif wish == "date":
        until = _end_of(fields.get("day", ""), now, zone)
    elif wish == "restore":
        until = _restored(fields.get("at", ""), now)
    if until is None and wish not in ("resume", "restore"):
        return await _settings_page(sent[0], 422, pause_error="error_until", day=fields.get("day", "")[:20])
    await service().pause(owner.mailbox_id, until)
    before = mailbox.preferences.paused_until
    was = {"until": ["restore"], "at": [before.isoformat() if before and mailbox.paused(now) else ""]}
    return _back_with_undo(["paused" if until else "resumed"], was, undone=fields.get("done") == "undone")


def _digest_defaults(present: Preferences) -> dict[str, str]:
    """Settings to change when digests are switched on: the language and time zone of the browser."""
    t = page_texts("settings")
    if present.zone != Preferences().zone or t.zone is None:
        return {"language": t.language}
    return {"language": t.language, "zone": str(t.zone)}


def _back_with_undo(names: Sequence[str], was: Mapping[str, Sequence[str]], *, undone: bool) -> Response:
    """Redirect to the page, which then says what was saved and offers to undo it."""
    answer = back("/settings", done="undone" if undone else ",".join(names))
    kept = urlencode(was, doseq=True)
    answer.set_cookie(
        UNDO,
        "" if undone or len(kept) > MOST_UNDONE else kept,
        max_age=UNDO_LIFE,
        path="/settings",
        secure=browser.secure(),
        httponly=True,
        samesite="Strict",
    )
    return answer


@blueprint.get("/wording")
@guarded(per_minute(120))
async def show_wording() -> Response:
    """Preview the challenge in one language, as senders receive it."""
    found = await visitor()
    language = request.args.get("language", "")
    language = language if language in LANGUAGES else page_texts("settings").language
    return await _wording(found, language, dict(found[1].preferences.wording).get(language, ""))


@blueprint.post("/wording")
@guarded(per_minute(60))
async def save_wording() -> Response:
    """Save the owner's own paragraph in one language, or preview it."""
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


async def _settings_page(found: Visitor, status: int = 200, **more: Any) -> Response:
    owner, mailbox = found
    now, until = services().context.clock.now(), mailbox.preferences.paused_until
    today = now.astimezone(_zone(mailbox)).date()
    done = request.args.get("done", "") if status == 200 else ""
    t, form = page_texts("settings"), form_values(mailbox.preferences)
    undo = request.cookies.get(UNDO, "")[:MOST_UNDONE] if done not in ("", "undone") else ""
    values: dict[str, Any] = {
        "filled": form,
        "said": _saved_text(done, form, t),
        "undo": parse_qs(undo, keep_blank_values=True, max_num_fields=60),
        "paused_now": done in ("paused", "resumed"),
        "categories": CATEGORIES,
        "rows": ROWS,
        "numbers": NUMBERS,
        "choices": CHOICES,
        "when": _digest_when(form, t),
        "costs": {each.value: service().context.reader.cost(each) for each in Strictness},
        "paused": paused_until(until, t.language, t.moment) if until and mailbox.paused(now) else "",
        "challenges": services().context.settings.challenges,
        "release": VERSION,
        "pause_error": "",
        "day": "",
        "first_day": today.isoformat(),
        "last_day": (today + FARTHEST).isoformat(),
    }
    return await owner_page(
        "settings.html", owner, mailbox, section="settings", here="settings", status=status, **(values | more)
    )


def _saved_text(done: str, form: FormValues, t: Words) -> str:
    """One line about what the last form changed; for a single setting, with its new value."""
    if done in ("undone", "paused", "resumed"):
        return t(f"did_{done}" if done == "undone" else done)
    names = [name for name in done.split(",") if name in form.single or name in form.ticked]
    headings = {HEADINGS.get(name, name) for name in names}
    if len(headings) != 1:
        return t("saved") if names else ""
    (heading,) = headings
    if headings == {"digest_h"} and names != ["digest"]:
        value = _digest_when(form, t)
    elif names[0] in form.ticked:
        value = t.number(len(form.ticked[names[0]]))
    elif names[0] in NUMBERS or names[0] == "questions_a_week":
        value = form.single[names[0]]
    else:
        value = t(f"{names[0]}_{form.single[names[0]]}")
    return f"{t(heading)}{t('colon')} {value}"


def _digest_when(form: FormValues, t: Words) -> str:
    return t("digest_when", place=t.place(form.single["zone"]), language=t(f"in_{form.single['language']}"))


async def _wording(
    found: Visitor, language: str, text: str, status: int = 200, *, error: str = "", unsaved: bool = False
) -> Response:
    owner, mailbox = found
    now = services().context.clock.now()
    wording = challenge_wording(language, now + LINK_LIFE, mailbox.preferences.credits_per_solve)
    ours = services().context.settings.public_url
    shown = preview(
        mailbox.owner,
        Message(
            from_=(Address("sam@pitchworks.example", "Sam Okafor"),),
            subject=page_texts("settings")("wording_example"),
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


def _zone(mailbox: Mailbox) -> tzinfo:
    """The time zone of the owner's browser, otherwise that of their digest."""
    return page_texts("settings").zone or zone_of(mailbox.preferences.zone) or UTC


def _begin_of(day: date, zone: tzinfo, at: time = time()) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)


def _end_of(day: str, now: datetime, zone: tzinfo) -> datetime | None:
    """The end of a day; None if `day` is not a date, is past or too far ahead."""
    try:
        chosen = date.fromisoformat(day[:10])
    except ValueError:
        return None
    today = now.astimezone(zone).date()
    return _begin_of(chosen + timedelta(days=1), zone) if today <= chosen <= today + FARTHEST else None


def _restored(at: str, now: datetime) -> datetime | None:
    """The end of an earlier pause, for undo; None if there was none, or it would be over by now."""
    try:
        until = datetime.fromisoformat(at[:40])
    except ValueError:
        return None
    return until if until.tzinfo and now < until <= now + FARTHEST + timedelta(days=2) else None


# ---- Browser notifications


notifications = Blueprint("web_push", __name__, url_prefix="/settings/notifications")


@notifications.get("")
@guarded(per_minute(120))
async def push_page() -> Response:
    """Whether this browser shows notifications about new senders, and a button to switch them on or off."""
    owner, mailbox = await visitor()
    public_key, sealed_key = services().web_push.offer()
    done = request.args.get("done", "")
    return await owner_page(
        "settings_push.html",
        owner,
        mailbox,
        section="settings",
        here="settings",
        notified=await services().web_push.on(owner.session),
        public_key=public_key,
        sealed_key=sealed_key,
        done=done if done in ("notified", "not_notified") else "",
    )


@notifications.post("/on")
@guarded(per_minute(20))
async def on() -> Response:
    """Switch notifications on in this browser."""
    owner, fields = await browser.signed_in_form()
    where, key = _push_subscription(fields), fields.get("key", "")
    await web_push_service().switch_on(owner.session, *where, key, page_texts("settings").language)
    return back("/settings/notifications", done="notified")


@notifications.post("/off")
@guarded(per_minute(20))
async def off() -> Response:
    """Switch them off."""
    owner, _ = await browser.signed_in_form()
    await web_push_service().switch_off(owner.session)
    return back("/settings/notifications", done="not_notified")


@notifications.post("/moved")
@guarded(per_minute(20))
async def moved() -> Response:
    """Take a new push endpoint from the browser's service worker. It has no page and so no form token; instead, a
    header is required that pages of other sites cannot forge."""
    if request.headers.get("Sec-Fetch-Site") != "same-origin":
        raise Forbidden
    owner = await browser.signed_in()
    fields = {name: str(value) for name, value in (await request.form).items()}
    await web_push_service().moved(owner.session, *_push_subscription(fields))
    return Response(b"", 204)


def web_push_service() -> WebPushService:
    return services().web_push


def _push_subscription(fields: dict[str, str]) -> tuple[str, str, str]:
    return fields.get("endpoint", ""), fields.get("p256dh", ""), fields.get("auth", "")
