"""Scope names, their short forms, and the words the consent page uses for them."""

PREFIX = "https://www.googleapis.com/auth/"
FULL = "https://mail.google.com/"
MODIFY = PREFIX + "gmail.modify"
READONLY = PREFIX + "gmail.readonly"
METADATA = PREFIX + "gmail.metadata"
COMPOSE = PREFIX + "gmail.compose"
SEND = PREFIX + "gmail.send"
INSERT = PREFIX + "gmail.insert"
LABELS = PREFIX + "gmail.labels"
SETTINGS_BASIC = PREFIX + "gmail.settings.basic"
SETTINGS_SHARING = PREFIX + "gmail.settings.sharing"
ADDON_COMPOSE = PREFIX + "gmail.addons.current.action.compose"
ADDON_ACTION = PREFIX + "gmail.addons.current.message.action"
ADDON_METADATA = PREFIX + "gmail.addons.current.message.metadata"
ADDON_READONLY = PREFIX + "gmail.addons.current.message.readonly"
ADDON_EXECUTE = PREFIX + "gmail.addons.execute"
EMAIL = PREFIX + "userinfo.email"
PROFILE = PREFIX + "userinfo.profile"

_SHORT = {"email": EMAIL, "profile": PROFILE}
IDENTITY = frozenset({"openid", EMAIL, PROFILE})

WORDS = {
    "openid": "Know you again when you come back",
    EMAIL: "See your email address",
    PROFILE: "See your name",
    FULL: "Read, compose, send and permanently delete all your email",
    MODIFY: "Read, compose and send emails, and change their labels",
    READONLY: "View your email messages and settings",
    METADATA: "View your email message metadata, such as labels and headers, but not the body",
    COMPOSE: "Manage drafts and send emails",
    SEND: "Send email on your behalf",
    INSERT: "Add emails into your mailbox",
    LABELS: "See and edit your email labels",
    SETTINGS_BASIC: "See, edit, create or change your email settings and filters",
    SETTINGS_SHARING: "Manage your sensitive mail settings, including who can manage your mail",
    ADDON_COMPOSE: "Manage drafts and send emails when you interact with the add-on",
    ADDON_ACTION: "View your email messages when you interact with the add-on",
    ADDON_METADATA: "View your email message metadata when the add-on is running",
    ADDON_READONLY: "View your email messages when the add-on is running",
    ADDON_EXECUTE: "Run as a Gmail add-on",
    PREFIX + "script.locale": "View your country, language, and timezone",
    PREFIX + "contacts.readonly": "See and download your contacts",
    PREFIX + "contacts.other.readonly": "See the contact info that Gmail saves by itself",
}


def expand(text: str) -> list[str]:
    """The scopes of a space-separated list in their long forms, each once, in order."""
    return list(dict.fromkeys(_SHORT.get(scope, scope) for scope in text.split()))


def is_known(scope: str) -> bool:
    """Whether Google knows the scope (as far as this sandbox goes)."""
    return scope in WORDS
