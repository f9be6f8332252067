"""What the buttons of the cards do. Each answer is the card as it is afterwards, with a toast."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime

from backend.domain.errors import NotFound, Refused
from backend.domain.mailbox.decisions import OFFERED, Decision
from backend.domain.mailbox.mailbox import DigestPace, Mode
from backend.locale import LANGUAGES
from backend.pipeline.devices import PAUSE_MOST
from backend.web.addon.call import Call
from backend.web.addon.cards import answers
from backend.web.addon.cards.home import home_card
from backend.web.addon.cards.message import message_card, note_card
from backend.web.addon.cards.preferences import settings_card
from backend.web.addon.cards.widgets import Json
from backend.web.addon.event import rest_id
from backend.web.words import zone_of

DECISIONS = {str(decision): decision for decision in OFFERED}
VERSION = re.compile(r"[a-z0-9.]{1,64}")
KEY = re.compile(r"card-[0-9a-f]{32}")


async def show(call: Call) -> Json:
    """The card of the message that is open."""
    return answers.opened(await _message(call, call.event.gmail_id))


async def act(call: Call) -> Json:
    """Whatever was clicked."""
    parameters = call.event.parameters
    name = parameters.get("act", "")
    if name in DECISIONS:
        return await _decide(call, name)
    handler = HANDLERS.get(name)
    return await (handler(call) if handler else _not_understood(call))


async def _message(call: Call, gmail_id: str, undo_key: str = "") -> Json:
    if not gmail_id:
        return note_card(call.frame, call.mailbox, "", "note_no_message")
    look = await call.service.look(call.mailbox, gmail_id)
    if look.reading is None:
        return note_card(call.frame, call.mailbox, gmail_id, f"note_{look.trouble}")
    note = ("note_coming" if look.coming else "note_fresh") if look.fresh else ""
    return message_card(call.frame, call.mailbox, gmail_id, look.reading, note=note, undo_key=undo_key)


async def _home(call: Call, undo_key: str = "") -> Json:
    home = await call.service.home(call.mailbox)
    return home_card(call.frame, call.mailbox, home, undo_key)


async def _decide(call: Call, name: str) -> Json:
    gmail_id, version = _target(call)
    if not gmail_id or not version:
        return await _not_understood(call)
    try:
        key = await call.service.decide(call.mailbox, gmail_id, DECISIONS[name], version)
    except NotFound:
        # Just arrived and not listed yet, or gone: nothing was decided.
        return answers.changed(await _card(call, gmail_id), call.frame.words["did_not_found"], moved=False)
    except Refused:
        return await _not_understood(call)
    away = call.mailbox.lost is not None and name != Decision.KEEP
    toast = call.frame.words["did_away" if away else f"did_{name}"]
    return answers.changed(await _card(call, gmail_id, key), toast, moved=True)


async def _undo(call: Call) -> Json:
    key, gmail_id = call.event.parameters.get("key", ""), _target(call)[0]
    if not KEY.fullmatch(key):
        return await _not_understood(call)
    try:
        await call.service.undo(call.mailbox, key)
    except NotFound:
        return answers.changed(await _card(call, gmail_id), call.frame.words["did_not_found"], moved=False)
    return answers.changed(await _card(call, gmail_id), call.frame.words["did_undo"], moved=True)


async def _credit(call: Call) -> Json:
    gmail_id, version = _target(call)
    if not gmail_id or not version:
        return await _not_understood(call)
    try:
        balance = await call.service.give_credit(call.mailbox, gmail_id, version)
    except NotFound:
        return answers.changed(await _card(call, gmail_id), call.frame.words["did_not_found"], moved=False)
    toast = call.frame.words["did_credit"].format(count=balance)
    return answers.changed(await _card(call, gmail_id), toast, moved=True)


async def _show(call: Call) -> Json:
    return answers.deeper(await _message(call, _target(call)[0]))


async def _settings(call: Call) -> Json:
    return answers.deeper(settings_card(call.frame, call.mailbox))


async def _refresh(call: Call) -> Json:
    return answers.changed(await _card(call, _target(call)[0]), "", moved=False)


async def _pause(call: Call) -> Json:
    try:
        until = datetime.fromisoformat(call.event.parameters.get("until", ""))
        near = until.tzinfo is not None and until <= call.frame.now + PAUSE_MOST
    except ValueError:
        near = False
    if not near:
        return await _not_understood(call)
    return await _prefer(call, "did_pause", _home, paused_until=until.isoformat())


async def _resume(call: Call) -> Json:
    return await _prefer(call, "did_resume", _home, paused_until=None)


async def _save(call: Call) -> Json:
    inputs = call.event.inputs
    chosen: dict[str, str | list[str]] = {
        name: inputs[name][0] for name in ("mode", "strictness", "digest") if inputs.get(name)
    }
    if "mode" in chosen:  # a form that was filled in: of ticks it names only those that are there
        chosen["welcome"] = sorted(inputs.get("welcome", ()))
    if chosen.get("digest", DigestPace.OFF) != call.mailbox.preferences.digest is DigestPace.OFF:
        # Where the owner is and what they read, as Gmail tells it: no card asks for it.
        chosen |= {"zone": call.event.zone} if zone_of(call.event.zone) else {}
        chosen |= {"language": call.event.language} if call.event.language in LANGUAGES else {}

    async def card(after: Call) -> Json:
        return settings_card(after.frame, after.mailbox)

    if not call.frame.challenges and chosen.get("mode") == Mode.CHALLENGE:
        return answers.changed(await card(call), call.frame.no_challenges, moved=False)
    try:
        if chosen:
            return await _prefer(call, "did_save", card, **chosen)
    except Refused:
        pass
    return answers.changed(await card(call), call.frame.words["did_not_understood"], moved=False)


async def _prefer(
    call: Call, toast: str, card: Callable[[Call], Awaitable[Json]], **changes: str | list[str] | None
) -> Json:
    """Change settings, if they are still those the card showed. The same click again finds them changed
    already, and changes nothing."""
    shown = call.event.parameters.get("version", "")
    version = int(shown) if re.fullmatch(r"[0-9]{1,19}", shown) else -1
    saved = await call.service.prefer(call.tenant, version, **changes)
    after = await call.renewed()
    if not saved and after.mailbox.preferences != after.mailbox.preferences.changed(**changes):
        toast = "did_not_moved"
    return answers.changed(await card(after), call.frame.words[toast], moved=True)


async def _not_understood(call: Call) -> Json:
    return answers.changed(await _home(call), call.frame.words["did_not_understood"], moved=False)


async def _card(call: Call, gmail_id: str, undo_key: str = "") -> Json:
    """The card the click came from, as it is now."""
    if call.event.parameters.get("card") == "home":
        return await _home(call, undo_key)
    return await _message(call, gmail_id, undo_key)


def _target(call: Call) -> tuple[str, str]:
    """The message and the version a button names; "" for what is none."""
    parameters = call.event.parameters
    version = parameters.get("version", "")
    return rest_id(parameters.get("message", "")), version if VERSION.fullmatch(version) else ""


HANDLERS: dict[str, Callable[[Call], Awaitable[Json]]] = {
    "undo": _undo,
    "credit": _credit,
    "refresh": _refresh,
    "show": _show,
    "settings": _settings,
    "pause": _pause,
    "resume": _resume,
    "save": _save,
}
