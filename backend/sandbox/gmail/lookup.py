"""Finding what a call names, and the refusals for what it names wrongly."""

from collections.abc import Iterator
from itertools import islice

from backend.sandbox.base64_text import decode_data, encode_data
from backend.sandbox.gmail.access import headers_only
from backend.sandbox.gmail.calls import Call
from backend.sandbox.gmail.errors import ApiError, invalid, not_found
from backend.sandbox.gmail.views import FORMATS
from backend.sandbox.mail.ids import is_message_id
from backend.sandbox.mail.labels import FIXED_LABELS, PLACES
from backend.sandbox.mail.message import StoredMessage
from backend.sandbox.mail.search import Query, QueryError, compile_query

SEND_LIMIT = 36_700_160
INSERT_LIMIT = 157_286_400
MAX_LABEL_CHANGES = 100


def message_of(call: Call, message_id: str | None = None) -> StoredMessage:
    """The message named in the path (or given). Raises ApiError 400 for a bad id, 404 for an unknown one."""
    wanted = call.path["id"] if message_id is None else message_id
    if not is_message_id(wanted):
        raise invalid("Invalid id value")
    message = call.mailbox.get(wanted)
    if message is None:
        raise not_found()
    return message


def thread_of(call: Call) -> list[StoredMessage]:
    """The messages of the thread named in the path. Raises ApiError."""
    if not is_message_id(call.path["id"]):
        raise invalid("Invalid id value")
    members = call.mailbox.threads.members(call.path["id"])
    if not members:
        raise not_found()
    return members


def read_format(call: Call, allowed: tuple[str, ...] = FORMATS) -> str:
    """The `format` parameter; bodies are refused to a token that may only see headers."""
    form = call.one("format", "full").lower()
    if form not in allowed:
        raise invalid(f"Invalid value at 'format' (type.googleapis.com/Format), \"{form[:60]}\"")
    if form in ("full", "raw") and headers_only(call.scopes):
        raise ApiError(
            403,
            f"Metadata scope doesn't allow format {form.upper()}",
            "forbidden",
            status="PERMISSION_DENIED",
        )
    return form


def read_query(call: Call) -> Query | None:
    """The compiled `q`, or None. Raises ApiError: 403 with the metadata scope alone."""
    text = call.one("q").strip()
    if not text:
        return None
    if headers_only(call.scopes):
        raise ApiError(403, "Metadata scope does not support 'q' parameter", "forbidden")
    try:
        return compile_query(text, call.mailbox.labels, call.world.clock.shown())
    except QueryError as error:
        raise invalid(str(error)) from error


def label_changes(call: Call) -> tuple[list[str], list[str]]:
    """addLabelIds and removeLabelIds. Raises ApiError 400 for unknown, fixed or too many labels."""
    add, remove = call.strings("addLabelIds"), call.strings("removeLabelIds")
    if not add and not remove:
        raise invalid("No label add or removes specified")
    if max(len(add), len(remove)) > MAX_LABEL_CHANGES:
        raise invalid(f"At most {MAX_LABEL_CHANGES} labels may be added or removed at once.")
    for label_id in [*add, *remove]:
        known_label(call, label_id)
        if label_id in FIXED_LABELS:
            raise invalid(f"Cannot modify label: {label_id}")
    both = set(add) & set(remove)
    if both:
        raise invalid(f"Cannot both add and remove the same label: {sorted(both)[0]}")
    return add, remove


def one_place(messages: list[StoredMessage], add: list[str], remove: list[str]) -> None:
    """Refuse a change after which a message would be in two of inbox, spam and bin. Raises ApiError 400."""
    for message in messages:
        places = ((message.labels - set(remove)) | set(add)) & PLACES
        if add and len(places) > 1:
            raise invalid(f"A message cannot carry both of {', '.join(sorted(places))}")


def known_label(call: Call, label_id: str) -> str:
    """The label id, if the mailbox has it. Raises ApiError 400."""
    if call.mailbox.labels.get(label_id) is None:
        raise invalid(f"Invalid label: {label_id[:100]}")
    return label_id


def raw_of(body: dict[str, object], limit: int) -> bytes:
    """The RFC 5322 bytes of `raw`. Raises ApiError 400 or 413."""
    text = body.get("raw")
    if not isinstance(text, str) or not text:
        raise invalid("'raw' RFC822 payload message string or uploading message via /upload/* URL required")
    try:
        raw = decode_data(text)
    except ValueError as error:
        raise invalid("Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed") from error
    if len(raw) > limit:
        raise ApiError(413, "Request Entity Too Large", "uploadTooLarge")
    return raw


def thread_target(call: Call, body: dict[str, object]) -> str | None:
    """The `threadId` of a message body, or None. Raises ApiError: 400 malformed, 404 unknown."""
    thread_id = body.get("threadId")
    if thread_id is None:
        return None
    if not isinstance(thread_id, str) or not is_message_id(thread_id):
        raise invalid("Invalid thread_id value")
    if thread_id not in call.mailbox.threads:
        raise not_found()
    return thread_id


def listing(
    call: Call, labels: list[str], query: Query | None, before: tuple[int, str] | None
) -> Iterator[StoredMessage]:
    """Messages a list call covers, newest first, older than the key `before`."""
    hidden = call.flag("includeSpamTrash") or (query is not None and query.hidden)
    if query is not None and query.rfc822_id is not None:
        known = call.mailbox.threads.with_rfc822_id(query.rfc822_id)
        found = sorted(known, key=lambda message: message.sort_key, reverse=True)
        skip = frozenset() if hidden else frozenset({"SPAM", "TRASH"}) - frozenset(labels)
        source: Iterator[StoredMessage] = (
            message
            for message in found
            if set(labels) <= message.labels
            and not skip & message.labels
            and (before is None or message.sort_key < before)
        )
    else:
        source = call.mailbox.newest_first(labels, before, hidden)
    return source if query is None else (message for message in source if query.matches(message))


def paged(call: Call, found: Iterator[StoredMessage]) -> tuple[list[StoredMessage], dict[str, object]]:
    """The next page of what a list call covers, and its answer but for the page itself. Raises ApiError."""
    limit = call.limit()
    page = list(islice(found, limit))
    more = len(page) == limit and next(found, None) is not None
    body: dict[str, object] = {"resultSizeEstimate": len(page) + (limit if more else 0)}
    if more:
        body["nextPageToken"] = page_key(page[-1])
    return page, body


def page_key(message: StoredMessage) -> str:
    """The page token that continues after a message."""
    return encode_data(f"{message.internal_date}/{message.id}".encode()).rstrip("=")


def read_page_key(token: str) -> tuple[int, str] | None:
    """The position in a page token, or None without one. Raises ApiError 400."""
    if not token:
        return None
    try:
        date, _, message_id = decode_data(token).decode().partition("/")
        return int(date), message_id
    except ValueError as error:
        raise invalid("Invalid pageToken") from error
