"""What the app starts from, and what decisions that still wait mean for a list from the server."""

from __future__ import annotations

from tray_app.errors import BackendError, Busy, ServerTrouble, SignedOut, Slow, Unreachable, WrongVersion
from tray_app.outbox import Outbox
from tray_app.parts import Parts
from tray_app.state import Decision, Message, TrayState, Trouble, TroubleKind, affected, without

KINDS: tuple[tuple[type[BackendError], TroubleKind], ...] = (
    (Unreachable, TroubleKind.UNREACHABLE),
    (Slow, TroubleKind.SLOW),
    (ServerTrouble, TroubleKind.SERVER),
    (Busy, TroubleKind.BUSY),
    (SignedOut, TroubleKind.SIGNED_OUT),
    (WrongVersion, TroubleKind.WRONG_VERSION),
)


def remembered(parts: Parts, outbox: Outbox) -> TrayState:
    """The state the app starts with: what it knew when it ended, however it ended."""
    memory = parts.memory
    held, passed, at = memory.last_known()
    return TrayState(
        server=memory.kept.server or parts.default_server,
        held=without(held, settled_ids(outbox, held)),
        passed=passed,
        waiting=len(outbox),
        notices=memory.kept.notices,
        update_check=memory.kept.update_check,
        autostart=parts.autostart.enabled() if parts.autostart else None,
        recovered=memory.recovered,
        updated_at=at,
    )


def settled_ids(outbox: Outbox, held: tuple[Message, ...]) -> set[str]:
    """Those of the held messages that decisions still waiting to be sent have settled already."""
    waiting = outbox.waiting()
    undone = {item.key for item in waiting if item.undo}
    by_id = {message.gmail_id: message for message in held}
    settled: set[str] = set()
    for item in waiting:
        about = by_id.get(item.gmail_id)
        if about and item.key not in undone and item.decision != Decision.SALES:
            settled |= {message.gmail_id for message in affected(held, about, Decision(item.decision))}
    return settled


def trouble_of(error: BackendError) -> Trouble:
    """The trouble to show for an error."""
    kind = next((kind for error_type, kind in KINDS if isinstance(error, error_type)), TroubleKind.OTHER)
    return Trouble(kind, error.title, error.remedy)
