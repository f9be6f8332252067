"""What a browser keeps for us for a while: sealed, for one purpose, up to a time.

One key seals everything. Without its purpose inside, what was sealed for one thing would open as another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from backend.domain.errors import Expired, Refused
from backend.pipeline.context import Context


def seal(context: Context, purpose: str, fields: Mapping[str, str], life: timedelta) -> str:
    """The fields as a text nobody else can read or make; good for `life`."""
    until = (context.clock.now() + life).isoformat()
    return context.vault.seal(json.dumps({"for": purpose, "until": until, "fields": dict(fields)})).decode()


def unseal(context: Context, purpose: str, sealed: str) -> dict[str, str]:
    """Inverse of `seal`. Raises `Refused` for what we did not seal for this purpose, `Expired` for what is too old."""
    try:
        kept = json.loads(context.vault.open(sealed.encode()))
    except (Refused, ValueError) as error:
        raise _not_ours() from error
    if not isinstance(kept, dict) or kept.get("for") != purpose:
        raise _not_ours()
    if context.clock.now() >= datetime.fromisoformat(kept["until"]):
        raise Expired("expired")
    fields: dict[str, str] = kept["fields"]
    return fields


def _not_ours() -> Refused:
    return Refused("malformed.sealed")
