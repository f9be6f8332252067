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

from backend.domain.entry.challenge import LINK_LIFE
from backend.domain.entry.challenge_mail import MAX_OWN_WORDING, preview
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
from backend.domain.mailbox.message import RowName
from backend.locale import LANGUAGES, Words
from backend.pipeline.challenge import challenge_wording
from backend.pipeline.devices import WebPushService
from backend.pipeline.owner_digest import known_zone
from backend.web import browser_session as browser
from backend.web.api.authentication import service
from backend.web.api.routes import VERSION
from backend.web.browser_session import Visitor, back, owner_page, visitor, visitor_form, words
from backend.web.guards import guarded, per_minute
from backend.web.pages import paused_until, zone_of
from backend.web.services import services

# ---- The settings form
# Each line of the page is a form of its own and saved at once; a form changes what it holds and nothing else.


NUMBERS = {name: limits for name, limits in LIMITS.items() if name != "questions_a_week"}
"""The settings that are typed as numbers, with the least and the most of each. How many emails a week the owner is
asked about is chosen from a list."""

ROWS = tuple(row for row in RowName if row not in ROWS_ALWAYS_ON and row is not RowName.FAIL_OPEN)
"""The rows of the policy table that an owner may switch off, in its order."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": tuple(Mode),
    "strictness": tuple(Strictness),
    "questions_a_week": tuple(map(str, QUESTIONS)),
    "digest": tuple(DigestPace),
    "language": LANGUAGES,
}

TICKS: Mapping[str, tuple[str, ...]] = {
    "left_alone": CATEGORIES,
    "rows": ROWS,
}
"""What is ticked. A form that holds one of these names it in `of`: with nothing ticked a browser sends nothing else."""

HEADINGS = {
    "digest": "digest_h",
    "language": "digest_h",
    "zone": "digest_h",
    "left_alone": "categories_h",
    "rows": "rows_h",
}
"""By field the key of the text that names it, where it is not the field's own name."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it is shown: texts of the single fields, sets of what is ticked, and by field the key of the
    text that says what is wrong with it."""

    single: Mapping[str, str]
    ticked: Mapping[str, frozenset[str]]
    errors: Mapping[str, str] = field(default_factory=dict)

    def sent_as(self, names: Iterable[str]) -> dict[str, list[str]]:
        """The fields a form with these holds."""
        fields = {name: [self.single[name]] for name in names if name in self.single}
        groups = [name for name in names if name in self.ticked]
        return fields | {name: sorted(self.ticked[name]) for name in groups} | {"of": groups}


def filled(preferences: Preferences) -> Filled:
    """The form with what is set now."""
    single = {name: str(getattr(preferences, name)) for name in (*CHOICES, *NUMBERS, "zone")}
    rows = frozenset[str](ROWS) - preferences.rows_off
    ticked = {"left_alone": preferences.left_alone, "rows": rows}
    return Filled(single, ticked)


def read(
    form: MultiDict[str, str], present: Preferences, challenges: bool = True
) -> tuple[dict[str, Any], Filled]:
    """The changes in JSON form, and all fields with what was sent. There are changes only where nothing is wrong.
    `challenges`: senders can open the links of challenges."""
    now = filled(present)
    single = {name: form[name].strip()[:64] for name in now.single if name in form}
    ticked = {name: frozenset(form.getlist(name)) for name in TICKS if name in form.getlist("of")}
    errors: dict[str, str] = {}
    changes: dict[str, Any] = {}
    for name, text in tuple(single.items()):
        if name in NUMBERS:
            changes[name] = number = _whole(text)
            low, high = NUMBERS[name]
            if number is None or not low <= number <= high:
                errors[name] = "error_range"
        elif name == "zone":
            changes[name] = text
            if not known_zone(text):
                errors[name] = "error_zone"
        else:
            changes[name] = _whole(text) if name == "questions_a_week" else text
            if text not in CHOICES[name]:
                errors[name], single[name] = "error_choice", now.single[name]
    if changes.get("mode") == Mode.CHALLENGE and not challenges:
        errors["mode"] = "error_challenge"
    errors |= {name: "error_choice" for name in ticked if ticked[name] - frozenset(TICKS[name])}
    known = {name: ticked[name] & frozenset(TICKS[name]) for name in ticked}
    shown = Filled({**now.single, **single}, {**now.ticked, **known}, errors)
    # What these pages do not show (a newer release may have set it) stays as it is.
    if "left_alone" in known:
        changes["left_alone"] = sorted(known["left_alone"] | (present.left_alone - frozenset(CATEGORIES)))
    if "rows" in known:
        off = frozenset[str](ROWS) - known["rows"]
        changes["rows_off"] = sorted(off | (present.rows_off - frozenset(ROWS)))
    return {} if errors else changes, shown


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


# ---- The settings page


blueprint = Blueprint("settings", __name__, url_prefix="/settings")

FARTHEST = timedelta(days=30)
MORNING = time(8)
"""When tomorrow begins for a mailbox that is paused until then."""

UNDO = "pitchgate-undo"
"""The cookie with the fields that the last form changed, as they were. Its reader must not believe it: what an owner
sends back of it is read as any form is."""
UNDO_LIFE = 600
MOST_UNDONE = 2000


@blueprint.get("")
@guarded(per_minute(120))
async def show() -> Response:
    """The everyday ones, and the rest under Advanced."""
    found = await visitor()
    return await _page(found)


@blueprint.post("")
@guarded(per_minute(120))
async def save() -> Response:
    """What the form holds, or nothing: 422 names each field that is not in order."""
    sent = await visitor_form()
    (owner, mailbox), fields = sent
    form, present = await request.form, mailbox.preferences
    changes, shown = read(form, present, services().context.settings.challenges)
    if shown.errors:
        return await _page(sent[0], 422, filled=shown)
    names = [name for name in (*shown.single, *shown.ticked) if name in changes or name in form.getlist("of")]
    if changes.get("digest", DigestPace.OFF) != DigestPace.OFF == present.digest and "zone" not in changes:
        changes |= _digest_defaults(present)
    await service().save_preferences(owner.mailbox_id, changes)
    was = filled(present).sent_as([*names, *({"zone", "language"} & changes.keys() - set(names))])
    return _done(names, was, undone=fields.get("done") == "undone")


@blueprint.post("/pause")
@guarded(per_minute(60))
async def pause() -> Response:
    """Pause for an hour, until tomorrow, or to the end of a day; or go on."""
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
        return await _page(sent[0], 422, pause_error="error_until", day=fields.get("day", "")[:20])
    await service().pause(owner.mailbox_id, until)
    before = mailbox.preferences.paused_until
    was = {"until": ["restore"], "at": [before.isoformat() if before and mailbox.paused(now) else ""]}
    return _done(["paused" if until else "resumed"], was, undone=fields.get("done") == "undone")


def _digest_defaults(present: Preferences) -> dict[str, str]:
    """When digests are switched on: language and time zone of the person who looks at the page."""
    t = words("settings")
    if present.zone != Preferences().zone or t.zone is None:
        return {"language": t.language}
    return {"language": t.language, "zone": str(t.zone)}


def _done(names: Sequence[str], was: Mapping[str, Sequence[str]], *, undone: bool) -> Response:
    """Back to the page, which says what was saved and can undo it."""
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
async def wording() -> Response:
    """The reply with the check in one language, as the sender of a held message gets it."""
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
    today = now.astimezone(_zone(mailbox)).date()
    done = request.args.get("done", "") if status == 200 else ""
    t, form = words("settings"), filled(mailbox.preferences)
    values: dict[str, Any] = {
        "filled": form,
        "said": _said(done, form, t),
        "undo": _kept() if done not in ("", "undone") else {},
        "paused_now": done in ("paused", "resumed"),
        "categories": CATEGORIES,
        "rows": ROWS,
        "numbers": NUMBERS,
        "choices": CHOICES,
        "when": _when(form, t),
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


def _said(done: str, form: Filled, t: Words) -> str:
    """What the last form did, in a line: a setting with its present value where it was one."""
    if done in ("undone", "paused", "resumed"):
        return t(f"did_{done}" if done == "undone" else done)
    names = [name for name in done.split(",") if name in form.single or name in form.ticked]
    headings = {HEADINGS.get(name, name) for name in names}
    if len(headings) != 1:
        return t("saved") if names else ""
    (heading,) = headings
    if headings == {"digest_h"} and names != ["digest"]:
        value = _when(form, t)
    elif names[0] in form.ticked:
        value = t.number(len(form.ticked[names[0]]))
    elif names[0] in NUMBERS or names[0] == "questions_a_week":
        value = form.single[names[0]]
    else:
        value = t(f"{names[0]}_{form.single[names[0]]}")
    return f"{t(heading)}{t('colon')} {value}"


def _when(form: Filled, t: Words) -> str:
    return t("digest_when", place=t.place(form.single["zone"]), language=t(f"in_{form.single['language']}"))


def _kept() -> dict[str, list[str]]:
    """The fields that undo the last form."""
    return parse_qs(request.cookies.get(UNDO, "")[:MOST_UNDONE], keep_blank_values=True, max_num_fields=60)


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


def _zone(mailbox: Mailbox) -> tzinfo:
    """The time zone of the owner's browser, else that of their digest."""
    return words("settings").zone or zone_of(mailbox.preferences.zone) or UTC


def _begin_of(day: date, zone: tzinfo, at: time = time()) -> datetime:
    return datetime.combine(day, at, zone).astimezone(UTC)


def _end_of(day: str, now: datetime, zone: tzinfo) -> datetime | None:
    """The end of a day; None if this is no date, is past or lies too far ahead."""
    try:
        chosen = date.fromisoformat(day[:10])
    except ValueError:
        return None
    today = now.astimezone(zone).date()
    return _begin_of(chosen + timedelta(days=1), zone) if today <= chosen <= today + FARTHEST else None


def _restored(at: str, now: datetime) -> datetime | None:
    """The end of a pause there was before; None if there was none, or one that would be over."""
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
    """Whether this browser shows news of new senders, and a button to switch that."""
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
    """Tell this browser from now on."""
    owner, fields = await browser.signed_in_form()
    where, key = _address(fields), fields.get("key", "")
    await web_push_service().switch_on(owner.session, *where, key, words("settings").language)
    return back("/settings/notifications", done="notified")


@notifications.post("/off")
@guarded(per_minute(20))
async def off() -> Response:
    """Tell it nothing more."""
    sent = await browser.signed_in_form()
    await web_push_service().switch_off(sent[0].session)
    return back("/settings/notifications", done="not_notified")


@notifications.post("/moved")
@guarded(per_minute(20))
async def moved() -> Response:
    """The browser's own worker, which has no page and so no form token, tells of a new address. Instead of the
    token the header is required that no page of another site can forge."""
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
