"""The first run: how far the index is, what would have been held, and the owner's choice."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, request

from backend.domain.errors import NotFound
from backend.domain.mailbox.mailbox import Mailbox, Mode, Strictness
from backend.domain.mailbox.verdict import Outcome, Verdict
from backend.domain.policy.rehearsal import Rehearsed, RunState, Word
from backend.locale import reason as reason_text
from backend.locale import reason_words
from backend.pipeline import first_run
from backend.web.api.authentication import service
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.owner.entry import back, visitor, visitor_form
from backend.web.owner.page import owner_page, words

blueprint = Blueprint("start", __name__, url_prefix="/start")

MOST_REASONS = 4
POLL = 1500
"""Milliseconds between two looks while something goes on."""

DONE = ("noted", "taken_back", "lost")
WORDS = {"sales": Word.SALES, "not_sales": Word.NOT_SALES, "back": Word.NONE}


@blueprint.get("")
@guarded(per_minute(240))
async def show() -> Response:
    """Where the first run stands, under the mode and strictness that are asked about. Changes nothing."""
    owner, mailbox = await visitor()
    mode, strictness = _choice(request.args, mailbox)
    seen = await first_run.rehearsal(service().context, mailbox, mode, strictness)
    judged = [*seen.caught, *seen.passed]
    done = request.args.get("done", "")
    return await owner_page(
        "start.html",
        owner,
        mailbox,
        section="start",
        here="",
        seen=seen,
        mode=mode,
        strictness=strictness,
        modes=tuple(Mode),
        challenges=service().context.settings.challenges,
        strictnesses=tuple(Strictness),
        waits=mailbox.indexed_at is None,
        listing=seen.run is not None and seen.run.state is RunState.LISTING,
        caught=list(seen.caught),
        spoken=[pair for pair in seen.passed if pair[0].word],
        passed=[pair for pair in seen.passed if not pair[0].word],
        answered=sum(verdict.outcome is Outcome.CHALLENGE for _, verdict in seen.caught),
        unread=seen.run.done - len(judged) if seen.run else 0,
        poll=POLL if mailbox.indexed_at is None or (seen.run and not seen.ready) else 0,
        reasons=_reasons,
        done=done if done in DONE else "",
        undo=_spoken_of(request.args.get("about", ""), judged),
    )


@blueprint.post("/preview")
@guarded(per_minute(6))
async def order() -> Response:
    """Look through the inbox (again)."""
    sent = await visitor_form()
    await first_run.order(service().context, sent[0][0].mailbox_id)
    return back("/start")


@blueprint.post("/say")
@guarded(per_minute(120))
async def say() -> Response:
    """The owner's word on a mail of the preview, or taking it back. Moves no mail."""
    (owner, mailbox), fields = await visitor_form()
    mode, strictness = _choice(fields, mailbox)
    choice = {"mode": mode.value, "strictness": strictness.value}
    word, _, gmail_id = fields.get("say", "").partition(" ")
    if word not in WORDS:
        return back("/start", **choice, done="lost")
    try:
        await first_run.say(service().context, owner.mailbox_id, gmail_id[:64], WORDS[word])
    except NotFound:
        return back("/start", **choice, done="lost")
    if not WORDS[word]:
        return back("/start", **choice, done="taken_back")
    return back("/start", **choice, done="noted", about=gmail_id)


@blueprint.post("/choose")
@guarded(per_minute(60))
async def choose() -> Response:
    """The owner's choice: from now on it counts."""
    (owner, mailbox), fields = await visitor_form()
    mode, strictness = _choice(fields, mailbox)
    await service().prefer(owner.mailbox_id, {"mode": mode.value, "strictness": strictness.value})
    return back("/review")


def _choice(given: Any, mailbox: Mailbox) -> tuple[Mode, Strictness]:
    """Mode and strictness as asked for; where that says nothing, as they are set."""
    mode, strictness = given.get("mode", ""), given.get("strictness", "")
    return (
        Mode(mode) if mode in tuple(Mode) else mailbox.preferences.mode,
        Strictness(strictness) if strictness in tuple(Strictness) else mailbox.preferences.strictness,
    )


def _reasons(mail: Rehearsed) -> list[tuple[str, bool, list[str]]]:
    """What weighed most: the reason in the owner's language, whether it speaks for a pitch, and its words."""
    language = words("start").language
    found = mail.score.reasons[:MOST_REASONS] if mail.score else ()
    return [
        (
            reason_text(language, one.code),
            one.weight > 0,
            [reason_words(language, word) for word in one.words[:5]],
        )
        for one in found
    ]


def _spoken_of(gmail_id: str, judged: list[tuple[Rehearsed, Verdict]]) -> Rehearsed | None:
    return next((mail for mail, _ in judged if mail.gmail_id == gmail_id and mail.word), None)
