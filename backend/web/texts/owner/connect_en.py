"""What an owner reads when he connects his mailbox. English; the owner's pages get their languages together."""

from __future__ import annotations

from backend.settings import GMAIL_MODIFY, USERINFO_EMAIL

SCOPES = {
    GMAIL_MODIFY: "“Read, compose and send emails from your Gmail account”: to read new mail, move a pitch out of "
    "the inbox and back, and answer its sender.",
    USERINFO_EMAIL: "“See your primary Google Account email address”: to know which mailbox this is.",
    "openid": "“Associate you with your personal info on Google”: to recognise the account when you come back.",
}

PROBLEMS = {
    "connect_denied": (
        "You said no, and that is fine",
        "Google was told not to give access. Nothing was stored. You can connect whenever you like.",
    ),
    "connect_state": (
        "This answer belongs to another visit",
        "Connecting has to begin and end in the same browser, with cookies allowed. Nothing was stored.",
    ),
    "connect_expired": (
        "That took too long",
        "Google's page stood open longer than a connection attempt lives. Nothing was stored.",
    ),
    "connect_account": (
        "That is another Google account",
        "You began with one account and came back with another. Nothing was stored. Choose the same one.",
    ),
    "missing": (
        "A box was left unticked",
        "Without the following permission Pitchgate cannot work. Nothing was stored. Connect again and tick it.",
    ),
    "unavailable": (
        "Google cannot be reached right now",
        "Nothing was stored. Wait a minute, then connect again.",
    ),
    "other": (
        "Connecting did not work",
        "Google did not accept the answer. Nothing was stored. Please begin again.",
    ),
}


def scope_reason(scope: str) -> str:
    """What Google's page calls a permission, and what we need it for."""
    return SCOPES.get(scope, scope)
