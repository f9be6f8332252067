"""The text of a message that the model scores (`prepare`, used in training and in serving): its words and findings
about its form. Also a digest of this preparation and of the word lists."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from string import digits

from backend.domain.mail.letters import Deobfuscated, deobfuscate
from backend.domain.mail.message import Message, Owner, clean, may_match
from backend.domain.mail.mime import parse
from backend.domain.mail.quoting import Sections, sections
from backend.domain.mail.sender import is_free_mail, organisational_domain
from backend.domain.mail.visible import Visible, visible
from backend.domain.reading import lexicon
from backend.domain.reading.mending import BROKEN, mend
from backend.domain.reading.words import PhraseHit, concepts, find_phrases, language, tokens

# ---- Findings about form
# From headers, links, markup and layout. Each is one token `f_…`. A mail's own text cannot contain such a token,
# because its underscores are replaced by spaces first.


_RE = re.compile(r"^\s*+(?:re|aw|antw|sv|vs|odp|res|rif|ref|r)\s*+(?:\[\d++\]\s*+)?:", re.I)
_FWD = re.compile(r"^\s*+(?:fwd?|wg|tr|rv|enc|i|doorst|pd|vb)\s*+:", re.I)
_BOOKING = re.compile(
    r"calendly\.|cal\.com/|meetings\.hubspot|meetings-eu|savvycal|chilipiper|youcanbook|zcal\.|tidycal"
    r"|oncehub|acuityscheduling"
    r"|calendar\.app\.google|outlook\.office365?\.com/(?:book|owa)|koalendar|zeeg\.|/(?:book|meet|schedule"
    r"|termin|demo)(?:[/?-]|$)",
    re.I,
)
_UNSUBSCRIBE = re.compile(
    r"unsub|opt-?out|abmeld|austrag|desinscri|désinscri|desabonn|désabonn|baja|disiscri|cancella|uitschrijv"
    r"|afmeld|wypisz|odhlas|avregistr",
    re.I,
)
_UNSUBSCRIBE_HINTS_TEXT = """
unsub opt abmeld austrag desinscri desabonn baja disiscri cancella uitschrijv afmeld wypisz odhlas avregistr
"""
_UNSUBSCRIBE_HINTS = tuple(_UNSUBSCRIBE_HINTS_TEXT.split())
_TRACKED = re.compile(
    r"[?&](?:utm_|_t=|mc_|trk|hs|e=|m=)|/(?:click|track|trk|ls|wf|e/c|u/click)(?:[/?]|$)|^https?://(?:click"
    r"|links?|track|trk|go|email|t|url\d+)\.",
    re.I,
)
_OUTREACH = re.compile(
    r"outreach|salesloft|lemlist|apollo|instantly|smartlead|mailshake|woodpecker|reply\.io|yesware|mixmax"
    r"|gmass|hubspot|klenty|quickmail|snov|saleshandy|waalaxy|overloop|cold|sequence",
    re.I,
)
_NO_REPLY = re.compile(
    r"no-?_?reply|do-?not-?reply|notif|alert|mailer|bounce|noreply|automat|system|robot|nicht-?antwort", re.I
)
_ROLE_WORDS = """
info contact kontakt hello office mail admin sales support team kontakt@ contacto contato office biuro buero
post enquiries orders service hi jobs press
"""
_ROLE = frozenset(_ROLE_WORDS.split())
_MERGE = re.compile(
    r"\{\{?[^{}]{1,40}\}?\}|\[(?:first|last|company|vor|nach|firma|prénom|nombre)[^\]]{0,30}\]"
    r"|%[a-z_]{3,20}%|<<[^<>]{2,30}>>|\bhi (?:,|there,)|\$\{[^}]{1,30}\}",
    re.I,
)
_MERGE_HINTS = ("{", "[", "%", "<<", "hi ,", "hi there,")
_BULLET = re.compile(r"^[^\S\n]*+(?:[-•*·▪✓✅→]|\d[.)])\s++\S", re.M)
_ADVERT_DOMAIN = re.compile(
    r"^(?:get|try|use|join|with|hello|meet)[a-z]{4,}|[a-z](?:hq|app|hub|now|online)\.", re.I
)
_LINK = re.compile(r"https?://[^\s<>\"')\]]{3,300}")
_NEW_TOP_DOMAINS_TEXT = """
agency app biz blog business club consulting digital email events expert global group guru health info life live
marketing media network online partners press pro services shop site solutions space store studio support systems
tech today tools top top website work works world xyz
"""
_NEW_TOP_DOMAINS = frozenset(_NEW_TOP_DOMAINS_TEXT.split())
# Finer classes overfit to single writers: with them, all ordinary mail of a writer who was not in the training data
# scored too high or too low.
_LENGTHS = (4, 25, 400)
_SUBJECT_LENGTHS = (0, 2)


def form_tokens(
    message: Message, owner: Owner, parts: Sections, html: Visible | None, words: int
) -> list[str]:
    """The `f_…` tokens of `message`. `html` is what its HTML shows, if it has any; `words` counts the words of its
    own text."""
    found = {
        *_thread(message, owner, parts),
        *_bulk(message, parts),
        *_sender(message, owner),
        *_recipient(message, owner),
        *_markup(message, html),
        *_shape(message, parts, words),
    }
    return sorted(f"f_{name}" for name in found)


def _thread(message: Message, owner: Owner, parts: Sections) -> Iterator[str]:
    is_reply = bool(message.in_reply_to or message.references)
    quotes_owner = _mentions(parts.attribution, owner.addresses, owner.name)
    quotes_self = _mentions(parts.attribution, {message.sender.address}, message.sender.name)
    if quotes_owner:
        yield "quotes_owner"
    if quotes_self:
        yield "quotes_self"
    if parts.quoted and not quotes_owner and not quotes_self:
        yield "quotes_other"
    if parts.forwarded or _FWD.match(message.subject):
        yield "forward"
    # Reply headers are easily forged, so they are never a sign of ordinary mail. They only explain a "Re:" in the
    # subject. Whether the owner really took part in the thread is checked by the policy table.
    if _RE.match(message.subject) and not is_reply:
        yield "re_quoting" if parts.quoted else "re_unanswered"


def _mentions(text: str, addresses: set[str] | frozenset[str], name: str) -> bool:
    text = text.lower()
    if not text:
        return False
    if any(address and address in text for address in addresses):
        return True
    pieces = [p for p in re.findall(r"[^\W\d_]{3,}", name.lower()) if p not in ("the", "von", "van", "team")]
    return bool(pieces) and all(p in text for p in pieces[-1:])


def _bulk(message: Message, parts: Sections) -> Iterator[str]:
    headers = message.headers
    if "List-Unsubscribe" in headers:
        yield "unsubscribe_header"
    if "List-Unsubscribe-Post" in headers:
        yield "unsubscribe_one_click"
    if "List-Id" in headers:
        yield "mailing_list"
    if headers.first("Precedence").lower() in ("bulk", "list", "junk") or "Feedback-ID" in headers:
        yield "bulk_header"
    if headers.first("Auto-Submitted", "no").lower() != "no":
        yield "automatic"
    mailer = headers.first("X-Mailer").strip().lower()
    if _OUTREACH.search(mailer):
        yield "outreach_tool"
    elif _is_host(mailer):
        # Mail programs write their name into X-Mailer, servers that send lists write their host name.
        yield "mailer_host"
        if organisational_domain(mailer) == organisational_domain(message.sender.domain):
            yield "mailer_own_host"
    elif mailer:
        yield "mailer_named"
    ending = parts.own[-600:] + parts.signature[-600:]
    if may_match(ending, _UNSUBSCRIBE_HINTS) and _UNSUBSCRIBE.search(ending):
        yield "unsubscribe_line"


def _is_host(mailer: str) -> bool:
    labels = mailer.split(".")
    named = all(label.replace("-", "").isalnum() for label in labels)
    return 2 < len(labels) < 7 and named and labels[-1].isalpha()


def _sender(message: Message, owner: Owner) -> Iterator[str]:
    sender = message.sender
    # Left out on purpose: free mail and digits in the address. They say where and how people live, not what they want.
    if _ADVERT_DOMAIN.search(organisational_domain(sender.domain)):
        yield "campaign_domain"
    if _NO_REPLY.search(sender.local):
        yield "no_reply_sender"
    if sender.local.rstrip(digits) in _ROLE:
        yield "role_sender"
    if sender.domain.rpartition(".")[2] in _NEW_TOP_DOMAINS:
        yield "new_domain_ending"
    other = {a.domain for a in message.reply_to if a.domain} - {sender.domain}
    if other:
        yield "reply_to_elsewhere"


def _recipient(message: Message, owner: Owner) -> Iterator[str]:
    addressed = {a.address for a in (*message.to, *message.cc)}
    if not addressed & owner.addresses:
        yield "not_to_owner"
    if len(addressed) > 1:
        yield "several_recipients"
    if owner.email.partition("@")[0] in _ROLE:
        yield "to_role_address"


def _markup(message: Message, html: Visible | None) -> Iterator[str]:
    links = list(html.links) if html else []
    if "://" in message.text:
        links += _LINK.findall(message.text)[:100]
    if links:
        yield "links_many" if len(links) > 8 else "links"
        if any(map(_BOOKING.search, links)):
            yield "booking_link"
        if any(map(_UNSUBSCRIBE.search, links)):
            yield "unsubscribe_link"
        if any(map(_TRACKED.search, links)):
            yield "tracked_link"
    if message.attachments:
        yield "attachment"
    if html is None:
        return
    yield "html_rich" if html.tables > 1 or html.images > 2 else "html"
    if not message.text.strip():
        yield "html_only"
    if html.pixels:
        yield "pixel"
    if html.hidden:
        yield "hidden_text"
    if html.much_hidden:
        yield "hidden_much"
    if html.images and len(html.text) < 200:
        yield "image_mail"


def _shape(message: Message, parts: Sections, words: int) -> Iterator[str]:
    yield length_token(words).removeprefix("f_")
    yield f"subject_{sum(len(message.subject.split()) > limit for limit in _SUBJECT_LENGTHS)}"
    subject = _FWD.sub("", _RE.sub("", message.subject)).strip()
    if subject and subject == subject.lower() and not re.search(r"[\u0600-\uffff]", subject):
        yield "subject_lower"
    # Left out on purpose: questions. Half of the pitches and half of the ordinary mail ask one.
    if "!" in parts.own:
        yield "exclaims" if parts.own.count("!") > 2 else "exclaim"
    whole = f"{message.subject}\n{parts.own}"
    if may_match(whole, _MERGE_HINTS) and _MERGE.search(whole):
        yield "merge_field"
    if _BULLET.search(parts.own):
        yield "bullets"
    if parts.signature:
        yield "signature" if parts.signature.count("\n") < 3 else "signature_long"


def length_token(words: int) -> str:
    """The token for the length of a text of `words` words."""
    return f"f_length_{sum(words > limit for limit in _LENGTHS)}"


# ---- The text that is scored
# One function, `prepare`, for training and for serving. The result is lower-case words separated by single spaces, so
# that any tokeniser that splits at what is neither letter, digit nor underscore gets exactly these tokens. Links,
# numbers and names are replaced by classes (`u_link`). Prefixes mark tokens that are not plain words of the mail:
# g_ q_  words of the signature and of quoted mail
# c_     concepts, the same in every language
# s_     first five letters of longer words
# t_     phrases of the lexicon
# f_     findings about form


MAX_OWN_WORDS = 900
MAX_SIGNATURE_WORDS = 80
MAX_QUOTED_WORDS = 200
MAX_SUBJECT_WORDS = 40
STEM = 5
_NAME = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class ModelInput:
    """What the model reads of a message: its words, the phrases found in them, and the tokens about form.

    `words` are the subject and the own text (`own` words; a question mark counts as one), then "." and the signature;
    `hits` point into them. `quoted` are words of earlier mail.
    """

    words: tuple[str, ...]
    own: int
    quoted: tuple[str, ...]
    hits: tuple[PhraseHit, ...]
    form: tuple[str, ...]
    language: str


def model_input(message: Message, owner: Owner) -> ModelInput:
    """What the model reads of a message, up to limits. Never raises."""
    return message_texts(message, owner).whole


@dataclass(frozen=True, slots=True)
class MessageTexts:
    """All texts of a message that can be scored.

    `whole` is what most mail programs show; `subject` its subject line, `own` its own text; `body`, `signature` and
    `quoted` are the tokens of its sections, uncut. `plain` is the plain text if it differs from the HTML; `unseen` is
    text that the HTML hides; `strands` and `columns` are those of `Visible`; `names` is the result of `names_of`.
    `cut`: the HTML was longer than what is read.
    """

    whole: ModelInput
    subject: str
    body: Sequence[str]
    signature: Sequence[str]
    quoted: Sequence[str]
    own: str
    plain: str
    unseen: str
    strands: tuple[str, ...]
    columns: tuple[str, ...]
    names: dict[str, str]
    cut: bool


def message_texts(message: Message, owner: Owner) -> MessageTexts:
    """Read the texts from which `passages` chooses."""
    html = visible(message.html) if message.html else None
    plain = deobfuscated(message.text)
    shown = _shown(message, html, plain)
    parts = sections(shown.text, message.sender.name)
    names = names_of(message, owner)
    language_code = language(f"{message.subject} {parts.own or parts.quoted}")
    body = tokens(parts.own, names)
    signature, quoted = tokens(parts.signature, names), tokens(parts.quoted, names)
    subject = deobfuscated(message.subject)
    own = [*tokens(subject.text, names)[:MAX_SUBJECT_WORDS], *body[:MAX_OWN_WORDS]]
    words = (*own, ".", *signature[:MAX_SIGNATURE_WORDS])
    found = shown.findings | subject.findings
    form = form_tokens(message, owner, parts, html, len(body) - body.count("?"))
    whole = ModelInput(
        words=words,
        own=len(own),
        quoted=tuple(quoted[:MAX_QUOTED_WORDS]),
        hits=tuple(find_phrases(words, language_code)),
        form=(*form, *sorted(f"f_{name}" for name in found), f"f_language_{language_code}"),
        language=language_code,
    )
    other = plain.text if shown is not plain and _says_more(plain.text, shown.text) else ""
    html = html or Visible()
    return MessageTexts(
        whole=whole,
        subject=subject.text,
        body=body,
        signature=signature,
        quoted=quoted,
        own=parts.own,
        plain=other,
        unseen=html.unseen,
        strands=html.strands,
        columns=html.columns,
        names=names,
        cut=html.cut,
    )


def deobfuscated(text: str) -> Deobfuscated:
    """A text as a person reads it: look-alike letters and disguised words replaced by plain ones."""
    found = deobfuscate(text)
    mended, repaired = mend(found.text)
    return Deobfuscated(mended, found.findings | {BROKEN}) if repaired else found


_LONGER_WORD = re.compile(r"[^\W\d_]{3,}")
_OTHER_WORDS = 12


def _says_more(text: str, than: str) -> bool:
    """Whether `text` has a dozen words, and a quarter of all its words, that `than` lacks."""
    own = set(_LONGER_WORD.findall(_LINK.sub(" ", text).lower()))
    more = own - set(_LONGER_WORD.findall(than.lower())) if own else own
    return len(more) >= _OTHER_WORDS and 4 * len(more) >= len(own)


def prepare(message: Message, owner: Owner) -> str:
    """The text to score. At most about 3,500 tokens, however long the mail is."""
    return model_text(model_input(message, owner))


def model_text(reading: ModelInput) -> str:
    """The text to score, from what the model reads of a message."""
    own, signature = reading.words[: reading.own], reading.words[reading.own + 1 :]
    plain = [word for word in own if word != "?"]
    found = [*plain]
    found += [f"g_{word}" for word in signature if word != "?"]
    found += [f"q_{word}" for word in reading.quoted if word != "?"]
    found += [f"s_{token[:STEM]}" for token in found if len(token) > STEM and token[1] != "_"]
    found += concepts(own, reading.language)
    found += sorted(f"t_{hit.finding}" for hit in reading.hits)
    found += reading.form
    return " ".join(found)


def body(message: Message) -> str:
    """The text that a reader of `message` sees, as `score.marks` expects it."""
    return _shown(message, visible(message.html) if message.html else None, deobfuscated(message.text)).text


def _shown(message: Message, html: Visible | None, plain: Deobfuscated) -> Deobfuscated:
    """What a reader sees: the HTML if there is any with text in it, else the plain text."""
    if html is None or (len(html.text) <= 20 and plain.text.strip()):
        return plain
    text, repaired = mend(html.text)
    return Deobfuscated(text, html.findings | ({BROKEN} if repaired else frozenset()))


def names_of(message: Message, owner: Owner) -> dict[str, str]:
    """The words of the names of sender, owner and their companies → the class that replaces them."""
    sender = message.sender
    named = next((a.name for a in (*message.to, *message.cc) if a.address in owner.addresses and a.name), "")
    classes: dict[str, str] = {}
    for text, token in (
        (_company_name(sender.domain), "x_firm"),
        (sender.name, "x_name"),
        (_company_name(owner.domain), "o_firm"),
        (f"{owner.name} {named}", "o_name"),
    ):
        for word in _NAME.findall(clean(text).lower()):
            classes[word] = token
    return classes


@lru_cache(maxsize=1_000)
def _company_name(domain: str) -> str:
    """The name in a company's domain; "" for a mail provider's."""
    return "" if is_free_mail(domain) else organisational_domain(domain).partition(".")[0]


# ---- The version of this preparation
# A model works only with the lexicon and the preparation of texts it was trained with.


_OWNER = Owner("anna.berg@northwind-tools.test", "Anna Berg")
_BREAK = "=" * 20


@cache
def reading_digest() -> str:
    """SHA-256 over the lexicon's files and over the prepared texts of the messages in `specimens.txt`.

    The specimens cover every step of the preparation. Takes some milliseconds, once.
    """
    found = hashlib.sha256(lexicon.lexicon_hash().encode())
    text = files("backend.domain.reading").joinpath("specimens.txt").read_text(encoding="utf-8")
    for specimen in text.split(f"{_BREAK}\n"):
        message = parse(specimen.replace("\n", "\r\n").encode())
        found.update(f"{prepare(message, _OWNER)}\n".encode())
        found.update(" ".join(language(line) for line in specimen.splitlines()).encode())
    return found.hexdigest()
