"""What strangers reach, as pairs: what makes a spoiled input, and what takes it.

Taking one ends well or with the refusal its function is known for; anything else it raises is a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from backend.domain.challenge_mail import compose
from backend.domain.digesting import limit_of, show
from backend.domain.errors import Refused
from backend.domain.history import read_push
from backend.domain.mail.machine_mail import form_of, is_bounce, is_challenge, unsubscribe_offer
from backend.domain.mail.message import (
    Address,
    Arrival,
    Headers,
    Message,
    Owner,
    addresses,
    decode_words,
    message_ids,
)
from backend.domain.mail.mime import parse
from backend.domain.mail.quoting import is_decline
from backend.domain.mail.sender import authenticate, signing_domains
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.rules import read_list
from backend.domain.reading.passages import passages
from backend.domain.reading.score import PITCH_WORDS, Reason, Score, with_quotes
from backend.domain.reading.words import language
from backend.gmail import arrivals
from backend.gmail.callers import GoogleTokens, PushVerifier
from backend.gmail.executor import AnswerUnreadable
from backend.pipeline import account as restoring
from backend.pipeline.act import challenge_wording
from backend.settings import Settings
from backend.web.addon_routes import read_event
from tests.fuzz import mutate, seeds

OWNER = Owner(seeds.OWNER, "Priya Raman")
LARGE = 0.002
"""How often an email begins as one of `seeds.large_messages`."""


@dataclass(frozen=True, slots=True)
class Target:
    """A function that reads mail; `share` of all inputs go to it."""

    share: float
    make: Callable[[Random], Any]
    take: Callable[[Any], None]


def _a_mail(random: Random) -> bytes:
    pool = seeds.large_messages() if random.random() < LARGE else seeds.messages()
    return mutate.spoiled(random.choice(pool), seeds.messages(), random)


def _mail(raw: bytes) -> None:
    message = parse(raw)
    _walk(Arrival("1", "1", frozenset(), seeds.NOW, message, len(raw)))


def _gmail_payload(data: object) -> None:
    with suppress(AnswerUnreadable):
        _walk(arrivals.arrival(data if isinstance(data, dict) else {}))
    with suppress(AnswerUnreadable):
        _walk(arrivals.read_briefly(mutate.written(data)))


def _a_disguise(random: Random) -> Message:
    """A pitch in one of the disguises, spoiled where its text, markup and style stand."""
    message = random.choice(seeds.disguises())
    texts = (message.text, message.html or "", *message.further_texts)
    text, html, *beside = (_spoiled_text(said, random) for said in texts)
    return replace(message, text=text, html=html or None, further_texts=tuple(beside))


def _spoiled_text(text: str, random: Random) -> str:
    others = seeds.disguised_texts()
    return mutate.spoiled(text.encode(), others, random).decode("utf-8", "replace") if text else text


def _disguise(message: Message) -> None:
    _walk(Arrival("1", "1", frozenset(), seeds.NOW, message, 1))


def _walk(arrival: Arrival) -> None:
    """Everything the domain asks about an arrived message."""
    message = arrival.message
    seen = passages(message, OWNER)
    limit_of(message, seen[0])
    reading = seen[0].model_input
    score = Score(0.9, 2.0, (Reason("phrase.asks_call", 1.0), Reason(PITCH_WORDS, 0.5, reading.words[:2])))
    with_quotes(score, reading, seen[0].own)
    show(message, OWNER, score)
    form_of(arrival, OWNER)
    is_bounce(message)
    is_challenge(message)
    is_decline(message.text)
    unsubscribe_offer(message)
    authenticate(message)
    with suppress(Refused):
        compose(
            arrival=arrival,
            owner=OWNER,
            link="https://gate.test/c/" + "t" * 32,
            explained="https://gate.test/#how",
            message_id="<1.2@ledger.test>",
            marker="m1",
            wording=challenge_wording(language(message.text), seeds.NOW + timedelta(days=14), 3),
            own="",
            now=seeds.NOW,
        )


def _a_document(value: mutate.Json, random: Random) -> bytes:
    data = mutate.written(mutate.spoiled_json(value, random))
    return mutate.spoiled(data, (), random) if random.random() < 0.3 else data


def _envelope(data: bytes) -> None:
    _, found = read_push(data)
    if found is not None:
        found.email.encode()
        assert len(found.email) <= 400
        assert found.history_id.isdigit()


def _a_token(random: Random) -> bytes:
    return mutate.spoiled(random.choice(seeds.push_tokens()), seeds.push_tokens(), random)


def _push_token(token: bytes) -> None:
    with suppress(Refused):
        _finish(_VERIFIER.verify_push(token.decode("latin-1"), "projects/acme/subscriptions/gmail-push"))


def _a_result(random: Random) -> Message:
    value = mutate.spoiled(random.choice(seeds.RESULTS), seeds.RESULTS, random).decode("utf-8", "replace")[
        :20_000
    ]
    fields = (("Received", "from x by mx.google.com with ESMTPS"), ("Authentication-Results", value))
    sender = random.choice(("ann@corp.test", "x@b\u00fccher.test", "", value[:80]))
    return Message(Headers(fields), (Address(sender.lower()),))


def _authentication(message: Message) -> None:
    authenticate(message)
    signing_domains(message)


def _addon_event(data: object) -> None:
    read_event(data).lacks(frozenset({"a"}))


def _archive(content: bytes) -> None:
    with suppress(Refused):
        data, _ = restoring._checked(content)
        about = data.get("mailbox")
        restoring._preferences(about if isinstance(about, dict) else {})


def _a_text(random: Random) -> str:
    text = mutate.spoiled(random.choice((*seeds.LISTS, *seeds.MESSAGES[:5])), seeds.LISTS, random)
    return text.decode("utf-8", "replace")[:20_000]


def _lists_and_fields(value: str) -> None:
    with suppress(Refused):
        read_list(value, RuleKind.ALLOW)
    addresses(decode_words(value))
    message_ids(value)


class _Keys:
    async def key(self, kid: str) -> RSAPublicKey | None:
        return seeds.SIGNER.public_key() if kid == "k1" else None


class _Clock:
    def now(self) -> object:
        return seeds.NOW


_SETTINGS = Settings(
    push_audience=seeds.AUDIENCE,
    push_account=seeds.ACCOUNT,
    subscription="projects/acme/subscriptions/gmail-push",
)
_VERIFIER = PushVerifier(_SETTINGS, GoogleTokens(cast(Any, _Keys()), cast(Any, _Clock()), 30.0))


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run what never waits for anything."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")


TARGETS = {
    "email": Target(0.10, _a_mail, _mail),
    "disguise": Target(0.05, _a_disguise, _disguise),
    "gmail payload": Target(
        0.05, lambda random: mutate.spoiled_json(seeds.payload(), random), _gmail_payload
    ),
    "push envelope": Target(
        0.15, lambda random: _a_document(random.choice(seeds.pushes()), random), _envelope
    ),
    "push token": Target(0.10, _a_token, _push_token),
    "authentication-results": Target(0.10, _a_result, _authentication),
    "add-on event": Target(0.15, lambda random: mutate.spoiled_json(seeds.event(), random), _addon_event),
    "archive": Target(0.05, lambda random: _a_document(seeds.archive(), random), _archive),
    "lists and fields": Target(0.10, _a_text, _lists_and_fields),
}
