"""Splits a mail's text into what its sender wrote, the signature and the quoted earlier mail; and recognises short
refusals ("no thanks")."""

from __future__ import annotations

import re
from dataclasses import dataclass

# "On … wrote:" in many languages. The name stands in the middle, so only the ends are fixed.
_WROTE = re.compile(
    r"(?:^|\s)(?:wrote|schrieb(?:en)?|a écrit|ha scritto|escribió|escreveu|schreef|geschreven"
    r"|napisał(?:\(a\)|a)?"
    r"|napsal(?:\(a\)|a)?|skrev|skrifaði|kirjoitti)\b",
    re.I,
)
_ON = re.compile(r"^(?:am|on|le|el|em|il|op|dne|den|w dniu)\b", re.I)
_LONGEST_ATTRIBUTION = 400
"""Characters; a longer line is a paragraph. This also bounds the time these patterns take."""
_MOST_LINES = 10_000
"""Lines in which the beginning of earlier mail is looked for; if it is not among them, all text is the sender's own."""

_ORIGINAL = re.compile(
    r"^\s*[-_*=]{2,}\s*(?:original|forwarded|ursprüngliche|weitergeleitete|message (?:d'origine|transféré)"
    r"|mensaje (?:original|reenviado)|mensagem (?:original|encaminhada)|messaggio (?:originale|inoltrato)"
    r"|oorspronkelijk|doorgestuurd|wiadomość oryginalna|přeposlaná|původní|vidarebefordrat|ursprungligt)",
    re.I,
)
_FORWARD = re.compile(
    r"forward|weitergeleit|transfér|reenviad|encaminhad|inoltrat|doorgestuurd|przekazan|přeposl|vidarebef",
    re.I,
)
_FROM = re.compile(r"^\W{0,4}(?:from|von|de|da|van|od|från|fra)\s*:\s*\S", re.I)
_SENT = re.compile(
    r"^\W{0,4}(?:sent|date|to|subject|gesendet|datum|an|betreff|envoyé|date|à|objet|enviado|fecha|data|para"
    r"|asunto|assunto"
    r"|inviato|oggetto|a|verzonden|aan|onderwerp|wysłano|do|temat|odesláno|komu|předmět|skickat|till"
    r"|ämne)\s*:",
    re.I,
)
_CLOSING = re.compile(
    r"^\W{0,3}(?:(?:kind|best|warm(?:est)?|many|with)?\s*(?:regards|wishes|thanks)|best|cheers|sincerely"
    r"|yours(?: truly| sincerely)?|thanks|thank you"
    r"|(?:mit )?(?:freundliche[nm]?|beste[nm]?|viele[nm]?|herzliche[nm]?|liebe[nm]?|schöne[nm]?) (?:grü(?:ß"
    r"|ss)e?n?|gruß)|vg|lg|mfg|gruß"
    r"|cordialement|bien (?:à (?:vous|toi)|cordialement)|(?:meilleures|sincères) salutations|à bientôt"
    r"|(?:un )?(?:cordial )?saludos?(?: cordial(?:es)?)?|atentamente|un abrazo"
    r"|(?:com os )?(?:melhores )?cumprimentos|atenciosamente|abraços?|obrigad[oa]"
    r"|(?:cordiali|distinti|un) salut[io]|cordialmente|grazie|a presto"
    r"|(?:met )?(?:vriendelijke|hartelijke) groet(?:en)?|groet(?:en|jes)?|mvg"
    r"|(?:z poważaniem|pozdrawiam|pozdrowienia|z wyrazami szacunku)|(?:s (?:pozdravem|přátelským pozdravem)"
    r"|hezký den|zdraví)"
    r"|(?:med )?(?:vänliga|bästa|vänlig) hälsning(?:ar)?|hälsningar|mvh)\b[\s,.!]*$",
    re.I,
)  # fmt: skip
_DASHES = re.compile(r"^\s*(?:--|—|__+|–)\s*$")
_SENT_FROM_PHONE = re.compile(
    r"^sent from my|^von meinem|^envoyé de mon|^enviado desde|^inviato da|^verstuurd vanaf|^skickat från",
    re.I,
)
_QUOTE_MARKS = re.compile(r"^(?:\s*+>)++\s?")
_NAME = re.compile(r"[^\W\d_]{2,}")
_DIGIT = re.compile(r"\d")
_SIGNATURE_LINES = 14


@dataclass(frozen=True, slots=True)
class Sections:
    """`own`: what the sender wrote. `signature`: what follows the closing. `quoted`: earlier mail, without its ">".

    `attribution` is the line that introduces the quote ("On … wrote:"), "" if there is none; `forwarded` is True if
    the earlier mail was forwarded rather than answered.
    """

    own: str
    signature: str = ""
    quoted: str = ""
    attribution: str = ""
    forwarded: bool = False


def sections(text: str, signer: str = "") -> Sections:
    """Split `text`. Never raises; without any sign of other parts all of it is `own`.

    `signer` is the sender's display name: a line with nothing but this name ends the own text too.
    """
    names = frozenset(_NAME.findall(signer.lower()))
    lines = text.split("\n")
    start, attribution, forwarded = _find_earlier_mail(lines)
    attribution = attribution.strip()
    own, signature = _signature(lines[:start], names)
    tail = lines[start:]
    quoted = [_QUOTE_MARKS.sub("", line) for line in tail]
    # Answers written between quoted lines are the sender's own words too.
    if not forwarded and any(line.lstrip().startswith(">") for line in tail):
        between = [line for line in tail if line.strip() and not line.lstrip().startswith(">")]
        of_quote = (_is_attribution, _ORIGINAL.match, _FROM.match, _SENT.match)
        extra = [
            line for line in between if line.strip() != attribution and not any(m(line) for m in of_quote)
        ]
        if extra:
            more, below = _signature(extra, names)
            own, signature = [*own, *more], [*signature, *below]
        quoted = [_QUOTE_MARKS.sub("", line) for line in tail if line.lstrip().startswith(">")]
    return Sections(
        "\n".join(own).strip(),
        "\n".join(signature).strip(),
        "\n".join(quoted).strip(),
        attribution,
        forwarded,
    )


def _is_attribution(line: str) -> bool:
    """Whether a line introduces a quote: it ends in "wrote:", or begins with "on" and ends with an address."""
    line = line.rstrip()
    if len(line) >= _LONGEST_ATTRIBUTION or not line:
        return False
    if line.endswith(":") and any(match.end() >= len(line) - 201 for match in _WROTE.finditer(line)):
        return True
    if "@" not in line:
        return False
    begun = _ON.match(line)
    last = line.removesuffix(":").removesuffix(">").split()[-1:]
    at = line.rfind(last[0]) + last[0].find("@") if begun and last and "@" in last[0] else 0
    return begun is not None and begun.end() + 6 <= at <= begun.end() + 240


def _find_earlier_mail(lines: list[str]) -> tuple[int, str, bool]:
    """(index of the first line of earlier mail, attribution, forwarded); the index is the number of lines if there
    is none."""
    for i, line in enumerate(lines[:_MOST_LINES]):
        bare = line.lstrip("> ").rstrip()
        if not bare:
            continue
        if _ORIGINAL.match(bare[:200]):
            named = next((x for x in lines[i + 1 : i + 8] if _FROM.match(x.lstrip("> "))), "")
            return i, named or bare, bool(_FORWARD.search(bare[:80]))
        if (
            ":" in bare
            and _FROM.match(bare[:200])
            and any(_SENT.match(x.lstrip("> ")[:80]) for x in lines[i + 1 : i + 4])
        ):
            return i, bare, False
        joined = f"{bare} {lines[i + 1].lstrip('> ').strip()}" if i + 1 < len(lines) else bare
        for candidate in (bare, joined):
            if _is_attribution(candidate) and _DIGIT.search(candidate):
                return i, candidate, False
        if line.lstrip().startswith(">"):
            return i, "", False
    return len(lines), "", False


def _signature(lines: list[str], names: frozenset[str]) -> tuple[list[str], list[str]]:
    last = len(lines)
    while last and not lines[last - 1].strip():
        last -= 1
    for i in range(max(0, last - _SIGNATURE_LINES), last):
        line = lines[i].strip()
        if _DASHES.match(lines[i]) or _SENT_FROM_PHONE.match(line):
            return lines[:i], lines[i:last]
        if i > 0 and (_CLOSING.match(line) or _is_name(line, names)):
            return lines[: i + 1], lines[i + 1 : last]
    return lines[:last], []


def _is_name(line: str, names: frozenset[str]) -> bool:
    words = _NAME.findall(line.lower()) if len(line) < 50 else []
    return bool(words) and len(words) <= 3 and all(word in names for word in words)


def earlier_mail(text: str) -> int:
    """The offset at which earlier mail begins in `text`; its length if there is none."""
    lines = text.split("\n")
    start = _find_earlier_mail(lines)[0]
    return min(len(text), sum(len(line) + 1 for line in lines[:start]))


# ---- Short refusals
# An owner who writes "no thanks" to a seller does not make them a correspondent.


MAX_WORDS = 30
"""A longer answer counts as a conversation, whatever it says."""

MAX_LETTERS = 1_000
_REFUSAL = re.compile(
    r"\b(?:"
    # English
    r"no,? (?:thanks?|thank you|thx)|not (?:\w+ )?interested|no interest|unsubscribe|opt(?: me)? out"
    r"|(?:please )?(?:remove|take) (?:me|us|my (?:address|e-?mail)|this address)(?: off| from)?"
    r"|stop (?:e-?mailing|writing|contacting|sending|messaging)"
    r"|(?:do not|don'?t|never) (?:contact|e-?mail|write(?: to)?|message) (?:me|us)(?: again| any ?more)?(?=\W*$|[.,;!])"
    r"|(?:we|i)(?:'ll| will) pass|not for (?:us|me)|leave (?:me|us) alone|go away"
    # German
    r"|nein,? danke|danke,? nein|kein(?:erlei)? (?:interesse|bedarf)|(?:nicht|uns nicht|mich nicht) interessier\w*"
    r"|abmelden|abbestellen|keine weiteren (?:e-?mails?|mails?|nachrichten|anfragen|angebote)"
    r"|(?:nicht mehr|nicht weiter) (?:an)?(?:schreiben|kontaktieren|mailen)|aus (?:ihrem|dem|eurem) verteiler"
    # French
    r"|non,? merci|merci,? non|(?:pas|aucunement) intéressée?s?|aucun intérêt|désinscri\w*|désabonn\w*|desinscri\w*"
    r"|ne (?:me|nous) (?:contactez|écrivez|sollicitez)|ne plus (?:me|nous) (?:contacter|écrire|solliciter)"
    # Spanish
    r"|no,? (?:muchas )?gracias|gracias,? pero no|no (?:me|nos) interesa|no (?:estoy|estamos) interesad[oa]s?"
    r"|dar(?:me|nos)? de baja|de[ns]me de baja|no (?:me|nos) (?:escriba[ns]?|contacte[ns]?|envíe[ns]?)"
    # Portuguese
    r"|não,? (?:muito )?obrigad[oa]|obrigad[oa],? mas não|não (?:tenho|temos|há) interesse"
    r"|não (?:estou|estamos) interessad[oa]s?|cancelar (?:a )?(?:inscrição|subscrição)|descadastr\w*|remov(?:a|er)-me"
    # Italian
    r"|no,? grazie|grazie,? (?:ma )?no|non (?:mi|ci) interessa|non (?:sono|siamo) interessat[oaie]|nessun interesse"
    r"|cancellat?emi|cancellami|disiscri\w*|non (?:contattat|scrivet)emi"
    # Dutch
    r"|nee,? (?:dank|bedankt)\w*|geen (?:interesse|belangstelling|behoefte)|niet geïnteresseerd|uitschrijven|afmelden"
    r")\b",
    re.I,
)
_BARE_WORDS = 12
"""A "no" on a line of its own counts only in a text this short: greeting, "no", closing."""

_BARE = frozenset(
    {
        "no", "nope", "stop", "remove", "nein", "non", "nee", "não", "nao", "pass", "unsubscribe me", "stopp", "basta",
        "abmeldung", "baja",
    }
)  # fmt: skip
_CONTINUES = re.compile(
    r"\b(?:but|however|instead|maybe|perhaps|call me|let'?s|aber|jedoch|vielleicht|stattdessen|mais|peut-être|plutôt"
    r"|pero|quizás?|sin embargo|mas (?:gostaria|podemos|talvez)|porém|talvez|ma (?:forse|vorrei|possiamo)|invece|forse"
    r"|maar|misschien)\b",
    re.I,
)


def is_decline(text: str) -> bool:
    """Whether the text, without quoted mail, is a short refusal.

    A refusal that goes on ("no thanks, but ask me in May") keeps the conversation open, so it does not count.
    """
    lines = sections(text[:20_000].replace("’", "'")).own.split("\n")
    own = " ".join(" ".join(lines).split())
    count = len(own.split())
    if count > MAX_WORDS or len(own) > MAX_LETTERS or "?" in own:
        return False
    if count <= _BARE_WORDS and any(line.strip(" .!,;-–—").lower() in _BARE for line in lines):
        return True
    refusal = _REFUSAL.search(own)
    return refusal is not None and _CONTINUES.search(own, refusal.end()) is None
