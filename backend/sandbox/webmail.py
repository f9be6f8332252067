"""The webmail: lists and messages as a person sees them."""

from __future__ import annotations

import html
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from markupsafe import Markup
from quart import Blueprint, Response, jsonify, render_template, request

from backend.sandbox import BadRequest
from backend.sandbox.gmail.calls import ApiError
from backend.sandbox.gmail.messages import check_sendable
from backend.sandbox.letters import MOVES, OTHER_ACTS, label_id, perform_owner_act, read_raw, reply_letter
from backend.sandbox.mail import compose as fields
from backend.sandbox.mail.compose import AUTHSERV_ID, html_of
from backend.sandbox.mail.mailbox import Mailbox, StoredMessage
from backend.sandbox.mail.search import QueryError, compile_query
from backend.sandbox.webmail_story import inert_html, linked_text
from backend.sandbox.world import world

# ---- Pages as data: what the templates show.


MAX_TEXT = 200_000
_DMARC = re.compile(r"\bdmarc=(\w+)")

FOLDERS = (
    ("INBOX", "Inbox"),
    ("STARRED", "Starred"),
    ("SENT", "Sent"),
    ("DRAFT", "Drafts"),
    ("ALL", "All mail"),
    ("SPAM", "Spam"),
    ("TRASH", "Trash"),
)
_SHOWN_SYSTEM = {
    "INBOX": "Inbox",
    "SPAM": "Spam",
    "TRASH": "Trash",
    "SENT": "Sent",
    "DRAFT": "Draft",
    "STARRED": "Starred",
}


@dataclass(frozen=True, slots=True)
class Folder:
    """An entry in the list of folders."""

    id: str
    name: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message in a list. `chips` are the names of the labels shown on it."""

    id: str
    thread_id: str
    who: str
    subject: str
    snippet: str
    when: str
    iso: str
    unread: bool
    chips: tuple[str, ...]
    address: str


@dataclass(frozen=True, slots=True)
class LetterView:
    """One opened message of a thread. `verdict` is the DMARC result in the topmost trusted header."""

    row: MessageLine
    sender: str
    address: str
    to: str
    own: bool
    verdict: str
    body: Markup
    framed: bool
    files: tuple[str, ...]
    in_inbox: bool
    in_spam: bool


def folders(mailbox: Mailbox, current: str) -> tuple[list[Folder], list[Folder]]:
    """System folders and the owner's own labels. The inbox counts unread mail, the others all."""
    system = [Folder(label, name, _count(mailbox, label), label == current) for label, name in FOLDERS]
    own = [
        Folder(label.id, label.name, mailbox.count(label.id), label.id == current)
        for label in sorted(mailbox.labels.all(), key=lambda item: item.name.lower())
        if not label.system
    ]
    return system, own


def row(mailbox: Mailbox, message: StoredMessage, hide: str = "") -> MessageLine:
    """A message as a line in a list, without the label of the folder that is shown."""
    moment = datetime.fromtimestamp(message.internal_date / 1000, UTC)
    sent = "SENT" in message.labels and "INBOX" not in message.labels
    who = message.header("To") if sent else message.header("From")
    return MessageLine(
        id=message.id,
        thread_id=message.thread_id,
        who=("To: " if sent else "") + _people(who),
        subject=message.subject or "(no subject)",
        snippet=html.unescape(message.snippet),
        when=f"{moment.day} {moment:%b %H:%M}",
        iso=moment.isoformat(timespec="seconds"),
        unread="UNREAD" in message.labels,
        chips=tuple(sorted(_chips(mailbox, message, hide))),
        address=next((address for _, address in fields.addresses(message.header("From"))), ""),
    )


def letter(mailbox: Mailbox, message: StoredMessage) -> LetterView:
    """An opened message. HTML mail is shown in a frame."""
    framed = html_of(message.root) is not None
    body = "" if framed else linked_text(message.text[:MAX_TEXT])
    named = fields.addresses(message.header("From"))
    return LetterView(
        row=row(mailbox, message),
        sender=_people(message.header("From")) or "(nobody)",
        address=named[0][1] if named else "",
        to=message.header("To"),
        own=bool(named) and named[0][1] in mailbox.own_addresses(),
        verdict=_verdict(message),
        body=Markup(body),  # noqa: S704 - every character in it was escaped
        framed=framed,
        files=tuple(part.filename for part in message.root.walk() if part.filename),
        in_inbox="INBOX" in message.labels,
        in_spam="SPAM" in message.labels,
    )


def _people(value: str) -> str:
    names = [name or address for name, address in fields.addresses(value)]
    return ", ".join(names) or value[:100]


def _verdict(message: StoredMessage) -> str:
    stamp = message.header("Authentication-Results")
    if stamp.partition(";")[0].strip() != AUTHSERV_ID:
        return ""
    found = _DMARC.search(stamp)
    return found.group(1) if found else "none"


def _chips(mailbox: Mailbox, message: StoredMessage, hide: str) -> list[str]:
    chips = []
    for carried in message.labels - {hide, "UNREAD"}:
        label = mailbox.labels.get(carried)
        if label is not None and not label.system:
            chips.append(label.name)
        elif carried in _SHOWN_SYSTEM:
            chips.append(_SHOWN_SYSTEM[carried])
    return chips


def _count(mailbox: Mailbox, label: str) -> int:
    if label == "ALL":
        return len(mailbox)
    if label == "INBOX":
        return len(mailbox.labelled("INBOX") & mailbox.labelled("UNREAD"))
    return mailbox.count(label)


# ---- The webmail pages
# GET changes nothing; every act is a form that works without scripts.


blueprint = Blueprint("webmail", __name__)
PAGE = 50
CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FRAME = (
    '<!doctype html><html><head><meta charset="utf-8"><title>Message</title><style>'
    "body{{margin:0;background:#fff;color:#222;font:14px/1.5 Arial,sans-serif;overflow-wrap:anywhere}}"
    ".no-image{{color:#666}}</style></head><body>{}</body></html>"
)
FRAME_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; "
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)
"""No script runs in the frame. It has the same origin, so that the page around it can set its height."""


@blueprint.errorhandler(BadRequest)
async def error_page(error: BadRequest) -> Response:
    """Errors as a page instead of JSON, because people see them."""
    page = await html_page("mail_error.html", message=str(error))
    page.status_code = error.status
    return page


@blueprint.get("/mail/")
async def mailboxes() -> Response:
    """All mailboxes."""
    shown = [
        {
            "owner": box.owner,
            "unread": len(box.labelled("INBOX") & box.labelled("UNREAD")),
            "inbox": box.count("INBOX"),
            "total": len(box),
        }
        for box in world().mailboxes.values()
    ]
    return await html_page("mailboxes.html", mailboxes=shown)


@blueprint.get("/mail/<address>")
async def folder(address: str) -> Response:
    """One folder, newest first; `q` searches, `before` pages."""
    mailbox = world().mailbox(address)
    current = request.args.get("label", "INBOX")
    query = request.args.get("q", "").strip()
    rows = _messages_of(mailbox, current, query)
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    system, own = folders(mailbox, current)
    return await html_page(
        "folder.html",
        mailbox=mailbox,
        system=system,
        own=own,
        current=current,
        own_label=next((item for item in own if item.current and not query), None),
        title=next((item.name for item in [*system, *own] if item.current), "Mail"),
        query=query,
        rows=[row(mailbox, message, current) for message in rows[:PAGE]],
        before=f"{last.internal_date}-{last.id}" if last is not None else None,
    )


@blueprint.get("/mail/<address>/thread/<thread_id>")
async def thread(address: str, thread_id: str) -> Response:
    """A conversation, oldest first, with a reply form."""
    mailbox = world().mailbox(address)
    members = mailbox.threads.members(thread_id)
    if not members:
        raise BadRequest("This conversation does not exist (any more).", 404)
    system, own = folders(mailbox, "")
    letters = [letter(mailbox, message) for message in members]
    answered = next((message for message in reversed(members) if "SENT" not in message.labels), members[-1])
    return await html_page(
        "thread.html",
        mailbox=mailbox,
        system=system,
        own=own,
        current="",
        query="",
        subject=members[0].subject or "(no subject)",
        letters=letters,
        reply_to=answered.id,
        reply_people=", ".join(reply_letter(mailbox, answered)["to"]),
        thread_id=thread_id,
    )


@blueprint.get("/mail/<address>/message/<message_id>/source")
async def source(address: str, message_id: str) -> Response:
    """The raw message as plain text."""
    message = world().mailbox(address).these([message_id])[0]
    page = Response(message.raw, 200, content_type="text/plain; charset=utf-8")
    page.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return page


@blueprint.get("/mail/<address>/message/<message_id>/body")
async def body(address: str, message_id: str) -> Response:
    """The frame of a message: its HTML made harmless, in its own colours on white, as in Gmail."""
    rich = html_of(world().mailbox(address).these([message_id])[0].root)
    page = Response(FRAME.format(inert_html(rich or "")), 200, content_type="text/html; charset=utf-8")
    page.headers["Content-Security-Policy"] = FRAME_CSP
    page.headers["Cache-Control"] = "no-store"
    return page


@blueprint.get("/mail/<address>/compose")
async def compose(address: str) -> Response:
    return await _compose(
        world().mailbox(address), request.args.get("to", ""), request.args.get("subject", ""), "", ""
    )


@blueprint.post("/mail/<address>/compose")
async def send(address: str) -> Response:
    """Send a letter. If it has a fault, the form is shown again with its text."""
    mailbox = world().mailbox(address)
    form = await request.form
    to, subject, text = form.get("to", ""), form.get("subject", ""), form.get("text", "")
    letter = {"from": _from(mailbox), "subject": _one_line(subject), "text": text}
    people = [item.strip() for item in to.replace(";", ",").split(",") if item.strip()]
    try:
        raw = read_raw(letter, people, world().clock.reported_ms(), secrets.token_hex(12))
        check_sendable(raw)
    except (BadRequest, ApiError) as error:
        page = await _compose(mailbox, to, subject, text, str(error))
        page.status_code = 400
        return page
    message = world().post.send(mailbox, raw, None, world().clock.now_ms())
    return _go(f"/mail/{mailbox.address}/thread/{message.thread_id}")


@blueprint.post("/mail/<address>/reply/<message_id>")
async def reply(address: str, message_id: str) -> Response:
    """Reply to a message in its thread."""
    mailbox = world().mailbox(address)
    parent = mailbox.these([message_id])[0]
    text = (await request.form).get("text", "")
    if not text.strip():
        raise BadRequest("The reply is empty. Go back and write something.")
    letter = {"from": _from(mailbox), "text": text} | reply_letter(mailbox, parent)
    if not letter["to"]:
        raise BadRequest("This message names nobody who could be answered.")
    raw = read_raw(letter, letter["to"], world().clock.reported_ms(), secrets.token_hex(12))
    message = world().post.send(mailbox, raw, parent.thread_id, world().clock.now_ms())
    return _go(f"/mail/{mailbox.address}/thread/{message.thread_id}")


@blueprint.post("/mail/<address>/act")
async def act(address: str) -> Response:
    """Move messages: `act` and `id` (several); `label`/`unlabel` take the name in `name`."""
    mailbox = world().mailbox(address)
    form = await request.form
    if not form.getlist("id"):
        raise BadRequest("No message was chosen. Go back and tick at least one.")
    messages = mailbox.these(form.getlist("id")[:PAGE])
    add, remove = _changes(mailbox, form.get("act", ""), form.get("name", ""))
    mailbox.change_labels(messages, add, remove, world().clock.now_ms())
    back = form.get("back", "")
    return _go(back if back.startswith(f"/mail/{mailbox.address}") else f"/mail/{mailbox.address}")


@blueprint.post("/mail/<address>/settings")
async def change_settings(address: str) -> Response:
    """Rename or delete a label, or change the address: `act` of `OTHER_ACTS`, with `label` and `to`."""
    mailbox = world().mailbox(address)
    form = await request.form
    if form.get("act") not in OTHER_ACTS:
        raise BadRequest("Choose an action.")
    perform_owner_act(world(), mailbox, dict(form))
    return _go(f"/mail/{mailbox.address}")


@blueprint.get("/mail/<address>/state")
async def state(address: str) -> Response:
    """{"historyId": ...}: the page's script asks whether anything changed."""
    response = jsonify({"historyId": str(world().mailbox(address).history.current)})
    response.headers["Cache-Control"] = "no-store"
    return response


def _messages_of(mailbox: Mailbox, current: str, query: str) -> list[StoredMessage]:
    labels = [] if current == "ALL" or query else [current]
    date, _, last = request.args.get("before", "").partition("-")
    before = (int(date), last) if date.isdecimal() else None
    try:
        compiled = compile_query(query, mailbox.labels) if query else None
    except QueryError as error:
        raise BadRequest(str(error)) from error
    hidden = compiled is not None and compiled.hidden
    found: list[StoredMessage] = []
    for message in mailbox.newest_first(labels, before, hidden):
        if compiled is not None and not compiled.matches(message):
            continue
        found.append(message)
        if len(found) > PAGE:
            break
    return found


def _changes(mailbox: Mailbox, act: str, name: str) -> tuple[list[str], list[str]]:
    if act in MOVES:
        add, remove = MOVES[act]
        return list(add), list(remove)
    if act == "label" and name.strip():
        return [label_id(mailbox, name.strip(), create=True)], []
    if act == "unlabel" and name.strip():
        return [], [label_id(mailbox, name.strip())]
    raise BadRequest("Choose an action, and a label name if the action needs one.")


async def _compose(mailbox: Mailbox, to: str, subject: str, text: str, error: str) -> Response:
    system, own = folders(mailbox, "")
    return await html_page(
        "compose.html",
        mailbox=mailbox,
        system=system,
        own=own,
        current="",
        query="",
        to=to[:500],
        subject=subject[:500],
        text=text,
        error=error,
    )


async def html_page(template: str, **values: object) -> Response:
    page = Response(await render_template(template, **values), 200, content_type="text/html; charset=utf-8")
    page.headers["Content-Security-Policy"] = CSP
    page.headers["Cache-Control"] = "no-store"
    return page


def _from(mailbox: Mailbox) -> str:
    return f'"{_one_line(mailbox.owner.name).replace(chr(34), "")}" <{mailbox.address}>'


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _go(path: str) -> Response:
    return Response(b"", 303, {"Location": quote(path, safe="/@?&=%+-_.~:")})
