"""The add-on's host over HTTP: admin routes for tools, and the page beside the webmail (forms, no script)."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import quote

from quart import Blueprint, Response, current_app, jsonify, request

from backend.sandbox import BadRequest, webmail
from backend.sandbox.addon_cards import drawn
from backend.sandbox.addon_host import ID_FORMS, Deployment, Forgery, Host, change_setup
from backend.sandbox.mail.mailbox import Mailbox, StoredMessage
from backend.sandbox.world import json_object, world

# ---- Admin routes: everything a person does on the page, as JSON


blueprint = Blueprint("addon_host", __name__, url_prefix="/sandbox/addon")
KEY = "pitchgate_sandbox_addon"


def host() -> Host:
    return cast(Host, current_app.extensions.setdefault(KEY, Host(world())))


@blueprint.put("")
async def deploy() -> Response:
    """{"deployment": the JSON given to Google, "account"?, "client_id"?}: create or replace the deployment. Answers
    like `get-authorization`."""
    deployment = host().deployment = Deployment.read(await json_object())
    return jsonify({"serviceAccountEmail": deployment.account, "oauthClientId": deployment.client_id})


@blueprint.post("/open")
async def open_card() -> Response:
    """{mailbox, message?, page? ("settings"), platform?, locale?, offset_ms?, id_form?, forge?} -> the panel."""
    data = await json_object()
    owner = world().mailbox(str(data.get("mailbox", "")))
    changes = {name: data[name] for name in ("platform", "locale", "offset_ms", "id_form") if name in data}
    if changes.get("id_form", "msg-f") not in ID_FORMS:
        raise BadRequest(f"id_form is one of {', '.join(ID_FORMS)}.")
    change_setup(host().panel(owner), **changes)
    panel = await host().open(
        owner, str(data.get("message", "")), "", str(data.get("page", "")), _forgery(data)
    )
    return jsonify(panel.as_json())


@blueprint.post("/click")
async def click() -> Response:
    """{mailbox, text (of the button) or number, inputs?: {name: [values]}, forge?} -> the panel."""
    data = await json_object()
    owner = world().mailbox(str(data.get("mailbox", "")))
    number = data.get("number")
    if number is None:
        number = numbered(host().panel(owner).card or {}, str(data.get("text", "")))
    panel = await host().click(owner, int(number), data.get("inputs") or {}, _forgery(data))
    return jsonify(panel.as_json())


@blueprint.post("/replay")
async def replay() -> Response:
    """{mailbox}: send the last request again as it was."""
    return jsonify(
        (await host().replay(world().mailbox(str((await json_object()).get("mailbox", ""))))).as_json()
    )


@blueprint.post("/consent")
async def consent() -> Response:
    """{mailbox}: agree to the scopes asked for; the call is repeated."""
    return jsonify(
        (await host().consent(world().mailbox(str((await json_object()).get("mailbox", ""))))).as_json()
    )


@blueprint.put("/grants")
async def put_grants() -> Response:
    """{mailbox, scopes: [...]}: what this owner has consented to."""
    data = await json_object()
    owner = world().mailbox(str(data.get("mailbox", "")))
    host().granted[owner.address] = frozenset(str(scope) for scope in data.get("scopes", ()))
    return jsonify({"scopes": sorted(host().granted[owner.address])})


def numbered(card: Any, text: str) -> int:
    """The number of the click whose button says `text`. Raises BadRequest."""
    texts = _texts(card)
    if text not in texts:
        raise BadRequest(f"The card has no button {text!r}; it has {', '.join(map(repr, texts))}.", 409)
    return texts.index(text)


def _texts(card: Any) -> list[str]:
    """The text beside every click, in the same order as `clicks`."""
    if isinstance(card, list):
        return [found for item in card for found in _texts(item)]
    if not isinstance(card, dict):
        return []
    own = [str(card.get("text") or card.get("actionLabel") or "")] if "onClick" in card else []
    return own + [found for name, inner in card.items() if name != "onClick" for found in _texts(inner)]


def _forgery(data: dict[str, Any]) -> Forgery:
    wrong = data.get("forge") or {}
    return Forgery(
        system=dict(wrong.get("system", {})),
        user=dict(wrong.get("user", {})),
        stranger=str(wrong.get("stranger", "")),
        no_header=bool(wrong.get("no_header", False)),
    )


# ---- The page beside the webmail: mail on the left, the add-on's panel on the right


pages = Blueprint("addon_pages", __name__, url_prefix="/addon")
MOST_ROWS = 40
LOCALES = ("en-US", "de-DE", "fr-FR", "es-ES", "pt-BR")


pages.register_error_handler(BadRequest, webmail.error_page)


@pages.get("/")
async def owners() -> Response:
    return await webmail.html_page(
        "addon_owners.html", mailboxes=list(world().mailboxes.values()), host=host()
    )


@pages.get("/<address>")
async def inbox(address: str) -> Response:
    """A folder with the add-on's homepage card beside it. `stay` leaves the panel unchanged."""
    owner = world().mailbox(address)
    label = request.args.get("label", "INBOX")
    if "stay" not in request.args:
        await host().open(owner)
    rows = []
    for message in owner.newest_first([label]):
        rows.append(webmail.row(owner, message, label))
        if len(rows) == MOST_ROWS:
            break
    system, own = webmail.folders(owner, label)
    folders = [folder for folder in (*system, *own) if folder.count or folder.current]
    return await _beside(owner, "addon_folder.html", rows=rows, folders=folders)


@pages.get("/<address>/message/<message_id>")
async def message(address: str, message_id: str) -> Response:
    """A message with its card beside it. `stay` leaves the panel unchanged; otherwise the add-on is called again."""
    owner = world().mailbox(address)
    found = owner.get(message_id)
    if found is None:
        raise BadRequest("This message does not exist (any more).", 404)
    if "stay" not in request.args:
        await host().open(owner, found.id, found.thread_id)
    return await _beside(owner, "addon_message.html", letter=webmail.letter(owner, found))


@pages.post("/<address>/click")
async def press(address: str) -> Response:
    """A click on a button of the card, with the values of the card's inputs."""
    owner = world().mailbox(address)
    form = await request.form
    number = form.get("click", "")
    inputs = {name: form.getlist(name) for name in form if name not in ("click", "back")}
    await host().click(owner, int(number) if number.isdecimal() and len(number) < 5 else -1, inputs)
    return _back(owner, form.get("back", ""))


@pages.post("/<address>/panel")
async def panel(address: str) -> Response:
    """The panel's own menu: home, settings, back, another language, consent."""
    owner = world().mailbox(address)
    form = await request.form
    wanted = form.get("do", "")
    if wanted == "consent":
        await host().consent(owner)
    elif wanted == "language" and form.get("locale") in LOCALES:
        change_setup(host().panel(owner), locale=form["locale"])
        shown = _message(owner, form.get("back", ""))
        await host().open(owner, *((shown.id, shown.thread_id) if shown else ()))
    elif wanted == "back":
        await host().back(owner)
    elif wanted in ("home", "settings"):
        await host().open(owner, page=wanted)
    return _back(owner, form.get("back", ""))


async def _beside(owner: Mailbox, template: str, **values: object) -> Response:
    """A page of the webmail with the add-on's panel beside it."""
    shown = host().panel(owner)
    return await webmail.html_page(
        template,
        mailbox=owner,
        panel=shown,
        card=drawn(shown.card),
        back=request.path,
        locales=LOCALES,
        host=host(),
        depth=len(shown.stack),
        **values,
    )


def _message(owner: Mailbox, back: str) -> StoredMessage | None:
    """The message that the page at `back` shows; None for a folder."""
    return owner.get(back.rpartition("/")[2])


def _back(owner: Mailbox, back: str) -> Response:
    base = f"/addon/{owner.address}"
    path = back if back == base or back.startswith(f"{base}/message/") else base
    return Response(b"", 303, {"Location": f"{quote(path, safe='/@+-_.~')}?stay=1#panel"})
