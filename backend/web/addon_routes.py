"""The Gmail add-on's endpoints: reading what Google posts, and carrying out the cards' buttons."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from quart import Blueprint, Response, json, request
from werkzeug.exceptions import NotFound as NoPage

from backend.domain.errors import NeedsReconnect, NotFound, Refused, Unauthenticated
from backend.domain.mailbox.decisions import OFFERED, Decision, Order, Origin
from backend.domain.mailbox.mailbox import DigestPace, Mailbox, Mode
from backend.locale import LANGUAGES
from backend.pipeline import decide
from backend.pipeline.addon import AddonService, act_key
from backend.pipeline.devices import PAUSE_MOST
from backend.transactions.records import Tenant
from backend.web import addon_cards as cards
from backend.web.addon_cards import Frame, Json, home_card, message_card, note_card, settings_card
from backend.web.guards import guarded, per_minute
from backend.web.pages import card_words, zone_of
from backend.web.services import services

# ---- The event Google posts
# A field of the wrong type is treated as missing.


EXECUTE = "https://www.googleapis.com/auth/gmail.addons.execute"
OPEN_MESSAGE = "https://www.googleapis.com/auth/gmail.addons.current.message.metadata"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
ALWAYS = frozenset({EXECUTE, EMAIL})
LONGEST = 200  # characters of a value
_DECIMAL_ID = re.compile(r"(?:msg|thread)-f:([0-9]{1,20})")
_HEX_ID = re.compile(r"[0-9a-fA-F]{1,16}")
_OTHER_ID = re.compile(r"msg-[a-eg-z]:[A-Za-z0-9-]{1,64}")
FARTHEST_OFFSET = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class AddonEvent:
    """`language` is two letters or ""; `offset` is the owner's distance from UTC, `zone` the name of their time zone;
    `parameters` are those of the button, `inputs` the form's fields; `scopes` are the granted ones, None if the event
    does not say. `gmail_id` is the REST id of the open message, "" without one."""

    language: str
    offset: timedelta
    zone: str
    parameters: Mapping[str, str]
    inputs: Mapping[str, tuple[str, ...]]
    user_token: str
    scopes: frozenset[str] | None
    gmail_id: str

    def lacks(self, wanted: frozenset[str]) -> tuple[str, ...]:
        """Which of the `wanted` scopes were not granted. Owners can grant scopes one by one, so check every time."""
        missing = frozenset[str]() if self.scopes is None else wanted - self.scopes
        if not self.user_token:
            missing |= {EMAIL}
        return tuple(sorted(missing))


def read_event(body: object) -> AddonEvent:
    """The event in a request body. Never raises."""
    common, auth, gmail = (
        _object(_object(body).get(name))
        for name in ("commonEventObject", "authorizationEventObject", "gmail")
    )
    return AddonEvent(
        language=_text(common.get("userLocale"))[:2].lower(),
        offset=_offset(_object(common.get("timeZone")).get("offset")),
        zone=_text(_object(common.get("timeZone")).get("id")),
        parameters={
            key: value
            for key, value in _object(common.get("parameters")).items()
            if isinstance(value, str) and len(value) <= LONGEST
        },
        inputs=_inputs(_object(common.get("formInputs"))),
        user_token=_text(auth.get("userIdToken")),
        scopes=_scopes(auth.get("authorizedScopes")),
        gmail_id=rest_id(_text(gmail.get("messageId"))),
    )


def rest_id(given: str) -> str:
    """The message's id in Gmail's REST API. Gmail on the web sends msg-f:<decimal>, the same number in decimal; other
    ids are returned unchanged, and "" for what is no id."""
    if match := _DECIMAL_ID.fullmatch(given):
        number = int(match.group(1))
        return format(number, "x") if number < 1 << 64 else ""
    return given if _HEX_ID.fullmatch(given) or _OTHER_ID.fullmatch(given) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _offset(value: Any) -> timedelta:
    """An offset from UTC in milliseconds; zero if it is invalid."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return timedelta(0)
    limit = FARTHEST_OFFSET.total_seconds() * 1000
    return timedelta(milliseconds=value) if -limit <= value <= limit else timedelta(0)


def _scopes(value: Any) -> frozenset[str] | None:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else None


def _inputs(given: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, field in given.items():
        values = _object(_object(field).get("stringInputs")).get("value")
        if isinstance(values, list):
            found[name] = tuple(item for item in values if isinstance(item, str) and len(item) <= LONGEST)
    return found


# ---- One verified call


@dataclass(frozen=True, slots=True)
class AddonCall:
    """A call verified as Google's, with everything a handler needs."""

    service: AddonService
    tenant: Tenant
    event: AddonEvent
    frame: Frame

    @property
    def mailbox(self) -> Mailbox:
        """The caller's mailbox, the only one a handler may use."""
        return self.tenant.mailbox

    async def renewed(self) -> AddonCall:
        """This call with the mailbox read again."""
        tenant = await self.service.context.store.tenant(self.mailbox.sub)
        if tenant is None:
            return self
        return replace(self, tenant=tenant, frame=replace(self.frame, version=str(tenant.version)))


# ---- Buttons of the cards
# The answer to each is the card as it is afterwards, with a toast.


DECISIONS = {str(decision): decision for decision in OFFERED}
VERSION = re.compile(r"[a-z0-9.]{1,64}")
KEY = re.compile(r"card-[0-9a-f]{32}")


async def show(call: AddonCall) -> Json:
    return cards.first_card(await _message(call, call.event.gmail_id))


async def perform(call: AddonCall) -> Json:
    """Carry out the button that was clicked."""
    parameters = call.event.parameters
    name = parameters.get("act", "")
    try:
        return await (_decide(call, name) if name in DECISIONS else HANDLERS.get(name, _not_understood)(call))
    except NotFound:
        # The message is too new to be listed, or was deleted.
        card = await _card(call, _target(call)[0])
        return cards.updated_card(card, call.frame.words["did_not_found"], moved=False)
    except Refused:
        return await _not_understood(call)


async def _message(call: AddonCall, gmail_id: str, undo_key: str = "") -> Json:
    if not gmail_id:
        return note_card(call.frame, call.mailbox, "", "note_no_message")
    look = await call.service.look(call.mailbox, gmail_id)
    if look.reading is None:
        return note_card(call.frame, call.mailbox, gmail_id, f"note_{look.trouble}")
    note = ("note_coming" if look.coming else "note_fresh") if look.fresh else ""
    return message_card(call.frame, call.mailbox, gmail_id, look.reading, note=note, undo_key=undo_key)


async def _home_after(call: AddonCall, undo_key: str = "") -> Json:
    home = await call.service.home(call.mailbox)
    return home_card(call.frame, call.mailbox, home, undo_key)


async def _decide(call: AddonCall, name: str) -> Json:
    gmail_id, version = _target(call)
    if not gmail_id or not version:
        return await _not_understood(call)
    key = act_key(gmail_id, name, version)
    order = Order(key, DECISIONS[name], (gmail_id,), Origin.CARD)
    await decide.carry_out(call.service.context, call.mailbox.id, order)
    no_access = call.mailbox.lost is not None and name != Decision.KEEP  # carried out after reconnecting
    toast = call.frame.words["did_away" if no_access else f"did_{name}"]
    return cards.updated_card(await _card(call, gmail_id, key), toast, moved=True)


async def _undo(call: AddonCall) -> Json:
    key, gmail_id = call.event.parameters.get("key", ""), _target(call)[0]
    if not KEY.fullmatch(key):
        return await _not_understood(call)
    await decide.take_back(call.service.context, call.mailbox.id, key)
    return cards.updated_card(await _card(call, gmail_id), call.frame.words["did_undo"], moved=True)


async def _credit(call: AddonCall) -> Json:
    gmail_id, version = _target(call)
    if not gmail_id or not version:
        return await _not_understood(call)
    balance = await call.service.give_credit(call.mailbox, gmail_id, version)
    toast = call.frame.words["did_credit"].format(count=balance)
    return cards.updated_card(await _card(call, gmail_id), toast, moved=True)


async def _show(call: AddonCall) -> Json:
    return cards.next_card(await _message(call, _target(call)[0]))


async def _settings_after(call: AddonCall) -> Json:
    return cards.next_card(settings_card(call.frame, call.mailbox))


async def _refresh(call: AddonCall) -> Json:
    return cards.updated_card(await _card(call, _target(call)[0]), "", moved=False)


async def _pause(call: AddonCall) -> Json:
    try:
        until = datetime.fromisoformat(call.event.parameters.get("until", ""))
        valid = until.tzinfo is not None and until <= call.frame.now + PAUSE_MOST
    except ValueError:
        valid = False
    if not valid:
        return await _not_understood(call)
    return await _save_preferences(call, "did_pause", _home_after, paused_until=until.isoformat())


async def _resume(call: AddonCall) -> Json:
    return await _save_preferences(call, "did_resume", _home_after, paused_until=None)


async def _save(call: AddonCall) -> Json:
    inputs = call.event.inputs
    chosen = {name: inputs[name][0] for name in ("mode", "strictness", "digest") if inputs.get(name)}
    if chosen.get("digest", DigestPace.OFF) != call.mailbox.preferences.digest is DigestPace.OFF:
        # The digest is being switched on: it uses the time zone and language that Gmail reports.
        chosen |= {"zone": call.event.zone} if zone_of(call.event.zone) else {}
        chosen |= {"language": call.event.language} if call.event.language in LANGUAGES else {}

    async def card(after: AddonCall) -> Json:
        return settings_card(after.frame, after.mailbox)

    if not call.frame.challenges and chosen.get("mode") == Mode.CHALLENGE:
        return cards.updated_card(await card(call), call.frame.no_challenges, moved=False)
    try:
        if chosen:
            return await _save_preferences(call, "did_save", card, **chosen)
    except Refused:
        pass
    return cards.updated_card(await card(call), call.frame.words["did_not_understood"], moved=False)


async def _save_preferences(
    call: AddonCall,
    toast: str,
    card: Callable[[AddonCall], Awaitable[Json]],
    **changes: str | list[str] | None,
) -> Json:
    """Change settings unless they have changed since the card was shown; answer with `card` and the text `toast`."""
    given = call.event.parameters.get("version", "")
    version = int(given) if re.fullmatch(r"[0-9]{1,19}", given) else -1
    saved = await call.service.save_preferences(call.tenant, version, **changes)
    after = await call.renewed()
    # A repeated click finds its changes already made: no conflict.
    if not saved and after.mailbox.preferences != after.mailbox.preferences.changed(**changes):
        toast = "did_not_moved"
    return cards.updated_card(await card(after), call.frame.words[toast], moved=True)


async def _not_understood(call: AddonCall) -> Json:
    return cards.updated_card(await _home_after(call), call.frame.words["did_not_understood"], moved=False)


async def _card(call: AddonCall, gmail_id: str, undo_key: str = "") -> Json:
    """The card the click came from, up to date."""
    if call.event.parameters.get("card") == "home":
        return await _home_after(call, undo_key)
    return await _message(call, gmail_id, undo_key)


def _target(call: AddonCall) -> tuple[str, str]:
    """The message and the version in a button's parameters; "" for what is missing or invalid."""
    parameters = call.event.parameters
    version = parameters.get("version", "")
    return rest_id(parameters.get("message", "")), version if VERSION.fullmatch(version) else ""


HANDLERS: dict[str, Callable[[AddonCall], Awaitable[Json]]] = {
    "undo": _undo,
    "credit": _credit,
    "refresh": _refresh,
    "show": _show,
    "settings": _settings_after,
    "pause": _pause,
    "resume": _resume,
    "save": _save,
}


# ---- The Gmail add-on's endpoints
# Every call must carry two tokens signed by Google: its own, for our deployment and exactly this address, and the
# owner's, for our client. The answer never says which check failed.


blueprint = Blueprint("addon", __name__, url_prefix="/addon")

CALLS = per_minute(60_000)
"""High because all owners' calls come from a few networks of Google's: it only bounds a flood."""

REFUSED = b'{"code": "unauthenticated"}'


@blueprint.post("/home")
@guarded(CALLS)
async def home() -> Response:
    """The homepage card."""
    return await _answer(_home)


@blueprint.post("/message")
@guarded(CALLS)
async def message() -> Response:
    """The card of the open message."""
    return await _answer(show, ALWAYS | {OPEN_MESSAGE})


@blueprint.post("/settings")
@guarded(CALLS)
async def settings() -> Response:
    """The settings card."""
    return await _answer(_settings)


@blueprint.post("/act")
@guarded(CALLS)
async def act() -> Response:
    """Every button of every card; `act` in the parameters says which."""
    return await _answer(perform)


async def _home(call: AddonCall) -> Json:
    return cards.first_card(home_card(call.frame, call.mailbox, await call.service.home(call.mailbox)))


async def _settings(call: AddonCall) -> Json:
    return cards.first_card(settings_card(call.frame, call.mailbox))


async def _answer(make: Callable[[AddonCall], Awaitable[Json]], scopes: frozenset[str] = ALWAYS) -> Response:
    """Verify the caller, check the scopes, then answer with the card that `make` returns."""
    service = services().addon
    if service is None:
        raise NoPage
    try:
        # Built from the configured address, since a caller can write anything into Host.
        audience = f"{services().context.settings.public_url}{request.path}"
        await service.verify_system(request.headers.get("Authorization", ""), audience)
        event = read_event(await request.get_json(force=True, silent=True))
        if missing := event.lacks(scopes):
            return _json(cards.ask_scopes(missing))
        tenant = await service.tenant(event.user_token)
    except Unauthenticated:
        return Response(REFUSED, 401, content_type="application/json")
    settings, now = services().context.settings, services().context.clock.now()
    base = settings.public_url
    if tenant is None:
        return _json(cards.ask_connection(base))
    version, texts = str(tenant.version), card_words(event.language)
    frame = Frame(texts, event.language, base, now, event.offset, version, settings.challenges)
    try:
        return _json(await make(AddonCall(service, tenant, event, frame)))
    except NeedsReconnect:
        return _json(cards.ask_connection(base))


def _json(answer: dict[str, Any]) -> Response:
    return Response(json.dumps(answer, ensure_ascii=False).encode(), 200, content_type="application/json")
