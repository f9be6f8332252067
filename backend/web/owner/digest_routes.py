"""The page behind a link of the owner's digest. Looking changes nothing; its one button acts, signed in or not: who has
the link has the owner's mail."""

from __future__ import annotations

from quart import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from backend.locale import catalogue
from backend.locale.words import Words
from backend.pipeline import owner_digest
from backend.pipeline.owner_digest import Offered
from backend.web.guards import guarded
from backend.web.limits import per_link, per_minute, per_network
from backend.web.pages import page
from backend.web.services import services
from backend.web.words import words_for

blueprint = Blueprint("digest", __name__, url_prefix="/d")


@blueprint.get("/<token>")
@guarded(per_minute(120), per_network(600))
async def show(token: str) -> Response:
    """What the link would do, or what became of it."""
    return await _page(await owner_digest.offered(services().context, token))


@blueprint.post("/<token>")
@guarded(per_minute(60), per_network(240), per_link(30, minutes=10))
async def use(token: str) -> AnyResponse:
    """Do it, once."""
    await owner_digest.use(services().context, token)
    return redirect(url_for("digest.show", token=token), 303)


@blueprint.post("/<token>/undo")
@guarded(per_minute(60), per_network(240), per_link(30, minutes=10))
async def undo(token: str) -> AnyResponse:
    """Take it back, once."""
    await owner_digest.undo(services().context, token)
    return redirect(url_for("digest.show", token=token), 303)


async def _page(found: Offered | None) -> Response:
    """The page in the owner's language; for a link of nobody in the browser's."""
    if found is None:
        words, state, status = words_for("digest_page", request.accept_languages), "unknown", 404
    else:
        words = Words(catalogue(found.mailbox.preferences.language).section("digest_page", "digest", "card"))
        state, status = _state(found), 410 if found.expired else 200
    response = await page("digest_act.html", status, t=words, language=words.tag, state=state, found=found)
    response.headers["Vary"] = "Accept-Language"
    return response


def _state(found: Offered) -> str:
    if found.expired:
        return "expired"
    if found.link.undone_at is not None:
        return "undone"
    return "open" if found.link.used_at is None else "done"
