"""Why a link with Google was lost, in the owner's language. It is stored in the English words it was found out with."""

from __future__ import annotations

from collections.abc import Mapping

KEYS: Mapping[str, str] = {
    "The permission to read and label mail is missing.": "lost_scope",
    "The organisation's administrator has switched off Gmail for outside programs.": "lost_policy",
    "The organisation's administrator does not allow Pitchgate.": "lost_policy",
    "This Google account has no Gmail.": "lost_no_gmail",
    "The access you gave can no longer be opened here.": "lost_sealed",
}


def lost_key(cause: str) -> str:
    """The key of the text for a mailbox's `link_cause`; that for withdrawn access where nothing else is known."""
    return KEYS.get(cause.partition("\n")[0], "state_needs_reconnect")
