"""What messages and threads have in common: modify, trash, untrash and delete."""

from collections.abc import Callable

from backend.sandbox.gmail import access
from backend.sandbox.gmail.calls import TABLE, Call, Json
from backend.sandbox.gmail.lookup import label_changes, one_place
from backend.sandbox.mail.message import StoredMessage


def add_moves(
    kind: str,
    named: Callable[[Call], list[StoredMessage]],
    answer: Callable[[Call, list[StoredMessage]], Json],
) -> None:
    """Register the four for `kind`. `named`: the messages a call is about (of a thread: those there now), which
    raises ApiError; `answer`: what a change answers with."""
    path = f"{kind}/{{id}}"

    @TABLE.add(f"{kind}.modify", "POST", f"{path}/modify", access.MODIFY, body="addLabelIds removeLabelIds")
    def modify(call: Call) -> Json:
        members = named(call)
        add, remove = label_changes(call)
        one_place(members, add, remove)
        call.mailbox.change_labels(members, add, remove, call.now_ms)
        return answer(call, members)

    @TABLE.add(f"{kind}.trash", "POST", f"{path}/trash", access.MODIFY)
    def trash(call: Call) -> Json:
        members = named(call)
        call.mailbox.trash(members, call.now_ms)
        return answer(call, members)

    @TABLE.add(f"{kind}.untrash", "POST", f"{path}/untrash", access.MODIFY)
    def untrash(call: Call) -> Json:
        members = named(call)
        call.mailbox.untrash(members, call.now_ms)
        return answer(call, members)

    @TABLE.add(f"{kind}.delete", "DELETE", path, access.DELETE)
    def delete(call: Call) -> None:
        call.mailbox.delete(named(call), call.now_ms)
