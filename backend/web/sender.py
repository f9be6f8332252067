"""The challenge page, where a sender solves the captcha and may leave a note. Only POST requests change anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from babel import Locale
from babel.dates import format_date, format_timedelta
from quart import Blueprint, Response, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from backend.domain.challenge import Solved
from backend.domain.errors import Expired, Refused, TryLater
from backend.pipeline import solve as solving
from backend.pipeline.solve import CodeDue, OpenChallenge, Promised
from backend.ports.system import CaptchaKind
from backend.web.guards import content_policy, guarded, log_abuse, per_link, per_minute, per_network
from backend.web.pages import page, sender_words, wants_page
from backend.web.services import services

blueprint = Blueprint("challenge", __name__, url_prefix="/c")

explanation = Blueprint("explanation", __name__)

CAPTCHA_LATER = "captcha_later"
MOST_NAMED = 10
"""Delivered messages listed by subject on the last page; further ones are counted."""


@explanation.get("/explained")
@guarded(per_minute(120), per_network(600))
async def explain() -> Response:
    """The page that explains our reply to a sender, and how to recognise a genuine one."""
    host = urlsplit(services().context.settings.public_url).netloc
    response = await page("explained.html", words=sender_words(request.accept_languages), host=host)
    response.headers["Vary"] = "Accept-Language"
    return response


@blueprint.get("/<token>")
@guarded(per_minute(120), per_network(600))
async def show(token: str) -> Response:
    """The challenge page: why the mail is held, the captcha, and a field for a note. `?by=code`: with a typed code,
    after which delivery is delayed."""
    try:
        challenge = await solving.open_challenge(services().context, token)
    except Expired as error:
        return await _used_or_raise(error, token)
    return await _page(challenge, by_code=request.args.get("by") == "code")


@blueprint.route("/<token>/task", methods=["GET", "POST"])
@guarded(per_minute(60), per_network(240))
async def task(token: str) -> Response:
    """A new proof-of-work task as JSON, of which the server stores nothing. POST also records that the sender began."""
    began = request.method == "POST"
    return jsonify(await solving.begin_check(services().context, services().checks, token, noted=began))


@blueprint.get("/<token>/code.png")
@guarded(per_minute(60), per_network(240))
async def picture(token: str) -> Response:
    """The typed code of the ticket `t` as a picture."""
    return Response(await _code(token, spoken=False), content_type="image/png")


@blueprint.get("/<token>/code.wav")
@guarded(per_minute(20), per_network(60))
async def sound(token: str) -> Response:
    """The typed code of the ticket `t` as sound. Supports ranges, which some browsers require."""
    spoken = await _code(token, spoken=True)
    response = Response(spoken, content_type="audio/wav")
    await response.make_conditional(request, accept_ranges=True, complete_length=len(spoken))
    return response


@blueprint.post("/<token>")
@guarded(per_minute(60), per_network(240), per_link(30, minutes=10))
async def solve(token: str) -> Response:
    """Check an answer: `payload` (or the field of a vendor's captcha), or `ticket` and `typed`.

    A browser gets a page; other callers JSON: `released` (how many), `balance` and `waiting` (how many the next
    solve of this link would release); or 202 with `ticket` if a code must be typed too, or with `delivers_at` if the
    mail will be delivered later. `ticket` with `other` asks for another code.
    """
    form = await request.form
    ticket, after = form.get("ticket", ""), "after" in form
    context, checks = services().context, services().checks
    try:
        challenge = await solving.open_challenge(context, token)
    except Expired as error:
        return await _used_or_raise(error, token)
    try:
        if ticket and "other" in form:
            another = await solving.another_code(context, checks, token, ticket)
            return await _page(challenge, ticket=another, after_work=after)
        field = checks.first.widget.answer_field if checks.first.widget else "payload"
        answer = f"{ticket}:{form.get('typed', '')}" if ticket else form.get(field, "")
        kind = CaptchaKind.TYPED_CODE if ticket else None
        done = await solving.solve_challenge(context, checks, token, answer, kind)
    except (Refused, TryLater) as error:
        code = error.code if isinstance(error, Refused) else CAPTCHA_LATER
        if not code.startswith("captcha_") or not wants_page():
            raise
        return await _wrong_answer(challenge, token, code, ticket, after)
    return await _done(challenge, done)


@blueprint.post("/<token>/note")
@guarded(per_minute(20), per_network(60), per_link(10, minutes=10))
async def note(token: str) -> Response | AnyResponse:
    """Store the form field `line` as the sender's note to the owner; "" removes it. Callers other than browsers get
    JSON."""
    line = (await request.form).get("line", "")
    try:
        stored = await solving.leave_note(services().context, token, line)
    except Refused as error:
        if error.code != "note_long" or not wants_page():
            raise
        challenge = await solving.noted_challenge(services().context, token)
        render = _page if challenge.waiting else _used_page
        return await render(challenge, 422, note_refusal=line[:1_000])
    if not wants_page():
        return jsonify(note=stored)
    return redirect(url_for("challenge.show", token=token, _anchor="note"), 303)


@blueprint.post("/<token>/abuse")
@guarded(per_minute(10), per_network(30), per_link(3, minutes=60))
async def abuse(token: str) -> Response:
    """Report this page or its email to the operator: a line in the log, counted by the route's metric."""
    challenge = await solving.open_challenge(services().context, token)
    log_abuse(challenge.challenge_id)
    return await _page(challenge, told_operator=True)


async def _code(token: str, spoken: bool) -> bytes:
    ticket = request.args.get("t", "")
    return await solving.show_code(services().context, services().checks, token, ticket, spoken)


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
    next_release = min(done.waiting, done.balance + challenge.credits)
    outcome = "done" if challenge.connected else "accepted"
    subjects = [subject for subject in done.subjects[:MOST_NAMED] if subject]
    # A note now belongs to a delivered message.
    after = await _note_target(str((request.view_args or {})["token"]))
    return await _render(
        "solved.html",
        after or challenge,
        count=count,
        takes_note=after is not None,
        note_refusal=None,
        named=subjects,
        unnamed=count - len(subjects),
        title=outcome if count < 2 else f"{outcome}_several",
        key=f"{outcome}_one" if count == 1 else f"{outcome}_many" if count else "done_none",
        balance=done.balance,
        still=done.waiting,
        next=next_release,
    )


async def _used_or_raise(error: Expired, token: str) -> Response:
    """For a link with no more held mail, show a browser the page for a note; raise `error` in all other cases."""
    after = await _note_target(token) if error.code == "link_used" and wants_page() else None
    if after is None:
        raise error
    return await _used_page(after)


async def _note_target(token: str) -> OpenChallenge | None:
    """The challenge whose delivered message can still get a note; None if none can."""
    try:
        return await solving.noted_challenge(services().context, token)
    except Expired:
        return None


async def _used_page(
    challenge: OpenChallenge, status: int = 410, *, note_refusal: str | None = None
) -> Response:
    """The page of a link with no more held mail, where only a note can be left."""
    return await _render("used.html", challenge, status, note_refusal=note_refusal)


async def _wrong_answer(
    challenge: OpenChallenge, token: str, code: str, ticket: str, after: bool
) -> Response:
    """The challenge page again, with the error `code`; with the same typed code while it may be tried, else another."""
    status = 503 if code == CAPTCHA_LATER else 422
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
    """The challenge page: with the typed code of `ticket`, with a new one (`by_code`), or with the default captcha."""
    checks = services().checks
    first = checks.first.kind
    mode = {CaptchaKind.PROOF_OF_WORK: "work", CaptchaKind.TYPED_CODE: "code"}.get(first, "widget")
    if ticket or (by_code and checks.code_alone):
        mode = "code"
    if mode == "code" and challenge.deliver_at is not None and not after_work:
        mode = "promised" if first is CaptchaKind.TYPED_CODE else "work"
    if not ticket and checks.code_alone:
        task = checks.codes.task(challenge.challenge_id, challenge.factor, services().context.clock.now())
        ticket = str(task["ticket"])
    return await _render(
        "challenge.html",
        challenge,
        status,
        mode="closed" if refusal == "captcha_code_closed" and mode == "code" else mode,
        refusal=refusal,
        ticket=ticket,
        after_work=after_work,
        code_follows=checks.code_follows(challenge.factor),
        way_back=first is CaptchaKind.PROOF_OF_WORK,
        widget=checks.first.widget,
        note_refusal=note_refusal,
        told_operator=told_operator,
    )


async def _render(template: str, challenge: OpenChallenge, status: int = 200, **values: Any) -> Response:
    words = sender_words(request.accept_languages, challenge.language)
    values_of_texts: dict[str, object] = {
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
        return text.format(**values_of_texts, **more, count=count)

    if challenge.deliver_at is not None:
        remaining = challenge.deliver_at - services().context.clock.now()
        values_of_texts["left"] = _span(max(remaining, timedelta(minutes=1)), words.catalogue.locale)
        values_of_texts["at"] = f"{challenge.deliver_at:%H:%M}"
    response = await page(template, status, challenge=challenge, words=words, say=say, **values)
    response.headers["Vary"] = "Accept-Language, Accept"
    # Beside our own sources: sound, and what a vendor's captcha needs.
    also = {"media-src": ("'self'",)} | (dict(widget.sources) if (widget := values.get("widget")) else {})
    response.headers["Content-Security-Policy"] = content_policy(also=also)
    return response


def _span(time: timedelta, locale: Locale) -> str:
    """A time span in words: "20 minutes" or, from two hours on, "11 hours"."""
    minutes = timedelta(minutes=-(-time // timedelta(minutes=1)))
    return str(format_timedelta(minutes, threshold=2, locale=locale))
