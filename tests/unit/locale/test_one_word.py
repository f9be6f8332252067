"""One word a thing in each language, on every screen, and the marks of that language."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import backend
import tray_app
from backend.locale import LANGUAGES

QUOTES = {"en": "“”", "de": "„“", "es": "«»", "fr": "«»", "pt": "«»"}
OTHERS = {
    "en": {"pitch": "as sales|is sales", "check": r"\bcaptcha\b", "email": r"\bmails\b|\be-mail"},
    "de": {
        "Werbung (a pitch)": "Werbeangebot|Verkaufsangebot",
        "Prüfung (the check)": r"\bAufgabe\b|Captcha",
        "Durchsicht (the page)": "Prüfseite|Prüffenster",
        "Computer": r"\bRechner",
        "Zugriff": r"\bZugang\b",
        "Besitzer": r"\bInhaber|\bEigentümer",
        "Demo": "Vorführung",
        "sperren": r"\b[Bb]lockieren\b",
        "Sie": r"\b(du|dein|deine|dir|dich)\b",
    },
    "es": {
        "oferta (a pitch)": "propuesta comercial|publicidad no|la publicidad",
        "comprobación (the check)": r"\bdesafío|captcha",
        "cifras (digits)": r"\bdígitos",
        "mensaje": r"\bcorreos\b",
        "evaluar": r"\b[Jj]uzg",
        "propietario": r"\btitular(es)?\b",
        "usted": r"\b(tú|tus|te|contigo|mira|inténtalo)\b",
    },
    "fr": {
        "offre (a pitch)": "démarchage",
        "vérification (the check)": r"\bdéfi\b|captcha",
        "note (a score)": r"\bscores?\b",
        "message": r"(?<!adresse )\b[Ee]-mail|courriel",
        "évaluer": r"\bjugé|\b[Jj]uger\b",
        "Retenus (the page)": "page de revue|page de tri",
        "propriétaire": "titulaire",
        "vous": r"\b(tu|ton|tes|toi)\b",
    },
    "pt": {
        "proposta (a pitch)": r"proposta de venda|como publicidade",
        "verificação (the check)": r"\bdesafio|captcha",
        "mensagem": r"(?<!endereço de )(?<!serviço de )(?<!\.)\be-?mails?\b",
        "desfazer": r"\b[Aa]nular",
        "pesquisar": r"\b[Pp]rocurar\b",
        "dono": "proprietário",
        "suplemento": r"complemento\b(?! a acrescentar)",
        "o senhor, unspoken": r"\b(você|vocês|tu|teu|tua)\b",
        "European spelling": r"\b(tela|usuário|celular|salvar|registro|contato)s?\b",
    },
}
"""For each thing, named by its one word, the words that are not used for it."""
QUOTING = "connect.scope_"
"""Sentences that quote Google's own consent page."""


@cache
def texts(language: str) -> dict[str, str]:
    found = {}
    for package in (backend, tray_app):
        folder = Path(package.__file__).parent
        with (folder / "locale" / f"{language}.po").open("rb") as file:
            for message in read_po(file):
                if message.id:
                    name = message.id if isinstance(message.id, str) else message.id[0]
                    forms = (message.string,) if isinstance(message.string, str) else message.string
                    found[f"{folder.name}: {name}"] = re.sub(r"\{\w*\}", "0", "\n".join(forms))
    return {name: text for name, text in found.items() if QUOTING not in name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_thing_has_one_word(language: str) -> None:
    wrong = {
        f"{thing}: {name}": text
        for thing, others in OTHERS.get(language, {}).items()
        for name, text in texts(language).items()
        if re.search(others, text)
    }
    assert wrong == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_marks_are_those_of_the_language(language: str) -> None:
    foreign = "".join(sorted(set("“”„«»") - set(QUOTES.get(language, "“”„«»"))))
    spaced = "[:;!?»%](?!\\w)" if language == "fr" else "[%]"
    marks = rf"[{foreign}]|(?<=\w)'(?=\w)|\.\.\.(?!\Z)|(?<=\S) {spaced}" + ("|« " if language == "fr" else "")
    assert {name: text for name, text in texts(language).items() if re.search(marks, text)} == {}
