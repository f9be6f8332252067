"""The page beside the webmail: mail on the left, the add-on's panel on the right. Forms only, no script."""

from __future__ import annotations

from urllib.parse import quote

from quart import Blueprint, Response, render_template, request

from backend.sandbox.addon.cards import drawn
from backend.sandbox.addon.host import HostError, settle
from backend.sandbox.addon.routes import host, owner_of
from backend.sandbox.mail.mailbox import Mailbox, StoredMessage
from backend.sandbox.web import BadRequest, world
from backend.sandbox.webmail import routes

blueprint = Blueprint("addon_pages", __name__, url_prefix="/addon")
MOST_ROWS = 40
LOCALES = ("en-US", "de-DE", "fr-FR", "es-ES", "pt-BR")
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


@blueprint.errorhandler(BadRequest)
@blueprint.errorhandler(HostError)
async def friendly(error: BadRequest | HostError) -> Response:
    """A page, not JSON: people see this."""
    page = await _page("mail_error.html", message=str(error))
    page.status_code = getattr(error, "status", 409)
    return page


@blueprint.get("/")
async def owners() -> Response:
    """The list of mailboxes to choose from."""
    return await _page("addon_owners.html", mailboxes=list(world().mailboxes.values()), host=host())


@blueprint.get("/<address>")
async def inbox(address: str) -> Response:
    """A folder, with the add-on's homepage card beside it. `stay` keeps the panel as it is."""
    owner = owner_of(address)
    label = request.args.get("label", "INBOX")
    if "stay" not in request.args:
        await host().open(owner)
    rows = []
    for message in owner.newest_first([label]):
        rows.append(routes.row(owner, message, label))
        if len(rows) == MOST_ROWS:
            break
    system, own = routes.folders(owner, label)
    folders = [folder for folder in (*system, *own) if folder.count or folder.current]
    return await _beside(owner, "addon_folder.html", rows=rows, folders=folders)


@blueprint.get("/<address>/message/<message_id>")
async def message(address: str, message_id: str) -> Response:
    """A message, with its card beside it. `stay` keeps the panel as it is; without it the add-on is called again."""
    owner = owner_of(address)
    found = owner.get(message_id)
    if found is None:
        raise BadRequest("This message does not exist (any more).", 404)
    if "stay" not in request.args:
        await host().open(owner, found.id, found.thread_id)
    return await _beside(owner, "addon_message.html", letter=routes.letter(owner, found))


@blueprint.post("/<address>/click")
async def click(address: str) -> Response:
    """A click on a button of the card, with the values of the card's inputs."""
    owner = owner_of(address)
    form = await request.form
    number = form.get("click", "")
    inputs = {name: form.getlist(name) for name in form if name not in ("click", "back")}
    await host().click(owner, int(number) if number.isdecimal() and len(number) < 5 else -1, inputs)
    return _back(owner, form.get("back", ""))


@blueprint.post("/<address>/panel")
async def panel(address: str) -> Response:
    """The panel's own menu: home, settings, back, another language, consent."""
    owner = owner_of(address)
    form = await request.form
    wanted = form.get("do", "")
    if wanted == "consent":
        await host().consent(owner)
    elif wanted == "language" and form.get("locale") in LOCALES:
        settle(host().panel(owner), locale=form["locale"])
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
    return await _page(
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
    """The message that the page at the path `back` shows; None for a folder."""
    return owner.get(back.rpartition("/")[2])


def _back(owner: Mailbox, back: str) -> Response:
    base = f"/addon/{owner.address}"
    path = back if back == base or back.startswith(f"{base}/message/") else base
    return Response(b"", 303, {"Location": f"{quote(path, safe='/@+-_.~')}?stay=1#panel"})


async def _page(template: str, **values: object) -> Response:
    page = Response(await render_template(template, **values), 200, content_type="text/html; charset=utf-8")
    page.headers["Content-Security-Policy"] = CSP
    page.headers["Cache-Control"] = "no-store"
    return page
