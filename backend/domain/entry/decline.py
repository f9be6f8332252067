"""Short refusals: an owner who writes "no thanks" to a seller has not made them a correspondent."""

from __future__ import annotations

import re

from backend.domain.mail.quoting import sections

MAX_WORDS = 30
"""A longer answer counts as a conversation, whatever its words."""

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
"""A lone "no" on its own line counts only in a text this short: greeting, "no", closing."""

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
    """Whether the text, without its quoted part, is a short refusal.

    A refusal that continues ("no thanks, but ask me in May") keeps the conversation open, so it does not count.
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
