"""Which scopes open which group of methods, as the discovery document lists them."""

from backend.sandbox.oauth import scopes as s

_ALL = s.FULL
READ_ANY = frozenset({_ALL, s.MODIFY, s.READONLY, s.METADATA})
PROFILE = READ_ANY | {s.COMPOSE}
READ_MESSAGE = READ_ANY | {s.ADDON_ACTION, s.ADDON_METADATA, s.ADDON_READONLY}
READ_ATTACHMENT = frozenset({_ALL, s.MODIFY, s.READONLY, s.ADDON_ACTION, s.ADDON_READONLY})
MODIFY = frozenset({_ALL, s.MODIFY})
DELETE = frozenset({_ALL})
SEND = frozenset({_ALL, s.MODIFY, s.COMPOSE, s.SEND, s.ADDON_COMPOSE})
INSERT = frozenset({_ALL, s.MODIFY, s.INSERT})
READ_LABELS = frozenset({_ALL, s.MODIFY, s.READONLY, s.METADATA, s.LABELS})
EDIT_LABELS = frozenset({_ALL, s.MODIFY, s.LABELS})
READ_SETTINGS = frozenset({_ALL, s.MODIFY, s.READONLY, s.SETTINGS_BASIC})
EDIT_SETTINGS = frozenset({s.SETTINGS_BASIC})

# With one of these alone only headers may be read, and no query may be asked.
_HEADERS_ONLY = frozenset({s.METADATA, s.ADDON_METADATA})


def headers_only(granted: frozenset[str]) -> bool:
    """Whether the token may see headers but no bodies."""
    usable = granted & READ_MESSAGE
    return bool(usable) and usable <= _HEADERS_ONLY
