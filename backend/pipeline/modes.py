"""Which settings can be chosen here. A challenge asks its sender to open a page, so the mode needs an address that
senders can reach. Time zones and languages are those this release knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from backend.domain.errors import Refused
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import Mode, Preferences, bad_setting
from backend.locale import LANGUAGES
from backend.pipeline.context import Context
from backend.pipeline.notices import owner_acted
from backend.pipeline.owner_digest import known_zone
from backend.settings import Settings


def check_chosen(settings: Settings, changes: Mapping[str, Any]) -> None:
    """Raise `Refused` (out_of_range, naming the field) if `changes` choose something not available here."""
    if changes.get("mode") == Mode.CHALLENGE and not settings.challenges:
        raise Refused("out_of_range.challenge", field="mode")
    if "zone" in changes and not known_zone(str(changes["zone"])):
        raise bad_setting("zone")
    if "language" in changes and changes["language"] not in LANGUAGES:
        raise bad_setting("language", LANGUAGES)


def in_force(settings: Settings, preferences: Preferences) -> Preferences:
    """The preferences in effect: a challenge mode chosen while the address was public holds silently without one."""
    if preferences.mode is Mode.CHALLENGE and not settings.challenges:
        return replace(preferences, mode=Mode.QUARANTINE)
    return preferences


async def save_preferences(
    context: Context, mailbox_id: MailboxId, changes: Mapping[str, Any]
) -> Preferences:
    """All of these settings, or none. Raises `Refused` naming the field."""
    check_chosen(context.settings, changes)
    changed = await context.store.change_preferences(mailbox_id, changes, context.clock.now())
    await owner_acted(context, mailbox_id)
    return changed
