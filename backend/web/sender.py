"""The page behind the link of a challenge. Looking changes nothing; only what is posted does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from babel import Locale
from babel.dates import format_date, format_timedelta
from quart import Blueprint, Response, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from backend.domain.entry.challenge import Solved
from backend.domain.errors import Expired, Refused, TryLater
from backend.pipeline import solve as solving
from backend.pipeline.solve import CodeDue, OpenChallenge, Promised
from backend.ports.captcha import Kind
from backend.web.error_map import wants_page
from backend.web.guards import content_policy, guarded, log_abuse, per_link, per_minute, per_network
from backend.web.pages import page, sender_words
from backend.web.services import services

blueprint = Blueprint("challenge", __name__, url_prefix="/c")

explanation = Blueprint("explanation", __name__)

LATER = "captcha_later"
MOST_NAMED = 10
"""Delivered messages the last page names; of more it tells how many."""


@explanation.get("/explained")
@guarded(per_minute(120), per_network(600))
async def explain() -> Response:
    """What the reply is that somebody got, and how to tell that it is real."""
    host = urlsplit(services().context.settings.public_url).netloc
    response = await page("explained.html", words=sender_words(request.accept_languages), host=host)
    response.headers["Vary"] = "Accept-Language"
    return response


@blueprint.get("/<token>")
@guarded(per_minute(120), per_network(600))
async def show(token: str) -> Response:
    """Why the mail waits, the check, and room for a line to the owner. `?by=code`: with a code to be typed, which a
    wait follows."""
    try:
        challenge = await solving.open_challenge(services().context, token)
    except Expired as error:
        return await _ended(error, token)
    return await _page(challenge, by_code=request.args.get("by") == "code")


@blueprint.route("/<token>/task", methods=["GET", "POST"])
@guarded(per_minute(60), per_network(240))
async def task(token: str) -> Response:
    """A fresh task as JSON. The server keeps nothing of it; by POST it is noted that the sender began."""
    began = request.method == "POST"
    return jsonify(await solving.begin_check(services().context, services().checks, token, noted=began))


@blueprint.get("/<token>/code.png")
@guarded(per_minute(60), per_network(240))
async def picture(token: str) -> Response:
    """The code of the ticket `t` as a picture."""
    return Response(await _code(token, spoken=False), content_type="image/png")


@blueprint.get("/<token>/code.wav")
@guarded(per_minute(20), per_network(60))
async def sound(token: str) -> Response:
    """The code of the ticket `t` as sound, whole or in parts (some browsers play nothing else)."""
    spoken = await _code(token, spoken=True)
    response = Response(spoken, content_type="audio/wav")
    await response.make_conditional(request, accept_ranges=True, complete_length=len(spoken))
    return response


@blueprint.post("/<token>")
@guarded(per_minute(60), per_network(240), per_link(30, minutes=10))
async def solve(token: str) -> Response:
    """Take an answer: `payload` (or the field of another company's check), or `ticket` and `typed`.

    A browser gets a page; other callers JSON: `released` (how many), `balance` and `waiting` (how many are left for
    the next check behind the same link); or with 202 `ticket`, when a code is to be typed as well, or `delivers_at`,
    when the mail will be let in by itself. `ticket` with `other` is a wish for another code.
    """
    form = await request.form
    ticket, after = form.get("ticket", ""), "after" in form
    context, checks = services().context, services().checks
    try:
        challenge = await solving.open_challenge(context, token)
    except Expired as error:
        return await _ended(error, token)
    try:
        if ticket and "other" in form:
            another = await solving.another_code(context, checks, token, ticket)
            return await _page(challenge, ticket=another, after_work=after)
        answer = f"{ticket}:{form.get('typed', '')}" if ticket else form.get(_field(), "")
        kind = Kind.TYPED_CODE if ticket else None
        done = await solving.solve_challenge(context, checks, token, answer, kind)
    except (Refused, TryLater) as error:
        code = error.code if isinstance(error, Refused) else LATER
        if not code.startswith("captcha_") or not wants_page():
            raise
        return await _again(challenge, token, code, ticket, after)
    return await _done(challenge, done)


@blueprint.post("/<token>/note")
@guarded(per_minute(20), per_network(60), per_link(10, minutes=10))
async def note(token: str) -> Response | AnyResponse:
    """Take the form field `line`, the sender's word to the owner; "" takes it back. Other callers get JSON."""
    line = (await request.form).get("line", "")
    try:
        kept = await solving.leave_note(services().context, token, line)
    except Refused as error:
        if error.code != "note_long" or not wants_page():
            raise
        challenge = await solving.noted_challenge(services().context, token)
        drawn = _page if challenge.waiting else _used
        return await drawn(challenge, 422, note_refusal=line[:1_000])
    if not wants_page():
        return jsonify(note=kept)
    return redirect(url_for("challenge.show", token=token, _anchor="note"), 303)


@blueprint.post("/<token>/abuse")
@guarded(per_minute(10), per_network(30), per_link(3, minutes=60))
async def abuse(token: str) -> Response:
    """A word to the operator that this page or its mail looks wrong: a line in the log, and a count by route."""
    challenge = await solving.open_challenge(services().context, token)
    log_abuse(challenge.challenge_id)
    return await _page(challenge, told_operator=True)


async def _code(token: str, spoken: bool) -> bytes:
    ticket = request.args.get("t", "")
    return await solving.show_code(services().context, services().checks, token, ticket, spoken)


def _field() -> str:
    widget = services().checks.first.widget
    return widget.answer_field if widget else "payload"


async def _done(challenge: OpenChallenge, done: Solved | CodeDue | Promised) -> Response:
    if isinstance(done, Promised):
        if wants_page():
            return await _page(replace(challenge, deliver_at=done.deliver_at))
        response = jsonify(delivers_at=done.deliver_at.isoformat())
        response.status_code = 202
        return response
    if isinstance(done, CodeDue):
        if wants_page():
            return await _page(challenge, ticket=done.ticket, after_work=True)
        response = jsonify(ticket=done.ticket)
        response.status_code = 202
        return response
    count = len(done.released)
    if not wants_page():
        return jsonify(released=count, balance=done.balance, waiting=done.waiting)
    following = min(done.waiting, done.balance + challenge.credits)
    said = "done" if challenge.connected else "accepted"
    named = [subject for subject in done.subjects[:MOST_NAMED] if subject]
    after = await _noted(str((request.view_args or {})["token"]))  # a note is about another message now
    return await _rendered(
        "solved.html",
        after or challenge,
        count=count,
        takes_note=after is not None,
        note_refusal=None,
        named=named,
        unnamed=count - len(named),
        title=said if count < 2 else f"{said}_several",
        key=f"{said}_one" if count == 1 else f"{said}_many" if count else "done_none",
        heading="delivered" if challenge.connected else "accepted_named",
        balance=done.balance,
        still=done.waiting,
        next=following,
    )


async def _ended(error: Expired, token: str) -> Response:
    """What a browser is shown of a link behind which nothing waits; anything else is refused."""
    after = await _noted(token) if error.code == "link_used" and wants_page() else None
    if after is None:
        raise error
    return await _used(after)


async def _noted(token: str) -> OpenChallenge | None:
    """What a note could be written to after all was delivered; None when none is taken any more."""
    try:
        return await solving.noted_challenge(services().context, token)
    except Expired:
        return None


async def _used(challenge: OpenChallenge, status: int = 410, *, note_refusal: str | None = None) -> Response:
    """Of a link behind which nothing waits: all that is left is a note."""
    return await _rendered("used.html", challenge, status, note_refusal=note_refusal)


async def _again(challenge: OpenChallenge, token: str, code: str, ticket: str, after: bool) -> Response:
    """The page once more, with what was wrong: the same code while it may be tried, another when it may not."""
    status = 503 if code == LATER else 422
    if code == "captcha_code_wrong":
        return await _page(challenge, status, refusal=code, ticket=ticket, after_work=after)
    if code == "captcha_code_spent":
        another = await solving.another_code(services().context, services().checks, token, ticket)
        return await _page(challenge, status, refusal=code, ticket=another, after_work=after)
    by_code = bool(ticket) and code != "captcha_code_closed"
    return await _page(challenge, status, refusal=code, by_code=by_code)


async def _page(
    challenge: OpenChallenge,
    status: int = 200,
    *,
    refusal: str = "",
    ticket: str = "",
    by_code: bool = False,
    after_work: bool = False,
    note_refusal: str | None = None,
    told_operator: bool = False,
) -> Response:
    """The check in the form that is asked for: with `ticket` its code, `by_code` a new one, else the first."""
    checks = services().checks
    first = checks.first.kind
    mode = {Kind.PROOF_OF_WORK: "work", Kind.TYPED_CODE: "code"}.get(first, "widget")
    if ticket or (by_code and checks.code_alone):
        mode = "code"
    if mode == "code" and challenge.deliver_at is not None and not after_work:
        mode = "promised" if first is Kind.TYPED_CODE else "work"
    if not ticket and checks.code_alone:
        made = checks.codes.task(challenge.challenge_id, challenge.factor, services().context.clock.now())
        ticket = str(made["ticket"])
    return await _rendered(
        "challenge.html",
        challenge,
        status,
        mode="closed" if refusal == "captcha_code_closed" and mode == "code" else mode,
        refusal=refusal,
        ticket=ticket,
        after_work=after_work,
        code_follows=checks.code_follows(challenge.factor),
        way_back=first is Kind.PROOF_OF_WORK,
        widget=checks.first.widget,
        note_refusal=note_refusal,
        told_operator=told_operator,
    )


async def _rendered(template: str, challenge: OpenChallenge, status: int = 200, **values: Any) -> Response:
    words = sender_words(request.accept_languages, challenge.language)
    known: dict[str, object] = {
        "owner": challenge.owner,
        "sender": challenge.sender,
        "credits": challenge.credits,
        "factor": challenge.factor,
        "waiting": challenge.waiting,
        "delivers": challenge.delivers,
        "until": format_date(challenge.expires_at, "long", locale=words.catalogue.locale),
        "wait": _span(challenge.wait, words.catalogue.locale),
    }

    def say(key: str, count: int = 1, **more: Any) -> str:
        text = words.catalogue.plural(words.find(key), count)
        return text.format(**known, **more, count=count)

    if challenge.deliver_at is not None:
        left = challenge.deliver_at - services().context.clock.now()
        known["left"] = _span(max(left, timedelta(minutes=1)), words.catalogue.locale)
        known["at"] = f"{challenge.deliver_at:%H:%M}"
    response = await page(template, status, challenge=challenge, words=words, say=say, **values)
    response.headers["Vary"] = "Accept-Language, Accept"
    response.headers["Content-Security-Policy"] = _policy(values.get("widget"))
    return response


def _span(time: timedelta, locale: Locale) -> str:
    """20 minutes or, from two hours on, 11 hours."""
    minutes = timedelta(minutes=-(-time // timedelta(minutes=1)))
    return str(format_timedelta(minutes, threshold=2, locale=locale))


def _policy(widget: Any) -> str:
    """Our own policy, sound, and what the company's check needs where it is shown. No other page has either."""
    also = {"media-src": ("'self'",)}
    return content_policy(also=also | dict(widget.sources) if widget else also)
